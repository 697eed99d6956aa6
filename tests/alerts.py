"""Alerts and pages for tests: one line that nobody answers, and whatever is changed of it."""

from dataclasses import replace
from typing import Any, Final

from ctid.domain.alerts import (
    Advice,
    Alert,
    BlindTime,
    Caller,
    Ending,
    Firing,
    Kind,
    Page,
    PageEvent,
    Recipient,
    Resolved,
    Route,
    Silence,
    Unanswered,
)

BEGAN: Final = 1_795_741_200.0  # 2026-11-27 09:00:00 in Shanghai
NUMBER: Final = "13800000001"
LIMIT: Final = BEGAN + 900.0

AGENT: Final = Recipient("Li Si", "duty", (Route("robot", "13900000002"), Route("mail")), "zh")
LEAD: Final = Recipient("Wang Wu", "lead", (Route("robot"),))


def alert(number: int = 1, **changes: Any) -> Alert:
    made = Alert(
        number=number,
        kind=Kind.UNANSWERED,
        line="network",
        about=None,
        since=BEGAN,
        limit_at=LIMIT,
        state=Firing(LIMIT, 0, LIMIT + 300.0),
        subject=Unanswered(
            since=BEGAN,
            seconds=900.0,
            waiting=(Caller(NUMBER, BEGAN + 60.0),),
            missed=(Caller(None, BEGAN), Caller("02161234567", BEGAN + 5.0)),
            missed_count=2,
            last_answer_at=BEGAN - 60.0,
            last_answer_by="张三",
            blind=(BlindTime("main", BEGAN + 100.0, None, "connection_lost"),),
            advice=(Advice.NO_PHONE_REGISTERED,),
            agents=("Li Si",),
        ),
        paged=(AGENT,),
        pages=1,
    )
    return replace(made, **changes)


def over(number: int = 1, at: float = LIMIT + 60.0) -> Alert:
    return alert(number, state=Resolved(LIMIT, at, Ending.ANSWERED, "Li Si"))


def page(number: int = 1, seq: int = 0, **changes: Any) -> Page:
    made = Page(
        seq=seq,
        alert=alert(number),
        event=PageEvent.FIRING,
        recipient=AGENT,
        due_at=LIMIT,
        decided_at=LIMIT + 0.25,
    )
    return replace(made, **changes)


def silence(number: int = 1, **changes: Any) -> Silence:
    made = Silence(
        number=number,
        lines=frozenset({"network", "desktop"}),
        kinds=frozenset({Kind.BLIND}),
        begins_at=BEGAN,
        ends_at=BEGAN + 3600.0,
        owner="Zhang San",
        why="the PBX is moved",
    )
    return made._replace(**changes)
