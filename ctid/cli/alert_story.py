"""The story of an alert, line by line: how it stood, who was told, by which channel, who took care.

Pure. Numbers are masked, and nowhere stands where people are reached.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import typer

from ctid.alert_output import readable
from ctid.cli import times
from ctid.domain.alerts import (
    Alert,
    DeliveryStuck,
    Ending,
    Firing,
    Kind,
    Page,
    PageEvent,
    Recipient,
    Test,
)
from ctid.domain.masking import masked
from ctid.outbound.pages.titles import title
from ctid.outbound.pages.tongue import Tongue
from ctid.store.alert_queries import AlertRow, PageRow
from ctid.store.pages import PageState, Tried

_ENDINGS: Mapping[Ending, str] = {
    Ending.ANSWERED: "answered",
    Ending.REACHED: "all who were missed were reached",
    Ending.LEFT: "the caller waits no more",
    Ending.RECOVERED: "it is well again",
    Ending.PERIOD_OVER: "the day or month is over",
    Ending.TAKEN_OUT: "what led to it counts no more",
    Ending.BY_PERSON: "resolved",
    Ending.TEST_OVER: "the test is over",
}
_NOT_TOLD = "no way to reach them is configured"


class _Moment(NamedTuple):
    """What happened then; of what happened at once, `order` says what comes first."""

    at: float
    order: int
    lines: tuple[str, ...]


def in_short(row: AlertRow, alert: Alert | None) -> str | None:
    """What a list says beside the kind, with the reason that somebody gave."""
    what = _about(row, alert)
    why = masked(row.why) if row.why else None
    return f"{what} ({why})" if what and why else what or why


def _about(row: AlertRow, alert: Alert | None) -> str | None:
    if row.title is not None:
        return masked(row.title)
    match None if alert is None else alert.subject:
        case Test(by=by):
            return f"by {by}"
        case DeliveryStuck(destination=destination):
            return destination
        case _:
            # of these two it is only what makes them different from others
            return None if row.kind in (Kind.INCIDENT, Kind.TEST) else row.about


def story(
    row: AlertRow,
    alert: Alert,
    pages: Sequence[PageRow],
    title_of_line: str,
    zone: ZoneInfo,
    now: float,
    why_nobody: str | None = None,
) -> Iterator[str]:
    """Give the lines; `title_of_line` is what a page calls its line, times are of `zone`.

    `why_nobody` is why nobody was paged, where that is so and known.
    """
    where = f" on {row.line}" if row.line is not None else ""
    yield f"alert {row.number}: {row.kind.value}{where}, {row.state}"
    yield _what(row, alert, title_of_line, zone, now)
    yield ""
    for moment in sorted([*_states(row), *(_told(page, zone) for page in pages)]):
        first, *more = moment.lines
        yield f"{times.to_seconds(moment.at, zone)}  {first}"
        yield from (f"{'':19}  {line}" for line in more)
    if not pages:
        yield ""
        if why_nobody is None and (until := waits_until(alert, now)) is not None:
            yield f"nobody was paged yet: waits until {times.to_minutes(until, zone, now)}"
        else:
            yield "nobody was paged" + (f": {why_nobody}" if why_nobody else "")


def waits_until(alert: Alert, now: float) -> float | None:
    """When its first page comes, where that waits, as for duty hours; None: it does not."""
    match alert.state:
        case Firing(step=0, next_at=next_at) if next_at > now and not alert.pages:
            return next_at
    return None


def print_json(document: dict[str, Any]) -> None:
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))


def _what(row: AlertRow, alert: Alert, title_of_line: str, zone: ZoneInfo, now: float) -> str:
    """As a page would say it, to somebody who knows nothing yet."""
    decided_at = now if row.ended_at is None else row.ended_at
    nobody = Recipient("", None, ())
    page = Page(0, alert, PageEvent.FIRING, nobody, row.limit_at, decided_at)
    return masked(title(Tongue("en", zone, decided_at), page, title_of_line))


def _states(row: AlertRow) -> Iterator[_Moment]:
    yield _Moment(row.since, 0, ("begins",))
    if row.fired_at is not None:
        yield _Moment(row.fired_at, 1, ("fires",))
    over = row.ended_at is not None
    why = f": {masked(row.why)}" if row.why else ""
    if row.acknowledged_at is not None:
        said = "" if over else why  # afterwards it is the reason of the end
        yield _Moment(row.acknowledged_at, 2, (f"acknowledged by {row.acknowledged_by}{said}",))
    if row.ended_at is not None:
        how = "over" if row.ending is None else f"over: {_ENDINGS[row.ending]}"
        by = f" by {row.resolved_by}" if row.resolved_by else ""
        yield _Moment(row.ended_at, 2, (f"{how}{by}{why}",))


def _told(page: PageRow, zone: ZoneInfo) -> _Moment:
    role = f" ({page.role})" if page.role else ""
    first = f"{page.event.value}: {page.recipient}{role}, {delivery(page, zone)}"
    left = tuple(f"  {tried(one)}" for one in page.tried)
    return _Moment(page.decided_at, 3, (first, *left))


def delivery(page: PageRow, zone: ZoneInfo) -> str:
    """How a page stands."""
    why = f": {readable(page.detail or page.reason or '')}" if page.reason or page.detail else ""
    by = page.channel or _NOT_TOLD
    match page.state:
        case PageState.DELIVERED:
            tries = "" if page.attempts <= 1 else f", try {page.attempts}"
            return f"delivered by {by} at {_clock(page.settled_at, zone)}{tries}"
        case PageState.FAILED:
            return f"not delivered{why or f': {by}'}"
        case PageState.DROPPED:
            return f"not sent{why}"
        case PageState.PENDING:
            return f"waits for {by}{why}"


def tried(left: Tried) -> str:
    """A channel that did not take it."""
    return f"{left.channel} did not take it: {readable(left.detail or left.reason)}"


def _clock(at: float | None, zone: ZoneInfo) -> str:
    return (times.to_seconds(at, zone) or "")[-8:]
