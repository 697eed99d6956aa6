"""Writes the figures of closed days, beside the batches and never in their way.

A day is announced first: from then on a batch that touches it counts up its `changes`. Then its
offers are read, counted in a thread, and written together with the number of changes that was read
before. So a change that comes meanwhile leaves the day stale, whatever crashes when, and it is
counted again. A stale day is right all the same: its figures are read from its offers.
"""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.domain.days import days, local_day, midnight, month_of
from ctid.domain.kpi import Offer
from ctid.domain.tally import REACH_SECONDS, Desk, Hours, Key, tally
from ctid.store import offers
from ctid.store.days import (
    AGENTS,
    Agents,
    Span,
    add_agents,
    agents_row,
    counts_row,
    merge_hours,
    states,
    within,
)
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from ctid.store.schema import record, summary, summary_day

_LINES_AT_ONCE = 5
"""So few rows at once that the events of a PBX do not wait for the reading of them."""
_DAY = summary_day.c
_SUM = summary.c


async def summarise(store: Store, reader: Reader, desk: Desk, now: float) -> list[date]:
    """Count every closed day that is new or stale, and the months they make; give these days.

    Raises StoreUnavailable; what is done by then stays done.
    """
    today = local_day(now, desk.zone)
    async with reader.transaction() as connection:
        last = today - timedelta(days=1)
        known = await states(connection, date.min, last)
        every = {*await _days_with_records(connection, desk, last), *known}
    stale = [d for d in sorted(every) if d not in known or not known[d].is_current(desk.zone)]
    for day in stale:
        await _count_day(store, reader, desk, day)
    for month in sorted({month_of(day)[0] for day in every}):
        await _add_up(store, reader, desk, month)
    return stale


async def _days_with_records(connection: AsyncConnection, desk: Desk, last: date) -> list[date]:
    """Give all days of every month with a record, from the first record on, up to `last`."""
    c = record.c
    unseen = c.started_at.is_(None)
    begun = await offers.first(connection)
    if begun is None:
        return []
    found: list[date] = []
    first = local_day(begun, desk.zone)
    while first <= last:
        end = min(last, month_of(first)[1])
        begin, until = midnight(first, desk.zone), midnight(end + timedelta(days=1), desk.zone)
        within_month = [
            select(c.uniqueid).where(c.started_at >= begin, c.started_at < until).limit(1),
            select(c.uniqueid).where(unseen, c.offered_at >= begin, c.offered_at < until).limit(1),
            select(c.uniqueid).where(unseen, c.ended_at >= begin, c.ended_at < until).limit(1),
        ]
        for query in within_month:
            if await connection.scalar(query) is not None:
                found += days(first, end)
                break
        first = end + timedelta(days=1)
    return found


async def mark_all(store: Store) -> None:
    """Make every day stale whose records are still there, to count them all anew."""

    async def mark(connection: AsyncConnection) -> None:
        change = update(summary_day).where(_DAY.frozen.is_(False))
        await connection.execute(change.values(changes=_DAY.changes + 1))

    await store.transaction(mark)


async def _count_day(store: Store, reader: Reader, desk: Desk, day: date) -> None:
    begin, end = midnight(day, desk.zone), midnight(day + timedelta(days=1), desk.zone)
    await _announce(store, day, begin, end)
    async with reader.transaction() as connection:
        changes = await connection.scalar(select(_DAY.changes).where(_DAY.day == day.isoformat()))
        names = await offers.lines(connection)
        around = begin - REACH_SECONDS, end + REACH_SECONDS
        found = []
        for n in range(0, len(names), _LINES_AT_ONCE):
            some = names[n : n + _LINES_AT_ONCE]
            found += await offers.ended(connection, some, *around)
        agents = await offers.agents(connection, names, begin, end)
    rows = await asyncio.to_thread(_day_rows, day, desk, found, agents)

    async def write(connection: AsyncConnection) -> None:
        await _replace(connection, Span.DAY, day, rows)
        await _replace(connection, Span.MONTH, month_of(day)[0], [])
        counted = update(summary_day).where(_DAY.day == day.isoformat()).values(counted=changes)
        await connection.execute(counted)

    await store.transaction(write)


def _day_rows(day: date, desk: Desk, found: list[Offer], agents: Agents) -> list[dict[str, Any]]:
    counted = tally(found, day, desk)
    return [
        *(counts_row(Span.DAY, day, key, hours) for key, hours in counted.items()),
        *(agents_row(Span.DAY, day, line, of) for line, of in agents.items()),
    ]


async def _announce(store: Store, day: date, begin: float, end: float) -> None:
    async def announce(connection: AsyncConnection) -> None:
        mine = _DAY.day == day.isoformat()
        bounds = {"began_at": begin, "ended_at": end}
        moved = mine & ((_DAY.began_at != begin) | (_DAY.ended_at != end))
        if await connection.scalar(select(func.count()).where(mine)):
            moving = update(summary_day).where(moved)
            await connection.execute(moving.values(changes=_DAY.changes + 1, **bounds))
        else:
            new = {"day": day.isoformat(), **bounds, "changes": 1, "counted": 0, "frozen": False}
            await connection.execute(insert(summary_day).values(new))
        # in the transaction, so that the very next batch already knows
        store.summarised_until = max(store.summarised_until, end)

    await store.transaction(announce)


async def _replace(
    connection: AsyncConnection, span: Span, began_on: date, rows: Sequence[dict[str, Any]]
) -> None:
    old = (_SUM.span == span.value) & (_SUM.began_on == began_on.isoformat())
    await connection.execute(delete(summary).where(old))
    if rows:
        await connection.execute(insert(summary), list(rows))


async def _add_up(store: Store, reader: Reader, desk: Desk, month: date) -> None:
    """Write a month's rows, of all its days that are known, if these are up to date.

    What it has stays: its rows go whenever one of its days is counted.
    """
    first, last = month_of(month)
    async with reader.transaction() as connection:
        is_month = (_SUM.span == Span.MONTH.value) & (_SUM.began_on == first.isoformat())
        if await connection.scalar(select(func.count()).select_from(summary).where(is_month)):
            return
        known = await states(connection, first, last)
        if not all(state.is_current(desk.zone) for state in known.values()):
            return
        query = select(_SUM.scope, _SUM.name, _SUM.total, _SUM.hours)
        is_day = _SUM.span == Span.DAY.value
        found = (await connection.execute(query.where(is_day, within(_SUM.began_on, known)))).all()
    rows = await asyncio.to_thread(_month_rows, first, [tuple(row) for row in found])
    seen = sum(state.changes for state in known.values())

    async def write(connection: AsyncConnection) -> None:
        now = await states(connection, first, last)
        if sum(state.changes for state in now.values()) == seen:
            await _replace(connection, Span.MONTH, first, rows)

    await store.transaction(write)


def _month_rows(first: date, found: list[tuple[str, str, str, str]]) -> list[dict[str, Any]]:
    hours: dict[Key, Hours] = {}
    agents: Agents = {}
    for scope, name, total, _ in found:
        if scope == AGENTS:
            add_agents(agents, name, total)
    merge_hours(hours, ((s, name, by_hour) for s, name, _, by_hour in found if s != AGENTS))
    return [
        *(counts_row(Span.MONTH, first, key, of) for key, of in hours.items()),
        *(agents_row(Span.MONTH, first, line, of) for line, of in agents.items()),
    ]
