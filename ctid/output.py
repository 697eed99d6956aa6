"""The documented JSON form of a record (docs/replay.md): names of DOMAIN, times ISO 8601 in UTC."""

import json
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


def to_dict(record: Record) -> dict[str, Any]:
    """The record as the object that is shown; the order of the names is part of the form."""
    return {
        "pbx": record.pbx,
        "uniqueid": record.uniqueid,
        "direction": record.direction,
        "line": record.line,
        "caller_number": record.caller_number,
        "caller_name": record.caller_name,
        "did": record.did,
        "offered_at": iso(record.offered_at),
        "answered_at": iso(record.answered_at),
        "ended_at": iso(record.ended_at),
        "outcome": record.outcome,
        "reason": record.reason,
        "agent": record.agent,
        "final_agent": record.final_agent,
        "agents_rung": list(record.agents_rung),
        "rings": [_ring(ring) for ring in record.rings],
        "transfers": [_transfer(transfer) for transfer in record.transfers],
        "wait_seconds": record.wait_seconds,
        "ring_seconds": record.ring_seconds,
        "talk_seconds": record.talk_seconds,
        "hold_seconds": record.hold_seconds,
        "ended_by": record.ended_by,
        "recording": record.recording,
        "survey": record.survey,
    }


def iso(at: float | None) -> str | None:
    """`2026-11-24T08:00:00.123456Z`; None stays None, and so is what no calendar has."""
    if at is None or not EARLIEST <= at < LATEST:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def _ring(ring: Ring) -> dict[str, Any]:
    return {
        "agent": ring.agent,
        "from": iso(ring.began_at),
        "rang_at": iso(ring.rang_at),
        "to": iso(ring.ended_at),
        "result": ring.result,
    }


def _transfer(transfer: Transfer) -> dict[str, Any]:
    return {
        "type": transfer.kind,
        "by": transfer.by,
        "to": transfer.to,
        "at": iso(transfer.at),
    }
