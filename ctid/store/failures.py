"""What the errors of SQLite, PostgreSQL and the system under them mean, and how to mend it."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from ctid.store.address import Database
from ctid.store.errors import StoreReason, StoreUnavailable


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
