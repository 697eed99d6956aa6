"""`ctid roster`: who is on duty, and whether somebody always is. Reads files, needs no daemon."""

import time
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import typer

from ctid.cli import roster_lint, times, usage
from ctid.cli.common import DEFAULT_CONFIG, ConfigFile, fail, load_config, see_roster
from ctid.cli.table import Column, Format, FormatOption, Row, show
from ctid.domain.roster import Person, Plan, Role

app = usage.commands("Who is on duty when, and whether somebody always is.")

_DAY: Final = 86_400.0

_NOW = [
    Column("line", "line", cut=True),
    Column("role", "role"),
    Column("name", "who", wrap=True),
    Column("channels", "channels", wrap=True),
]
_DAYS = [
    Column("from", "from"),
    Column("until", "until"),
    Column("line", "line", cut=True),
    Column("role", "role"),
    Column("name", "who", wrap=True),
]
_LINT = [
    Column("severity", "severity"),
    Column("what", "what", wrap=True),
]


@app.command("show")
def show_(
    *,
    at: Annotated[
        str, typer.Option(metavar="TIME", help="Then, as 2026-11-25T08:30; not given: now.")
    ] = "",
    line: Annotated[str, typer.Option(metavar="NAME", help="Only of this line.")] = "",
    days: Annotated[
        int, typer.Option(min=0, max=366, help="From then on, so many days, change by change.")
    ] = 0,
    form: FormatOption = Format.TABLE,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Show who is on duty, by line and role."""
    loaded = load_config(config, read_secrets=False)
    plan = see_roster(loaded)
    zone = ZoneInfo(loaded.zones().get(line, loaded.timezone))
    try:
        begin = times.parse_time(at, zone) if at else time.time()
    except ValueError as error:
        fail(f"--at {error}", 2)
    names = [found.name for found in loaded.line if line in ("", found.name)]
    if line and not names:
        known = ", ".join(found.name for found in loaded.line) or "none"
        fail(f"--line {line}: no such line; there are: {known}", 2)
    end = begin + days * _DAY
    moment = _local if form is Format.TABLE else _with_offset
    rows = [
        {"from": moment(low, zone), "until": moment(high, zone) if days else None, **row}
        for name in names
        for low, high, row in _rows(plan, name, begin, end)
    ]
    if form is Format.TABLE:
        rows = [{**row, "name": row["name"] or "nobody"} for row in rows]
        typer.echo(f"{_local(begin, zone)}{' and after' if days else ''}, times of {zone.key}")
    if not show(rows, _DAYS if days else _NOW, form) and form is Format.TABLE:
        typer.echo("ctid: there is no [[line]] for which somebody could be on duty", err=True)


@app.command()
def lint(
    *,
    form: FormatOption = Format.TABLE,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Say what is wrong in the roster: hours without anybody, people nobody reaches."""
    loaded = load_config(config, read_secrets=False)
    plan = see_roster(loaded, 1)
    found = roster_lint.lint(plan, loaded, time.time())
    if form is Format.TABLE and any("begins_at" in row for row in found):
        typer.echo(f"times of {loaded.timezone}, where no other zone is named")
    show(found, _LINT, form)
    if any(row["severity"] == "error" for row in found):
        raise typer.Exit(1)
    if form is Format.TABLE:
        people = len(plan.people)
        typer.echo(f"{loaded.roster.file}: good ({people} {'person' if people == 1 else 'people'})")


def _rows(plan: Plan, line: str, begin: float, end: float) -> Iterator[tuple[float, float, Row]]:
    """Who has which role, for each stretch of time in which nothing changes."""
    for role in Role:
        stretches: list[tuple[float, float, tuple[Person, ...]]] = []
        for low, high in pairwise([begin, *plan.changes(line, begin, end), max(begin, end)]):
            people = tuple(plan.on_duty(role, line, low))
            if stretches and stretches[-1][2] == people:
                stretches[-1] = (stretches[-1][0], high, people)
            else:
                stretches.append((low, high, people))
        for low, high, people in stretches:
            what = {"line": line, "role": role.value}
            for person in people:
                channels = [route.channel for route in person.routes]
                who = {"person": person.id, "name": person.name, "channels": channels}
                yield low, high, {**what, **who}
            if not people and len(stretches) == 1:  # nobody at all; other pauses show by themselves
                yield low, high, {**what, "person": None, "name": None, "channels": []}


def _local(at: float, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M")


def _with_offset(at: float, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at, zone).isoformat(timespec="seconds")
