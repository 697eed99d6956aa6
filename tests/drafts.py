"""Ticket drafts for tests: one answered call, and whatever is changed of it."""

from dataclasses import replace
from typing import Any, Final

from ctid.domain.drafts import (
    Caller,
    Contact,
    Draft,
    LineName,
    Priority,
    Stage,
    TransferPart,
    VisitPart,
)
from ctid.domain.records import Direction, EndedBy, Outcome
from ctid.outbound.port import Document
from ctid.store.drafts import draft_to_json

BEGAN: Final = 1_795_741_200.0  # 2026-11-27 09:00:00 in Shanghai

_ANSWERED: Final = Draft(
    key="ctid:desk:main:1795741200.7",
    site="desk",
    stage=Stage.ENDED,
    pbx="main",
    uniqueid="1795741200.7",
    linkedid="1795741200.7",
    direction=Direction.INBOUND,
    did="8001",
    line=LineName("network", "网络专业热线", "network"),
    caller=Caller(
        "013800138000",
        "+8613800138000",
        "王小明",
        Contact("Example Ltd.", "Shanghai", vip=True, line="network"),
    ),
    outcome=Outcome.ANSWERED,
    reason=None,
    started_at=BEGAN,
    answered_at=BEGAN + 10,
    ended_at=BEGAN + 210,
    agent="Li Si",
    visits=(
        VisitPart(
            line="network",
            outcome=Outcome.ANSWERED,
            reason=None,
            offered_at=BEGAN + 2,
            answered_at=BEGAN + 10,
            ended_at=BEGAN + 210,
            wait_seconds=8.0,
            ring_seconds=7.5,
            talk_seconds=180.0,
            hold_seconds=20.0,
            ended_by=EndedBy.CALLER,
            agent="Li Si",
            final_agent="Wang Wu",
            agents_rung=("Zhang San", "Li Si"),
            transferred=False,
        ),
    ),
    transfers=(TransferPart("attended", "Li Si", "Wang Wu", BEGAN + 100),),
    attempts=(),
    call_back=None,
    recording="/var/spool/asterisk/monitor/7.wav",
    link="https://desk.example.org/calls/main/1795741200.7",
    priority=Priority.NORMAL,
    due_at=None,
)


def draft(**changes: Any) -> Draft:
    return replace(_ANSWERED, **changes)


def document(
    of: Draft | None = None,
    revision: int = 1,
    subject: str = "[network] Call",
    body: str = "A call.\n",
) -> Document:
    of = of or draft()
    return Document(revision, of, subject, body, draft_to_json(of).encode())
