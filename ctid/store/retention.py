"""Removes what is too old, a few calls at a time.

Each chunk is a transaction of its own, so that batches come in between. What is interrupted is
taken up by the next call.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, Table, and_, delete, func, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.domain.tally import REACH_SECONDS
from ctid.store.outbox import OutboxState
from ctid.store.recorder import Store
from ctid.store.rows import return_from
from ctid.store.schema import (
    alert,
    history,
    open_call,
    outbox,
    page,
    record,
    ring,
    silence,
    summary_day,
    to_return,
)

CALLS_AT_ONCE: Final = 50
"""Some 10 ms of deleting; a batch waits for no longer than one chunk."""

_C: Final = record.c
_CALL: Final = (_C.pbx, _C.uniqueid)
_R: Final = to_return.c
_O: Final = outbox.c
_A: Final = alert.c


async def retain(store: Store, before: float) -> int:
    """Delete ended calls that began before an instant (Unix seconds), with rings, history, drafts.

    A call whose draft waits to be sent stays until it was. A caller who was missed goes once all
    their missed calls are so old, and the time to call back is over, whether they were reached or
    not. The figures of the days that ended by then are kept as they are, and are never counted
    again; so are the gaps, which the coverage comes from. A day without figures keeps its calls.
    An alert that was over before goes with its pages, as does a silence that has ended; the newest
    alert stays, since the next one is counted from it.
    Gives the number of deleted calls. Raises StoreUnavailable.
    """
    while await store.transaction(lambda connection: _delete_alerts(connection, before)):
        pass
    until = await store.transaction(lambda connection: _freeze(connection, before))
    if until is None:
        return 0
    # a call may reach into the next day, which may still have to be counted
    until -= REACH_SECONDS
    old = or_(_C.started_at < until, and_(_C.started_at.is_(None), _C.ended_at < until))
    deleted = 0
    while calls := await store.transaction(lambda connection: _delete(connection, old)):
        deleted += calls
    last: Sequence[str] | None = ("", "")
    while last is not None:
        last = await store.transaction(
            lambda connection, last=last: _delete_returns(connection, until, last)  # type: ignore[misc]
        )
    return deleted


async def _freeze(connection: AsyncConnection, before: float) -> float | None:
    """Freeze the days that ended before; give the end of the last one, None if there is none."""
    d = summary_day.c
    stale = select(func.min(d.began_at)).where(d.frozen.is_(False), d.changes != d.counted)
    limit = await connection.scalar(stale)
    until = before if limit is None else min(before, limit)
    is_old = d.ended_at <= until
    await connection.execute(update(summary_day).where(is_old).values(frozen=True))
    end: float | None = await connection.scalar(select(func.max(d.ended_at)).where(is_old))
    return end


async def _delete(connection: AsyncConnection, old: ColumnElement[bool]) -> int:
    waits = (
        select(_O.key)
        .where(_O.pbx == _C.pbx, _O.uniqueid == _C.uniqueid, _O.state == OutboxState.PENDING.value)
        .exists()
    )
    query = select(*_CALL).where(old, is_over(record), ~waits).limit(CALLS_AT_ONCE)
    calls = {(pbx, uniqueid) for pbx, uniqueid in await connection.execute(query)}
    # rings first, by key: a cascade would look for them record by record
    for table in (ring, record, history, outbox):
        for pbx in {pbx for pbx, _ in calls}:
            ids = [uniqueid for name, uniqueid in calls if name == pbx]
            await connection.execute(
                delete(table).where(table.c.pbx == pbx, table.c.uniqueid.in_(ids))
            )
    return len(calls)


async def _delete_returns(
    connection: AsyncConnection, until: float, last: Sequence[str]
) -> Sequence[str] | None:
    """Delete those behind `last` that are old enough, a chunk; give where it ends, None: at all."""
    key = tuple_(_R.pbx, _R.uniqueid)
    due = (
        select(to_return).where(_R.due_at < until, key > tuple(last)).order_by(_R.pbx, _R.uniqueid)
    )
    found = (await connection.execute(due.limit(CALLS_AT_ONCE))).mappings().all()
    for row in found:
        entry = return_from({**row})
        if entry.misses[-1].at < until:
            await connection.execute(
                delete(to_return).where(_R.pbx == entry.pbx, _R.uniqueid == entry.uniqueid)
            )
    return None if len(found) < CALLS_AT_ONCE else (found[-1]["pbx"], found[-1]["uniqueid"])


async def _delete_alerts(connection: AsyncConnection, before: float) -> int:
    """Delete alerts that are so old, a chunk; how many."""
    newest = select(func.max(_A.number)).scalar_subquery()
    old = select(_A.number).where(_A.ended_at < before, _A.number < newest).limit(CALLS_AT_ONCE)
    numbers = (await connection.execute(old)).scalars().all()
    await connection.execute(delete(page).where(page.c.alert.in_(numbers)))
    await connection.execute(delete(alert).where(_A.number.in_(numbers)))
    await connection.execute(delete(silence).where(silence.c.ends_at < before))
    return len(numbers)


def is_over(table: Table) -> ColumnElement[bool]:
    """Whether nothing of the call that a row is about will change any more."""
    c, other, mine = table.c, record.alias().c, open_call.c
    under_way = (
        select(other.ordinal)
        .where(other.pbx == c.pbx, other.uniqueid == c.uniqueid, other.open.is_(True))
        .exists()
    )
    in_memory = select(mine.uniqueid).where(mine.pbx == c.pbx, mine.uniqueid == c.uniqueid).exists()
    return and_(~under_way, ~in_memory)
