"""The one writer: a batch is one transaction, and once `commit` has returned it is on disk."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy import bindparam, delete, func, literal_column, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.domain.batch import Batch
from ctid.domain.records import Record
from ctid.store import alert_rows, db, migrate, outbox, rows, schema
from ctid.store.address import Database, database_at
from ctid.store.errors import StoreReason
from ctid.store.failures import failures, unavailable

_T = TypeVar("_T")


class Store:
    """Writes batches over one connection, which it opens anew after a failure.

    Batches have to be given in the order in which they were decided; the same one may be given
    again, also after a failure.
    """

    def __init__(self, database: Database, busy_timeout_seconds: float) -> None:
        """Use `Store.open` instead, which also connects."""
        self._database = database
        self._engine = db.writer_engine(database, busy_timeout_seconds)
        dialect = self._engine.dialect
        self._upserts = {
            table.name: db.upsert(table, dialect) for table in schema.metadata.sorted_tables
        }
        self._upserts["alert"] = alert_rows.alert_write(dialect)
        self._page = alert_rows.page_write(dialect)
        self._want = outbox.wanted_write(dialect)
        self._forget_call = db.compile_write(
            delete(schema.open_call).where(
                schema.open_call.c.pbx == bindparam("b_pbx"),
                schema.open_call.c.uniqueid == bindparam("b_uniqueid"),
            ),
            dialect,
        )
        self._cut_rings = db.compile_write(
            delete(schema.ring).where(
                schema.ring.c.pbx == bindparam("b_pbx"),
                schema.ring.c.uniqueid == bindparam("b_uniqueid"),
                schema.ring.c.ordinal == bindparam("b_ordinal"),
                schema.ring.c.n >= bindparam("b_rings"),
            ),
            dialect,
        )
        c = schema.summary_day.c
        self._touch_days = db.compile_write(
            update(schema.summary_day)
            .where(c.began_at <= bindparam("b_last"), c.ended_at > bindparam("b_first"))
            .values(changes=c.changes + literal_column("1")),
            dialect,
        )
        # No day that ends later was announced to be summarised: what is newer touches none.
        self.summarised_until = float("-inf")
        self._connection: AsyncConnection | None = None
        self._files: list[tuple[int, int]] = []
        self._lock = asyncio.Lock()

    @classmethod
    async def open(cls, url: str, *, busy_timeout_seconds: float = 5.0) -> Self:
        """Connect to a database that `migrate.upgrade` has prepared.

        `busy_timeout_seconds` is how long one call may wait for a lock, and for a server.
        Raises ValueError (url), SchemaTooNew, StoreUnavailable.
        """
        store = cls(database_at(url), busy_timeout_seconds)
        try:
            with failures(store._database):
                await store._connect()
        except BaseException:
            await store.close()
            raise
        return store

    async def __aenter__(self) -> Self:
        """Give the store itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the store."""
        await self.close()

    async def commit(self, batch: Batch) -> None:
        """Write one batch, all of it or nothing; it is on disk when this returns.

        Raises StoreUnavailable; whether the batch was written is then not known, and it has to be
        given again. The next call connects anew.
        """
        if batch == Batch():
            return
        async with self._lock:
            try:
                with failures(self._database):
                    connection = self._connection or await self._connect()
                    # only now: which days are touched depends on what was written before
                    await db.write_all(connection, self._jobs(batch))
                    self._see_that_the_files_are_there()
            except BaseException:
                # Also when cancelled: the driver may be in the middle of a statement.
                await self._disconnect()
                raise

    async def transaction(self, work: Callable[[AsyncConnection], Awaitable[_T]]) -> _T:
        """Run other writes in a transaction of their own, between two batches.

        A batch waits meanwhile: `work` has to be short. Raises StoreUnavailable; whether it was
        written is then not known.
        """
        async with self._lock:
            try:
                with failures(self._database):
                    connection = self._connection or await self._connect()
                    async with connection.begin():
                        result = await work(connection)
                    self._see_that_the_files_are_there()
            except BaseException:
                await self._disconnect()
                raise
        return result

    @property
    def database(self) -> Database:
        """Where it writes."""
        return self._database

    async def close(self) -> None:
        """Give the connection back. The store may be used again all the same."""
        await self._disconnect()
        await self._engine.dispose()

    async def _connect(self) -> AsyncConnection:
        connection = await self._engine.connect()
        self._connection = connection
        async with connection.begin():
            await connection.run_sync(migrate.check, self._database)
            # Changes nothing, but says at once that the database or our right is read-only.
            await connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
            found = await connection.scalar(select(func.max(schema.summary_day.c.ended_at)))
            self.summarised_until = float("-inf") if found is None else found
        self._files = db.files_in_use(self._database)
        return connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.invalidate()
            await connection.close()

    def _see_that_the_files_are_there(self) -> None:
        """SQLite would go on writing to files that were deleted, and nobody would notice."""
        try:
            if db.files_in_use(self._database) == self._files:
                return
        except FileNotFoundError:
            pass
        raise unavailable(
            self._database, StoreReason.GONE, "it or its -wal is not the file that was opened"
        )

    def _jobs(self, batch: Batch) -> list[tuple[db.Write, list[db.Row]]]:
        """Give the statements of one batch with their rows, in an order that keys allow."""
        # Of several states of one thing the last counts.
        records = list({(r.pbx, r.uniqueid, r.ordinal): r for r in batch.records}.values())
        calls = {(c.pbx, c.uniqueid): rows.open_call_row(c) for c in batch.open_calls}.values()
        upsert = self._upserts
        jobs = [
            (upsert["record"], [rows.record_row(record) for record in records]),
            (self._cut_rings, [rows.ring_cut(record) for record in records]),
            (upsert["ring"], [row for record in records for row in rows.ring_rows(record)]),
            (upsert["history"], rows.history_rows(batch.facts)),
            (upsert["open_call"], [row for row in calls if row[2] is not None]),
            (self._forget_call, [row[:2] for row in calls if row[2] is None]),
            (upsert["gap"], [rows.gap_row(gap) for gap in batch.gaps]),
            (upsert["seen"], [rows.seen_row(seen) for seen in batch.seen]),
            (self._touch_days, self._touched(records)),
            (upsert["to_return"], [rows.return_row(entry) for entry in batch.returns]),
            (self._want, [rows.wanted_row(wanted) for wanted in batch.wanted]),
            (upsert["alert"], [alert_rows.alert_row(alert) for alert in batch.alerts]),
            (self._page, [alert_rows.page_row(page) for page in batch.pages]),
            (upsert["silence"], [alert_rows.silence_row(each) for each in batch.silences]),
        ]
        return [job for job in jobs if job[1]]

    def _touched(self, records: list[Record]) -> list[db.Row]:
        """Give the times between which summarised days are no longer right."""
        touched: set[db.Row] = set()
        for record in records:
            times = [
                at
                for at in (record.started_at, record.offered_at, record.ended_at)
                if at is not None
            ]
            if times and min(times) < self.summarised_until:
                row = {"b_first": min(times), "b_last": max(times)}
                touched.add(tuple(row[name] for name in self._touch_days.columns))
        return list(touched)
