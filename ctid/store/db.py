"""SQLite and PostgreSQL behind one seam: how they are opened, locked, written and read."""

import errno
import fcntl
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Dialect, Select, Table, event, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from ctid.store.address import POSTGRESQL, SQLITE, Database
from ctid.store.errors import StoreReason, StoreUnavailable
from ctid.store.failures import failures

_FILE_MODE: Final = 0o640
_BEGIN_WRITING: Final = "BEGIN IMMEDIATE"
"""Takes the lock at once: a transaction that begins by reading could not wait for it later."""
_MIGRATION_LOCK: Final = 0x63746964  # "ctid": any number that nobody else locks
_WAL_TRIES: Final = 50
_WAL_PAUSE_SECONDS: Final = 0.01
_WAL_BYTES_KEPT: Final = 64 * 1024 * 1024
_LOG_WAIT_SECONDS: Final = 0.05

Row = tuple[str | float | None, ...]

# For each None and bool the driver looks in three places for an adapter and tells itself by
# exceptions that there is none: more than half the time of a row. So it is given some.
sqlite3.register_adapter(type(None), lambda _: None)
sqlite3.register_adapter(bool, int)


def create_file(database: Database) -> None:
    """Create the SQLite file, readable by the group and writable by its owner alone.

    SQLite gives the same mode to the -wal and -shm files beside it. An existing file is left as
    it is. PostgreSQL: nothing to do. Raises OSError.
    """
    if database.path is None:
        return
    try:
        handle = os.open(database.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, _FILE_MODE)
    except FileExistsError:
        return
    try:
        os.fchmod(handle, _FILE_MODE)  # whatever the umask
    finally:
        os.close(handle)


def see_readable(database: Database) -> None:
    """Raise OSError where the SQLite file cannot be opened for reading.

    The driver would say so, too, but leaves a thread behind that outlives the loop. Asked without
    opening it: to close a file drops all locks of the process on it (POSIX), those of SQLite, too,
    and the next program that came and went would remove the log that the writer is using.
    """
    if database.path is not None:
        database.path.stat()
        if not os.access(database.path, os.R_OK, effective_ids=True):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(database.path))


def writer_engine(database: Database, busy_timeout_seconds: float) -> AsyncEngine:
    """Open connections whose every transaction may write and is on disk once committed."""
    if database.path is None:
        return _postgresql_engine(database, busy_timeout_seconds, read_only=False)
    engine = _sqlite_engine(database.path, "rw", busy_timeout_seconds)

    def prepare(connection: Any, _entry: object) -> None:
        cursor = connection.cursor()
        _use_wal(cursor)
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        # What is deleted is overwritten: else a forgotten number stayed in the file. Not all builds
        # of SQLite do so by themselves.
        cursor.execute("PRAGMA secure_delete=ON")
        cursor.execute(f"PRAGMA journal_size_limit={_WAL_BYTES_KEPT}")
        cursor.close()

    event.listen(engine.sync_engine, "connect", prepare)
    _begin_with(engine, _BEGIN_WRITING)
    return engine


async def empty_log(database: Database) -> bool:
    """Bring SQLite's write-ahead log into the database, and cut it to nothing.

    Commits wait for some milliseconds at most. False: it keeps its bytes, since somebody reads or
    writes just now. PostgreSQL: nothing to do. Raises StoreUnavailable.
    """
    if database.path is None:
        return True
    engine = _sqlite_engine(database.path, "rw", _LOG_WAIT_SECONDS)
    try:
        with failures(database):
            async with engine.connect() as connection:
                driver = await _driver(connection)
                # First without a lock that a commit needs, so that the second finds little to do.
                await driver.execute("PRAGMA wal_checkpoint(PASSIVE)")
                cursor = await driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                is_busy, _, _ = await cursor.fetchone()
                return not is_busy
    finally:
        await engine.dispose()


def _use_wal(cursor: Any) -> None:
    """SQLite does not wait for a lock here, where two make a new file at once."""
    for tries_left in reversed(range(_WAL_TRIES)):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or not tries_left:
                raise
            time.sleep(_WAL_PAUSE_SECONDS)
        else:
            return


def reader_engine(database: Database, busy_timeout_seconds: float) -> AsyncEngine:
    """Open connections that cannot write; each transaction sees one state of the database."""
    if database.path is None:
        return _postgresql_engine(database, busy_timeout_seconds, read_only=True)
    engine = _sqlite_engine(database.path, "ro", busy_timeout_seconds)
    _begin_with(engine, "BEGIN")
    return engine


def _sqlite_engine(path: Path, mode: str, busy_timeout_seconds: float) -> AsyncEngine:
    return create_async_engine(
        URL.create(
            "sqlite+aiosqlite",
            # As a URI, so that a file that has vanished is not silently made anew.
            database=f"file:{quote(str(path))}",
            query={"mode": mode, "uri": "true"},
        ),
        # sqlite3 would begin transactions by its own, old rules; ctid begins them itself.
        connect_args={"isolation_level": None, "timeout": busy_timeout_seconds},
        hide_parameters=True,  # they are people's telephone numbers
        poolclass=NullPool,
    )


def _begin_with(engine: AsyncEngine, statement: str) -> None:
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    event.listen(engine.sync_engine, "begin", begin)


def _postgresql_engine(
    database: Database, busy_timeout_seconds: float, *, read_only: bool
) -> AsyncEngine:
    milliseconds = str(round(busy_timeout_seconds * 1000))
    return create_async_engine(
        database.url,
        connect_args={
            "timeout": busy_timeout_seconds,
            "command_timeout": 2 * busy_timeout_seconds,
            "server_settings": {
                "application_name": "ctid",
                "lock_timeout": milliseconds,
                "synchronous_commit": "on",
                "default_transaction_read_only": "on" if read_only else "off",
            },
        },
        hide_parameters=True,  # they are people's telephone numbers
        poolclass=NullPool,
    )


async def lock_schema(connection: AsyncConnection) -> None:
    """Let one process at a time migrate. In SQLite a transaction is alone in any case."""
    if connection.dialect.name == POSTGRESQL:
        await connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))


@dataclass(frozen=True, slots=True)
class Write:
    """A statement compiled once, and the columns its parameters are given in."""

    sql: str
    columns: tuple[str, ...]


def insert_for(table: Table, dialect: Dialect) -> Any:
    """INSERT that can say what to do where the row is there already."""
    return (sqlite.insert if dialect.name == SQLITE else postgresql.insert)(table)


def upsert(table: Table, dialect: Dialect) -> Write:
    """INSERT that overwrites the row with the same primary key."""
    statement = insert_for(table, dialect)
    keys = [column.name for column in table.primary_key]
    values = {
        column.name: statement.excluded[column.name]
        for column in table.columns
        if not column.primary_key
    }
    return compile_write(statement.on_conflict_do_update(index_elements=keys, set_=values), dialect)


def compile_write(statement: Any, dialect: Dialect) -> Write:
    """Compile for positional parameters; of a table's INSERT: all its columns, in their order."""
    compiled = statement.compile(dialect=dialect)
    return Write(str(compiled), tuple(compiled.positiontup or ()))


async def write_all(connection: AsyncConnection, jobs: Iterable[tuple[Write, list[Row]]]) -> None:
    """Run each statement once for each of its rows, all in one transaction.

    After an error the connection has to be thrown away; that undoes what was begun.
    """
    if connection.dialect.name == POSTGRESQL:
        async with connection.begin():
            for write, rows in jobs:
                await connection.exec_driver_sql(write.sql, rows)
        return
    # Past SQLAlchemy's cursor, which goes to the driver's thread and back three times for each
    # statement instead of once: that is a third of the time of a batch.
    driver = await _driver(connection)
    await driver.execute(_BEGIN_WRITING)
    for write, rows in jobs:
        await driver.executemany(write.sql, rows)
    await driver.commit()


async def _driver(connection: AsyncConnection) -> Any:
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None, "a connection that is in use has its driver's"  # noqa: S101
    return driver


async def fetch_all(connection: AsyncConnection, query: Select[Any]) -> Iterable[Any]:
    """Give the rows of a query that has thousands, as tuples; the connection is in a transaction.

    Past SQLAlchemy's rows, which cost as much again as reading them.
    """
    if connection.dialect.name == POSTGRESQL:
        return list(await connection.execute(query))
    compiled = query.compile(
        dialect=connection.dialect, compile_kwargs={"render_postcompile": True}
    )
    values = [compiled.params[name] for name in compiled.positiontup or ()]
    driver = await _driver(connection)
    rows: Iterable[Any] = await driver.execute_fetchall(str(compiled), values)
    return rows


@contextmanager
def only_one(database: Database) -> Iterator[None]:
    """Hold the database against a second daemon for as long as this lasts.

    Two would each write gaps that the other one saw. Works for SQLite, by a lock on a file beside
    it, which also goes when the process is killed. Raises StoreUnavailable.
    """
    if database.path is None:
        yield
        return
    real = Path(os.path.realpath(database.path))  # two names of one file have one lock
    path = real.with_name(f"{real.name}.lock")
    with failures(database):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreUnavailable(
                StoreReason.LOCKED,
                f"database {database.path} is in use by another ctid run; stop that one first",
            ) from None
        yield
    finally:
        os.close(handle)


def files_in_use(database: Database) -> list[tuple[int, int]]:
    """Tell the files of a database that is open for writing from others at the same paths.

    Raises OSError if one is not there.
    """
    if database.path is None:
        return []
    found = [os.stat(name) for name in (database.path, f"{database.path}-wal")]  # noqa: PTH116
    return [(status.st_dev, status.st_ino) for status in found]
