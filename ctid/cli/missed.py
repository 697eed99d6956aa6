"""`ctid missed`: who was missed and has to be called back."""

import time
from collections.abc import Iterable
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from ctid.cli import times
from ctid.cli.asking import asking, lines_of, see_lines
from ctid.cli.common import DEFAULT_CONFIG, ConfigFile, fail, load_config
from ctid.cli.control import ask
from ctid.cli.table import LAST, Column, Format, FormatOption, Row, columns_of, show
from ctid.domain.returns import ReturnState, ToReturn
from ctid.output import iso
from ctid.store import tickets

app = typer.Typer(help="Who was missed and has to be called back.")

_OPEN = (ReturnState.OPEN, ReturnState.ATTEMPTED)
_TABLE = [
    Column("due", "due"),
    Column("line", "line", cut=True),
    Column("caller", "caller"),
    Column("name", "name", cut=True, spare=LAST + 1),
    Column("calls", "calls", right=True),
    Column("last", "last call", spare=LAST),
    Column("state", "state"),
    Column("call", "call"),
]
FIELDS = (
    "pbx", "uniqueid", "line", "number", "shown", "name", "state", "misses", "due_at", "overdue",
    "attempted_at", "settled_at", "settled_by", "why",
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
    loaded = load_config(config, read_secrets=False)
    zone, now = ZoneInfo(loaded.timezone), time.time()
    with asking(loaded) as database:
        if line:
            see_lines([line], database.get(lines_of(database.reader, loaded)))
        found = database.get(
            tickets.returns(
                database.reader,
                line=line or None,
                states=tuple(ReturnState) if everything else _OPEN,
                limit=limit or None,
            )
        )
    columns = _TABLE if form is Format.TABLE else columns_of(FIELDS)
    shown = show(_rows(found, form, zone, now), columns, form)
    if not shown and form is Format.TABLE:
        typer.echo("ctid: nobody has to be called back", err=True)


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
    loaded = load_config(config, read_secrets=False)
    ask(loaded, "POST", "/v1/missed/close", {"call": call, "pbx": pbx or None, "why": why})
    typer.echo(f"{call}: closed")


def _rows(found: Iterable[ToReturn], form: Format, zone: ZoneInfo, now: float) -> Iterable[Row]:
    if form is Format.TABLE:
        return [_for_people(entry, zone, now) for entry in found]
    return [_whole(entry, now) for entry in found]


def _for_people(entry: ToReturn, zone: ZoneInfo, now: float) -> Row:
    overdue = entry.is_open and entry.due_at < now
    return {
        "due": (times.to_seconds(entry.due_at, zone) or "")[5:16],
        "line": entry.line,
        "caller": entry.shown or "unknown",
        "name": entry.name,
        "calls": len(entry.misses),
        "last": (times.to_seconds(entry.misses[-1].at, zone) or "")[5:16],
        "state": "overdue" if overdue else entry.state.value,
        "call": entry.uniqueid,
    }


def _whole(entry: ToReturn, now: float) -> dict[str, Any]:
    return {
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
    }
