"""How long pages have been tried, by a clock that nobody sets."""

from collections.abc import Callable, Iterable
from typing import Final

from ctid.store.pages import Claim

_STEP_SECONDS: Final = 1.0
"""A clock that differs by more was set; less is followed as it is."""


class Ages:
    """One for all channels, as pages go from one to the next.

    `clock` is Unix seconds, as the rows are; `monotonic` goes on evenly, from wherever.
    """

    def __init__(self, clock: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self.clock = clock
        self._monotonic = monotonic
        self._begun: dict[tuple[int, int], float] = {}

    def righted(self, claim: Claim) -> Claim:
        """The same, begun as long ago as it was, however the clock was set since.

        What another daemon has begun is as old as its row says when it is seen first.
        """
        now, ticks = self.clock(), self._monotonic()
        begun = self._begun.setdefault(claim.key, ticks - max(0.0, now - claim.began_at))
        began_at = now - (ticks - begun)
        if abs(began_at - claim.began_at) <= _STEP_SECONDS:
            return claim
        return claim._replace(began_at=began_at)

    def forget(self, keys: Iterable[tuple[int, int]]) -> None:
        """These pages are not tried any more."""
        for key in keys:
            self._begun.pop(key, None)
