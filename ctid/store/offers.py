"""The offers of a period, out of the index of figures alone."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, case, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.domain.days import EARLIEST
from ctid.domain.kpi import AgentCounts, Offer
from ctid.domain.records import Outcome, RingResult
from ctid.store import db
from ctid.store.schema import record, ring

_C: Final = record.c
# what Offer._make does, without its checks: there are thousands
_offer = partial(tuple.__new__, Offer)


def counted_by(
    names: Sequence[str], begin: float, end: float
) -> list[tuple[list[ColumnElement[bool]], ColumnElement[Any]]]:
    """Three disjoint parts: an offer is counted by offered_at, else started_at, else ended_at."""
    ended_of = [_C.line.in_(names), _C.outcome.is_not(None)]
    no_offer, no_start = _C.offered_at.is_(None), _C.started_at.is_(None)
    return [
        ([*ended_of, _C.offered_at >= begin, _C.offered_at < end], _C.offered_at),
        ([*ended_of, no_offer, _C.started_at >= begin, _C.started_at < end], _C.started_at),
        ([*ended_of, no_offer, no_start, _C.ended_at >= begin, _C.ended_at < end], _C.ended_at),
    ]


async def lines(connection: AsyncConnection) -> list[str]:
    """Give every line that has a record, by one seek in the index for each."""
    first = select(func.min(_C.line).label("line")).cte("lines", recursive=True)
    later = select(func.min(_C.line)).where(_C.line > first.c.line).scalar_subquery()
    every = first.union_all(select(later).where(first.c.line.is_not(None)))
    query = select(every.c.line).where(every.c.line.is_not(None))
    return list((await connection.execute(query)).scalars())


async def first(connection: AsyncConnection) -> float | None:
    """Give the earliest time of any call, by which it may be counted; None: there is none."""
    unseen = _C.started_at.is_(None)
    firsts = select(
        select(func.min(_C.started_at)).where(_C.started_at >= EARLIEST).scalar_subquery(),
        select(func.min(_C.offered_at)).where(unseen, _C.offered_at >= EARLIEST).scalar_subquery(),
        select(func.min(_C.ended_at)).where(unseen, _C.ended_at >= EARLIEST).scalar_subquery(),
    )
    found = (await connection.execute(firsts)).one()
    return min((at for at in found if at is not None), default=None)


async def ended(
    connection: AsyncConnection, names: Sequence[str], begin: float, end: float
) -> list[Offer]:
    """Give the ended offers of some lines that are counted from `begin` to before `end`."""
    found: list[Offer] = []
    for conditions, at in counted_by(names, begin, end):
        query = select(
            _C.pbx,
            _C.uniqueid,
            _C.line,
            at,
            _C.outcome,
            func.coalesce(_C.reason, ""),
            _C.wait_seconds,
            _C.talk_seconds,
            _C.hold_seconds,
        ).where(*conditions)
        found += map(_offer, await db.fetch_all(connection, query))
    return found


async def agents(
    connection: AsyncConnection, names: Sequence[str], begin: float, end: float
) -> dict[str, dict[str, AgentCounts]]:
    """Count by line and agent the rings of those offers, and the talk of who answered first."""
    found: dict[str, dict[str, AgentCounts]] = {}
    same = (
        (ring.c.pbx == _C.pbx) & (ring.c.uniqueid == _C.uniqueid) & (ring.c.ordinal == _C.ordinal)
    )
    for conditions, _ in counted_by(names, begin, end):
        rings = (
            select(
                _C.line,
                ring.c.agent,
                func.count(),
                func.sum(_is(RingResult.ANSWERED)),
                func.sum(_is(RingResult.NO_ANSWER)),
                literal(0.0),
            )
            .join_from(record, ring, same)
            .where(*conditions, ring.c.agent != "", _C.outcome != Outcome.EXCLUDED.value)
            .group_by(_C.line, ring.c.agent)
        )
        talk = (
            select(
                _C.line,
                _C.agent,
                literal(0),
                literal(0),
                literal(0),
                func.coalesce(func.sum(_C.talk_seconds), 0.0),
            )
            .where(*conditions, _C.outcome == Outcome.ANSWERED.value, _C.agent.is_not(None))
            .group_by(_C.line, _C.agent)
        )
        for query in (rings, talk):
            for line, agent, *numbers in await connection.execute(query):
                by_agent = found.setdefault(line, {})
                by_agent.setdefault(agent, AgentCounts()).add(AgentCounts(*numbers))
    return found


def _is(result: RingResult) -> ColumnElement[int]:
    return case((ring.c.result == result.value, 1), else_=0)
