"""The documented JSON form of a record (docs/replay.md): names of DOMAIN, times ISO 8601 in UTC."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ctid.domain.days import EARLIEST, LATEST
from ctid.domain.records import Record, Ring, Transfer

# The names of the fields, in their order.
FIELDS = (
    "pbx",
    "uniqueid",
    "direction",
    "line",
    "caller_number",
    "caller_name",
    "did",
    "started_at",
    "offered_at",
    "answered_at",
    "ended_at",
    "outcome",
    "reason",
    "agent",
    "final_agent",
    "agents_rung",
    "rings",
    "transfers",
    "wait_seconds",
    "ring_seconds",
    "talk_seconds",
    "hold_seconds",
    "ended_by",
    "recording",
    "survey",
)


def to_json(record: Record) -> str:
    """One line of `--format jsonl`, without its newline."""
    return json.dumps(to_dict(record), ensure_ascii=False)


def iso(at: float | None) -> str | None:
    """`2026-11-24T08:00:00.123456Z`; None stays None, and so is what no calendar has."""
    if at is None or not EARLIEST <= at < LATEST:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")[:-6] + "Z"


Clock = Callable[[float | None], str | None]


def to_dict(record: Record, clock: Clock = iso) -> dict[str, Any]:
    """The record as the object that is shown; the order of the names is part of the form.

    `clock` writes its times, in UTC if not given.
    """
    return {
        "pbx": record.pbx,
        "uniqueid": record.uniqueid,
        "direction": record.direction,
        "line": record.line,
        "caller_number": record.caller_number,
        "caller_name": record.caller_name,
        "did": record.did,
        "started_at": clock(record.started_at),
        "offered_at": clock(record.offered_at),
        "answered_at": clock(record.answered_at),
        "ended_at": clock(record.ended_at),
        "outcome": record.outcome,
        "reason": record.reason,
        "agent": record.agent,
        "final_agent": record.final_agent,
        "agents_rung": list(record.agents_rung),
        "rings": [_ring(ring, clock) for ring in record.rings],
        "transfers": [_transfer(transfer, clock) for transfer in record.transfers],
        "wait_seconds": record.wait_seconds,
        "ring_seconds": record.ring_seconds,
        "talk_seconds": record.talk_seconds,
        "hold_seconds": record.hold_seconds,
        "ended_by": record.ended_by,
        "recording": record.recording,
        "survey": record.survey,
    }


def _ring(ring: Ring, clock: Clock) -> dict[str, Any]:
    return {
        "agent": ring.agent,
        "from": clock(ring.began_at),
        "rang_at": clock(ring.rang_at),
        "to": clock(ring.ended_at),
        "result": ring.result,
    }


def _transfer(transfer: Transfer, clock: Clock) -> dict[str, Any]:
    return {
        "type": transfer.kind,
        "by": transfer.by,
        "to": transfer.to,
        "at": clock(transfer.at),
    }
