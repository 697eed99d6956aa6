"""`ctid outbox`: ticket drafts on their way to other systems."""

import json
import time
from collections.abc import Collection
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from ctid.cli import times, usage
from ctid.cli.asking import asking
from ctid.cli.common import DEFAULT_CONFIG, ConfigFile, fail, load_known
from ctid.cli.control import ask
from ctid.cli.table import LAST, Column, Format, FormatOption, Row, columns_of, show
from ctid.config import Config
from ctid.output import iso
from ctid.store import tickets
from ctid.store.drafts import draft_to_json
from ctid.store.outbox import OutboxState
from ctid.store.tickets import Delivery

app = usage.commands("Ticket drafts on their way to other systems.")

_TABLE = [
    Column("decided", "decided", spare=LAST + 1),
    Column("backend", "backend", cut=True),
    Column("line", "line", cut=True, spare=LAST + 2),
    Column("stage", "stage", spare=LAST + 3),
    Column("state", "state"),
    Column("tries", "tries", right=True, spare=LAST),
    Column("next", "next", spare=LAST),
    Column("ticket", "ticket"),
    Column("why", "why", wrap=True),
    Column("call", "call"),
]
FIELDS = (
    "destination", "key", "pbx", "uniqueid", "line", "stage", "revision", "state", "decided_at",
    "next_at", "attempts", "sent_revision", "remote_id", "url", "reason", "detail", "settled_at",
)  # fmt: skip

_DONE = "they are delivered already"

Backend = Annotated[str, typer.Option(metavar="NAME", help="Only for this backend.")]
Keys = Annotated[
    list[str] | None,
    typer.Argument(metavar="DRAFT", help="The key of a draft, or the id of its call."),
]


@app.command("list")
def list_(
    *,
    backend: Backend = "",
    state: Annotated[
        list[OutboxState] | None,
        typer.Option(help="How they stand; may be repeated. Pending and dead if not given."),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="At most so many; 0 for all.")] = 50,
    form: FormatOption = Format.TABLE,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """List drafts that wait or are dead, the newest first."""
    loaded = load_known(config)
    zone, now = ZoneInfo(loaded.timezone), time.time()
    with asking(loaded) as database:
        if backend:
            recorded = database.get(tickets.backlogs(database.reader))
            _see_backend(backend, {*_configured(loaded), *recorded})
        found = database.get(
            tickets.deliveries(
                database.reader,
                destination=backend or None,
                states=state or (OutboxState.PENDING, OutboxState.DEAD),
                limit=limit or None,
            )
        )
    if form is not Format.TABLE:
        show([_whole(row) for row in found], columns_of(FIELDS), form)
    elif not show([_for_people(row, zone, now) for row in found], _TABLE, form):
        asked = "is " + " or ".join(state) if state else "waits or is dead"
        typer.echo(f"ctid: no draft {asked}", err=True)


@app.command("show")
def show_(
    *,
    draft: Annotated[
        str, typer.Argument(metavar="DRAFT", help="The key of a draft, or the id of its call.")
    ],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Show a draft and how its deliveries stand, as JSON: one object for each backend."""
    loaded = load_known(config)
    with asking(loaded) as database:
        found = database.get(tickets.find_deliveries(database.reader, draft))
    if not found:
        fail(f"{draft}: no draft has this key or call; `ctid outbox list` shows them")
    for row, document in found:
        whole = {**_whole(row), "draft": json.loads(draft_to_json(document))}
        typer.echo(json.dumps(whole, ensure_ascii=False, indent=2))


@app.command()
def retry(
    *,
    draft: Keys = None,
    backend: Backend = "",
    dead: Annotated[bool, typer.Option("--dead", help="All that are dead.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="All that are dead, and all that wait.")
    ] = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Have drafts delivered again at once: dead ones, dropped ones, or those that wait."""
    if [bool(draft), dead, everything].count(True) != 1:
        fail("say which: DRAFT..., --dead for all that are dead, --all for those that wait, too", 2)
    loaded = load_known(config)
    _see_backend(backend, _configured(loaded))
    which = "waiting" if everything else "dead" if dead else None
    body = {"keys": draft or [], "backend": backend or None, "all": which}
    nothing = "none waits or is dead" if everything else "none is dead" if dead else _DONE
    _say(ask(loaded, "POST", "/v1/outbox/retry", body)["drafts"], "will be tried again", nothing)


@app.command()
def drop(
    *,
    draft: Annotated[
        list[str], typer.Argument(metavar="DRAFT", help="The key of a draft, or its call's id.")
    ],
    why: Annotated[str, typer.Option(help="Why they are not to be delivered.")],
    backend: Backend = "",
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Have drafts not delivered; `retry` takes that back."""
    if not why.strip():
        fail("--why is empty: say why they are not to be delivered", 2)
    loaded = load_known(config)
    body = {"keys": draft, "backend": backend or None, "why": why}
    _say(
        ask(loaded, "POST", "/v1/outbox/drop", body)["drafts"],
        "will not be delivered",
        f"{_DONE}, or dropped",
    )


def _configured(config: Config) -> set[str]:
    return {table.name for table in config.backends()}


def _see_backend(name: str, known: Collection[str]) -> None:
    if name and name not in known:
        names = ", ".join(sorted(known)) or "none"
        fail(f"--backend {name}: no such backend; there are: {names}", 2)


def _say(number: int, what: str, nothing: str) -> None:
    if not number:
        fail(f"nothing was changed: {nothing}")
    typer.echo(f"{number} {'draft' if number == 1 else 'drafts'} {what}")


def _for_people(row: Delivery, zone: ZoneInfo, now: float) -> Row:
    waits = row.state is OutboxState.PENDING
    return {
        "decided": times.to_minutes(row.decided_at, zone, now),
        "backend": row.destination,
        "line": row.line,
        "stage": row.stage.value,
        "state": row.state.value,
        "tries": row.attempts,
        "next": _next(row, zone, now) if waits else None,
        "ticket": row.remote_id,
        "why": row.detail or row.reason,
        "call": row.uniqueid,
    }


def _next(row: Delivery, zone: ZoneInfo, now: float) -> str | None:
    if row.lease_until is not None and row.lease_until > now:
        return "trying"
    return "due" if row.next_at <= now else times.to_minutes(row.next_at, zone, now)


def _whole(row: Delivery) -> dict[str, Any]:
    values = row._asdict()
    for name in ("lease_until", "trying_revision"):
        del values[name]
    return {
        **values,
        "stage": row.stage.value,
        "state": row.state.value,
        "decided_at": iso(row.decided_at),
        "next_at": iso(row.next_at),
        "settled_at": iso(row.settled_at),
    }
