"""Files that are read again while ctid runs: how that went last, for metrics and alerts."""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple


class File(StrEnum):
    """Which file; also the value of a metric's label."""

    CONFIG = "config"
    ROSTER = "roster"
    CONTACTS = "contacts"


class Load(NamedTuple):
    """`loaded_at` is when it last went well; `why` and since when it does not, None: it does."""

    loaded_at: float | None = None
    failed_since: float | None = None
    why: str | None = None


class Loads:
    """Of each file that is configured, once it was tried. `clock` is Unix seconds.

    Those in `read` were read just now.
    """

    def __init__(self, clock: Callable[[], float], read: Iterable[File] = ()) -> None:
        self._clock = clock
        self._loads: dict[File, Load] = {}
        for file in read:
            self.succeeded(file)

    def succeeded(self, file: File) -> None:
        """It was read, and is in force."""
        self._loads[file] = Load(self._clock())

    def failed(self, file: File, why: str) -> None:
        """It cannot be used; `why` may have several lines."""
        before = self._loads.get(file, Load())
        since = self._clock() if before.failed_since is None else before.failed_since
        self._loads[file] = Load(before.loaded_at, since, why)

    def absent(self, file: File) -> None:
        """None is configured, or none any more."""
        self._loads.pop(file, None)

    def all(self) -> Mapping[File, Load]:
        """How it stands."""
        return dict(self._loads)
