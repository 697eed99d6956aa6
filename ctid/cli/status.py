"""`ctid status`: what the running daemon does now."""

import json
import sys
import time
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ctid.cli.common import (
    DEFAULT_CONFIG,
    ConfigFile,
    doubt_roster,
    fail,
    load_known,
    see_calendar,
)
from ctid.cli.control import ask
from ctid.config import Config
from ctid.outbound.reading import ALERT_STATES

_REFRESH_SECONDS = 1.0


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"


def status(
    *,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep it up to date until Ctrl-C.")
    ] = False,
    format: Annotated[Format, typer.Option(help="How it is shown.")] = Format.TABLE,  # noqa: A002
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Say what the running daemon does: PBXs, lines, calls."""
    loaded = load_known(config)
    zone = ZoneInfo(loaded.timezone)
    if format is Format.JSON:
        if watch:
            fail("--watch is for people: leave it out, or --format json", 2)
        typer.echo(json.dumps(_ask(loaded), ensure_ascii=False, indent=2))
        return
    see_calendar(loaded)
    doubt_roster(loaded)
    # a pipe gets what fits a wide screen, so that nothing is cut
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    if not watch:
        console.print(_shown(_ask(loaded), zone))
        return
    try:
        with Live(_shown(_ask(loaded), zone), console=console, auto_refresh=False) as live:
            while True:
                time.sleep(_REFRESH_SECONDS)
                live.update(_shown(_ask(loaded), zone), refresh=True)
    except KeyboardInterrupt:
        return


def _ask(config: Config) -> dict[str, Any]:
    answer: dict[str, Any] = ask(config, "GET", "/v1/status")
    return answer


def _shown(status: dict[str, Any], zone: ZoneInfo) -> RenderableType:
    parts: list[RenderableType] = [_head(status)]
    if status["stuck"]:
        parts.append(Text("stuck: " + "; ".join(status["stuck"]), style="bold red"))
    if alerts := _alerts(status["alerts"]):
        parts.append(alerts)
    parts += [_pbxs(status["pbxs"], zone), _lines(status["lines"])]
    if status["backends"]:
        parts.append(_deliveries("tickets to", status["backends"], "dead"))
    if status["channels"]:
        parts.append(_deliveries("pages by", status["channels"], "failed"))
    if status["calls"]:
        parts.append(_calls(status["calls"], zone, several=len(status["pbxs"]) > 1))
    return Group(*parts)


def _head(status: dict[str, Any]) -> Text:
    store = status["store"]
    text = Text(f"ctid {status['version']}, up {_duration(status['uptime_seconds'])}, ")
    if store["writable"]:
        return text.append("records are written")
    text.append(f"RECORDS CANNOT BE WRITTEN, {store['waiting_records']} wait: ", style="bold red")
    return text.append(str(store["why"]))


def _alerts(alerts: dict[str, int]) -> Text | None:
    """What is wrong, in a row; nothing where nothing is."""
    told = [f"{alerts[state]} {state}" for state in ALERT_STATES if alerts[state]]
    if not told:
        return None
    if alerts["silenced"]:
        told.append(f"{alerts['silenced']} of them silenced")
    style = "bold red" if alerts["firing"] else "yellow"
    return Text(f"alerts: {', '.join(told)} (ctid alerts list)", style)


def _pbxs(pbxs: list[dict[str, Any]], zone: ZoneInfo) -> Table:
    table = _table("PBX", "state", "since", "why not")
    for pbx in pbxs:
        attached = pbx["state"] == "attached"
        since = pbx["since"] if attached else pbx["gap_since"]
        style = "green" if attached else "red"
        why = "" if attached else pbx["why"] or ""
        _row(table, pbx["name"], Text(pbx["state"], style), _time(since, zone), why)
    return table


def _lines(lines: list[dict[str, Any]]) -> Table:
    table = _table("line", "title", "waiting", "ringing", "talking", "unanswered")
    for line in lines:
        numbers = [str(line[stage]) for stage in ("waiting", "ringing", "talking")]
        unanswered = line["unanswered_seconds"]
        clock = f"{int(unanswered) // 60}:{int(unanswered) % 60:02}" if unanswered else ""
        _row(table, line["name"], line["title"], *numbers, clock)
    return table


def _deliveries(what: str, destinations: list[dict[str, Any]], given_up: str) -> Table:
    table = _table(what, "state", "delivered", "pending", given_up)
    for each in destinations:
        failing = each["failing"]
        state = Text(f"failing: {failing}", "red") if failing else Text("well", "green")
        numbers = [str(each[name]) for name in ("delivered", "pending", given_up)]
        _row(table, each["name"], state, *numbers)
    return table


def _calls(calls: list[dict[str, Any]], zone: ZoneInfo, *, several: bool) -> Table:
    table = _table("line", "caller", "stage", "agent", "since", "call", whole=("stage", "call"))
    for call in calls:
        _row(
            table,
            call["line"] or "",
            call["caller_number"] or "",
            call["stage"],
            call["agent"] or "",
            _time(call["answered_at"] or call["offered_at"] or call["started_at"], zone),
            # as ctid explain takes it
            f"{call['pbx']}/{call['uniqueid']}" if several else call["uniqueid"],
        )
    return table


def _table(*columns: str, whole: tuple[str, ...] = ()) -> Table:
    """A table that breaks between words; the columns in `whole` are never broken."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in ("since", *whole))
    return table


def _row(table: Table, *cells: str | Text) -> None:
    # as Text: what a caller or a PBX sent is no markup
    table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in cells))


def _time(at: str | None, zone: ZoneInfo) -> str:
    """The time of day; with the day if that is not today."""
    if at is None:
        return ""
    when = datetime.fromisoformat(at).astimezone(zone)
    today = when.date() == datetime.fromtimestamp(time.time(), zone).date()
    return when.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [f"{days} d" * bool(days), f"{hours} h" * bool(hours), f"{minutes} min" * bool(minutes)]
    return " ".join([part for part in parts if part] or [f"{rest} s"])
