"""Figures of any period of whole local days, without writing anything.

Whole months and closed days come from table `summary`; today, and days that are not summarised or
stale, from their offers. Both are counted by the same code.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import groupby, pairwise
from operator import attrgetter
from typing import Final

import orjson
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.domain.days import days, hour_starts, local_day, midnight, month_of
from ctid.domain.kpi import AgentCounts, Counts
from ctid.domain.records import Gap, GapCause
from ctid.domain.tally import DESK, HOURS, REACH_SECONDS, Desk, Hours, Key, Scope, coverage, tally
from ctid.store import db, offers, rows
from ctid.store.days import (
    AGENTS,
    Agents,
    Span,
    add_agents,
    hours_from,
    merge_agents,
    states,
    within,
)
from ctid.store.queries import Reader
from ctid.store.schema import gap, record, seen, summary, summary_day

_SUM = summary.c
_at = attrgetter("at")
_SCOPES: Final = {scope.value: scope for scope in Scope}
_DAYS_AT_ONCE: Final = 7
_SEEN_LATE_SECONDS: Final = 30.0
"""`seen_until` is written every 5 s; older than this, nobody is watching."""


class By(StrEnum):
    """What each figure is of."""

    LINE = "line"
    DAY = "day"
    HOUR = "hour"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Period:
    """Local days, both included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Figure:
    """The counts of a scope in the period, or in one `day` or `hour` of day of it.

    `coverage` is the share of that time, up to now, in which the PBX was seen; None: none of it
    has passed yet.
    """

    scope: Scope
    name: str
    day: date | None
    hour: int | None
    counts: Counts
    coverage: float | None


@dataclass(frozen=True, slots=True)
class AgentFigure:
    """The counts of one agent in the period."""

    agent: str
    counts: AgentCounts
    coverage: float | None


async def recorded_since(connection: AsyncConnection) -> float | None:
    """Give when recording began (Unix seconds), as far as it is kept; None: nothing ever was."""
    beginnings = select(
        select(func.min(record.c.started_at)).scalar_subquery(),
        select(func.min(gap.c.began_at)).scalar_subquery(),
        # days whose records were deleted by age
        select(func.min(summary_day.c.began_at)).where(summary_day.c.frozen).scalar_subquery(),
    )
    known = (await connection.execute(beginnings)).one()
    return min((at for at in known if at is not None), default=None)


async def by_line(reader: Reader, desk: Desk, period: Period, now: float) -> list[Figure]:
    """Of every line with records or a configuration, of specialties of several, of the desk."""
    found: dict[Key, Counts] = {}
    async with reader.transaction() as connection:

        def of_key(key: Key, _: date) -> Counts:
            return found.setdefault(key, Counts())

        await _add_totals(connection, desk, period, None, now, of_key)
        seen_share = await _coverage(connection, desk, period, now)
    for name in desk.lines:
        found.setdefault((Scope.LINE, name), Counts())
    of = [line.specialty for line in desk.lines.values()]
    shown = [key for key in found if key[0] is not Scope.SPECIALTY or of.count(key[1]) > 1]
    order = list(Scope)
    shown.sort(key=lambda key: (order.index(key[0]), key[1]))
    return [Figure(*key, None, None, found[key], seen_share) for key in shown]


async def by_day(
    reader: Reader, desk: Desk, period: Period, now: float, line: str | None = None
) -> list[Figure]:
    """Of each day, of one line or the desk."""
    key = DESK if line is None else (Scope.LINE, line)
    found = {day: Counts() for day in days(period.first, period.last)}
    figures = []
    async with reader.transaction() as connection:
        await _add_totals(
            connection, desk, period, key, now, lambda _, day: found[day], months=False
        )
        gaps = await _gaps(connection, desk, period, now)
    for day, counts in found.items():
        stretch = _stretch(desk, Period(day, day), now)
        share = coverage(gaps, desk.pbxs, [stretch])
        figures.append(Figure(*key, day, None, counts, share))
    return figures


async def by_hour(
    reader: Reader, desk: Desk, period: Period, now: float, line: str | None = None
) -> list[Figure]:
    """Of each hour of the day, of one line or the desk."""
    key = DESK if line is None else (Scope.LINE, line)
    found = {hour: Counts() for hour in range(HOURS)}
    async with reader.transaction() as connection:
        for hours in await _hours(connection, desk, period, key, now):
            for hour, counts in hours.by_hour.items():
                found[hour].add(counts)
        gaps = await _gaps(connection, desk, period, now)
    stretches = _hours_of(desk, period, now)
    return [
        Figure(*key, None, hour, counts, coverage(gaps, desk.pbxs, stretches[hour]))
        for hour, counts in found.items()
    ]


async def by_agent(
    reader: Reader, desk: Desk, period: Period, now: float, line: str | None = None
) -> list[AgentFigure]:
    """Of each agent, on one line or on all."""
    found: Agents = {}
    async with reader.transaction() as connection:
        parts = await _parts(connection, desk, period, now, months=True)
        query = select(_SUM.name, _SUM.total).where(_SUM.scope == AGENTS)
        if line is not None:
            query = query.where(_SUM.name == line)
        for span, chosen in parts.spans():
            rows_of = query.where(_SUM.span == span.value, within(_SUM.began_on, chosen))
            for name, total in await connection.execute(rows_of):
                add_agents(found, name, total)
        names = [line] if line is not None else await offers.lines(connection)
        for run in parts.runs:
            begin, end = _bounds(desk, run)
            for name, agents in (await offers.agents(connection, names, begin, end)).items():
                merge_agents(found, name, agents)
        share = await _coverage(connection, desk, period, now)
    merged: Agents = {}
    for agents in found.values():
        merge_agents(merged, "", agents)
    return [AgentFigure(agent, n, share) for agent, n in sorted(merged.get("", {}).items())]


@dataclass(frozen=True, slots=True)
class _Parts:
    """Where the days of a period are read: whole months, days, and runs of days from offers."""

    months: list[date]
    days: list[date]
    runs: list[list[date]]

    def spans(self) -> list[tuple[Span, list[date]]]:
        return [(Span.MONTH, self.months), (Span.DAY, self.days)]


async def _parts(
    connection: AsyncConnection, desk: Desk, period: Period, now: float, *, months: bool
) -> _Parts:
    known = await states(connection, month_of(period.first)[0], month_of(period.last)[1])
    current = {day for day, state in known.items() if state.is_current(desk.zone)}
    query = select(_SUM.began_on).distinct().where(_SUM.span == Span.MONTH.value)
    written = set((await connection.execute(query)).scalars()) if months else set()
    parts = _Parts([], [], [])
    open_days = []
    for first, group in groupby(days(period.first, period.last), lambda day: day.replace(day=1)):
        of = list(group)
        # a month's row is of all its days that are known; it goes when one of them is counted
        added_up = {day for day in days(*month_of(first)) if day in known}
        if first.isoformat() in written and added_up <= current.intersection(of):
            parts.months.append(first)
        else:
            parts.days.extend(day for day in of if day in current)
        open_days += [day for day in of if day not in current]
    begun = await offers.first(connection) if open_days else None
    for day in open_days:
        if midnight(day, desk.zone) > now or begun is None:
            break
        if day < local_day(begun, desk.zone):
            continue  # nobody was there, and a person may ask from the year 1 on
        run = parts.runs[-1] if parts.runs else []
        if run and day - run[-1] == timedelta(days=1) and len(run) < _DAYS_AT_ONCE:
            run.append(day)
        else:
            parts.runs.append([day])
    return parts


async def _add_totals(
    connection: AsyncConnection,
    desk: Desk,
    period: Period,
    key: Key | None,
    now: float,
    to: Callable[[Key, date], Counts],
    *,
    months: bool = True,
) -> None:
    """Add all that was counted of one key, or of every, to the counts that `to` gives for it."""
    parts = await _parts(connection, desk, period, now, months=months)
    query = select(_SUM.scope, _SUM.name, _SUM.began_on, _SUM.total).where(_SUM.scope != AGENTS)
    if key is not None:
        query = query.where(_SUM.scope == key[0].value, _SUM.name == key[1])
    for span, chosen in parts.spans():
        if chosen:
            written = {day.isoformat(): day for day in chosen}
            rows_of = query.where(_SUM.span == span.value, within(_SUM.began_on, chosen))
            for scope, name, day, total in await db.fetch_all(connection, rows_of):
                to((_SCOPES[scope], name), written[day]).add_json(orjson.loads(total))
    for at, of, hours in await _counted_now(connection, desk, parts.runs, hourly=False):
        if key is None or of == key:
            to(of, at).add(hours.total())


async def _hours(
    connection: AsyncConnection, desk: Desk, period: Period, key: Key, now: float
) -> list[Hours]:
    parts = await _parts(connection, desk, period, now, months=True)
    query = select(_SUM.hours).where(_SUM.scope == key[0].value, _SUM.name == key[1])
    found = []
    for span, chosen in parts.spans():
        rows_of = query.where(_SUM.span == span.value, within(_SUM.began_on, chosen))
        found += [hours_from(text) for text in (await connection.execute(rows_of)).scalars()]
    counted = await _counted_now(connection, desk, parts.runs, hourly=True)
    return found + [hours for _, of, hours in counted if of == key]


async def _counted_now(
    connection: AsyncConnection, desk: Desk, runs: Iterable[Sequence[date]], *, hourly: bool
) -> list[tuple[date, Key, Hours]]:
    found: list[tuple[date, Key, Hours]] = []
    runs = list(runs)
    names = await offers.lines(connection) if runs else []
    for run in runs:
        begin, end = _bounds(desk, run)
        around = begin - REACH_SECONDS, end + REACH_SECONDS
        ordered = await offers.ended(connection, names, *around)
        if len(run) > 1:
            ordered.sort(key=_at)
        for day in run:
            first, last = _bounds(desk, [day])
            of_day = ordered
            if len(run) > 1:
                low = bisect_left(ordered, first - REACH_SECONDS, key=_at)
                high = bisect_left(ordered, last + REACH_SECONDS, key=_at)
                of_day = ordered[low:high]
            if of_day:
                counted = tally(of_day, day, desk, hourly=hourly)
                found += [(day, key, hours) for key, hours in counted.items()]
    return found


def _bounds(desk: Desk, run: Sequence[date]) -> tuple[float, float]:
    return midnight(run[0], desk.zone), midnight(run[-1] + timedelta(days=1), desk.zone)


def _stretch(desk: Desk, period: Period, now: float) -> tuple[float, float]:
    begin, end = _bounds(desk, [period.first, period.last])
    return begin, max(begin, min(end, now))


def _hours_of(desk: Desk, period: Period, now: float) -> list[list[tuple[float, float]]]:
    """When each hour of the day was, on every day, up to now."""
    stretches: list[list[tuple[float, float]]] = [[] for _ in range(HOURS)]
    for day in days(period.first, period.last):
        _, end = _bounds(desk, [day])
        for (begin, hour), (stop, _) in pairwise([*hour_starts(day, desk.zone), (end, HOURS)]):
            if begin < now:
                stretches[hour].append((begin, min(stop, now)))
    return stretches


async def _coverage(
    connection: AsyncConnection, desk: Desk, period: Period, now: float
) -> float | None:
    gaps = await _gaps(connection, desk, period, now)
    return coverage(gaps, desk.pbxs, [_stretch(desk, period, now)])


async def _gaps(connection: AsyncConnection, desk: Desk, period: Period, now: float) -> list[Gap]:
    """Give what nobody saw: the gaps, the time before ctid was there, and since it was last."""
    begin, end = _stretch(desk, period, now)
    touching = (gap.c.began_at < end) & (gap.c.ended_at.is_(None) | (gap.c.ended_at > begin))
    found = [
        rows.gap_from({**row})
        for row in (await connection.execute(select(gap).where(touching))).mappings()
    ]
    last_seen = {pbx: at for pbx, at, _ in await connection.execute(select(seen))}
    recorded = await recorded_since(connection)
    for pbx in desk.pbxs:
        until = last_seen.get(pbx)
        if until is None:
            found.append(Gap(pbx, begin, None, GapCause.UNREACHABLE))
            continue
        since = until if recorded is None else recorded
        if begin < since:
            found.append(Gap(pbx, begin, since, GapCause.DAEMON_DOWN))
        if now - until > _SEEN_LATE_SECONDS:
            found.append(Gap(pbx, until, None, GapCause.DAEMON_DOWN))
    return found
