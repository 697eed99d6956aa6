"""Who has to be called back and which drafts are on their way: what people ask and change.

All raise StoreUnavailable.
"""

import contextlib
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, and_, case, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.domain.drafts import Draft, Stage
from ctid.domain.records import Record
from ctid.domain.returns import ReturnState, ToReturn
from ctid.store import rows, waiting
from ctid.store.drafts import draft_from_json
from ctid.store.outbox import OutboxState
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from ctid.store.schema import open_call, outbox, record, to_return
from ctid.store.texts import text
from ctid.store.waiting import Backlog

_R: Final = to_return.c
_O: Final = outbox.c
_KEYS_AT_ONCE: Final = 500
_OPEN: Final = (ReturnState.OPEN.value, ReturnState.ATTEMPTED.value)
_LISTED: Final = tuple(column for column in _O if column.name != "draft")


class Delivery(NamedTuple):
    """A row of the outbox without its draft; docs/store.md has the meaning of each."""

    destination: str
    key: str
    pbx: str
    uniqueid: str
    line: str
    stage: Stage
    revision: int
    state: OutboxState
    decided_at: float
    next_at: float
    lease_until: float | None
    attempts: int
    trying_revision: int | None
    sent_revision: int
    remote_id: str | None
    url: str | None
    reason: str | None
    detail: str | None
    settled_at: float | None


class OpenReturns(NamedTuple):
    """How many callers have to be called back on a line, and how many of them are overdue."""

    open: int
    overdue: int


async def returns(
    reader: Reader,
    *,
    line: str | None = None,
    states: Sequence[ReturnState] = (ReturnState.OPEN, ReturnState.ATTEMPTED),
    limit: int | None = None,
    with_anonymous: bool = True,
) -> list[ToReturn]:
    """Give callers who were missed: those due first, without a number, settled last first."""
    query = select(to_return).where(_R.state.in_([state.value for state in states]))
    if not with_anonymous:
        query = query.where(_R.number.is_not(None))
    if line is not None:
        query = query.where(_R.line == line)
    is_open = _R.state.in_(_OPEN)
    apart = case((and_(is_open, _R.number.is_not(None)), 0), (is_open, 1), else_=2)
    within = case((is_open, _R.due_at), else_=-_R.settled_at)
    query = query.order_by(apart, within, _R.pbx, _R.uniqueid).limit(limit)
    async with reader.transaction() as connection:
        return [rows.return_from({**row}) for row in (await connection.execute(query)).mappings()]


async def find_return(reader: Reader, pbx: str | None, uniqueid: str) -> list[ToReturn]:
    """Give the entries with this id; several PBXs may have the same."""
    query = select(to_return).where(_R.uniqueid == uniqueid)
    if pbx is not None:
        query = query.where(_R.pbx == pbx)
    async with reader.transaction() as connection:
        return [rows.return_from({**row}) for row in (await connection.execute(query)).mappings()]


async def calls_under_way(reader: Reader) -> list[Record]:
    """Give the calls that agents have placed, that were answered and had not ended."""
    here = and_(record.c.pbx == open_call.c.pbx, record.c.uniqueid == open_call.c.uniqueid)
    query = (
        select(record)
        .join(open_call, here)
        .where(record.c.open, record.c.line.is_(None), record.c.answered_at.is_not(None))
    )
    async with reader.transaction() as connection:
        return [rows.record_from({**row}) for row in (await connection.execute(query)).mappings()]


async def drafts_to_return(
    reader: Reader, destinations: Sequence[str], keys: Sequence[str]
) -> list[Draft]:
    """Give the drafts with these keys that are about callers who have to be called back.

    What cannot be read, of a newer ctid perhaps, is left out: no start may fail for it.
    """
    found: dict[str, str] = {}
    async with reader.transaction() as connection:
        for first in range(0, len(keys), _KEYS_AT_ONCE):
            query = select(_O.key, _O.draft, _O.stage).where(
                _O.destination.in_(destinations), _O.key.in_(keys[first : first + _KEYS_AT_ONCE])
            )
            # asked for in the statement, the stage would choose the wrong index
            found |= {
                key: draft
                for key, draft, stage in await connection.execute(query)
                if stage == Stage.TO_RETURN.value
            }
    return _readable(found[key] for key in keys if key in found)


async def drafts_about(reader: Reader, entry: ToReturn) -> list[Draft]:
    """Give the drafts that say that this caller has to be called back."""
    misses = [(miss.pbx, miss.uniqueid) for miss in entry.misses]
    query = select(_O.draft).where(
        tuple_(_O.pbx, _O.uniqueid).in_(misses), _O.stage == Stage.TO_RETURN.value
    )
    async with reader.transaction() as connection:
        return _readable((await connection.execute(query)).scalars().all())


def _readable(texts: Iterable[str]) -> list[Draft]:
    """Give the drafts without those of a newer ctid."""
    drafts: list[Draft] = []
    for each in texts:
        with contextlib.suppress(ValueError):
            drafts.append(draft_from_json(each))
    return drafts


async def count_returns(reader: Reader, now: float) -> dict[str, OpenReturns]:
    """Count open entries by line; who gave no number cannot be called, and does not count."""
    overdue = func.count().filter(_R.due_at < now)
    can_be_called = and_(_R.state.in_(_OPEN), _R.number.is_not(None))
    query = select(_R.line, func.count(), overdue).where(can_be_called).group_by(_R.line)
    async with reader.transaction() as connection:
        return {line: OpenReturns(*n) for line, *n in await connection.execute(query)}


async def deliveries(
    reader: Reader,
    *,
    destination: str | None = None,
    states: Iterable[OutboxState] = (OutboxState.PENDING, OutboxState.DEAD),
    limit: int | None = None,
) -> list[Delivery]:
    """Give rows of the outbox, those decided last first."""
    query = select(*_LISTED).where(_O.state.in_([state.value for state in states]))
    if destination is not None:
        query = query.where(_O.destination == destination)
    query = query.order_by(_O.decided_at.desc(), _O.destination, _O.key).limit(limit)
    async with reader.transaction() as connection:
        return [_delivery(row) for row in await connection.execute(query)]


async def find_deliveries(reader: Reader, key: str) -> list[tuple[Delivery, Draft]]:
    """Give the rows of a draft, by its key or by the id of its (first) call."""
    query = select(*_LISTED, _O.draft).where((_O.key == key) | (_O.uniqueid == key))
    async with reader.transaction() as connection:
        found = (await connection.execute(query.order_by(_O.destination, _O.key))).all()
    return [(_delivery(row[:-1]), draft_from_json(row[-1])) for row in found]


async def find_rows(reader: Reader, keys: Sequence[str]) -> list[tuple[str, str, str]]:
    """Give destination, key and call of the rows of these drafts, by key or (first) call."""
    found: list[tuple[str, str, str]] = []
    async with reader.transaction() as connection:
        for first in range(0, len(keys), _KEYS_AT_ONCE):
            some = keys[first : first + _KEYS_AT_ONCE]
            query = select(_O.destination, _O.key, _O.uniqueid).where(
                _O.key.in_(some) | _O.uniqueid.in_(some)
            )
            found += [
                (destination, key, call)
                for destination, key, call in await connection.execute(query)
            ]
    return found


async def backlogs(reader: Reader) -> dict[str, Backlog]:
    """Count the outbox by destination and state."""
    return await waiting.backlogs(reader, _O.destination)


async def retry(
    store: Store, chosen: Sequence[tuple[str, str]], now: float, unclear: Collection[str] = ()
) -> int:
    """Have drafts sent again that are dead, were dropped, or wait for their next try.

    What failed last for an `unclear` reason is looked up first, and not before its time: what was
    sent may still be on its way, and would be there twice.
    """
    waits = _O.state.in_(
        [OutboxState.DEAD.value, OutboxState.DROPPED.value, OutboxState.PENDING.value]
    )
    return await _change(store, chosen, waits, _again(now, unclear))


async def retry_all(
    store: Store,
    destination: str | None,
    states: Iterable[OutboxState],
    now: float,
    unclear: Collection[str] = (),
) -> int:
    """Do that with all that stand so, of one destination or (None) of every one."""
    # one statement: ten thousand would keep the records of calls waiting
    statement = (
        update(outbox)
        .where(_O.state.in_([state.value for state in states]))
        .values(_again(now, unclear))
    )
    if destination is not None:
        statement = statement.where(_O.destination == destination)

    async def write(connection: AsyncConnection) -> int:
        return (await connection.execute(statement)).rowcount

    return await store.transaction(write)


def _again(now: float, unclear: Collection[str]) -> dict[str, Any]:
    rests = (_O.state == OutboxState.PENDING.value) & _O.reason.in_(unclear)
    return {
        "state": OutboxState.PENDING.value,
        "next_at": case((rests, _O.next_at), else_=now),
        "attempts": 0,
        "settled_at": None,
    }


async def drop(store: Store, chosen: Sequence[tuple[str, str]], now: float, why: str) -> int:
    """Send drafts no more, by destination and key; give how many were not delivered yet."""
    ended = {
        "state": OutboxState.DROPPED.value,
        "detail": text(why),
        "reason": None,
        "settled_at": now,
    }
    waits = _O.state.in_([OutboxState.DEAD.value, OutboxState.PENDING.value])
    return await _change(store, chosen, waits, ended)


async def _change(
    store: Store,
    chosen: Sequence[tuple[str, str]],
    condition: ColumnElement[bool],
    values: dict[str, Any],
) -> int:
    async def write(connection: AsyncConnection) -> int:
        changed = 0
        for destination, key in chosen:
            mine = (_O.destination == destination) & (_O.key == key) & condition
            changed += (
                await connection.execute(update(outbox).where(mine).values(values))
            ).rowcount
        return changed

    return await store.transaction(write)


def _delivery(row: Sequence[Any]) -> Delivery:
    found = Delivery(*row)
    return found._replace(stage=Stage(found.stage), state=OutboxState(found.state))
