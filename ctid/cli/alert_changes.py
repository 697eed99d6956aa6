"""What `ctid alerts` changes: the running daemon does it, in the name of who asks."""

import time
from collections.abc import Sequence
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from ctid.cli import alert_test, times
from ctid.cli.asking import asking
from ctid.cli.common import DEFAULT_CONFIG, ConfigFile, fail, load_known
from ctid.cli.control import ask
from ctid.domain.alerts import Kind

Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="As it is listed.")]
By = Annotated[str, typer.Option(metavar="NAME", help="For whom; you if not given.")]


def ack(
    *,
    number: Number,
    why: Annotated[str, typer.Option(help="What the others should know.")] = "",
    by: By = "",
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Take care of an alert: nobody else is paged, and it is not escalated."""
    loaded = load_known(config)
    body = {"number": number, "why": why.strip() or None, "by": by.strip() or None}
    alert = ask(loaded, "POST", "/v1/alerts/ack", body)
    by = alert["acknowledged_by"]
    if alert["already_acknowledged"]:
        zone = ZoneInfo(loaded.timezone)
        at = times.to_minutes(times.parse_time(alert["acknowledged_at"], zone), zone, time.time())
        because = f" (reason: {alert['why']})" if alert["why"] else ""
        typer.echo(
            f"alert {number}: already acknowledged by {by} at {at}{because}; nothing was changed"
        )
        return
    others = sum(one["name"] != by for one in alert["paged"])
    told = f"; {_counted(others, 'recipient')} will be told" if others else ""
    typer.echo(f"alert {number}: acknowledged by {by}{told}")


def resolve(
    *,
    number: Number,
    why: Annotated[str, typer.Option(help="Why it is over; whoever was paged is told.")],
    by: By = "",
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Say that an alert is over."""
    if not why.strip():
        fail("--why is empty: say why it is over", 2)
    loaded = load_known(config)
    body = {"number": number, "why": why, "by": by.strip() or None}
    alert = ask(loaded, "POST", "/v1/alerts/resolve", body)
    count = len(alert["paged"])
    whom = "nobody was paged" if not count else f"{_counted(count, 'recipient')} will be told"
    typer.echo(f"alert {number}: resolved by {alert['resolved_by']}; {whom}")


def silence(
    *,
    line: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Of this line; may be repeated. All if not given."),
    ] = None,
    kind: Annotated[
        list[Kind] | None,
        typer.Option(help="Of this kind; may be repeated. All if not given."),
    ] = None,
    lasts: Annotated[
        str, typer.Option("--for", metavar="TIME", help="For so long: 30m, 2h, 1h30m, 3d.")
    ] = "",
    until: Annotated[
        str, typer.Option(metavar="WHEN", help="Until then: 22:00, 2026-11-25T22:00.")
    ] = "",
    begins: Annotated[
        str, typer.Option("--from", metavar="WHEN", help="From then on. Now if not given.")
    ] = "",
    why: Annotated[str, typer.Option(help="Why nobody is to be paged.")],
    by: By = "",
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Page nobody for a while: the PBX is maintained, a fault is known."""
    if not why.strip():
        fail("--why is empty: say why nobody is to be paged", 2)
    if lasts and until:
        fail("--for and --until both say when it ends: give one of the two", 2)
    if not lasts and not until:
        fail("say how long: --for 2h, or --until 22:00", 2)
    # of a clock time in the wrong zone nobody would see that it is wrong
    loaded = load_known(config, ("timezone",) if begins or until else ())
    zone, now = ZoneInfo(loaded.timezone), time.time()
    try:
        begins_at = times.parse_next(begins, zone, now) if begins else None
        body = {
            "lines": line or [],
            "kinds": [word.value for word in kind or []],
            "from": begins_at,
            "minutes": times.parse_duration(lasts) / 60.0 if lasts else None,
            "until": times.parse_next(until, zone, begins_at or now) if until else None,
            "why": why,
            "by": by.strip() or None,
        }
    except ValueError as error:
        fail(str(error), 2)
    made = ask(loaded, "POST", "/v1/alerts/silence", body)
    lines, kinds = all_or(made["lines"], "all lines"), all_or(made["kinds"], "all kinds")
    ends = times.to_minutes(times.parse_time(made["ends_at"], zone), zone, now)
    since = f"from {times.to_minutes(begins_at, zone, now)} " if begins else ""
    typer.echo(f"silence {made['number']}: {kinds} of {lines}, {since}until {ends}")


def unsilence(*, number: Number, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """End a silence now: what it kept quiet pages at once."""
    loaded = load_known(config)
    ask(loaded, "POST", "/v1/alerts/unsilence", {"number": number})
    typer.echo(f"silence {number}: ended")


def incident(
    *,
    title: Annotated[str, typer.Argument(metavar="TITLE", help="What happened, in a few words.")],
    line: Annotated[str, typer.Option(metavar="NAME", help="The line it concerns.")] = "",
    by: By = "",
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Report what no line tells of: it is paged and escalated as any alert."""
    if not title.strip():
        fail("TITLE is empty: say what happened", 2)
    loaded = load_known(config)
    body = {"title": title, "line": line or None, "by": by.strip() or None}
    alert = ask(loaded, "POST", "/v1/alerts/incident", body)
    names = ", ".join(one["name"] for one in alert["paged"])
    whom = f"; paged: {names}" if names else "; nobody was paged"
    if alert["silenced"]:
        whom = "; nobody is paged: a silence holds"
    typer.echo(f"alert {alert['number']}: opened{whom}")


def try_out(
    *,
    line: Annotated[str, typer.Argument(metavar="LINE", help="Whose people are to be paged.")],
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Say what became of the first pages.")
    ] = True,
    seconds: Annotated[float, typer.Option(min=0, help="How long to wait for that.")] = 60.0,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Page whoever is on duty for a line, for real, marked as a test."""
    loaded = load_known(config)
    alert = ask(loaded, "POST", "/v1/alerts/test", {"line": line})
    alert_test.announce(alert)
    if wait:
        with asking(loaded) as database:
            alert_test.follow(database, alert, seconds)


def all_or(names: Sequence[str], instead: str) -> str:
    """The names, or what no name at all means."""
    return ", ".join(names) or instead


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
