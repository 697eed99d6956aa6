"""Records as rows and back. A row is a tuple in the order of the table's columns.

Text comes from callers: what a database cannot hold is replaced, and what is indexed is cut, so
that no caller can make a batch unwritable.
"""

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final, TypeVar

import orjson

from ctid.domain.policy import Wanted
from ctid.domain.records import (
    Direction,
    EndedBy,
    Fact,
    Gap,
    GapCause,
    OpenCall,
    Outcome,
    Reason,
    Record,
    Ring,
    RingResult,
    Seen,
    Transfer,
)
from ctid.domain.returns import Miss, ReturnState, ToReturn
from ctid.store.db import Row
from ctid.store.drafts import draft_to_json
from ctid.store.outbox import OutboxState
from ctid.store.texts import optional_text as _optional
from ctid.store.texts import text as _text

_E = TypeVar("_E", bound=StrEnum)

_INDEXED_CHARACTERS: Final = 500
"""PostgreSQL refuses an index entry of more than 2,700 bytes; a character has up to 4."""


def _to_json(value: object) -> str:
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        # a lone surrogate, which is no text; the slow encoder lets it pass, and _text mends it
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _indexed(value: str | None) -> str | None:
    return None if value is None else _text(value)[:_INDEXED_CHARACTERS]


def record_row(record: Record) -> Row:
    """Give the row of table `record`."""
    return (
        _text(record.pbx),
        _text(record.uniqueid),
        record.ordinal,
        _text(record.linkedid),
        str(record.direction),
        _optional(record.line),
        record.transferred,
        _indexed(record.caller_number),
        _optional(record.caller_name),
        _optional(record.did),
        record.started_at,
        record.offered_at,
        record.answered_at,
        record.ended_at,
        None if record.outcome is None else str(record.outcome),
        None if record.reason is None else str(record.reason),
        _optional(record.agent),
        _optional(record.final_agent),
        _text(_to_json(record.agents_rung)) if record.agents_rung else "[]",
        _rings_json(record.rings) if record.rings else "[]",
        _transfers_json(record.transfers) if record.transfers else "[]",
        record.wait_seconds,
        record.ring_seconds,
        record.talk_seconds,
        record.hold_seconds,
        None if record.ended_by is None else str(record.ended_by),
        _optional(record.recording),
        _optional(record.survey),
        record.open,
        _text(record.because),
    )


def _rings_json(rings: tuple[Ring, ...]) -> str:
    return _text(
        _to_json(
            [
                {
                    "agent": ring.agent,
                    "channel": ring.channel,
                    "began_at": ring.began_at,
                    "rang_at": ring.rang_at,
                    "ended_at": ring.ended_at,
                    "result": ring.result,
                }
                for ring in rings
            ]
        )
    )


def _transfers_json(transfers: tuple[Transfer, ...]) -> str:
    return _text(
        _to_json(
            [{"kind": step.kind, "by": step.by, "to": step.to, "at": step.at} for step in transfers]
        )
    )


def ring_rows(record: Record) -> list[Row]:
    """Give the rows of table `ring` for one record, numbered from 0."""
    pbx, uniqueid = _text(record.pbx), _text(record.uniqueid)
    return [
        (
            pbx,
            uniqueid,
            record.ordinal,
            n,
            _indexed(ring.agent),
            _text(ring.channel),
            ring.began_at,
            ring.rang_at,
            ring.ended_at,
            None if ring.result is None else str(ring.result),
        )
        for n, ring in enumerate(record.rings)
    ]


def ring_cut(record: Record) -> Row:
    """Give the key of the first ring that the record does not have (any more)."""
    return _text(record.pbx), _text(record.uniqueid), record.ordinal, len(record.rings)


def history_rows(facts: Iterable[Fact]) -> list[Row]:
    """Give the rows of table `history`: what one batch tells of a call is one row.

    A row a fact would cost a third of all writing, and nobody asks for a single one.
    """
    calls: dict[tuple[str, str], list[Fact]] = {}
    for fact in facts:
        calls.setdefault((fact.pbx, fact.uniqueid), []).append(fact)
    return [
        (
            _text(pbx),
            _text(uniqueid),
            min(fact.seq for fact in told),
            _text(_to_json([_fact_json(fact) for fact in told])),
        )
        for (pbx, uniqueid), told in calls.items()
    ]


def _fact_json(fact: Fact) -> dict[str, Any]:
    return {
        "seq": fact.seq,
        "at": fact.at,
        "kind": fact.kind,
        "because": fact.because,
        "data": fact.data,
    }


def open_call_row(call: OpenCall) -> Row:
    """Give the row of table `open_call`; its state is None where the row has to go."""
    return _text(call.pbx), _text(call.uniqueid), _optional(call.state)


def gap_row(gap: Gap) -> Row:
    """Give the row of table `gap`."""
    return _text(gap.pbx), gap.began_at, gap.ended_at, str(gap.cause)


def seen_row(seen: Seen) -> Row:
    """Give the row of table `seen`."""
    return _text(seen.pbx), seen.seen_until, _optional(seen.started)


def return_row(entry: ToReturn) -> Row:
    """Give the row of table `to_return`."""
    return (
        _text(entry.pbx),
        _text(entry.uniqueid),
        _text(entry.line),
        _optional(entry.number),
        _optional(entry.shown),
        _optional(entry.name),
        str(entry.state),
        _text(_to_json([miss._asdict() for miss in entry.misses])),
        entry.due_at,
        entry.attempted_at,
        entry.settled_at,
        _optional(entry.settled_by),
        _optional(entry.why),
    )


def wanted_row(wanted: Wanted) -> Row:
    """Give a new row of table `outbox`, due at once."""
    draft, at = wanted.draft, wanted.at
    return (
        _text(wanted.destination),
        _text(draft.key),
        _text(draft.pbx),
        _text(draft.uniqueid),
        _text(draft.line.name),
        str(draft.stage),
        _text(draft_to_json(draft)),
        1,
        OutboxState.PENDING.value,
        at,
        at,
        None,
        0,
        None,
        0,
        None,
        None,
        None,
        None,
        None,
    )


def return_from(row: Mapping[str, Any]) -> ToReturn:
    """Read a row of table `to_return` back."""
    values = dict(row)
    values["state"] = ReturnState(values["state"])
    values["misses"] = tuple(
        Miss(
            told["pbx"],
            told["uniqueid"],
            told["at"],
            Outcome(told["outcome"]),
            _enum(Reason, told["reason"]),
        )
        for told in orjson.loads(values["misses"])
    )
    return ToReturn(**values)


def record_from(row: Mapping[str, Any]) -> Record:
    """Read a row of table `record` back."""
    values = dict(row)
    values["direction"] = Direction(values["direction"])
    values["outcome"] = _enum(Outcome, values["outcome"])
    values["reason"] = _enum(Reason, values["reason"])
    values["ended_by"] = _enum(EndedBy, values["ended_by"])
    values["agents_rung"] = tuple(orjson.loads(values["agents_rung"]))
    values["rings"] = tuple(
        Ring(**{**ring, "result": _enum(RingResult, ring["result"])})
        for ring in orjson.loads(values["rings"])
    )
    values["transfers"] = tuple(Transfer(**step) for step in orjson.loads(values["transfers"]))
    return Record(**values)


def facts_from(found: Iterable[Mapping[str, Any]]) -> list[Fact]:
    """Read the rows of table `history` back, in order; what two rows tell counts once."""
    facts: dict[tuple[str, str, int], Fact] = {}
    for row in found:
        for told in orjson.loads(row["facts"]):
            fact = Fact(row["pbx"], row["uniqueid"], **told)
            facts[fact.pbx, fact.uniqueid, fact.seq] = fact
    return [facts[key] for key in sorted(facts)]


def gap_from(row: Mapping[str, Any]) -> Gap:
    """Read a row of table `gap` back."""
    return Gap(**{**row, "cause": GapCause(row["cause"])})


def _enum(kind: type[_E], value: str | None) -> _E | None:
    return None if value is None else kind(value)
