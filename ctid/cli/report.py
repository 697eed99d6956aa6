"""`ctid report`: the figures of lines, days, hours or agents over a period."""

import asyncio
import csv
import json
import sys
import time
from datetime import date
from enum import StrEnum
from typing import Annotated

import typer

from ctid.cli.common import DEFAULT_CONFIG, ConfigFile, fail, load_config
from ctid.config import Config
from ctid.domain.days import local_day, month_of
from ctid.report.rows import Row, agent_row, figure_row, readable, readable_reasons
from ctid.store import figures
from ctid.store.errors import StoreUnavailable
from ctid.store.figures import By, Period
from ctid.store.queries import Reader


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


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
    format: Annotated[Format, typer.Option(help="How to print it.")] = Format.TABLE,  # noqa: A002
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
    _print(rows, by, format, f"{period.first} to {period.last}, {loaded.timezone}")


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
    if line is not None and not chosen:
        names = ", ".join(f.name for f in found if f.scope == "line") or "none"
        fail(f"--line {line}: no such line; there are: {names}", 2)
    return [figure_row(f) for f in chosen]


def _print(rows: list[Row], by: By, format: Format, title: str) -> None:  # noqa: A002
    if format is Format.JSON:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    elif format is Format.JSONL:
        for row in rows:
            typer.echo(json.dumps(row, ensure_ascii=False))
    elif format is Format.CSV:
        _print_csv(rows)
    else:
        _print_table(readable(rows), title)
        if by is By.LINE and (reasons := readable_reasons(rows)):
            _print_table(reasons, "why not answered")


def _print_csv(rows: list[Row]) -> None:
    if not rows:
        return
    writer = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        flat = {k: json.dumps(v) if isinstance(v, dict) else v for k, v in row.items()}
        writer.writerow(flat)


def _print_table(rows: list[dict[str, str]], title: str) -> None:
    from rich.console import Console  # noqa: PLC0415 - slow to import, and only needed here
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(title=title)
    for name in rows[0] if rows else ():
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(value) for value in row.values()))
    # to a file or a pipe a row stays one line
    console = Console() if sys.stdout.isatty() else Console(width=400)
    console.print(table if rows else f"{title}: no calls")
