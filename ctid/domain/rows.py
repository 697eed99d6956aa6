"""A call's state as the records that are stored and shown."""

from ctid.domain.calls import Call, Visit
from ctid.domain.conversation import ended_by
from ctid.domain.reasons import attempt_end
from ctid.domain.records import Direction, EndedBy, Outcome, Record, Ring


def records_of(pbx: str, call: Call) -> list[Record]:
    """One record per visit to a line; one for the whole call where it visited none."""
    visits = [visit for visit in call.visits if visit.line is not None] or [call.visit]
    return [_record(pbx, call, visit, ordinal) for ordinal, visit in enumerate(visits)]


def _record(pbx: str, call: Call, visit: Visit, ordinal: int) -> Record:
    over = call.settled
    placed_by_agent = visit.line is None and call.direction is not Direction.INBOUND
    return Record(
        pbx=pbx,
        uniqueid=call.uniqueid,
        ordinal=ordinal,
        linkedid=call.linkedid,
        direction=call.direction,
        line=visit.line,
        transferred=visit.transferred,
        caller_number=call.caller_number or None,
        caller_name=call.caller_name or None,
        did=call.did or None,
        started_at=call.started_at,
        offered_at=visit.offered_at,
        answered_at=visit.answered_at,
        ended_at=visit.ended_at if visit.ended_at is not None else call.hung_up_at,
        outcome=visit.outcome,
        reason=visit.reason,
        agent=call.agent if placed_by_agent else visit.agent,
        final_agent=call.agent if placed_by_agent else visit.final_agent,
        agents_rung=_agents_rung(visit, placed_by_agent=placed_by_agent),
        rings=tuple(
            Ring(r.agent, r.channel, r.began_at, r.rang_at, r.ended_at, r.result)
            for r in visit.rings
        ),
        transfers=tuple(call.transfers),
        wait_seconds=_wait(call, visit),
        ring_seconds=_ring_seconds(call, visit),
        talk_seconds=_seconds(visit.talk) if visit.talk_known and visit.offered else None,
        hold_seconds=_seconds(visit.hold) if visit.talk_known and visit.offered else None,
        ended_by=_ended_by(call, visit) if over else None,
        recording=call.recording or None,
        survey=call.survey or None,
        open=not over,
        because=visit.because,
    )


def _agents_rung(visit: Visit, *, placed_by_agent: bool) -> tuple[str, ...]:
    rung = (
        ring.agent
        for ring in visit.rings
        if ring.agent and ring.rang_at is not None and not (placed_by_agent and ring.outside)
    )
    return tuple(sorted(dict.fromkeys(rung)))


def _wait(call: Call, visit: Visit) -> float | None:
    if visit.offered_at is None or visit.outcome is Outcome.LOST or not visit.wait_known:
        return None
    if visit.answered:
        end = visit.answered_at
    else:
        end = attempt_end(visit, visit.attempt) if visit.attempt else None
        end = end if end is not None else call.hung_up_at
    return None if end is None else _seconds(max(0.0, end - visit.offered_at))


def _ring_seconds(call: Call, visit: Visit) -> float | None:
    """Time before the answer in which at least one phone rang, without gaps."""
    if not visit.ring_known or not visit.offered or visit.outcome is Outcome.LOST:
        return None
    end = visit.answered_at if visit.answered else call.hung_up_at
    total, until = 0.0, 0.0
    for began, ended in _spans(visit, end):
        total += max(0.0, ended - max(began, until))
        until = max(until, ended)
    return _seconds(total)


def _spans(visit: Visit, end: float | None) -> list[tuple[float, float]]:
    """When each phone rang, cut at `end`; phones that still ring are left out."""
    spans = []
    for ring in visit.rings:
        until = min((t for t in (ring.ended_at, end) if t is not None), default=None)
        if ring.rang_at is not None and until is not None and ring.rang_at < until:
            spans.append((ring.rang_at, until))
    return sorted(spans)


def _ended_by(call: Call, visit: Visit) -> EndedBy | None:
    if visit.outcome is Outcome.LOST or call.end_unknown:
        return None
    if visit.left_by is not None and visit is not call.visit:
        return visit.left_by
    return ended_by(call)


def _seconds(value: float) -> float:
    return round(value, 3)
