"""`ctid missed`: who was missed and has to be called back."""

import time
from collections.abc import Iterable, Sequence
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from ctid.cli import times, usage
from ctid.cli.asking import asking, lines_of, see_lines
from ctid.cli.common import DEFAULT_CONFIG, ConfigFile, fail, load_known
from ctid.cli.control import ask
from ctid.cli.table import LAST, Column, Format, FormatOption, Row, columns_of, show
from ctid.domain.returns import ReturnState, ToReturn
from ctid.output import iso
from ctid.store import tickets
from ctid.store.told import Told, told

app = usage.commands("Who was missed and has to be called back.")

_OPEN = (ReturnState.OPEN, ReturnState.ATTEMPTED)
_TABLE = [
    Column("due", "due"),
    Column("state", "state"),
    Column("caller", "caller"),
    Column("name", "name", wrap=True),
    Column("customer", "customer", cut=True, spare=LAST + 1),
    Column("line", "line", cut=True, spare=LAST),
    Column("call", "call", spare=LAST),
    Column("ticket", "ticket", spare=LAST),
    Column("missed", "missed", right=True, spare=LAST),
    Column("last", "last", spare=LAST + 2),
]
_APART = [
    Column("last", "missed"),
    Column("name", "name", wrap=True),
    Column("line", "line", cut=True),
    Column("call", "call"),
    Column("ticket", "ticket"),
]
_NOT_EVERYWHERE = ("customer", "ticket")
"""Columns that nobody sees who has no contact directory or no ticket system."""
FIELDS = (
    "pbx", "uniqueid", "line", "number", "shown", "name", "state", "misses", "due_at", "overdue",
    "attempted_at", "settled_at", "settled_by", "why", "customer", "tickets",
)  # fmt: skip


@app.command("list")
def list_(
    *,
    line: Annotated[
        str, typer.Option(metavar="NAME", help="Only of this line, configured or recorded.")
    ] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="Also who was reached or closed.")
    ] = False,
    limit: Annotated[int, typer.Option(min=0, help="At most so many; 0 for all.")] = 50,
    form: FormatOption = Format.TABLE,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """List callers who were missed and not reached yet, those due first."""
    loaded = load_known(config)
    zone, now = ZoneInfo(loaded.timezone), time.time()
    with asking(loaded) as database:
        if line:
            see_lines([line], database.get(lines_of(database.reader, loaded)))
        found = database.get(
            tickets.returns(
                database.reader,
                line=line or None,
                states=tuple(ReturnState) if everything else _OPEN,
                limit=limit + 1 if limit else None,
            )
        )
        has_more = 0 < limit < len(found)
        found = found[: limit or None]
        known = [*zip(found, database.get(told(database.reader, found)), strict=True)]
    if form is not Format.TABLE:
        show([_whole(*one, now) for one in known], columns_of(FIELDS), form)
        return
    apart = [one for one in known if one[0].number is None and one[0].is_open]
    if not _show([_for_people(*one, zone, now) for one in known if one not in apart], _TABLE):
        nobody = "nobody was missed" if everything else "nobody has to be called back"
        typer.echo(f"ctid: {nobody}", err=True)
    if apart:
        typer.echo("\nwithout a number to call back:\n")
        _show([_for_people(*one, zone, now) for one in apart], _APART)
    if has_more:
        typer.echo(f"ctid: only {limit} are shown; --limit 0 shows all", err=True)


@app.command()
def close(
    *,
    call: Annotated[
        str, typer.Argument(metavar="CALL", help="The id of the first missed call, as listed.")
    ],
    why: Annotated[str, typer.Option(help="Why nobody has to call; it stands in the ticket.")],
    pbx: Annotated[str, typer.Option(help="The PBX, where several have a call with this id.")] = "",
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Say that nobody has to call this caller back. The running daemon notes who said so."""
    if not why.strip():
        fail("--why is empty: say why nobody has to call", 2)
    loaded = load_known(config)
    ask(loaded, "POST", "/v1/missed/close", {"call": call, "pbx": pbx or None, "why": why})
    typer.echo(f"{call}: closed")


def _show(rows: Sequence[Row], columns: Iterable[Column]) -> int:
    used = [c for c in columns if c.key not in _NOT_EVERYWHERE or any(row[c.key] for row in rows)]
    return show(rows, used, Format.TABLE)


def _for_people(entry: ToReturn, about: Told, zone: ZoneInfo, now: float) -> Row:
    overdue = entry.is_open and entry.due_at < now
    return {
        "due": times.to_minutes(entry.due_at, zone, now),
        "line": entry.line,
        "caller": entry.shown or "unknown",
        "name": entry.name,
        "customer": about.customer,
        "ticket": [ticket.ticket for ticket in about.tickets],
        "missed": len(entry.misses),
        "last": times.to_minutes(entry.misses[-1].at, zone, now),
        "state": "overdue" if overdue else entry.state.value,
        "call": entry.uniqueid,
    }


def _whole(entry: ToReturn, about: Told, now: float) -> dict[str, Any]:
    values = {
        **entry._asdict(),
        "state": entry.state.value,
        "misses": [
            {
                "pbx": miss.pbx,
                "uniqueid": miss.uniqueid,
                "at": iso(miss.at),
                "outcome": miss.outcome.value,
                "reason": miss.reason and miss.reason.value,
            }
            for miss in entry.misses
        ],
        "due_at": iso(entry.due_at),
        "overdue": entry.is_open and entry.due_at < now,
        "attempted_at": iso(entry.attempted_at),
        "settled_at": iso(entry.settled_at),
        "customer": about.customer,
        "tickets": [ticket._asdict() for ticket in about.tickets],
    }
    return {name: values[name] for name in FIELDS}
