"""`ctid alerts`: what is wrong, who was told, and who takes care."""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from ctid.alert_output import (
    LISTED,
    SILENCE_FIELDS,
    page_document,
    row_document,
    silence_document,
    told,
)
from ctid.cli import alert_changes, alert_story, times, usage
from ctid.cli.alert_changes import Number, all_or
from ctid.cli.asking import asking, lines_of, see_lines
from ctid.cli.common import DEFAULT_CONFIG, ConfigFile, fail, load_known
from ctid.cli.control import NoDaemonError, NotAnsweredError, request
from ctid.cli.examined import Form
from ctid.cli.examined import FormOption as StoryOption
from ctid.cli.table import LAST, Column, Format, FormatOption, Row, columns_of, show
from ctid.config import Config, ConfigError, roster
from ctid.config.watching import plan
from ctid.domain.alerts import Alert, Silence
from ctid.domain.escalation import why_nobody
from ctid.domain.masking import masked
from ctid.domain.roster import Empty, Roster
from ctid.outbound.pages.tongue import whole
from ctid.store import alert_queries
from ctid.store.alert_queries import AlertRow

app = usage.commands("What is wrong, who was told, and who takes care.")
app.command("ack")(alert_changes.ack)
app.command("resolve")(alert_changes.resolve)
app.command("silence")(alert_changes.silence)
app.command("unsilence")(alert_changes.unsilence)
app.command("incident")(alert_changes.incident)
app.command("test")(alert_changes.try_out)

_PATIENCE_SECONDS = 2.0
"""Who only wants to know whether a daemon runs waits no longer."""
_BACK_SECONDS = 30 * 86_400.0
_TABLE = [
    Column("number", "alert", right=True),
    Column("state", "state"),
    Column("kind", "kind"),
    Column("line", "line", cut=True),
    Column("since", "since"),
    Column("fired", "fired", spare=LAST + 1),
    Column("ended", "over", spare=LAST),
    Column("by", "by", cut=True),
    Column("what", "what", wrap=True, spare=LAST + 2),
]
_SILENCES = [
    Column("number", "silence", right=True),
    Column("lines", "lines", cut=True),
    Column("kinds", "kinds", cut=True),
    Column("begins", "from"),
    Column("ends", "until"),
    Column("owner", "by", cut=True),
    Column("why", "why", wrap=True),
]

Limit = Annotated[int, typer.Option(min=0, help="At most so many; 0 for all.")]


@app.command("list")
def list_(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    silences: Annotated[
        bool, typer.Option("--silences", help="Only silences that hold or will.")
    ] = False,
    limit: Limit = 50,
    form: FormatOption = Format.TABLE,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """List alerts that are not over, the newest first, and silences."""
    loaded = load_known(config)
    now = time.time()
    with asking(loaded) as database:
        reader = database.reader
        wanted = alert_queries.alerts(reader, open_only=not everything, limit=limit or None)
        rows = database.get(wanted)
        opened = {alert.number: alert for alert in database.get(alert_queries.open_alerts(reader))}
        quiet = database.get(alert_queries.silences(reader, now))
    _say_whether_it_runs(loaded)
    if silences:
        _show_silences(quiet, loaded, form, now)
        return
    _show_alerts(rows, opened, quiet, loaded, form, now)
    if form is Format.TABLE:
        if not rows:
            typer.echo("ctid: no alert " + ("so far" if everything else "is open"), err=True)
        if quiet:
            typer.echo("\nsilences:\n")
            _show_silences(quiet, loaded, form, now)


@app.command("show")
def show_(
    *,
    number: Number,
    form: StoryOption = Form.TABLE,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Tell the whole story of an alert: who was told when by which channel, who took care."""
    loaded = load_known(config)
    now = time.time()
    with asking(loaded) as database:
        reader = database.reader
        row = database.get(alert_queries.find_row(reader, number))
        alert = database.get(alert_queries.find_alert(reader, number))
        if row is None or alert is None:
            fail(f"there is no alert {number}; `ctid alerts list --all` shows them")
        pages = database.get(alert_queries.pages_of(reader, number))
        quiet = database.get(alert_queries.silences(reader, now))
    _say_whether_it_runs(loaded)
    if form is Form.JSON:
        document = {
            **row_document(row, silenced=_is_silenced(row, quiet, now)),
            **told(alert),
            "pages": [page_document(page) for page in pages],
        }
        alert_story.print_json(document)
        return
    titles = {line.name: line.title for line in loaded.lines()}
    zone = ZoneInfo(loaded.zones().get(row.line or "", loaded.timezone))
    named = titles.get(row.line or "", row.line or whole(loaded.site))
    why = None if pages else _why_nobody(loaded, row, alert, quiet, now)
    for line in alert_story.story(row, alert, pages, named, zone, now, why):
        typer.echo(line)


def _why_nobody(
    loaded: Config, row: AlertRow, alert: Alert, quiet: Sequence[Silence], now: float
) -> str | None:
    """Why nobody was paged about it, by the silences and the roster of now."""
    if _is_silenced(row, quiet, now):
        return "it is silenced"
    if row.fired_at is None or alert_story.waits_until(alert, now) is not None:
        return None
    people: Roster = Empty()
    if loaded.roster.file is not None:
        try:
            people = roster.load(Path(loaded.roster.file), roster.surroundings(loaded))
        except ConfigError:
            return "the roster cannot be read: ctid roster lint"
    return why_nobody(plan(loaded), people, row.kind, row.line, row.fired_at)


@app.command()
def history(
    *,
    begins: Annotated[
        str,
        typer.Option("--from", metavar="WHEN", help="Not over before then. 30 days if not given."),
    ] = "",
    line: Annotated[str, typer.Option(metavar="NAME", help="Only of this line.")] = "",
    limit: Limit = 50,
    form: FormatOption = Format.TABLE,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """List alerts of the past, the newest first."""
    loaded = load_known(config)
    zone, now = ZoneInfo(loaded.timezone), time.time()
    try:
        since = times.parse_time(begins, zone) if begins else now - _BACK_SECONDS
    except ValueError as error:
        fail(f"--from {error}", 2)
    with asking(loaded) as database:
        reader = database.reader
        if line:
            see_lines([line], database.get(lines_of(reader, loaded)))
        wanted = alert_queries.history(
            reader, since, limit + 1 if limit else None, line=line or None
        )
        rows = database.get(wanted)
        quiet = database.get(alert_queries.silences(reader, now))
    has_more = 0 < limit < len(rows)
    _say_whether_it_runs(loaded)
    if (
        not _show_alerts(rows[: limit or None], {}, quiet, loaded, form, now)
        and form is Format.TABLE
    ):
        typer.echo("ctid: there was no alert", err=True)
    if has_more and form is Format.TABLE:
        typer.echo(f"ctid: only {limit} are shown; --limit 0 shows all", err=True)


def _say_whether_it_runs(config: Config) -> None:
    """What the database says may be old."""
    try:
        request(config, "GET", "/v1/alerts", patience_seconds=_PATIENCE_SECONDS)
    except NoDaemonError:
        typer.echo("ctid: no daemon runs: this is how it stood when it ended", err=True)
    except NotAnsweredError as error:
        typer.echo(f"ctid: {error}; this is what the database says", err=True)


def _show_alerts(
    rows: Sequence[AlertRow],
    opened: dict[int, Alert],
    quiet: Sequence[Silence],
    config: Config,
    form: Format,
    now: float,
) -> int:
    if form is not Format.TABLE:
        documents = [row_document(row, silenced=_is_silenced(row, quiet, now)) for row in rows]
        return show(documents, columns_of(LISTED), form)
    zone = ZoneInfo(config.timezone)
    shown = [_for_people(row, opened.get(row.number), quiet, zone, now) for row in rows]
    used = [
        column
        for column in _TABLE
        if column.key not in ("ended", "what") or any(row[column.key] for row in shown)
    ]
    return show(shown, used, form)


def _for_people(
    row: AlertRow, alert: Alert | None, quiet: Sequence[Silence], zone: ZoneInfo, now: float
) -> Row:
    silenced = _is_silenced(row, quiet, now)
    return {
        "number": row.number,
        "state": f"{row.state}, silenced" if silenced else row.state,
        "kind": row.kind.value,
        "line": row.line or "-",
        "since": times.to_minutes(row.since, zone, now),
        "fired": times.to_minutes(row.fired_at, zone, now),
        "ended": times.to_minutes(row.ended_at, zone, now),
        "by": row.resolved_by or row.acknowledged_by,
        "what": alert_story.in_short(row, alert),
    }


def _is_silenced(row: AlertRow, quiet: Iterable[Silence], now: float) -> bool:
    return row.ended_at is None and any(one.holds(row.kind, row.line, now) for one in quiet)


def _show_silences(quiet: Sequence[Silence], config: Config, form: Format, now: float) -> None:
    if form is not Format.TABLE:
        show([silence_document(one) for one in quiet], columns_of(SILENCE_FIELDS), form)
        return
    zone = ZoneInfo(config.timezone)
    rows: list[dict[str, Any]] = [
        {
            "number": one.number,
            "lines": all_or(sorted(one.lines), "all"),
            "kinds": all_or(sorted(one.kinds), "all"),
            "begins": times.to_minutes(one.begins_at, zone, now),
            "ends": times.to_minutes(one.ends_at, zone, now),
            "owner": one.owner,
            "why": masked(one.why),
        }
        for one in quiet
    ]
    if not show(rows, _SILENCES, form):
        typer.echo("ctid: no silence holds", err=True)
