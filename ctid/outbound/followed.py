"""A file that people change while ctid runs: whether it is another one than before."""

from pathlib import Path
from typing import Final, NamedTuple

POLL_SECONDS: Final = 10.0


class FollowError(Exception):
    """The file cannot be used; one line says what, where and how to mend it."""


class _Version(NamedTuple):
    """By which a file is known to be another one than before."""

    modified: int
    size: int
    inode: int


class Followed:
    """One file. `key` names it in the configuration; it has at most `largest` bytes."""

    def __init__(self, path: Path, key: str, largest: int, *, too_large: str) -> None:
        self.path = path
        self._key = key
        self._largest = largest
        self._too_large = too_large
        self._version: _Version | None = None

    def changed(self) -> bytes | None:
        """What it holds, once for each change; None: nothing new. Raises FollowError. Blocks."""
        version = self._stat()
        if version == self._version:
            return None
        data = self._read()
        if self._stat() != version:
            raise FollowError(f"{self.path}: is being written; it is read again later")
        self._version = version  # a bad file is not read again before it changes
        return data

    def _stat(self) -> _Version:
        try:
            found = self.path.stat()
        except OSError as error:
            self._version = None  # it is read when it is back, even if it is the same
            raise self._unreadable(error) from None
        return _Version(found.st_mtime_ns, found.st_size, found.st_ino)

    def _read(self) -> bytes:
        try:
            with self.path.open("rb") as file:
                data = file.read(self._largest + 1)
        except OSError as error:
            raise self._unreadable(error) from None
        if len(data) > self._largest:
            raise FollowError(f"{self.path}: is larger than {self._too_large}")
        return data

    def _unreadable(self, error: OSError) -> FollowError:
        why = error.strerror or type(error).__name__
        return FollowError(f"{self.path}: cannot be read ({why}); correct `{self._key}`")
