"""How fast one ticket system is asked: how long things take, and how many begin at once. Pure."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ctid.outbound.port import DeliveryError, Reason

LONGEST_PATIENCE_SECONDS: Final = 3600.0
_LONGEST_PAUSE_SECONDS: Final = 300.0
_MINUTE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things take with one destination, all from the time one request may take.

    `jitter` gives a number from 0 to 1, anew each time.
    """

    timeout_seconds: float
    jitter: Callable[[], float]

    @property
    def attempt_seconds(self) -> float:
        """How long an attempt may take; some need several requests."""
        return 2.5 * self.timeout_seconds

    @property
    def lease_seconds(self) -> float:
        """How long a claim holds.

        Whoever finds it over looks up what became of the attempt, whose last request may have left
        at its very end: so that is given as long as after any unclear answer.
        """
        return self.attempt_seconds + self.look_up_seconds

    @property
    def look_up_seconds(self) -> float:
        """How long after an unclear answer it is looked up: by then it is there, or never will."""
        return 2.0 * self.timeout_seconds

    @property
    def farthest_seconds(self) -> float:
        """Nothing is put off, or leased, for longer."""
        longest = 1.5 * _LONGEST_PAUSE_SECONDS
        return max(longest, LONGEST_PATIENCE_SECONDS, self.lease_seconds)

    def pause_seconds(self, failures: int) -> float:
        """How long to wait after so many failures in a row, from 1."""
        longest = self.timeout_seconds / 5 * 2.0 ** min(failures - 1, 30)
        return min(_LONGEST_PAUSE_SECONDS, longest) * (0.5 + self.jitter())


class Admission:
    """Keeps to the limits of a destination, and spares it while it is down.

    It is probed then with one draft at a time, at growing pauses.
    """

    def __init__(self, concurrency: int, per_minute: int, pace: Pace) -> None:
        self._concurrency = concurrency
        self._per_minute = per_minute
        self._pace = pace
        self._begun: deque[float] = deque(maxlen=max(per_minute, 1))
        # which drafts failed since the last success: one alone may be at fault itself
        self._failed: set[str] = set()
        self._paused_until = 0.0
        self._seen_at = 0.0

    def free(self, running: int, now: float) -> tuple[int, float | None]:
        """How many may begin, and when more may; None: once one of the running has ended."""
        if now < self._seen_at:  # it was set back: what was to happen by the old one is over
            self._paused_until = 0.0
            self._begun.clear()
        self._seen_at = now
        if now < self._paused_until:
            return 0, self._paused_until
        # after a failure one goes ahead, and the others follow once it has succeeded
        free = (1 if self._failed else self._concurrency) - running
        if free <= 0:
            return 0, None
        if not self._per_minute:
            return free, now
        left = self._per_minute - sum(at > now - _MINUTE for at in self._begun)
        return (min(free, left), now) if left > 0 else (0, self._begun[0] + _MINUTE)

    def begin(self, number: int, now: float) -> None:
        """So many have begun."""
        self._begun.extend([now] * number)

    def succeeded(self) -> None:
        """One succeeded: it is up."""
        self._failed.clear()

    def failed(self, key: str, error: DeliveryError, next_at: float, now: float) -> None:
        """One failed, which is tried again at `next_at`."""
        self._failed.add(key)
        pause = self._pace.pause_seconds(len(self._failed))
        if error.reason is Reason.BUSY and error.retry_after_seconds is not None:
            pause = max(pause, next_at - now)
        self._paused_until = now + pause

    def hurry(self) -> None:
        """Forget the failures: somebody mended something."""
        self._failed.clear()
        self._paused_until = 0.0
