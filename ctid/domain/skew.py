"""By how much the clock of a PBX is ahead of ours. Pure.

What a PBX sends is stamped before it arrives, so delay makes its clock look slow. A delay comes and
goes within seconds; a clock that is wrong stays so.
"""

from typing import Final

TOLERATED_SECONDS: Final = 2.0
"""Times of a PBX that differ by less are taken as they are."""
_LONGEST_DELAY_SECONDS: Final = 30.0
"""What is later than this was not delayed: the PBX's clock was set back, or ours forward."""
_FOLLOWS: Final = 0.05
"""Seconds a second by which a clock that seems to become slower is followed."""


class Skew:
    """Of one PBX."""

    def __init__(self) -> None:
        self._ahead: float | None = None
        self._heard = 0.0
        self._offset = 0.0

    def hear(self, stamped: float, wall: float, monotonic: float) -> None:
        """Something that was stamped then (Unix seconds, by the PBX) was read now."""
        sample = stamped - wall
        known = None if self._ahead is None else self._ahead - self._step(wall, monotonic)
        if known is None or sample > known or known - sample > _LONGEST_DELAY_SECONDS:
            self._ahead = sample
        else:
            followed = known - _FOLLOWS * (monotonic - self._heard)
            self._ahead = max(sample, followed)
        self._heard = monotonic
        self._offset = wall - monotonic

    def ahead(self, wall: float, monotonic: float) -> float:
        """In seconds, now; 0 where it does not matter."""
        if self._ahead is None:
            return 0.0
        ahead = self._ahead - self._step(wall, monotonic)
        return 0.0 if abs(ahead) < TOLERATED_SECONDS else ahead

    def _step(self, wall: float, monotonic: float) -> float:
        """By how much our own clock was set since something was heard."""
        return wall - monotonic - self._offset
