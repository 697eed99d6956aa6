"""Removes what is too old, a few calls at a time.

Each chunk is a transaction of its own, so that batches come in between. What is interrupted is
taken up by the next call.
"""

from typing import Final

from sqlalchemy import ColumnElement, Table, and_, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.domain.tally import REACH_SECONDS
from ctid.store.recorder import Store
from ctid.store.schema import history, open_call, record, ring, summary_day

CALLS_AT_ONCE: Final = 50
"""Some 10 ms of deleting; a batch waits for no longer than one chunk."""

_C: Final = record.c
_CALL: Final = (_C.pbx, _C.uniqueid)


async def retain(store: Store, before: float) -> int:
    """Delete ended calls that began before an instant (Unix seconds), with rings and history.

    The figures of the days that ended by then are kept as they are, and are never counted again;
    so are the gaps, which the coverage comes from. A day without figures keeps its calls. Gives
    the number of deleted calls. Raises StoreUnavailable.
    """
    until = await store.transaction(lambda connection: _freeze(connection, before))
    if until is None:
        return 0
    # a call may reach into the next day, which may still have to be counted
    until -= REACH_SECONDS
    old = or_(_C.started_at < until, and_(_C.started_at.is_(None), _C.ended_at < until))
    deleted = 0
    while calls := await store.transaction(lambda connection: _delete(connection, old)):
        deleted += calls
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
    query = select(*_CALL).where(old, is_over(record)).limit(CALLS_AT_ONCE)
    calls = {(pbx, uniqueid) for pbx, uniqueid in await connection.execute(query)}
    # rings first, by key: a cascade would look for them record by record
    for table in (ring, record, history):
        for pbx in {pbx for pbx, _ in calls}:
            ids = [uniqueid for name, uniqueid in calls if name == pbx]
            await connection.execute(
                delete(table).where(table.c.pbx == pbx, table.c.uniqueid.in_(ids))
            )
    return len(calls)


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
