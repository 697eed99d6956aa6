"""How often somebody may do something: a bucket for each, which fills again with time."""

from collections.abc import Callable, Hashable
from typing import Final

_MOST_KNOWN: Final = 4096
"""Beyond, who has done nothing for longest is forgotten, so that a crowd takes no memory."""


class Throttle:
    """`limit` at once, and so many again in every `seconds`; `clock` never goes back."""

    def __init__(self, limit: int, seconds: float, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._per_second = limit / seconds
        self._clock = clock
        # what is left, and when that was so; who was seen last stands last
        self._left: dict[Hashable, tuple[float, float]] = {}

    def wait(self, who: Hashable) -> float:
        """The seconds until they may do it once; 0.0: now."""
        return max(0.0, (1.0 - self._now(who)) / self._per_second)

    def count(self, who: Hashable) -> None:
        """They do it."""
        left = self._now(who) - 1.0
        self._left.pop(who, None)
        self._left[who] = (max(left, 0.0), self._clock())
        if len(self._left) > _MOST_KNOWN:
            del self._left[next(iter(self._left))]

    def _now(self, who: Hashable) -> float:
        left, at = self._left.get(who, (float(self._limit), 0.0))
        return min(float(self._limit), left + (self._clock() - at) * self._per_second)
