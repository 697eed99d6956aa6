"""Alerts, their pages, and silences: what people and a start ask for. All raise StoreUnavailable.

What cannot be read, of a newer ctid perhaps, is left out of lists: no start may fail for it.
"""

import contextlib
from collections.abc import Callable, Collection, Iterable
from typing import Any, Final, NamedTuple, TypeVar

from sqlalchemy import Select, and_, case, func, or_, select

from ctid.domain.alerts import Alert, Ending, Incident, Kind, Page, PageEvent, Silence
from ctid.store import waiting
from ctid.store.alert_rows import silence_from
from ctid.store.alerts import alert_from_json, page_from_json
from ctid.store.pages import PageState, Tried, tried_from
from ctid.store.queries import Reader
from ctid.store.schema import alert, page, silence
from ctid.store.waiting import Backlog, Waiting

_A: Final = alert.c
_P: Final = page.c
_S: Final = silence.c
_LISTED_ALERT: Final = (
    *(column for column in _A if column.name != "data"),
    # what a person has reported stands nowhere else
    case((_A.kind == Kind.INCIDENT.value, _A.data)).label("title"),
)
_LISTED_PAGE: Final = tuple(column for column in _P if column.name != "data")

_Value = TypeVar("_Value")


class AlertRow(NamedTuple):
    """A row of `alert` without its document; docs/store.md has the meaning of each.

    `title` is what was reported, in the words of who did; None of all but incidents.
    """

    number: int
    kind: Kind
    line: str | None
    about: str | None
    since: float
    limit_at: float
    state: str
    fired_at: float | None
    ended_at: float | None
    ending: Ending | None
    acknowledged_at: float | None
    acknowledged_by: str | None
    resolved_by: str | None
    why: str | None
    title: str | None


class PageRow(NamedTuple):
    """A row of `page` without its document; docs/store.md has the meaning of each."""

    alert: int
    seq: int
    event: PageEvent
    recipient: str
    role: str | None
    route: int
    channel: str
    address: str | None
    state: PageState
    decided_at: float
    due_at: float
    next_at: float
    lease_until: float | None
    attempts: int
    began_at: float | None
    route_at: float | None
    tried: tuple[Tried, ...]
    reason: str | None
    detail: str | None
    settled_at: float | None
    message_key: str | None


async def alerts(
    reader: Reader, *, open_only: bool = True, limit: int | None = None
) -> list[AlertRow]:
    """Give alerts, those that are not over or all; the newest first."""
    query = select(*_LISTED_ALERT).order_by(_A.number.desc()).limit(limit)
    if open_only:
        query = query.where(_A.ended_at.is_(None))
    return await _listed(reader, query)


async def history(
    reader: Reader, since: float, limit: int | None = None, *, line: str | None = None
) -> list[AlertRow]:
    """Give the alerts that were not over before `since` (Unix seconds); the newest first.

    `line`: only those of it.
    """
    query = select(*_LISTED_ALERT).where(or_(_A.ended_at.is_(None), _A.ended_at >= since))
    if line is not None:
        query = query.where(_A.line == line)
    return await _listed(reader, query.order_by(_A.number.desc()).limit(limit))


async def _listed(reader: Reader, query: Select[Any]) -> list[AlertRow]:
    async with reader.transaction() as connection:
        found = (await connection.execute(query)).all()
    return _readable(_alert_row, found)


def _alert_row(row: Any) -> AlertRow:
    found = AlertRow(*row)
    ending = found.ending and Ending(found.ending)
    return found._replace(kind=Kind(found.kind), ending=ending, title=_title(found.title))


def _title(data: str | None) -> str | None:
    if data is None:
        return None
    subject = alert_from_json(data).subject
    return subject.title if isinstance(subject, Incident) else None


async def find_alert(reader: Reader, number: int) -> Alert | None:
    """Give one alert; None: there is none, or it is gone. Raises ValueError for a newer ctid's."""
    query = select(_A.data).where(_A.number == number)
    async with reader.transaction() as connection:
        found: str | None = await connection.scalar(query)
    return None if found is None else alert_from_json(found)


async def find_row(reader: Reader, number: int) -> AlertRow | None:
    """Give the row of one alert; None: there is none, or it is gone."""
    found = await _listed(reader, select(*_LISTED_ALERT).where(_A.number == number))
    return found[0] if found else None


async def find_page(reader: Reader, alert_number: int, seq: int) -> Page | None:
    """Give one page as decided; None: there is none. Raises ValueError for a newer ctid's."""
    query = select(_P.data).where(_P.alert == alert_number, _P.seq == seq)
    async with reader.transaction() as connection:
        found: str | None = await connection.scalar(query)
    return None if found is None else page_from_json(found)


async def open_alerts(reader: Reader) -> list[Alert]:
    """Give the alerts that are not over, as they stood at the last commit; by number."""
    query = select(_A.data).where(_A.ended_at.is_(None)).order_by(_A.number)
    async with reader.transaction() as connection:
        found = (await connection.execute(query)).scalars().all()
    return _readable(alert_from_json, found)


async def resolved_by_people(reader: Reader, since: float) -> list[Alert]:
    """Give the alerts that somebody resolved at or after `since` (Unix seconds); by number."""
    query = select(_A.data).where(_A.ended_at >= since, _A.ending == Ending.BY_PERSON.value)
    async with reader.transaction() as connection:
        found = (await connection.execute(query.order_by(_A.number))).scalars().all()
    return _readable(alert_from_json, found)


async def highest_number(reader: Reader) -> int:
    """Give the number of the newest alert, 0 for none; it is never deleted."""
    return await _highest(reader, select(func.max(_A.number)))


async def highest_silence(reader: Reader) -> int:
    """Give the number of the newest silence that is known, 0 for none."""
    return await _highest(reader, select(func.max(_S.number)))


async def _highest(reader: Reader, query: Select[Any]) -> int:
    async with reader.transaction() as connection:
        found: int | None = await connection.scalar(query)
    return found or 0


async def pages_of(reader: Reader, number: int) -> list[PageRow]:
    """Give the pages of an alert, in the order in which they were decided."""
    query = select(*_LISTED_PAGE).where(_P.alert == number).order_by(_P.seq)
    async with reader.transaction() as connection:
        found = (await connection.execute(query)).all()
    return _readable(_page_row, found)


def _page_row(row: Any) -> PageRow:
    found = PageRow(*row)
    return found._replace(
        event=PageEvent(found.event), state=PageState(found.state), tried=tried_from(row.tried)
    )


async def silences(reader: Reader, now: float) -> list[Silence]:
    """Give the silences that hold now or will hold later, those that begin first first."""
    query = select(silence).where(_S.ends_at > now).order_by(_S.begins_at, _S.number)
    async with reader.transaction() as connection:
        found = (await connection.execute(query)).mappings().all()
    # one with a kind that is not known could not be kept in part: of no kind at all means all
    return _readable(lambda row: silence_from({**row}), found)


async def page_backlogs(reader: Reader) -> dict[str, Backlog]:
    """Count the pages by channel and state; a page counts for the channel that it was last for."""
    return await waiting.backlogs(reader, _P.channel)


async def pages_not_arrived(
    reader: Reader, channels: Collection[str], since: float
) -> dict[str, Waiting]:
    """Count the pages that did not arrive, by the channel that each was for first.

    These are those that wait, wherever, and those of `channels` that were given up `since` then,
    unless one has arrived there after that.
    """
    untried = _P.tried == "[]"
    pending, failed = (_P.state == state.value for state in (PageState.PENDING, PageState.FAILED))
    by_channel = select(_P.channel, func.count(), func.min(_P.decided_at)).group_by(_P.channel)
    columns = (_P.channel, _P.tried, _P.decided_at, _P.settled_at)
    async with reader.transaction() as connection:
        rows = await connection.execute(by_channel.where(pending, untried))
        found = {channel: Waiting(number, oldest_at) for channel, number, oldest_at in rows}
        moved = or_(and_(pending, ~untried), and_(failed, _P.settled_at >= since))
        others = [
            (tried_from(tried)[0].channel if tried != "[]" else channel, decided_at, settled_at)
            for channel, tried, decided_at, settled_at in await connection.execute(
                select(*columns).where(moved)
            )
        ]
        given_up = {first for first, _, at in others if at is not None and first in channels}
        arrived = (
            select(_P.channel, func.max(_P.settled_at))
            .where(_P.state == PageState.DELIVERED.value, _P.channel.in_(given_up))
            .group_by(_P.channel)
        )
        last = {row[0]: row[1] for row in await connection.execute(arrived)} if given_up else {}
    for first, decided_at, settled_at in others:
        if settled_at is None or (first in given_up and settled_at > last.get(first, since)):
            before = found.get(first, Waiting(0, decided_at))
            oldest_at = min(before.oldest_at or decided_at, decided_at)
            found[first] = Waiting(before.number + 1, oldest_at)
    return found


def _readable(read: Callable[[Any], _Value], found: Iterable[Any]) -> list[_Value]:
    values: list[_Value] = []
    for each in found:
        with contextlib.suppress(ValueError):
            values.append(read(each))
    return values
