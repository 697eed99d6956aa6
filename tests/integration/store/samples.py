"""Batches as a tracker would give them; call number n is the same wherever it is made."""

from ctid.domain.batch import Batch
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

BEGAN = 1_760_000_000.0


def uniqueid(n: int) -> str:
    return f"1760000000.{n}"


def ringing(n: int) -> Record:
    at = BEGAN + n
    return Record(
        pbx="main",
        uniqueid=uniqueid(n),
        ordinal=0,
        linkedid=uniqueid(n),
        direction=Direction.INBOUND,
        line="network",
        transferred=False,
        caller_number=f"139{n:08}",
        caller_name="王小明",
        did="8001",
        started_at=at,
        offered_at=at + 2.25,
        answered_at=None,
        ended_at=None,
        outcome=None,
        reason=None,
        agent=None,
        final_agent=None,
        agents_rung=("Zhang San",),
        rings=(Ring("Zhang San", f"PJSIP/101-{n:08x}", at + 2.5, at + 2.75, None, None),),
        transfers=(),
        wait_seconds=None,
        ring_seconds=None,
        talk_seconds=None,
        hold_seconds=None,
        ended_by=None,
        recording=None,
        survey=None,
        open=True,
        because="DialState RINGING of PJSIP/101",
    )


def answered(n: int) -> Record:
    at = BEGAN + n
    return Record(
        pbx="main",
        uniqueid=uniqueid(n),
        ordinal=0,
        linkedid=uniqueid(n),
        direction=Direction.INBOUND,
        line="network",
        transferred=False,
        caller_number=f"139{n:08}",
        caller_name="王小明",
        did="8001",
        started_at=at,
        offered_at=at + 2.25,
        answered_at=at + 10.123456,
        ended_at=at + 61.5,
        outcome=Outcome.ANSWERED,
        reason=None,
        agent="Li Si",
        final_agent="Li Si",
        agents_rung=("Zhang San", "Li Si"),
        rings=(
            Ring(
                "Zhang San",
                f"PJSIP/101-{n:08x}",
                at + 2.5,
                at + 2.75,
                at + 10.2,
                RingResult.CANCELLED,
            ),
            Ring("Li Si", f"PJSIP/102-{n:08x}", at + 2.5, at + 3.0, at + 61.5, RingResult.ANSWERED),
        ),
        transfers=(Transfer("blind", "Li Si", "102", at + 30.0),),
        wait_seconds=7.873,
        ring_seconds=7.373,
        talk_seconds=51.376,
        hold_seconds=0.0,
        ended_by=EndedBy.CALLER,
        recording=f"/recordings/{n}.wav",
        survey="5",
        open=False,
        because="BridgeEnter of PJSIP/102 beside the caller",
    )


def missed(n: int) -> Record:
    at = BEGAN + n
    return Record(
        pbx="main",
        uniqueid=uniqueid(n),
        ordinal=0,
        linkedid=uniqueid(n),
        direction=Direction.INBOUND,
        line="desktop",
        transferred=False,
        caller_number=None,
        caller_name=None,
        did=None,
        started_at=None,
        offered_at=at,
        answered_at=None,
        ended_at=at + 5.0,
        outcome=Outcome.MISSED,
        reason=Reason.CALLER_HANGUP,
        agent=None,
        final_agent=None,
        agents_rung=(),
        rings=(),
        transfers=(),
        wait_seconds=5.0,
        ring_seconds=None,
        talk_seconds=None,
        hold_seconds=None,
        ended_by=None,
        recording=None,
        survey=None,
        open=False,
        because="HangupRequest of the caller",
    )


def facts(n: int, count: int = 3) -> tuple[Fact, ...]:
    return tuple(
        Fact(
            pbx="main",
            uniqueid=uniqueid(n),
            seq=seq,
            at=BEGAN + n + seq,
            kind="ring_began",
            because="DialBegin on PJSIP/101",
            data={"agent": "张三", "after": 2.5, "result": None},
        )
        for seq in range(count)
    )


def begun(*numbers: int) -> Batch:
    """Calls that ring: on disk with their state, so that a restart finds them."""
    return Batch(
        records=tuple(ringing(n) for n in numbers),
        facts=tuple(fact for n in numbers for fact in facts(n, 1)),
        open_calls=tuple(OpenCall("main", uniqueid(n), '{"rings":1}') for n in numbers),
        seen=(Seen("main", BEGAN, "2026-10-12 08:00:00"),),
    )


def ended(*numbers: int) -> Batch:
    """The same calls, over."""
    return Batch(
        records=tuple(answered(n) for n in numbers),
        facts=tuple(fact for n in numbers for fact in facts(n)),
        open_calls=tuple(OpenCall("main", uniqueid(n), None) for n in numbers),
        seen=(Seen("main", BEGAN + 1, "2026-10-12 08:00:00"),),
    )


def gap(began_at: float, ended_at: float | None) -> Batch:
    return Batch(gaps=(Gap("main", began_at, ended_at, GapCause.CONNECTION_LOST),))
