"""Ticket drafts and documents for tests."""

from dataclasses import replace
from typing import Any

from ctid.domain.drafts import Caller, Draft, LineName, Priority, Stage, VisitPart
from ctid.domain.records import Direction, EndedBy, Outcome
from ctid.outbound.port import Document
from ctid.store.drafts import draft_to_json

AT = 1_795_461_682.0


def draft(**changes: Any) -> Draft:
    """An answered call of line `network` that is over; `changes` replace fields."""
    visit = VisitPart(
        line="network",
        outcome=Outcome.ANSWERED,
        reason=None,
        offered_at=AT + 2,
        answered_at=AT + 10,
        ended_at=AT + 100,
        wait_seconds=8.0,
        ring_seconds=7.5,
        talk_seconds=80.0,
        hold_seconds=10.0,
        ended_by=EndedBy.CALLER,
        agent="Li Si",
        final_agent="Li Si",
        agents_rung=("Zhang San", "Li Si"),
        transferred=False,
    )
    whole = Draft(
        key="ctid:desk:main:1795461682.0",
        site="desk",
        stage=Stage.ENDED,
        pbx="main",
        uniqueid="1795461682.0",
        linkedid="1795461682.0",
        direction=Direction.INBOUND,
        did="8001",
        line=LineName("network", "网络专业热线", "network"),
        caller=Caller("13800138000", "+8613800138000", "王小明", None),
        outcome=Outcome.ANSWERED,
        reason=None,
        started_at=AT,
        answered_at=AT + 10,
        ended_at=AT + 100,
        agent="Li Si",
        visits=(visit,),
        transfers=(),
        attempts=(),
        call_back=None,
        recording=None,
        link=None,
        priority=Priority.NORMAL,
        due_at=None,
    )
    return replace(whole, **changes)


def document(
    about: Draft, revision: int = 1, subject: str = "A call", body: str = "It was answered.\n"
) -> Document:
    """One revision of a draft, with these texts."""
    return Document(revision, about, subject, body, draft_to_json(about).encode())
