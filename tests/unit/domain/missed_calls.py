"""Records of calls of one caller, for what follows from them."""

from typing import Any

from ctid.domain.records import Direction, Outcome, Reason, Record

CALLER = "13800138000"
HOUR = 3600.0


def record(at: float, **given: Any) -> Record:
    """A missed call of CALLER on line network, offered at `at`, a minute long."""
    fields: dict[str, Any] = dict.fromkeys(Record._fields)
    fields |= {
        "pbx": "main",
        "uniqueid": f"{at}",
        "linkedid": f"{at}",
        "ordinal": 0,
        "direction": Direction.INBOUND,
        "line": "network",
        "transferred": False,
        "caller_number": CALLER,
        "started_at": at,
        "offered_at": at,
        "ended_at": at + 60,
        "outcome": Outcome.MISSED,
        "reason": Reason.CALLER_HANGUP,
        "agents_rung": (),
        "rings": (),
        "transfers": (),
        "open": False,
        "because": "",
    }
    return Record(**(fields | given))


def answered(at: float, **given: Any) -> Record:
    fields = {"outcome": Outcome.ANSWERED, "reason": None, "answered_at": at + 5, "agent": "Li"}
    return record(at, **(fields | given))


def outbound(at: float, seconds: float | None, to: str = CALLER) -> Record:
    """An agent's call to `to`, connected for so long; None: not answered."""
    began = None if seconds is None else at + 10
    return record(
        at,
        direction=Direction.OUTBOUND,
        line=None,
        caller_number="101",
        did=to,
        offered_at=None,
        outcome=None,
        reason=None,
        agent="Li",
        answered_at=began,
        ended_at=at + 10 + (seconds or 0),
    )
