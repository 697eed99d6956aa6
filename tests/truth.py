"""The truth of a recorded stream as tests/captures/README.md maps it, and what may differ."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ctid.domain.records import Record

CAPTURES = Path(__file__).parent / "captures"
TOLERANCE = {"pickup": 0.6, "conference": 2.5}
NOT_OFFERED = {
    "ivr_hangup": ("ivr_hangup",),
    "ivr_timeout": ("turned_away",),
    "after_hours": ("turned_away", "after_hours"),
}


@dataclass(slots=True)
class Expected:
    """What one offer (or one call without one) must look like. `*_seconds` are alternatives."""

    caller: str
    line: str | None
    outcome: str | None
    reasons: tuple[str | None, ...]
    agent: str | None
    final_agent: str | None
    agents_rung: set[str]
    rung_optional: set[str]
    ended_by: str | None
    wait_at_most: float | None
    wait: float | None
    talk: tuple[float, ...]
    tolerance: float
    direction: str
    seen_whole: bool = True
    extra: dict[str, Any] = field(default_factory=dict)


def load(name: str) -> dict[str, Any]:
    truth: dict[str, Any] = json.loads((CAPTURES / f"{name}.json").read_text())
    return truth


def names() -> list[str]:
    """All captures, the parts after a cut left out."""
    return sorted(path.stem for path in CAPTURES.glob("*.json"))


def files(name: str) -> list[Path]:
    """The streams of a capture, in the order of their connections."""
    plain = [CAPTURES / f"{name}.ami", CAPTURES / f"{name}.after.ami"]
    found = [path for path in plain if path.exists()]
    return found or [CAPTURES / f"{name}.ami.gz"]


def expected(truth: dict[str, Any]) -> list[Expected]:
    """The offers and calls of a truth, in order; those seen only in the CDR are left out."""
    rows: list[Expected] = []
    for call in truth["calls"]:
        if str(call.get("seen", "")).startswith("gap"):
            continue
        offers = call.get("domain") or [None]
        for number, offer in enumerate(offers):
            rows.append(_expected(truth["name"], call, offer, last=number == len(offers) - 1))
    return rows


def _expected(
    name: str, call: dict[str, Any], offer: dict[str, Any] | None, *, last: bool
) -> Expected:
    tolerance = TOLERANCE.get(name, 0.5)
    outcome, reason = call["outcome"], call["reason"]
    reasons: tuple[str | None, ...] = (reason, *call.get("reason_also", ()))
    if outcome == "missed" and reason in NOT_OFFERED:
        outcome, reasons = "not_offered", NOT_OFFERED[reason]
    elif reason == "restart":
        reasons = ("failed",)
    row = Expected(
        caller=call.get("shown_as_prefix", call.get("shown_as", call["caller"])),
        line=call["line"],
        outcome=outcome,
        reasons=reasons,
        agent=call["agent"],
        final_agent=call["final_agent"],
        agents_rung=set(call["agents_rung"]),
        rung_optional=set(call.get("rung_optional", ())),
        ended_by=call["ended_by"] if last else None,
        wait_at_most=call["wait_s"],
        wait=None,
        talk=tuple(call[key] for key in ("talk_s", "human_s") if key in call),
        tolerance=tolerance,
        direction=call["direction"],
    )
    if offer is not None:
        row.line, row.outcome = offer["line"], offer["outcome"]
        row.reasons = (offer["reason"],)
        row.agent = offer["agent"]
        row.wait, row.wait_at_most = offer["wait_s"], None
        row.talk = ()
        if "talk_s" in offer:
            row.talk = (offer["talk_s"] + offer["hold_s"],)
        if len(call["domain"]) > 1:
            row.agents_rung, row.rung_optional = set(), set(call["agents_rung"])
            row.final_agent = offer["agent"]
    if row.direction == "outbound":
        row.line = row.outcome = None
        row.reasons = (None,)
        row.agent = row.final_agent = call["by_agent"]
        row.agents_rung, row.rung_optional = set(), set(call["agents_rung"])
    return row


def differences(want: Expected, got: Record) -> list[str]:
    """What is wrong with this record, in words; empty where it tells the truth."""
    wrong: list[str] = []

    def check(what: str, good: bool, expected: object, found: object) -> None:
        if not good:
            wrong.append(f"{what}: expected {expected}, got {found}")

    check("line", got.line == want.line, want.line, got.line)
    check("direction", got.direction == want.direction, want.direction, got.direction)
    check("outcome", got.outcome == want.outcome, want.outcome, got.outcome)
    check("reason", got.reason in want.reasons, want.reasons, got.reason)
    check("agent", got.agent == want.agent, want.agent, got.agent)
    check("final_agent", got.final_agent == want.final_agent, want.final_agent, got.final_agent)
    rung = set(got.agents_rung)
    check(
        "agents_rung",
        want.agents_rung <= rung <= want.agents_rung | want.rung_optional,
        want.agents_rung,
        rung,
    )
    if want.ended_by is not None:
        check("ended_by", got.ended_by == want.ended_by, want.ended_by, got.ended_by)
    _check_times(want, got, check)
    return wrong


def _check_times(want: Expected, got: Record, check: Any) -> None:
    slack = want.tolerance
    if got.outcome == "not_offered":
        check("wait", got.wait_seconds is None, None, got.wait_seconds)
        return
    if got.wait_seconds is None:
        check("wait", False, want.wait_at_most or want.wait, None)
    elif want.wait is not None:
        check("wait", abs(got.wait_seconds - want.wait) <= slack, want.wait, got.wait_seconds)
    elif want.wait_at_most is not None:
        # an answer before the queue, a menu or an announcement make it shorter, never longer
        check(
            "wait",
            got.wait_seconds <= want.wait_at_most + slack,
            want.wait_at_most,
            got.wait_seconds,
        )
    if want.talk:
        spoken = (got.talk_seconds or 0) + (got.hold_seconds or 0)
        good = any(abs(spoken - talk) <= slack for talk in want.talk)
        check("talk + hold", good, want.talk, spoken)
