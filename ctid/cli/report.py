"""`ctid report`: the figures of lines, days, hours or agents over a period."""

import asyncio
import time
from datetime import date
from typing import Annotated

import typer

from ctid.cli.common import DEFAULT_CONFIG, ConfigFile, fail, load_config
from ctid.cli.table import Column, Format, FormatOption, columns_of, show
from ctid.config import Config
from ctid.domain.days import local_day, month_of
from ctid.report.rows import (
    SPARE,
    WORDS,
    Row,
    agent_row,
    figure_row,
    readable,
    readable_reasons,
)
from ctid.store import figures
from ctid.store.errors import StoreUnavailable
from ctid.store.figures import By, Period
from ctid.store.queries import Reader


def report(
    config: ConfigFile = DEFAULT_CONFIG,
    first: Annotated[
        str, typer.Option("--from", metavar="DATE", help="First day; this month's if not given.")
    ] = "",
    last: Annotated[
        str, typer.Option("--to", metavar="DATE", help="Last day, included; today if not given.")
    ] = "",
    by: Annotated[By, typer.Option(help="What each row is of.")] = By.LINE,
    line: Annotated[str, typer.Option(metavar="NAME", help="Only of this line.")] = "",
    form: FormatOption = Format.TABLE,
) -> None:
    """Print how the calls of a period were answered: counts, raw and adjusted rate, times.

    Days are local days of the configured time zone, named like 2026-11-25. Without --from and
    --to: this month until today.
    """
    loaded = load_config(config, read_secrets=False)
    now = time.time()
    period = _period(first, last, local_day(now, loaded.timezone))
    try:
        rows = asyncio.run(_rows(loaded, period, by, line or None, now))
    except StoreUnavailable as error:
        fail(str(error))
    _print(rows, by, form, f"{period.first} to {period.last}, {loaded.timezone}")


def _period(first: str, last: str, today: date) -> Period:
    until = _day("--to", last) if last else max(today, _day("--from", first) if first else today)
    begin = _day("--from", first) if first else month_of(until)[0]
    if begin > until:
        fail(f"--from {begin} is later than --to {until}: give the earlier day first", 2)
    return Period(begin, until)


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"{option} {text}: no day; write it like 2026-11-25", 2)


async def _rows(config: Config, period: Period, by: By, line: str | None, now: float) -> list[Row]:
    desk = config.desk()
    if line is not None and line not in desk.lines:
        names = ", ".join(sorted(desk.lines)) or "none"
        fail(f"--line {line}: no such line; there are: {names}", 2)
    async with await Reader.open(config.store.url) as reader:
        if by is By.AGENT:
            agents = await figures.by_agent(reader, desk, period, now, line)
            return [agent_row(found) for found in agents]
        if by is By.DAY:
            return [figure_row(f) for f in await figures.by_day(reader, desk, period, now, line)]
        if by is By.HOUR:
            return [figure_row(f) for f in await figures.by_hour(reader, desk, period, now, line)]
        found = await figures.by_line(reader, desk, period, now)
        chosen = [f for f in found if line is None or (f.scope, f.name) == ("line", line)]
    return [figure_row(f) for f in chosen]


def _print(rows: list[Row], by: By, form: Format, title: str) -> None:
    if form is not Format.TABLE:
        show(rows, columns_of(rows[0] if rows else ()), form)
        return
    if not rows:
        typer.echo(f"{title}: no calls")
        return
    typer.echo(title)
    _print_table(readable(rows))
    if by is By.LINE and (reasons := readable_reasons(rows)):
        typer.echo("\nwhy not answered")
        _print_table(reasons)


def _print_table(rows: list[dict[str, str]]) -> None:
    columns = [Column(name, name, right=name not in WORDS, spare=name in SPARE) for name in rows[0]]
    show(rows, columns, Format.TABLE)
