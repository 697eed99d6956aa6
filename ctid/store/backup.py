"""A consistent copy of a SQLite database, made while ctid writes to it."""

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from ctid.store import db

_FILE_MODE: Final = 0o640
_PAGES: Final = 1024
"""Copied at once: 4 MiB. Each piece is on its disk before the next is read."""


_DISK: Final = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


class BackupError(Exception):
    """There is no backup; the text is the one line for the operator. Nothing was left behind."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied: `size` in bytes."""

    size: int


def backup(
    database: db.Database,
    target: Path,
    *,
    overwrite: bool = False,
    on_piece: Callable[[int, int], None] = lambda _done, _total: None,
) -> Copied:
    """Copy the database to `target`; it is whole, checked and on disk when it has that name.

    The copy is the state of one moment. A reader of the write-ahead log holds up no commit, however
    long this takes; the log only grows meanwhile. `on_piece` is told how many pages are copied, of
    how many. Raises BackupError and StoreUnavailable.
    """
    if database.path is None:
        raise BackupError(
            f"{database}: PostgreSQL is backed up with its own tool: pg_dump -Fc -f FILE"
        )
    _look_at(database.path, target, overwrite=overwrite)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with _writing(target):
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, _FILE_MODE))
            temporary.chmod(_FILE_MODE)  # whatever the umask
        _copy(database, temporary, target, on_piece)
        _check(temporary, target)
        with _writing(target):
            _publish(temporary, target, overwrite=overwrite)
            return Copied(target.stat().st_size)
    finally:
        for suffix in ("", "-journal", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                temporary.with_name(temporary.name + suffix).unlink()


def _look_at(source: Path, target: Path, *, overwrite: bool) -> None:
    """Refuse what cannot go well, or would destroy something."""
    own = {source.with_name(source.name + suffix) for suffix in ("", "-wal", "-shm", ".lock")}
    try:
        same = target.exists() and source.exists() and target.samefile(source)
        if same or target.resolve() in {path.resolve() for path in own}:
            raise BackupError(f"{target}: is the database itself; choose another file")
        if target.is_dir():
            raise BackupError(f"{target}: is a folder; name a file in it")
        if target.exists() and not target.is_file():
            raise BackupError(f"{target}: is no ordinary file; choose another one")
        if os.path.lexists(target) and not overwrite:
            raise BackupError(f"{target}: is there already; choose another file, or use --force")
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BackupError(f"{target}: cannot be written: {reason}") from None


def _copy(
    database: db.Database, temporary: Path, target: Path, on_piece: Callable[[int, int], None]
) -> None:
    assert database.path is not None  # noqa: S101 - the caller has looked
    with db.failures(database), contextlib.closing(_open(database.path, "mode=ro")) as source:
        # One state for the whole copy. Without it the copy would begin again at every commit.
        source.execute("BEGIN")
        if not source.execute(
            "SELECT 1 FROM sqlite_schema WHERE name = 'alembic_version'"
        ).fetchone():
            raise BackupError(f"database {database}: holds no tables of ctid; see [store] url")
        handle = os.open(temporary, os.O_RDWR | os.O_CLOEXEC)
        try:
            with contextlib.closing(_open(temporary, "mode=rw")) as copy:
                # nobody else sees the file, and what fails is thrown away
                copy.execute("PRAGMA synchronous=OFF")
                copy.execute("PRAGMA journal_mode=OFF")

                def piece(_status: int, left: int, total: int) -> None:
                    # Else the disk would get all of it at the end, and a commit had to wait.
                    os.fdatasync(handle)
                    on_piece(total - left, total)

                with _writing(target):
                    source.backup(copy, pages=_PAGES, progress=piece)
            with _writing(target):
                os.fsync(handle)
        finally:
            os.close(handle)


def _check(temporary: Path, target: Path) -> None:
    """Read the copy through; as what does not change, so that no file comes up beside it."""
    with contextlib.closing(_open(temporary, "mode=ro&immutable=1")) as copy:
        try:
            (found,) = copy.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.Error as error:
            found = str(error)
    if found != "ok":
        words = " ".join(str(found).split())
        raise BackupError(f"the database is damaged, so is its copy: {words}; {target} not written")


def _publish(temporary: Path, target: Path, *, overwrite: bool) -> None:
    if overwrite:
        temporary.replace(target)
    else:
        # a link does not replace what has come there meanwhile
        os.link(temporary, target)
        temporary.unlink()
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextlib.contextmanager
def _writing(target: Path) -> Iterator[None]:
    """Blame the target for what fails."""
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _DISK:
            raise  # that is the database's own fault
        raise BackupError(
            f"{target}: cannot be written: {error}; free space there, or choose another disk"
        ) from error
    except FileExistsError:
        raise BackupError(f"{target}: is there already; choose another file") from None
    except OSError as error:
        raise BackupError(
            f"{target}: cannot be written: {error.strerror}; choose a file in a folder that this "
            "user may write to, on a disk with room"
        ) from error


def _open(path: Path, how: str) -> sqlite3.Connection:
    # isolation_level None: transactions begin where it says so
    return sqlite3.connect(
        f"file:{quote(os.fsencode(path.absolute()))}?{how}", uri=True, isolation_level=None
    )
