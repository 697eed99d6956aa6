"""JSON Lines: one line for each revision of a draft; docs/tickets-file.md tells what is in them.

The file is opened anew for each line, so it may be moved away (logrotate) at any time.
"""

import asyncio
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import orjson

from ctid.config.backends import FileBackend
from ctid.outbound.port import DeliveryError, Document, Finding, Reason, Remote

_MODE: Final = 0o640
_BLOCK: Final = 65_536
_LITTLE_BYTES: Final = 1_000_000
_LONGEST_LINE: Final = 4 * 1024 * 1024
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG})
"""Of these an operator knows already, and they pass; every other error is about path or rights."""


class TicketFile:
    """Appends to one file."""

    def __init__(self, table: FileBackend) -> None:
        self._path = Path(table.path)

    async def create(self, document: Document) -> Remote:
        await asyncio.to_thread(self._append, document)
        return Remote(document.key)

    async def update(self, remote: Remote, document: Document, *, unsure: bool) -> None:
        del remote
        if not (unsure and await asyncio.to_thread(self._has, document.key, document.revision)):
            await asyncio.to_thread(self._append, document)

    async def look_up(self, key: str) -> Remote | None:
        """Read the file from its end until the key comes: the whole of it if it does not."""
        return Remote(key) if await asyncio.to_thread(self._has, key, None) else None

    async def check(self) -> list[Finding]:
        try:
            return await asyncio.to_thread(self._examine)
        except OSError as error:
            return [
                Finding(
                    ok=False,
                    what=f"{self._path} cannot be looked at: {error.strerror}",
                    remedy="give ctid's user the right to all folders of `path`",
                )
            ]

    async def close(self) -> None:
        """Nothing stays open."""

    def _append(self, document: Document) -> None:
        line = _line(document)
        with _explained("write", self._path):
            is_new = not self._path.exists()
            with _opened(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT) as descriptor:
                if is_new:
                    _sync_folder(self._path.parent)
                _append_line(descriptor, line)

    def _has(self, key: str, revision: int | None) -> bool:
        """Whether a line of this key is there, and of this revision if one is asked for."""
        with _explained("read", self._path):
            if not self._path.exists() and self._path.parent.is_dir():
                return False
            needle = orjson.dumps(key)
            with _opened(self._path, os.O_RDONLY) as descriptor:
                return any(
                    needle in line and _is_of(line, key, revision)
                    for line in _lines_backwards(descriptor)
                )

    def _examine(self) -> list[Finding]:
        folder = self._path.parent
        if not folder.is_dir():
            return [
                Finding(
                    ok=False,
                    what=f"there is no folder {folder}",
                    remedy="make it, so that ctid's user may write there",
                )
            ]
        if self._path.exists():
            found = [self._examine_file()]
        elif os.access(folder, os.W_OK | os.X_OK):
            found = [Finding(ok=True, what=f"{self._path} will be made with the first draft")]
        else:
            found = [
                Finding(
                    ok=False,
                    what=f"no file may be made in {folder}",
                    remedy="give ctid's user the right to write there",
                )
            ]
        disk = os.statvfs(folder)
        if disk.f_bavail * disk.f_frsize < _LITTLE_BYTES:
            found.append(
                Finding(
                    ok=False,
                    what=f"the disk of {folder} has less than 1 MB left",
                    remedy="make room",
                )
            )
        return found

    def _examine_file(self) -> Finding:
        if not self._path.is_file():
            return Finding(
                ok=False, what=f"{self._path} is no regular file", remedy="name another in `path`"
            )
        if not os.access(self._path, os.R_OK | os.W_OK):
            return Finding(
                ok=False,
                what=f"{self._path} may not be read and written",
                remedy="give it to ctid's user, with mode 0640",
            )
        return Finding(ok=True, what=f"{self._path} can be written")


@contextmanager
def _explained(doing: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = Reason.UNREACHABLE if error.errno in _FULL else Reason.MISCONFIGURED
        why = (error.strerror or type(error).__name__).lower()
        raise DeliveryError(reason, f"cannot {doing} {path}: {why}") from None


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags | os.O_NONBLOCK, _MODE)  # a pipe is not waited for
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise DeliveryError(Reason.MISCONFIGURED, f"{path} is no regular file")
        yield descriptor
    finally:
        os.close(descriptor)


def _line(document: Document) -> bytes:
    # read and written anew, so that it is one line however the draft was laid out
    shown = {
        "revision": document.revision,
        "subject": document.subject,
        "body": document.body,
        "draft": orjson.loads(document.data),
    }
    return orjson.dumps(shown, option=orjson.OPT_APPEND_NEWLINE)


def _append_line(descriptor: int, line: bytes) -> None:
    """Write the whole line and have it on the disk, or leave the file as it was."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)  # until it is closed
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        line = b"\n" + line  # somebody was killed while writing: their line ends here
    try:
        _write_whole(descriptor, line)
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, size)
        raise


def _write_whole(descriptor: int, data: bytes) -> None:
    # in one piece, so that no other writer's line comes in between
    if os.write(descriptor, data) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_of(line: bytes, key: str, revision: int | None) -> bool:
    try:
        read = orjson.loads(line)
        return read["draft"]["key"] == key and revision in (None, read["revision"])
    except (orjson.JSONDecodeError, TypeError, KeyError):
        return False  # torn, or somebody else's


def _lines_backwards(descriptor: int) -> Iterator[bytes]:
    """The lines, last first, without their ends; one that is longer than any of ours is left out.

    What stands behind the last newline is one, too: its writer may have been killed just there.
    """
    place = os.fstat(descriptor).st_size
    # the pieces of the line whose beginning has not come yet, last first; None: it is left out
    pieces: list[bytes] | None = []
    length = 0
    while place > 0:
        start = max(0, place - _BLOCK)
        first, *others = os.pread(descriptor, place - start, start).split(b"\n")
        place = start
        if others:
            if pieces is not None:
                yield b"".join(reversed([*pieces, others[-1]]))
            yield from reversed(others[:-1])
            pieces, length = [], 0
        if pieces is not None:
            pieces.append(first)
            length += len(first)
            if length > _LONGEST_LINE:
                pieces = None
    if pieces is not None:
        yield b"".join(reversed(pieces))
