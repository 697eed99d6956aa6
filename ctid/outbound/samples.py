"""Drafts of made-up calls: what templates are tried on before a real call comes."""

from dataclasses import replace
from typing import Final

from ctid.domain.drafts import (
    AttemptPart,
    Caller,
    Contact,
    Draft,
    LineName,
    Priority,
    ReturnPart,
    Stage,
    TransferPart,
    VisitPart,
)
from ctid.domain.records import Direction, EndedBy, Outcome, Reason
from ctid.domain.returns import ReturnState

BEGAN: Final = 1_795_741_200.0
"""Unix seconds: 2026-11-27 01:00 UTC."""

_KNOWN: Final = Caller(
    "013800138000", "+8613800138000", "Zhang San", Contact("Example Ltd.", "Shanghai")
)
_VIP: Final = replace(_KNOWN, contact=Contact("Example Ltd.", "Shanghai", vip=True, line="server"))
_STRANGER: Final = Caller("02161234567", "+862161234567", None, None)
_ANONYMOUS: Final = Caller(None, None, None, None)


def samples(line: LineName) -> dict[str, Draft]:
    """Calls to this line, by what is special about them."""
    talking = _talking(line)
    missed = _missed(line)
    folded = replace(
        missed,
        key=f"ctid:sample:main:{BEGAN:.0f}.5",
        attempts=(
            _attempt(5, 600.0, Reason.CALLER_HANGUP),
            _attempt(6, 300.0, Reason.CALLER_HANGUP),
            _attempt(7, 0.0, Reason.NO_ANSWER),
        ),
        priority=Priority.URGENT,
    )
    tried = ReturnPart(ReturnState.ATTEMPTED, BEGAN + 3600, BEGAN + 900, None, None, None)
    reached = ReturnPart(
        ReturnState.REACHED, BEGAN + 3600, BEGAN + 900, BEGAN + 1800, "Li Si", "called back"
    )
    closed = replace(reached, state=ReturnState.CLOSED, why="wrong number")
    return {
        "talking": talking,
        "ended": _ended(talking),
        "transferred": _transferred(talking),
        "missed": missed,
        "missed and folded": folded,
        "after hours": replace(
            missed,
            outcome=Outcome.NOT_OFFERED,
            reason=Reason.AFTER_HOURS,
            visits=(_visit(line, Outcome.NOT_OFFERED, Reason.AFTER_HOURS),),
            attempts=(AttemptPart("main", "1.7", BEGAN, Outcome.NOT_OFFERED, Reason.AFTER_HOURS),),
        ),
        "called back in vain": replace(folded, call_back=tried),
        "reached": replace(folded, stage=Stage.RETURNED, call_back=reached),
        "closed": replace(folded, stage=Stage.RETURNED, call_back=closed),
        "anonymous": replace(missed, caller=_ANONYMOUS),
        "anonymous and ended": replace(
            missed, caller=_ANONYMOUS, stage=Stage.ENDED, call_back=None, due_at=None
        ),
        "unknown number": replace(missed, caller=_STRANGER),
        "VIP": replace(missed, caller=_VIP, priority=Priority.URGENT),
        "lost": replace(
            missed,
            stage=Stage.ENDED,
            outcome=Outcome.LOST,
            reason=None,
            ended_at=None,
            visits=(_visit(line, Outcome.LOST, None),),
            attempts=(),
            call_back=None,
            due_at=None,
        ),
        "without a visit": replace(_ended(talking), visits=(), agent=None, answered_at=None),
    }


def _talking(line: LineName) -> Draft:
    visit = replace(
        _visit(line, None, None),
        answered_at=BEGAN + 10,
        wait_seconds=8.0,
        ring_seconds=7.5,
        agent="Li Si",
        final_agent="Li Si",
        agents_rung=("Wang Wu", "Li Si"),
    )
    return Draft(
        key=f"ctid:sample:main:{BEGAN:.0f}.7",
        site="sample",
        stage=Stage.TALKING,
        pbx="main",
        uniqueid=f"{BEGAN:.0f}.7",
        linkedid=f"{BEGAN:.0f}.7",
        direction=Direction.INBOUND,
        did="8001",
        line=line,
        caller=_KNOWN,
        outcome=None,
        reason=None,
        started_at=BEGAN,
        answered_at=BEGAN + 10,
        ended_at=None,
        agent="Li Si",
        visits=(visit,),
        transfers=(),
        attempts=(),
        call_back=None,
        recording=None,
        link=f"https://desk.example.org/calls/main/{BEGAN:.0f}.7",
        priority=Priority.NORMAL,
        due_at=None,
    )


def _ended(talking: Draft) -> Draft:
    (visit,) = talking.visits
    over = replace(
        visit,
        outcome=Outcome.ANSWERED,
        ended_at=BEGAN + 210,
        talk_seconds=180.0,
        hold_seconds=20.0,
        ended_by=EndedBy.CALLER,
    )
    return replace(
        talking,
        stage=Stage.ENDED,
        outcome=Outcome.ANSWERED,
        ended_at=BEGAN + 210,
        visits=(over,),
        recording="/var/spool/asterisk/monitor/7.wav",
    )


def _transferred(talking: Draft) -> Draft:
    ended = _ended(talking)
    (visit,) = ended.visits
    return replace(
        ended,
        visits=(replace(visit, line="reception"), replace(visit, transferred=True)),
        transfers=(
            TransferPart("attended", "Wang Wu", "Li Si", BEGAN + 60),
            TransferPart("redirect", None, None, BEGAN + 90),
        ),
    )


def _missed(line: LineName) -> Draft:
    visit = replace(
        _visit(line, Outcome.MISSED, Reason.NO_ANSWER),
        wait_seconds=38.0,
        ring_seconds=36.0,
        ended_by=EndedBy.SYSTEM,
        agents_rung=("Wang Wu", "Li Si"),
    )
    return replace(
        _talking(line),
        stage=Stage.TO_RETURN,
        outcome=Outcome.MISSED,
        reason=Reason.NO_ANSWER,
        answered_at=None,
        ended_at=BEGAN + 40,
        agent=None,
        visits=(visit,),
        attempts=(_attempt(7, 0.0, Reason.NO_ANSWER),),
        call_back=ReturnPart(ReturnState.OPEN, BEGAN + 3600, None, None, None, None),
        priority=Priority.IMPORTANT,
        due_at=BEGAN + 3600,
    )


def _visit(line: LineName, outcome: Outcome | None, reason: Reason | None) -> VisitPart:
    return VisitPart(
        line=line.name,
        outcome=outcome,
        reason=reason,
        offered_at=BEGAN + 2,
        answered_at=None,
        ended_at=None if outcome is None else BEGAN + 40,
        wait_seconds=None,
        ring_seconds=None,
        talk_seconds=None,
        hold_seconds=None,
        ended_by=None,
        agent=None,
        final_agent=None,
        agents_rung=(),
        transferred=False,
    )


def _attempt(n: int, before: float, reason: Reason) -> AttemptPart:
    return AttemptPart("main", f"{BEGAN:.0f}.{n}", BEGAN - before, Outcome.MISSED, reason)
