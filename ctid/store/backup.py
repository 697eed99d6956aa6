"""A consistent copy of a SQLite database, made while ctid writes to it."""

import contextlib
import errno
import fcntl
import os
import re
import secrets
import signal
import sqlite3
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from ctid.store.address import Database
from ctid.store.failures import failures

_FILE_MODE: Final = 0o640
_PAGES: Final = 1024
"""Copied at once: 4 MiB. Each piece is on its disk before the next is read."""

_STEPS: Final = 100_000
"""Of a check, some milliseconds: so soon is a signal heard."""

_LOCKED_BYTE: Final = 2**62
"""Far behind all data and SQLite's own locks: network file systems tell their owners apart, too."""

_ENDING: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_NO_LINKS: Final = (errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK)
_DISK: Final = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


class BackupError(Exception):
    """There is no backup; the text is the one line for the operator. Nothing was left behind."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied: `size` in bytes."""

    size: int


def backup(database: Database, target: Path, *, overwrite: bool = False) -> Copied:
    """Copy the database to `target`; it is whole, checked and on disk when it has that name.

    The copy is the state of one moment. A reader of the write-ahead log holds up no commit, however
    long this takes; the log only grows meanwhile. Raises BackupError and StoreUnavailable.
    """
    if database.path is None:
        raise BackupError(
            f"{database}: PostgreSQL is backed up with its own tool: pg_dump -Fc -f FILE"
        )
    _look_at(database.path, target, overwrite=overwrite)
    _remove_stale(target)
    with _part(target) as temporary:
        _copy(database, temporary, target)
        _check(temporary, target)
        with _writing(target):
            _publish(temporary, target, overwrite=overwrite)
            return Copied(target.stat().st_size)


@contextlib.contextmanager
def _part(target: Path) -> Iterator[Path]:
    """Give an empty file beside the target that is gone in the end, also by SIGTERM.

    Only a process that is killed outright leaves it. It is locked as long as its writer lives, so
    that the next backup knows.
    """
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    handle = -1
    with _removed_by_signals(temporary):
        try:
            with _writing(target):
                flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC
                handle = os.open(temporary, flags, _FILE_MODE)
                temporary.chmod(_FILE_MODE)  # whatever the umask
            _lock(handle)
            yield temporary
        finally:
            _remove(temporary)
            if handle != -1:
                os.close(handle)


def _remove(temporary: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):
        with contextlib.suppress(OSError):
            temporary.with_name(temporary.name + suffix).unlink()


def _lock(handle: int) -> bool:
    """Lock a part for as long as the handle is open; False if that is not possible.

    By a lock of the open file (OFD): one of the process would go as soon as SQLite closes the file.
    """
    one_byte = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, _LOCKED_BYTE, 1, 0)
    try:
        fcntl.fcntl(handle, fcntl.F_OFD_SETLK, one_byte)
    except OSError:
        return False  # somebody has it, or the file system has no locks
    return True


def _remove_stale(target: Path) -> None:
    """Remove the parts of earlier backups to this target whose writers were killed."""
    is_part = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{8}}\.part")
    with contextlib.suppress(OSError):
        for name in os.listdir(target.parent):  # noqa: PTH208 - names are enough
            if is_part.fullmatch(name):
                with contextlib.suppress(OSError):
                    _remove_if_stale(target.with_name(name))


def _remove_if_stale(part: Path) -> None:
    handle = os.open(part, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if _lock(handle):
            _remove(part)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _removed_by_signals(temporary: Path) -> Iterator[None]:
    """Remove the part when a signal ends the process, which then ends by that signal."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are none of this thread's business
        return

    def end(number: int, _frame: object) -> None:
        _remove(temporary)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    # one that is ignored (nohup) stays so
    before = {
        number: signal.signal(number, end)
        for number in _ENDING
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


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


def _copy(database: Database, temporary: Path, target: Path) -> None:
    assert database.path is not None  # noqa: S101 - the caller has looked
    with failures(database), contextlib.closing(_open(database.path, "mode=ro")) as source:
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

                def piece(_status: int, _left: int, _total: int) -> None:
                    # Else the disk would get all of it at the end, and a commit had to wait.
                    os.fdatasync(handle)

                with _writing(target):
                    source.backup(copy, pages=_PAGES, progress=piece)
            with _writing(target):
                os.fsync(handle)
        finally:
            os.close(handle)


def _check(temporary: Path, target: Path) -> None:
    """Read the copy through; as what does not change, so that no file comes up beside it."""
    with contextlib.closing(_open(temporary, "mode=ro&immutable=1")) as copy:
        # one long statement: Python hears of signals only where it is called back
        copy.set_progress_handler(lambda: 0, _STEPS)
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
        _publish_new(temporary, target)
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _publish_new(temporary: Path, target: Path) -> None:
    """Give the copy its name unless something has come there meanwhile (FileExistsError)."""
    try:
        os.link(temporary, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
    else:
        temporary.unlink()
        return
    # FAT, exFAT and some shares know no links: an empty file takes the name, the copy its place
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, _FILE_MODE))
    try:
        temporary.replace(target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


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
