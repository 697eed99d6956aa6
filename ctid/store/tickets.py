"""Who has to be called back and which drafts are on their way: what people ask and change.

All raise StoreUnavailable.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, and_, case, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.domain.drafts import Draft, Stage
from ctid.domain.returns import ReturnState, ToReturn
from ctid.store import rows
from ctid.store.drafts import draft_from_json
from ctid.store.outbox import OutboxState
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from ctid.store.schema import outbox, to_return

_R: Final = to_return.c
_O: Final = outbox.c
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


@dataclass(frozen=True, slots=True)
class Backlog:
    """Of one destination: how many drafts by state, and when the oldest that waits was decided."""

    by_state: dict[OutboxState, int]
    oldest_at: float | None


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
) -> list[ToReturn]:
    """Give callers who were missed: those due first, without a number, settled last first."""
    query = select(to_return).where(_R.state.in_([state.value for state in states]))
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


async def drafts_to_return(reader: Reader) -> list[Draft]:
    """Give the drafts about callers who have to be called back, the oldest first."""
    query = select(_O.draft).where(_O.stage == Stage.TO_RETURN.value).order_by(_O.decided_at)
    async with reader.transaction() as connection:
        found = (await connection.execute(query)).scalars()
        return [draft_from_json(text) for text in found]


async def drafts_about(reader: Reader, entry: ToReturn) -> list[Draft]:
    """Give the drafts that say that this caller has to be called back."""
    misses = [(miss.pbx, miss.uniqueid) for miss in entry.misses]
    query = select(_O.draft).where(
        tuple_(_O.pbx, _O.uniqueid).in_(misses), _O.stage == Stage.TO_RETURN.value
    )
    async with reader.transaction() as connection:
        return [draft_from_json(text) for text in (await connection.execute(query)).scalars()]


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


async def backlogs(reader: Reader) -> dict[str, Backlog]:
    """Count the outbox by destination and state."""
    query = select(_O.destination, _O.state, func.count(), func.min(_O.decided_at)).group_by(
        _O.destination, _O.state
    )
    found: dict[str, Backlog] = {}
    async with reader.transaction() as connection:
        for destination, state, number, oldest in await connection.execute(query):
            here = found.get(destination, Backlog({}, None))
            by_state = {**here.by_state, OutboxState(state): number}
            waits = state == OutboxState.PENDING.value
            found[destination] = Backlog(by_state, oldest if waits else here.oldest_at)
    return found


async def retry(store: Store, chosen: Sequence[tuple[str, str]], now: float) -> int:
    """Have drafts sent again that are dead, were dropped, or wait for their next try."""
    again = {
        "state": OutboxState.PENDING.value,
        "next_at": now,
        "attempts": 0,
        "settled_at": None,
    }
    waits = _O.state.in_(
        [OutboxState.DEAD.value, OutboxState.DROPPED.value, OutboxState.PENDING.value]
    )
    return await _change(store, chosen, waits, again)


async def drop(store: Store, chosen: Sequence[tuple[str, str]], now: float, why: str) -> int:
    """Send drafts no more, by destination and key; give how many were not delivered yet."""
    ended = {
        "state": OutboxState.DROPPED.value,
        "detail": why,
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
