"""The JSON Schema of a page's document, made from the model: docs/page.schema.json."""

from types import MappingProxyType
from typing import Final

import orjson

from ctid.domain import alerts
from ctid.domain.drafts import LineName
from ctid.outbound.pages.document import (
    DOCUMENT,
    VERSION,
    Document,
    Down,
    PagePart,
    Standing,
)
from ctid.outbound.schema_words import explain

ID: Final = f"urn:ctid:page:{VERSION}"

_UNIX: Final = "Unix seconds, UTC"
_ADVICE: Final = "What to do first, the first thing first."
_UNSEEN: Final = "How many of them are only known to have waited when sight of a PBX was lost."
_AGENTS: Final = "Whom the first advice is about."

FIELDS: Final = MappingProxyType(
    {
        Document: {
            "version": "Of this shape; it grows when a field changes its meaning or goes.",
            "key": "What the message is known by: the same whenever it is sent again.",
            "site": "`site` of the configuration: which ctid sent it.",
            "language": "Of title and text: `en` or `zh`.",
            "title": "One line.",
            "text": "For people; lines end with LF.",
            "pages": "What it tells of: one page, or several that were folded into one message.",
        },
        PagePart: {
            "key": "The page: number of the alert, and which of its pages, from 0.",
            "alert": "Number of the alert, as in `ctid alerts ack`.",
            "kind": "What the alert is about; decides the shape of `subject`.",
            "event": "Why somebody is told.",
            "line": "The line; null: it concerns ctid as a whole.",
            "about": "Tells several alerts of one kind on one line apart; else null.",
            "since": f"When the condition began. {_UNIX}.",
            "limit_at": f"When it became, or becomes, an alert. {_UNIX}.",
            "state": "How the alert stands.",
            "subject": "What is wrong, by `kind`.",
            "recipient": "Who is told.",
            "role": "Why they are; null: a channel that is told of everything.",
            "due_at": f"When the page should have been sent. {_UNIX}.",
            "decided_at": f"When it was decided, and all of this was so. {_UNIX}.",
            "down": "The time in which ctid did not run and the page became due; else null.",
            "acknowledge_url": "Where the alert can be acknowledged; null where that is nowhere.",
        },
        Standing: {
            "name": "`warned` (no alert yet), `firing`, `acknowledged` or `resolved`.",
            "at": f"Since when it stands so. {_UNIX}.",
            "fired_at": f"When it fired; null: not. {_UNIX}.",
            "ending": "Why it is over; null while it is not.",
            "by": "Who acknowledged it, answered, or said that it is over.",
            "why": "Their reason, in their words.",
        },
        Down: {
            "began_at": f"When ctid last was there before. {_UNIX}.",
            "until": f"When it was there again. {_UNIX}.",
        },
        LineName: {
            "name": "Key of the line.",
            "title": "As its callers know it.",
            "specialty": "What it is counted with.",
        },
        alerts.Caller: {
            "number": "The number, its middle hidden; null for an anonymous caller.",
            "since": f"When they called. {_UNIX}.",
        },
        alerts.BlindTime: {
            "pbx": "Name of the PBX that was not seen.",
            "began_at": f"From when. {_UNIX}.",
            "until": f"Until when; null: it still is not. {_UNIX}.",
            "cause": "Why.",
        },
        alerts.Unanswered: {
            "since": f"When the clock of the line opened. {_UNIX}.",
            "seconds": "What it shows: seconds of duty hours.",
            "waiting": "The first who wait.",
            "missed": "The first who were missed and not reached.",
            "missed_count": "How many were.",
            "lost_count": "Of how many nobody knows how their calls ended.",
            "last_answer_at": f"When somebody last answered. {_UNIX}.",
            "last_answer_by": "Who.",
            "blind": "When nobody knows whether somebody answered.",
            "advice": _ADVICE,
            "agents": _AGENTS,
            "waiting_count": "How many wait.",
            "unseen_count": _UNSEEN,
        },
        alerts.LongestWait: {
            "caller": "Who waits longest.",
            "waiting_count": "How many wait in all.",
            "advice": _ADVICE,
            "agents": _AGENTS,
            "blind": "When nobody saw the caller's PBX.",
            "unseen_count": _UNSEEN,
        },
        alerts.Blind: {
            "pbxs": "The PBXs that are not seen; once it is over, those that were not.",
            "waiting_count": "How many callers waited when sight was lost.",
        },
        alerts.AnswerRate: {
            "period": "`day` or `month`.",
            "answered": "Calls answered in it.",
            "rung": "Calls offered in it.",
            "target": "The share that should be answered, 0 to 1.",
        },
        alerts.RosterGap: {
            "role": "The role that nobody has.",
            "begins_at": f"From when. {_UNIX}.",
            "ends_at": f"Until when. {_UNIX}.",
        },
        alerts.CalendarEnding: {
            "calendar": "Whose holidays.",
            "last_day": "The last day for which they are known, ISO 8601.",
        },
        alerts.DeliveryStuck: {
            "destination": "Where it does not arrive.",
            "waiting": "How much waits.",
            "oldest_at": f"Since when the oldest does. {_UNIX}.",
            "why": "What the other side says.",
            "is_channel": "Whether pages wait there, not tickets.",
        },
        alerts.NotReloaded: {
            "file": "`config`, `roster` or `contacts`.",
            "since": f"Since when it cannot be used. {_UNIX}.",
            "why": "Its first mistake.",
            "more": "How many others it has.",
            "kept": "Whether what was read before stays in force; else there is none.",
        },
        alerts.StoreFailing: {
            "since": f"Since when nothing can be written. {_UNIX}.",
            "why": "Why, for the operator.",
            "lines": "Lines that are unanswered beyond their limit meanwhile.",
        },
        alerts.Incident: {"title": "What it is, in their words.", "by": "Who opened it."},
        alerts.Test: {"by": "Who tests: nothing is wrong."},
    }
)


def schema() -> bytes:
    """The schema, JSON Schema 2020-12, indented. Fields that it does not name are allowed."""
    made = DOCUMENT.json_schema(mode="serialization")
    parts = made["$defs"]
    for part, told in FIELDS.items():
        explain(made if part is Document else parts[part.__name__], part, told)
    for title, part in parts.items():
        part["title"] = title
        part.pop("description", None)
    made["properties"]["version"] = {
        "const": VERSION,
        "description": FIELDS[Document]["version"],
    }
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": "Page of ctid",
        "description": (
            "What ctid tells people, for machines. Times are Unix seconds in UTC, durations "
            "seconds; null means not known, or that it did not happen. The middle of callers' "
            "numbers is hidden. A reader ignores fields that it does not know."
        ),
        **{key: value for key, value in made.items() if key not in ("title", "description")},
    }
    return orjson.dumps(whole, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
