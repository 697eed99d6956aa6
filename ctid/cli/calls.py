"""`ctid calls`: search the records."""

import heapq
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from ctid import output
from ctid.cli import times
from ctid.cli.asking import Asking, asking, lines_of, see_lines
from ctid.cli.common import DEFAULT_CONFIG, ConfigFile, fail, load_known
from ctid.cli.table import LAST, Column, Format, FormatOption, Row, columns_of, show
from ctid.domain.records import Direction, Outcome, Reason, Record
from ctid.store.queries import RecordFilter

# A search by the end of a number reads every record it passes.
_ENDS_WITHIN_SECONDS = 90 * 86_400
_FEWEST_DIGITS = 3

_TABLE = [
    Column("time", "time", short="clock"),
    Column("line", "line", cut=True),
    Column("caller", "caller"),
    Column("outcome", "outcome"),
    Column("reason", "reason", spare=LAST),
    Column("agent", "agent", cut=True, spare=LAST),
    Column("wait", "wait s", right=True, spare=LAST + 1),
    Column("talk", "talk s", right=True, spare=LAST + 2),
    Column("call", "call"),
]


def calls(
    *,
    number: Annotated[
        str, typer.Option(help="The caller's number; '*0001' for its last digits.")
    ] = "",
    line: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="The line's name; may be repeated.")
    ] = None,
    agent: Annotated[str, typer.Option(help="Who answered, spoke last, or was rung.")] = "",
    outcome: Annotated[
        list[Outcome] | None, typer.Option(help="How it went; may be repeated.")
    ] = None,
    reason: Annotated[Reason | None, typer.Option(help="Why it went so.")] = None,
    direction: Annotated[Direction | None, typer.Option(help="Who called whom.")] = None,
    since: Annotated[
        str, typer.Option("--from", metavar="TIME", help="Began at this time or later.")
    ] = "",
    until: Annotated[
        str, typer.Option("--to", metavar="TIME", help="Began before; a day alone is included.")
    ] = "",
    today: Annotated[bool, typer.Option("--today", help="Since midnight.")] = False,
    open_only: Annotated[bool, typer.Option("--open", help="Only calls that go on.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="At most so many; 0 for all.")] = 50,
    form: FormatOption = Format.TABLE,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Search the records, newest first. Times are local: 2026-11-25 or 2026-11-25T08:30."""
    loaded = load_known(Path(config))
    zone = ZoneInfo(loaded.timezone)
    if today and (since or until):
        fail("--today already says from when to when: leave out --from and --to", 2)
    began, ended = _time("--from", since, zone), _time("--to", until, zone, end=True)
    if began is not None and ended is not None and began >= ended:
        fail(f"--from {since} is not before --to {until}", 2)
    if today:
        began = times.midnight(time.time(), zone)
    exact, tail = _number(number)
    if tail and began is None:
        began = (ended if ended is not None else time.time()) - _ENDS_WITHIN_SECONDS
    wanted = RecordFilter(
        caller_number=exact or None,
        number_ends=tail or None,
        agent=agent or None,
        reason=reason,
        direction=direction,
        started_from=began,
        started_to=ended,
        open=True if open_only else None,
    )
    with asking(loaded) as database:
        if line:
            see_lines(line, database.get(lines_of(database.reader, loaded)))
        found = _newest(database, wanted, line or [None], outcome or [None], limit or None)
        shown = show(_rows(found, form, zone), _columns(form), form)
    if not shown and form is Format.TABLE:
        typer.echo("ctid: no such call is recorded", err=True)


def _newest(
    database: Asking,
    wanted: RecordFilter,
    lines: Sequence[str | None],
    outcomes: Sequence[Outcome | None],
    limit: int | None,
) -> Iterator[Record]:
    """Newest first, of any of these lines and with any of these outcomes; None stands for all."""
    found = [
        database.newest(replace(wanted, line=line, outcome=outcome), limit)
        for line in dict.fromkeys(lines)
        for outcome in dict.fromkeys(outcomes)
    ]
    return islice(heapq.merge(*found, key=_age, reverse=True), limit)


def _age(record: Record) -> tuple[bool, float, str, str, int]:
    """By which `Asking.newest` orders: those without a beginning last, then by key."""
    at = record.started_at
    return (at is not None, at or 0.0, record.pbx, record.uniqueid, record.ordinal)


def _time(option: str, text: str, zone: ZoneInfo, *, end: bool = False) -> float | None:
    if not text:
        return None
    try:
        return times.parse_time(text, zone, end=end)
    except ValueError as error:
        fail(f"{option}: {error}", 2)


def _number(text: str) -> tuple[str, str]:
    """The whole number, or the digits at its end."""
    if not text.startswith("*"):
        return text, ""
    tail = text[1:]
    if not (tail.isascii() and tail.isdigit() and len(tail) >= _FEWEST_DIGITS):
        fail(f"--number {text}: write '*' and at least {_FEWEST_DIGITS} digits behind it", 2)
    return "", tail


def _columns(form: Format) -> list[Column]:
    return _TABLE if form is Format.TABLE else columns_of(output.FIELDS)


def _rows(found: Iterable[Record], form: Format, zone: ZoneInfo) -> Iterable[Row]:
    if form is Format.TABLE:
        return _for_people(list(found), zone)
    return (
        _for_a_sheet(record, zone) if form is Format.CSV else output.to_dict(record)
        for record in found
    )


def _for_people(records: list[Record], zone: ZoneInfo) -> list[Row]:
    began = [_began(record, zone) for record in records]
    one_day = len({at[:10] for at in began}) == 1
    return [
        {
            "time": at,
            # for a narrow terminal: 17:30:15, or 11-25 17:30 where there are several days
            "clock": at[11:] if one_day else at[5:16],
            "line": record.line or record.direction,
            "caller": record.caller_number or "unknown",
            "outcome": record.outcome or _without_outcome(record),
            "reason": record.reason,
            "agent": record.agent,
            "wait": _seconds(record.wait_seconds),
            "talk": _seconds(record.talk_seconds),
            "call": record.uniqueid,
        }
        for record, at in zip(records, began, strict=True)
    ]


def _began(record: Record, zone: ZoneInfo) -> str:
    at = record.started_at if record.started_at is not None else record.offered_at
    return times.to_seconds(at, zone) or ""


def _without_outcome(record: Record) -> str:
    """What is said of a call that goes on, or that was no line's."""
    if not record.open:
        return "answered" if record.answered_at is not None else "not answered"
    if record.answered_at is not None:
        return "talking now"
    if record.offered_at is None:
        return "open"
    rings = any(ring.rang_at is not None and ring.ended_at is None for ring in record.rings)
    return "ringing now" if rings else "waiting now"  # the words of ctid status


def _for_a_sheet(record: Record, zone: ZoneInfo) -> Row:
    """The fields of the JSON form; times local with their offset."""
    return output.to_dict(record, lambda at: times.with_offset(at, zone))


def _seconds(value: float | None) -> str | None:
    return None if value is None else f"{value:.1f}"
