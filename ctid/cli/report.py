"""`ctid report`: the figures of lines, days, hours or agents over a period."""

import asyncio
import time
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from ctid.cli import times
from ctid.cli.asking import fail_without_database, lines_of, see_lines
from ctid.cli.common import DEFAULT_CONFIG, ConfigFile, fail, load_config
from ctid.cli.table import LAST, Column, Format, FormatOption, columns_of, show
from ctid.cli.wrapping import terminal_width, wrapped
from ctid.collector import calm_the_collector
from ctid.config import Config
from ctid.domain.days import local_day, midnight, month_of
from ctid.domain.kpi import AgentCounts
from ctid.report.rows import (
    SPARE,
    WORDS,
    Row,
    agent_row,
    figure_row,
    notes,
    readable,
    readable_reasons,
)
from ctid.store import figures
from ctid.store.errors import StoreUnavailable
from ctid.store.figures import AgentFigure, By, Period
from ctid.store.queries import Reader

# no call is recorded out of these
_FIRST, _LAST = date(2000, 1, 1), date(2099, 12, 31)
# what agent_row names, also where there is no agent
_NO_AGENT = AgentFigure("", AgentCounts(), None)


def report(
    *,
    first: Annotated[
        str, typer.Option("--from", metavar="DATE", help="First day; this month's if not given.")
    ] = "",
    last: Annotated[
        str, typer.Option("--to", metavar="DATE", help="Last day, included; today if not given.")
    ] = "",
    today: Annotated[bool, typer.Option("--today", help="Only of today.")] = False,
    by: Annotated[By, typer.Option(help="What each row is of.")] = By.LINE,
    line: Annotated[str, typer.Option(metavar="NAME", help="Only of this line.")] = "",
    form: FormatOption = Format.TABLE,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Print how the calls of a period were answered.

    Counts, raw and adjusted rate, times, coverage. Days are local days of the configured time
    zone, named like 2026-11-25. Without --from and --to: this month until today.
    """
    loaded = load_config(config, read_secrets=False)
    now = time.time()
    if today and (first or last):
        fail("--today already says from when to when: leave out --from and --to", 2)
    day = local_day(now, loaded.timezone)
    period = Period(day, day) if today else _period(first, last, day, loaded.timezone)
    try:
        calm_the_collector()
        found = asyncio.run(_found(loaded, period, by, line or None, now))
    except StoreUnavailable as error:
        fail_without_database(loaded, error)
    if form is not Format.TABLE:
        named = found.rows[0] if found.rows else agent_row(_NO_AGENT)
        show(found.rows, columns_of(named), form)
        return
    title = f"{period.first} to {period.last}, {loaded.timezone}"
    if by in (By.DAY, By.HOUR):
        title = f"{line or 'all lines'}, {title}"
    _print(found.rows, by, title)
    _print_notes(loaded, found, period)


def _period(first: str, last: str, today: date, timezone: str) -> Period:
    until = _day("--to", last) if last else today
    begin = _day("--from", first) if first else month_of(until)[0]
    if begin > today:
        option = "--from" if first else "--to"
        fail(f"{option} {first or last}: has not begun; today is {today} ({timezone})", 2)
    if begin > until:
        fail(f"--from {begin} is later than --to {until}: give the earlier day first", 2)
    return Period(begin, until)


def _day(option: str, text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        fail(f"{option} {text}: no day; write it like 2026-11-25", 2)
    if not _FIRST <= day <= _LAST:
        fail(f"{option} {text}: not between {_FIRST} and {_LAST}", 2)
    return day


@dataclass(frozen=True, slots=True)
class _Found:
    """`since`: Unix seconds of the first that was ever recorded, None: nothing was."""

    rows: list[Row]
    since: float | None


async def _found(config: Config, period: Period, by: By, line: str | None, now: float) -> _Found:
    async with await Reader.open(config.store.url) as reader:
        if line is not None:
            see_lines([line], await lines_of(reader, config))
        rows = await _rows(reader, config, period, by, line, now)
        async with reader.transaction() as connection:
            return _Found(rows, await figures.recorded_since(connection))


async def _rows(
    reader: Reader, config: Config, period: Period, by: By, line: str | None, now: float
) -> list[Row]:
    desk = config.desk()
    if by is By.AGENT:
        return [agent_row(f) for f in await figures.by_agent(reader, desk, period, now, line)]
    if by is By.DAY:
        return [figure_row(f) for f in await figures.by_day(reader, desk, period, now, line)]
    if by is By.HOUR:
        return [figure_row(f) for f in await figures.by_hour(reader, desk, period, now, line)]
    found = await figures.by_line(reader, desk, period, now)
    chosen = [f for f in found if line is None or (f.scope, f.name) == ("line", line)]
    return [figure_row(f) for f in chosen]


def _print(rows: list[Row], by: By, title: str) -> None:
    if not rows:
        typer.echo(f"{title}: no calls")
        return
    typer.echo(title)
    _print_table(readable(rows))
    if by is By.LINE and (reasons := readable_reasons(rows)):
        typer.echo("\nwhy not answered")
        _print_table(reasons)


def _print_table(rows: list[dict[str, str]]) -> None:
    columns = [
        Column(
            name,
            name,
            right=name not in WORDS,
            cut=name in ("of", "agent"),
            wrap=name == "reasons",
            spare=SPARE.index(name) + LAST + 1 if name in SPARE else 0,
        )
        for name in rows[0]
    ]
    show(rows, columns, Format.TABLE)


def _print_notes(config: Config, found: _Found, period: Period) -> None:
    told = []
    whole = all(row["coverage"] in (None, 1.0) for row in found.rows)
    begin = midnight(period.first, config.timezone)
    if not whole and found.since is not None and found.since > begin:
        since = times.to_seconds(found.since, ZoneInfo(config.timezone))
        told.append(f"coverage: recorded since {since} only")
    told += notes(found.rows, config.figures.short_abandon_seconds)
    if told:
        typer.echo()
    for note in told:
        for row in wrapped("", note, terminal_width()):
            typer.echo(row)
