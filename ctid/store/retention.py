"""Removes what is too old, and what a caller wants forgotten: a few calls at a time.

Each chunk is a transaction of its own, so that batches come in between. What is interrupted is
taken up by the next call.
"""

from collections.abc import Sequence
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.domain.records import Direction
from ctid.domain.tally import REACH_SECONDS
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from ctid.store.schema import history, record, ring, summary_day

CALLS_AT_ONCE: Final = 50
"""Some 10 ms of deleting; a batch waits for no longer than one chunk."""

_BUSY_TIMEOUT_SECONDS: Final = 5.0
_C: Final = record.c
_CALL: Final = (_C.pbx, _C.uniqueid)
_Calls = Sequence[tuple[str, str]]


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
    query = select(*_CALL).where(old, _C.open.is_(False)).limit(CALLS_AT_ONCE)
    calls = [(pbx, uniqueid) for pbx, uniqueid in await connection.execute(query)]
    if not calls:
        return 0
    chosen = set(calls)
    # rings first, by key: a cascade would look for them record by record
    for table in (ring, record, history):
        for pbx in {pbx for pbx, _ in chosen}:
            ids = [uniqueid for name, uniqueid in chosen if name == pbx]
            await connection.execute(
                delete(table).where(table.c.pbx == pbx, table.c.uniqueid.in_(ids))
            )
    return len(chosen)


async def forget(store: Store, number: str) -> int:
    """Take a caller's number and name out of every ended call, also out of its history.

    The number is taken as it is recorded. Calls that the desk made to that number lose it where it
    was dialled, and where it stands for an agent that was rung. The figures stay the same. Gives
    the number of calls. A call that is still under way is not touched: ask again when it is over.
    Raises StoreUnavailable.
    """
    # what callers dialled is a line's own number, and no secret
    dialled = and_(_C.did == number, _C.direction == Direction.OUTBOUND.value)
    query = select(*_CALL).distinct().where(_C.open.is_(False))
    # Looked for by a reader, since no index has the dialled number: no batch has to wait for it.
    async with Reader(store.database, _BUSY_TIMEOUT_SECONDS) as reader:
        found: set[tuple[str, str]] = set()
        for holds in (_C.caller_number == number, dialled):
            async with reader.transaction() as connection:
                rows = await connection.execute(query.where(holds))
                found.update((pbx, uniqueid) for pbx, uniqueid in rows)
    calls = sorted(found)
    for n in range(0, len(calls), CALLS_AT_ONCE):
        chunk = calls[n : n + CALLS_AT_ONCE]
        await store.transaction(lambda connection, chunk=chunk: _forget(connection, chunk, number))  # type: ignore[misc]
    return len(calls)


async def _forget(connection: AsyncConnection, calls: _Calls, number: str) -> None:
    for pbx, uniqueid in calls:
        await _forget_call(connection, pbx, uniqueid, number)


async def _forget_call(connection: AsyncConnection, pbx: str, uniqueid: str, number: str) -> None:
    mine = and_(_C.pbx == pbx, _C.uniqueid == uniqueid)
    for row in (await connection.execute(select(record).where(mine))).mappings().all():
        key = and_(mine, _C.ordinal == row["ordinal"])
        inbound = row["caller_number"] == number
        values = {
            "caller_number": None if inbound else row["caller_number"],
            "caller_name": None if inbound else row["caller_name"],
            "did": None if row["did"] == number else row["did"],
            **{name: _without(row[name], number) for name in ("rings", "transfers", "agents_rung")},
            "because": row["because"].replace(number, _HIDDEN),
        }
        await connection.execute(update(record).where(key).values(values))
    h, r = history.c, ring.c
    told = and_(h.pbx == pbx, h.uniqueid == uniqueid)
    for seq, facts in (await connection.execute(select(h.seq, h.facts).where(told))).all():
        changed = update(history).where(told, h.seq == seq)
        await connection.execute(changed.values(facts=_without(facts, number)))
    rang = and_(r.pbx == pbx, r.uniqueid == uniqueid)
    for column in (r.channel, r.agent):
        hidden = func.replace(column, number, _HIDDEN)
        await connection.execute(update(ring).where(rang).values({column.name: hidden}))


_HIDDEN: Final = "(forgotten)"


def _without(text: str, number: str) -> str:
    """Take the number out of every string within JSON."""
    return orjson.dumps(_hide(orjson.loads(text), number)).decode()


def _hide(value: Any, number: str) -> Any:
    if isinstance(value, str):
        return value.replace(number, _HIDDEN)
    if isinstance(value, list):
        return [_hide(item, number) for item in value]
    if isinstance(value, dict):
        return {key: _hide(item, number) for key, item in value.items()}
    return value
