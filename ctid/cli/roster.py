"""`ctid roster`: who is on duty, and whether somebody always is. Reads files, needs no daemon."""

import time
from collections.abc import Collection, Iterator
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer

from ctid.cli import times, usage
from ctid.cli.common import DEFAULT_CONFIG, ConfigFile, fail, load_config, see_roster
from ctid.cli.table import Column, Format, FormatOption, Row, show
from ctid.config import Config
from ctid.config.roster import surroundings
from ctid.domain.lines import Line
from ctid.domain.roster import Person, Plan, Role, gaps
from ctid.output import iso

app = usage.commands("Who is on duty when, and whether somebody always is.")

LOOK_AHEAD_DAYS: Final = 14
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
    zone = ZoneInfo(loaded.timezone)
    try:
        begin = times.parse_time(at, zone) if at else time.time()
    except ValueError as error:
        fail(f"--at {error}", 2)
    names = [found.name for found in loaded.line if line in ("", found.name)]
    if line and not names:
        known = ", ".join(found.name for found in loaded.line) or "none"
        fail(f"--line {line}: no such line; there are: {known}", 2)
    end = begin + days * _DAY
    rows = [row for name in names for row in _rows(plan, name, begin, end, zone)]
    if not show(rows, _DAYS if days else _NOW, form) and form is Format.TABLE:
        typer.echo("ctid: nobody is on duty", err=True)


@app.command()
def lint(
    *,
    form: FormatOption = Format.TABLE,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Say what is wrong in the roster: hours without anybody, people nobody reaches."""
    loaded = load_config(config, read_secrets=False)
    plan = see_roster(loaded, 1)
    now = time.time()
    found = [
        *({"severity": "error", **row} for row in _gaps(plan, loaded, now)),
        *_doubts(plan, surroundings(loaded).mentioning),
    ]
    show(found, _LINT, form)
    if any(row["severity"] == "error" for row in found):
        raise typer.Exit(1)
    if form is Format.TABLE:
        people = len(plan.people)
        typer.echo(f"{loaded.roster.file}: good ({people} {'person' if people == 1 else 'people'})")


def _rows(plan: Plan, line: str, begin: float, end: float, zone: ZoneInfo) -> Iterator[Row]:
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
            for person in people:
                yield {
                    "line": line,
                    "role": role.value,
                    "from": _local(low, zone),
                    "until": _local(high, zone) if end > begin else None,
                    "person": person.id,
                    "name": person.name,
                    "channels": [route.channel for route in person.routes],
                }


def _local(at: float, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M")


def _gaps(plan: Plan, loaded: Config, now: float) -> Iterator[dict[str, Any]]:
    for line in loaded.lines():
        yield from _gaps_of(plan, line, now)


def _gaps_of(plan: Plan, line: Line, now: float) -> Iterator[dict[str, Any]]:
    zone = ZoneInfo(line.zone)
    roles = [Role.FIRST_LINE]
    end = now + LOOK_AHEAD_DAYS * _DAY
    # who left the hours out may not have meant the nights
    name = line.name if line.duty is not None else f"{line.name} (without `duty`: round the clock)"
    for gap in gaps(plan, line.duty, line.zone, roles, line.name, now, end):
        begin, until = _local(gap.begins_at, zone), _local(gap.ends_at, zone)
        yield {
            "what": f"line {name}: nobody is {gap.role} from {begin} until {until}",
            "line": line.name,
            "role": gap.role,
            "begins_at": iso(gap.begins_at),
            "ends_at": iso(gap.ends_at),
        }


def _doubts(plan: Plan, mentioning: Collection[str]) -> Iterator[dict[str, Any]]:
    used = {person.id for person in plan.everyone(None)}
    for person in plan.people.values():
        if person.id not in used:
            yield {
                "severity": "warning",
                "what": f"{person.id}: is in no shift",
                "person": person.id,
            }
        elif not person.routes:
            yield {
                "severity": "error",
                "what": f"{person.id}: has no channels: nobody can reach {person.name}",
                "person": person.id,
            }
        elif all(route.address is None and route.channel in mentioning for route in person.routes):
            yield {
                "severity": "warning",
                "what": f"{person.id}: without `mobile` no group mentions {person.name}: at night "
                "nobody's telephone may ring",
                "person": person.id,
            }
    for substitution in plan.substitutions:
        if not plan.is_used(substitution):
            yield {
                "severity": "warning",
                "what": f"substitution of {substitution.absent} by {substitution.by or 'nobody'}: "
                f"{substitution.absent} has no shift in this time",
                "person": substitution.absent,
            }
