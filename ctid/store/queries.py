"""Reading what was recorded, over connections that cannot write.

Every call is one short transaction. All raise StoreUnavailable.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.domain.records import Fact, Gap, OpenCall, Record, Seen
from ctid.store import db, migrate, rows
from ctid.store.schema import gap, history, open_call, record, seen


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Which records; what is None does not restrict. `from` is inclusive, `to` exclusive."""

    pbx: str | None = None
    uniqueid: str | None = None
    line: str | None = None
    caller_number: str | None = None
    started_from: float | None = None
    started_to: float | None = None
    offered_from: float | None = None
    offered_to: float | None = None
    open: bool | None = None


class Reader:
    """Read-only access to the database of a store, whether its daemon runs or not."""

    def __init__(self, database: db.Database, busy_timeout_seconds: float) -> None:
        """Use `Reader.open` instead, which also looks at the schema."""
        self._database = database
        self._engine = db.reader_engine(database, busy_timeout_seconds)

    @classmethod
    async def open(cls, url: str, *, busy_timeout_seconds: float = 5.0) -> Self:
        """Look whether the schema is ours. Raises ValueError, SchemaTooNew, StoreUnavailable."""
        reader = cls(db.parse(url), busy_timeout_seconds)
        db.see_that_it_can_be_read(reader._database)
        with db.failures(reader._database):
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

    async def facts(self, pbx: str, uniqueid: str) -> list[Fact]:
        """Give what was decided in one call, in order."""
        query = select(history).where(history.c.pbx == pbx, history.c.uniqueid == uniqueid)
        return rows.facts_from(await self._rows(query.order_by(history.c.seq)))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Begin a transaction for several questions; keep it short."""
        with db.failures(self._database):
            async with self._engine.begin() as connection:
                yield connection

    async def _rows(self, query: Select[Any]) -> list[dict[str, Any]]:
        with db.failures(self._database):
            async with self._engine.begin() as connection:
                found = (await connection.execute(query)).mappings()
                return [{**row} for row in found]


def _conditions(wanted: RecordFilter) -> list[ColumnElement[bool]]:
    c = record.c
    equal = {
        c.pbx: wanted.pbx,
        c.uniqueid: wanted.uniqueid,
        c.line: wanted.line,
        c.caller_number: wanted.caller_number,
        c.open: wanted.open,
    }
    at_least = {c.started_at: wanted.started_from, c.offered_at: wanted.offered_from}
    before = {c.started_at: wanted.started_to, c.offered_at: wanted.offered_to}
    return [
        *(column == value for column, value in equal.items() if value is not None),
        *(column >= value for column, value in at_least.items() if value is not None),
        *(column < value for column, value in before.items() if value is not None),
    ]
