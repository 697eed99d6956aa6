"""Reading what was recorded, over connections that cannot write.

Every call is one short transaction. All raise StoreUnavailable.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import ColumnElement, Select, false, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.domain.days import LATEST
from ctid.domain.records import (
    Direction,
    Fact,
    Gap,
    OpenCall,
    Outcome,
    Reason,
    Record,
    RingResult,
    Seen,
)
from ctid.store import db, migrate, rows
from ctid.store.address import Database, database_at
from ctid.store.failures import failures
from ctid.store.offers import counted_by
from ctid.store.schema import gap, history, mark, open_call, record, ring, seen

BUSY_TIMEOUT_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Which records; what is None does not restrict. `from` is inclusive, `to` exclusive.

    `agent` answered first, spoke last, or had his phone rung; `number_ends` are the last digits
    of the caller's number, which no index finds.
    """

    pbx: str | None = None
    uniqueid: str | None = None
    line: str | None = None
    caller_number: str | None = None
    number_ends: str | None = None
    agent: str | None = None
    outcome: Outcome | None = None
    reason: Reason | None = None
    direction: Direction | None = None
    started_from: float | None = None
    started_to: float | None = None
    offered_from: float | None = None
    offered_to: float | None = None
    open: bool | None = None


class Reader:
    """Read-only access to the database of a store, whether its daemon runs or not."""

    def __init__(
        self, database: Database, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS
    ) -> None:
        """Of a database whose schema was looked at; else use `Reader.open`, which does that."""
        self._database = database
        self._engine = db.reader_engine(database, busy_timeout_seconds)

    @classmethod
    async def open(cls, url: str, *, busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS) -> Self:
        """Look whether the schema is ours. Raises ValueError, SchemaTooNew, StoreUnavailable."""
        reader = cls(database_at(url), busy_timeout_seconds)
        with failures(reader._database):
            db.see_readable(reader._database)
            async with reader._engine.begin() as connection:
                await connection.run_sync(migrate.check, reader._database)
        return reader

    async def __aenter__(self) -> Self:
        """Give the reader itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the reader."""
        await self.close()

    async def close(self) -> None:
        """Give all connections back."""
        await self._engine.dispose()

    async def open_calls(self, pbx: str) -> list[OpenCall]:
        """Give the calls that were in the tracker's memory at the last commit, by uniqueid."""
        query = select(open_call).where(open_call.c.pbx == pbx).order_by(open_call.c.uniqueid)
        return [OpenCall(**row) for row in await self._rows(query)]

    async def open_gaps(self, pbx: str) -> list[Gap]:
        """Give the gaps that have no end yet, oldest first."""
        query = select(gap).where(gap.c.pbx == pbx, gap.c.ended_at.is_(None))
        return [rows.gap_from(row) for row in await self._rows(query.order_by(gap.c.began_at))]

    async def gaps(self, pbx: str, since: float, until: float) -> list[Gap]:
        """Give the gaps that touch the interval (Unix seconds), open ones too, oldest first."""
        query = select(gap).where(
            gap.c.pbx == pbx,
            gap.c.began_at < until,
            gap.c.ended_at.is_(None) | (gap.c.ended_at > since),
        )
        return [rows.gap_from(row) for row in await self._rows(query.order_by(gap.c.began_at))]

    async def seen(self, pbx: str) -> Seen | None:
        """Give until when the PBX was seen; None if never."""
        found = await self._rows(select(seen).where(seen.c.pbx == pbx))
        return Seen(**found[0]) if found else None

    async def mark(self, name: str) -> float | None:
        """Give when something of ctid/store/marks.py happened last; None: never."""
        found = await self._rows(select(mark.c.at).where(mark.c.name == name))
        return found[0]["at"] if found else None

    async def pbxs(self) -> list[str]:
        """Give the names of the PBXs that were ever seen."""
        return [row["pbx"] for row in await self._rows(select(seen.c.pbx))]

    async def records(self, wanted: RecordFilter, limit: int | None = None) -> list[Record]:
        """Give records by `started_at` (those without first), then by key."""
        c = record.c
        query = (
            select(record)
            .where(*_conditions(wanted))
            .order_by(c.started_at.nulls_first(), c.pbx, c.uniqueid, c.ordinal)
            .limit(limit)
        )
        return [rows.record_from(row) for row in await self._rows(query)]

    async def count_outcomes(
        self, lines: Sequence[str], since: float
    ) -> dict[tuple[str, str], int]:
        """Count the offers of these lines since then (Unix seconds), by line and outcome."""
        found: Counter[tuple[str, str]] = Counter()
        c = record.c
        for conditions, _ in counted_by(lines, since, LATEST):
            counted = select(c.line, c.outcome, func.count().label("offers")).where(*conditions)
            for row in await self._rows(counted.group_by(c.line, c.outcome)):
                found[row["line"], row["outcome"]] += row["offers"]
        return found

    async def newest(
        self, wanted: RecordFilter, limit: int, after: Record | None = None
    ) -> list[Record]:
        """Give records newest first, those behind `after`.

        Those whose beginning was not seen come last; of them any known time counts.
        """
        found: list[dict[str, Any]] = []
        if after is None or after.started_at is not None:
            found = await self._rows(_by_start(wanted, after).limit(limit))
            after = None
        if len(found) < limit:
            found += await self._rows(_without_start(wanted, after).limit(limit - len(found)))
        return [rows.record_from(row) for row in found]

    async def of_no_line(self, pbx: str, since: float, limit: int) -> list[tuple[str, int]]:
        """Give the numbers dialled from outside that led to no line, and how often; most first."""
        c = record.c
        calls = func.count()
        query = (
            select(func.coalesce(c.did, "").label("did"), calls.label("calls"))
            .where(
                c.pbx == pbx,
                c.direction == Direction.INBOUND,
                c.line.is_(None),
                c.started_at >= since,
            )
            .group_by(c.did)
            .order_by(calls.desc(), c.did)
            .limit(limit)
        )
        return [(row["did"], row["calls"]) for row in await self._rows(query)]

    async def answered_outside(
        self, pbx: str, trunks: Iterable[str], since: float
    ) -> list[tuple[str, int]]:
        """Give who answered callers from outside over a trunk, and how often; most first."""
        c, r = record.c, ring.c
        over = or_(
            false(), *(r.channel.startswith(f"{trunk}-", autoescape=True) for trunk in trunks)
        )
        calls = func.count()
        query = (
            select(r.agent.label("agent"), calls.label("calls"))
            .join(record, (c.pbx == r.pbx) & (c.uniqueid == r.uniqueid) & (c.ordinal == r.ordinal))
            .where(
                c.pbx == pbx,
                c.direction == Direction.INBOUND,
                c.started_at >= since,
                r.result == RingResult.ANSWERED,
                over,
            )
            .group_by(r.agent)
            .order_by(calls.desc(), r.agent)
        )
        return [(row["agent"], row["calls"]) for row in await self._rows(query)]

    async def facts(self, pbx: str, uniqueid: str) -> list[Fact]:
        """Give what was decided in one call, in order."""
        query = select(history).where(history.c.pbx == pbx, history.c.uniqueid == uniqueid)
        return rows.facts_from(await self._rows(query.order_by(history.c.seq)))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Begin a transaction for several questions; keep it short."""
        with failures(self._database):
            async with self._engine.begin() as connection:
                yield connection

    async def _rows(self, query: Select[*tuple[Any, ...]]) -> list[dict[str, Any]]:
        with failures(self._database):
            async with self._engine.begin() as connection:
                found = (await connection.execute(query)).mappings()
                return [{**row} for row in found]


_KEY = (record.c.pbx, record.c.uniqueid, record.c.ordinal)
_BACKWARDS = tuple(column.desc() for column in _KEY)


def _by_start(wanted: RecordFilter, after: Record | None) -> Select[Any]:
    c = record.c
    query = select(record).where(*_sought(wanted), c.started_at.is_not(None))
    if after is not None:
        key = (after.pbx, after.uniqueid, after.ordinal)
        query = query.where(
            # said twice: the first finds the place in the index
            c.started_at <= after.started_at,
            tuple_(c.started_at, *_KEY) < (after.started_at, *key),
        )
    return query.order_by(c.started_at.desc(), *_BACKWARDS)


def _without_start(wanted: RecordFilter, after: Record | None) -> Select[Any]:
    c = record.c
    began, ended = wanted.started_from, wanted.started_to
    some_time = func.coalesce(c.offered_at, c.answered_at, c.ended_at)
    query = select(record).where(
        *_sought(replace(wanted, started_from=None, started_to=None)),
        c.started_at.is_(None),
        *([some_time >= began] if began is not None else []),
        *([some_time < ended] if ended is not None else []),
    )
    if after is not None:
        query = query.where(tuple_(*_KEY) < (after.pbx, after.uniqueid, after.ordinal))
    return query.order_by(*_BACKWARDS)


def _sought(wanted: RecordFilter) -> list[ColumnElement[bool]]:
    """The conditions; open records are found by the calls in memory, which are few."""
    conditions = _conditions(wanted)
    if wanted.open:
        in_memory = select(open_call.c.pbx, open_call.c.uniqueid)
        conditions.append(tuple_(record.c.pbx, record.c.uniqueid).in_(in_memory))
    return conditions


def _conditions(wanted: RecordFilter) -> list[ColumnElement[bool]]:
    c = record.c
    equal = {
        c.pbx: wanted.pbx,
        c.uniqueid: wanted.uniqueid,
        c.caller_number: wanted.caller_number,
        c.outcome: wanted.outcome,
        c.reason: wanted.reason,
        c.direction: wanted.direction,
        c.open: wanted.open,
    }
    at_least = {c.started_at: wanted.started_from, c.offered_at: wanted.offered_from}
    before = {c.started_at: wanted.started_to, c.offered_at: wanted.offered_to}
    return [
        *(column == value for column, value in equal.items() if value is not None),
        *(column >= value for column, value in at_least.items() if value is not None),
        *(column < value for column, value in before.items() if value is not None),
        *([_of_line(wanted)] if wanted.line is not None else []),
        *([_of_agent(wanted.agent)] if wanted.agent is not None else []),
        *(
            [c.caller_number.endswith(wanted.number_ends, autoescape=True)]
            if wanted.number_ends is not None
            else []
        ),
    ]


def _of_line(wanted: RecordFilter) -> ColumnElement[bool]:
    """The index over a line's figures does not help to find its newest records: rather none."""
    if wanted.offered_from is not None or wanted.offered_to is not None:
        return record.c.line == wanted.line
    return func.coalesce(record.c.line, "") == wanted.line


def _of_agent(agent: str) -> ColumnElement[bool]:
    c = record.c
    rang = select(ring.c.n).where(
        ring.c.pbx == c.pbx,
        ring.c.uniqueid == c.uniqueid,
        ring.c.ordinal == c.ordinal,
        # not by the agent's index: he has rings in half of all calls
        func.coalesce(ring.c.agent, "") == agent,
        ring.c.rang_at.is_not(None),
    )
    return (c.agent == agent) | (c.final_agent == agent) | rang.exists()
