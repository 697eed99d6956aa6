"""SQLite and PostgreSQL behind one seam: every difference between them stands in this file."""

import errno
import fcntl
import importlib.util
import os
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Dialect, Select, Table, event, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from ctid.store.errors import StoreReason, StoreUnavailable

_SQLITE: Final = "sqlite"
_POSTGRESQL: Final = "postgresql"
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


@dataclass(frozen=True, slots=True)
class Database:
    """Where the records are kept. `path` is the file of SQLite, None with PostgreSQL."""

    url: URL
    path: Path | None

    def __str__(self) -> str:
        """Name it for people, without a password."""
        return str(self.path) if self.path else self.url.render_as_string(hide_password=True)


def parse(url: str) -> Database:
    """Understand `sqlite:////path`, a plain path, or `postgresql://user@host/db`.

    Raises ValueError with one line that does not repeat a password.
    """
    if "://" not in url:
        return _sqlite_file(url)
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        message = "not a database URL; write sqlite:////path/to/file or postgresql://user@host/db"
        raise ValueError(message) from None
    backend = parsed.get_backend_name()
    if backend == _SQLITE:
        if parsed.host:
            # sqlite://tmp/x.db: two slashes would make a host of the path's beginning
            name = "/".join(filter(None, (parsed.host, parsed.database)))
            message = f"a slash is missing: write sqlite:////{name}, with four before a whole path"
            raise ValueError(message)
        return _sqlite_file(parsed.database or "")
    if backend == _POSTGRESQL:
        if importlib.util.find_spec("asyncpg") is None:
            message = "PostgreSQL needs asyncpg; install it beside ctid: pip install asyncpg"
            raise ValueError(message)
        return Database(parsed.set(drivername="postgresql+asyncpg"), None)
    message = f"{backend}: databases are sqlite or postgresql"
    raise ValueError(message)


def _sqlite_file(name: str) -> Database:
    if name in ("", ":memory:"):
        message = "SQLite needs a file: sqlite:////path/to/file"
        raise ValueError(message)
    path = Path(name).absolute()
    return Database(URL.create("sqlite+aiosqlite", database=str(path)), path)


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
                driver = (await connection.get_raw_connection()).driver_connection
                assert driver is not None, "a connection that is in use has its driver's"  # noqa: S101
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
    if connection.dialect.name == _POSTGRESQL:
        await connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))


@dataclass(frozen=True, slots=True)
class Write:
    """A statement compiled once, and the columns its parameters are given in."""

    sql: str
    columns: tuple[str, ...]


def insert_for(table: Table, dialect: Dialect) -> Any:
    """INSERT that can say what to do where the row is there already."""
    return (sqlite.insert if dialect.name == _SQLITE else postgresql.insert)(table)


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
    if connection.dialect.name == _POSTGRESQL:
        async with connection.begin():
            for write, rows in jobs:
                await connection.exec_driver_sql(write.sql, rows)
        return
    # Past SQLAlchemy's cursor, which goes to the driver's thread and back three times for each
    # statement instead of once: that is a third of the time of a batch.
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None, "a connection that is in use has its driver's"  # noqa: S101
    await driver.execute(_BEGIN_WRITING)
    for write, rows in jobs:
        await driver.executemany(write.sql, rows)
    await driver.commit()


async def fetch_all(connection: AsyncConnection, query: Select[Any]) -> Iterable[Any]:
    """Give the rows of a query that has thousands, as tuples; the connection is in a transaction.

    Past SQLAlchemy's rows, which cost as much again as reading them.
    """
    if connection.dialect.name == _POSTGRESQL:
        return list(await connection.execute(query))
    compiled = query.compile(
        dialect=connection.dialect, compile_kwargs={"render_postcompile": True}
    )
    values = [compiled.params[name] for name in compiled.positiontup or ()]
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None, "a connection that is in use has its driver's"  # noqa: S101
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
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
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


@contextmanager
def failures(database: Database) -> Iterator[None]:
    """Turn whatever the database, its driver or the system under it raises into StoreUnavailable.

    Mistakes in our own code (TypeError and such) pass through.
    """
    try:
        yield
    except DBAPIError as error:
        raise _explain(database, error.orig or error) from error
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:  # TimeoutError is an OSError
        raise _explain(database, error) from error
    except Exception as error:
        if _is_asyncpgs(error):
            raise _explain(database, error) from error
        raise


_SQLITE_REASONS: Final = {
    sqlite3.SQLITE_FULL: StoreReason.FULL,
    sqlite3.SQLITE_BUSY: StoreReason.LOCKED,
    sqlite3.SQLITE_LOCKED: StoreReason.LOCKED,
    sqlite3.SQLITE_READONLY: StoreReason.READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: StoreReason.DENIED,
    sqlite3.SQLITE_PERM: StoreReason.DENIED,
    sqlite3.SQLITE_IOERR: StoreReason.IO_ERROR,
    sqlite3.SQLITE_CORRUPT: StoreReason.CORRUPT,
    sqlite3.SQLITE_NOTADB: StoreReason.CORRUPT,
    sqlite3.SQLITE_CONSTRAINT: StoreReason.REJECTED,
    sqlite3.SQLITE_TOOBIG: StoreReason.REJECTED,
    sqlite3.SQLITE_MISMATCH: StoreReason.REJECTED,
}
_READONLY_DBMOVED: Final = sqlite3.SQLITE_READONLY_DBMOVED

# The first match of the beginning of the SQLSTATE counts.
_POSTGRESQL_REASONS: Final = (
    ("53100", StoreReason.FULL),
    ("55P03", StoreReason.LOCKED),
    ("40", StoreReason.LOCKED),
    ("25006", StoreReason.READ_ONLY),
    ("28", StoreReason.DENIED),
    ("42501", StoreReason.DENIED),
    ("3D000", StoreReason.MISSING),
    ("42P01", StoreReason.NOT_MIGRATED),
    ("08", StoreReason.UNREACHABLE),
    ("57", StoreReason.UNREACHABLE),
    ("53", StoreReason.UNREACHABLE),
    ("58", StoreReason.IO_ERROR),
    ("XX", StoreReason.CORRUPT),
    ("22", StoreReason.REJECTED),
    ("23", StoreReason.REJECTED),
    ("54", StoreReason.REJECTED),
)

_MENDING: Final = {
    StoreReason.FULL: "free space on its disk",
    StoreReason.LOCKED: "another program holds it locked; end that program's transaction",
    StoreReason.READ_ONLY: (
        "make the file, its -wal and -shm, their folder and file system writable for ctid"
    ),
    StoreReason.MISSING: "create its folder (or put it back), or correct [store] url",
    StoreReason.GONE: "it was removed or replaced while in use; put it back or restart ctid",
    StoreReason.DENIED: "give ctid's user the right to use it (for a file: and its folder)",
    StoreReason.UNREACHABLE: "see that the server runs and that [store] url names it",
    StoreReason.IO_ERROR: "look for disk errors, quotas and size limits on its file system",
    StoreReason.CORRUPT: "move it away and restore a backup",
    StoreReason.NOT_MIGRATED: "it lacks ctid's tables; restart ctid, which creates them",
    StoreReason.REJECTED: "this is a fault of ctid; report it with this line",
    StoreReason.FAILED: "see the database's own log",
}


def unavailable(database: Database, reason: StoreReason, detail: str) -> StoreUnavailable:
    """Build the one line that says what is wrong, where, and how to mend it."""
    words = " ".join(detail.split())
    return StoreUnavailable(reason, f"database {database}: {words}; {_MENDING[reason]}")


def _explain(database: Database, error: BaseException) -> StoreUnavailable:
    reason = StoreReason.FAILED
    sqlite_code = getattr(error, "sqlite_errorcode", None)
    sqlstate = getattr(error, "sqlstate", None)
    if sqlite_code is not None:
        reason = _sqlite_reason(database, sqlite_code, str(error))
    elif sqlstate is not None:
        reason = next(
            (found for start, found in _POSTGRESQL_REASONS if sqlstate.startswith(start)), reason
        )
    elif isinstance(error, FileNotFoundError):
        reason = StoreReason.MISSING
    elif isinstance(error, PermissionError):
        reason = StoreReason.DENIED
    elif isinstance(error, OSError):
        reason = StoreReason.UNREACHABLE if database.path is None else StoreReason.IO_ERROR
    elif database.path is None and _lost_connection(error):
        reason = StoreReason.UNREACHABLE
    return unavailable(database, reason, _detail(error))


def _sqlite_reason(database: Database, code: int, text: str) -> StoreReason:
    if code == _READONLY_DBMOVED:
        return StoreReason.GONE
    reason = _SQLITE_REASONS.get(code & 0xFF, StoreReason.FAILED)
    if reason is StoreReason.DENIED and database.path and not database.path.exists():
        return StoreReason.MISSING
    if text.startswith("no such table"):
        return StoreReason.NOT_MIGRATED
    return reason


def _asyncpg() -> Any:
    """PostgreSQL's driver where it is in use: whoever uses SQLite need not have it in memory."""
    return sys.modules.get("asyncpg")


def _is_asyncpgs(error: BaseException) -> bool:
    asyncpg = _asyncpg()
    return asyncpg is not None and (
        isinstance(error, asyncpg.PostgresError) or _lost_connection(error)
    )


def _lost_connection(error: BaseException) -> bool:
    asyncpg = _asyncpg()
    if asyncpg is None:
        return False
    # InternalClientError: the server has said goodbye, but has not closed the connection yet.
    lost = (asyncpg.InterfaceError, asyncpg.InternalClientError)
    return isinstance(error, lost) or isinstance(error.__cause__, (*lost, OSError))


def _detail(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    # SQLAlchemy's asyncpg adapter puts its class name before the server's words.
    return str(error).rpartition(">: ")[2] or type(error).__name__
