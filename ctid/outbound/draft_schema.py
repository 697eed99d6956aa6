"""The JSON Schema of a ticket draft, made from the model: docs/ticket-draft.schema.json.

`FIELDS` explains every field; docs/tickets.md tells the same to those who write templates.
"""

from types import MappingProxyType
from typing import Final

import orjson
from pydantic import TypeAdapter

from ctid.domain.drafts import (
    VERSION,
    AttemptPart,
    Caller,
    Contact,
    Draft,
    LineName,
    ReturnPart,
    ToFill,
    TransferPart,
    VisitPart,
)
from ctid.outbound.schema_words import explain
from ctid.store.drafts import DOCUMENT

ID: Final = f"urn:ctid:ticket-draft:{VERSION}"

_UNIX: Final = "Unix seconds, UTC"

FIELDS: Final = MappingProxyType(
    {
        Draft: {
            "key": "What the ticket is known by for ever: the same call never has another.",
            "site": "`site` of the configuration: which ctid made it.",
            "stage": "Where the call is: `talking`, `ended`, `to_return` (missed, somebody has to "
            "call back), `returned` (missed, and settled since).",
            "pbx": "Name of the PBX.",
            "uniqueid": "The call the ticket is about last, with `pbx` its identity.",
            "linkedid": "Asterisk's Linkedid of that call.",
            "direction": "`inbound`, `outbound` or `internal`.",
            "did": "The number that was dialled, as the PBX shows it.",
            "line": "The line that the ticket is for.",
            "caller": "Who calls.",
            "outcome": "How the visit to `line` ended; null while it is open.",
            "reason": "Why.",
            "started_at": f"When the call began. {_UNIX}.",
            "answered_at": f"When a human was first connected with the caller. {_UNIX}.",
            "ended_at": f"When the call was over. {_UNIX}.",
            "agent": "Who answered first.",
            "visits": "The call's visits to lines, oldest first.",
            "transfers": "How the caller was handed on, oldest first.",
            "attempts": "The calls of a caller who was missed, oldest first; else empty.",
            "call_back": "How the call-back stands; null where nobody was missed.",
            "recording": "Where the PBX keeps the recording.",
            "link": "Leads to the call; null where none is configured.",
            "priority": "Suggested: `normal` (一般), `important` (重要), `urgent` (紧急).",
            "due_at": f"By when something has to be done. {_UNIX}.",
            "to_fill": "What only the consultant can find out; always empty here.",
            "version": "Of this shape; it grows when a field changes its meaning or goes.",
        },
        LineName: {
            "name": "Key of the line.",
            "title": "As its callers know it.",
            "specialty": "What it is counted with.",
        },
        Caller: {
            "number": "As it arrived; null for an anonymous caller.",
            "e164": "The same in one form: `+8613800138000`, or the digits alone of what is no "
            "public number.",
            "name": "As the PBX gave it. It proves nothing.",
            "contact": "The caller's entry in the contact directory; null where there is none.",
        },
        Contact: {
            "customer": "Name of the customer.",
            "site": "Where that is.",
            "vip": "Whether it is somebody to be served first.",
            "line": "The line that they usually call.",
        },
        VisitPart: {
            "line": "Key of the line that was visited.",
            "outcome": "How the visit ended; null while it is open.",
            "reason": "Why.",
            "offered_at": f"When the first attempt to reach an agent began. {_UNIX}.",
            "answered_at": f"When an agent was connected with the caller. {_UNIX}.",
            "ended_at": f"When it was over. {_UNIX}.",
            "wait_seconds": "Offered to answered; of a miss, to the end of the last attempt.",
            "ring_seconds": "In which at least one phone rang before the answer.",
            "talk_seconds": "In which caller and agent were connected, not on hold.",
            "hold_seconds": "On hold.",
            "ended_by": "Who ended it: `caller`, `agent`, `system` or `restart`.",
            "agent": "Who answered first.",
            "final_agent": "Who spoke with the caller last.",
            "agents_rung": "Whose phone rang.",
            "transferred": "Whether an agent of another line passed the caller on to this one.",
        },
        TransferPart: {
            "kind": "`blind`, `attended` or `redirect`.",
            "by": "The agent who did it.",
            "to": "The number or agent it went to.",
            "at": f"When. {_UNIX}.",
        },
        AttemptPart: {
            "pbx": "Name of the PBX.",
            "uniqueid": "The call, with `pbx` its identity.",
            "at": f"When it was offered, or came. {_UNIX}.",
            "outcome": "How it ended.",
            "reason": "Why.",
        },
        ReturnPart: {
            "state": "`open`, `attempted` (called back in vain), `reached` or `closed`.",
            "due_at": f"By when somebody has to have called back. {_UNIX}.",
            "attempted_at": f"When somebody last called back in vain. {_UNIX}.",
            "settled_at": f"When the caller was reached, or the entry closed. {_UNIX}.",
            "settled_by": "By whom.",
            "why": "How the caller was reached, or why nobody has to call.",
        },
        ToFill: {
            "need": "What the caller needs.",
            "time_limit": "By when.",
            "environment": "On what system, in what place.",
        },
    }
)


def schema() -> bytes:
    """The schema, JSON Schema 2020-12, indented. Fields that it does not name are allowed."""
    made = TypeAdapter.json_schema(DOCUMENT, mode="serialization")
    words = made.pop("$defs")
    for part, told in FIELDS.items():
        explain(made if part is Draft else words[part.__name__], part, told)
    for name, word in words.items():
        word["title"] = name
        word.pop("description", None)
    made["properties"]["version"] = {
        "const": VERSION,
        "description": FIELDS[Draft]["version"],
    }
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": "Ticket draft of ctid",
        "description": (
            "What the telephone knows of one call, for the ticket that belongs to it. Times are "
            "Unix seconds in UTC, durations seconds; null means not known, or that it did not "
            "happen. A reader ignores fields that it does not know."
        ),
        **{key: value for key, value in made.items() if key not in ("title", "description")},
        "$defs": words,
    }
    return orjson.dumps(whole, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
