"""Which drafts fail now: a failure is told once when it begins, and once when it is over."""

from typing import Final

from ctid.outbound.port import Reason

_MOST: Final = 1000
_FORGOTTEN_SECONDS: Final = 2 * 3600.0
"""Longer than any pause: a draft that was not tried for so long was dropped by hand."""


class Ailing:
    """The drafts whose last attempt failed. One that succeeds says nothing about the others."""

    def __init__(self) -> None:
        self._drafts: dict[str, tuple[Reason, float]] = {}

    @property
    def reason(self) -> Reason | None:
        """Why the last one of them failed; None: there is none."""
        return next(reversed(self._drafts.values()))[0] if self._drafts else None

    def failed(self, key: str, reason: Reason, now: float) -> bool:
        """Take a failure; whether its reason is new."""
        self._drafts.pop(key, None)
        old = [k for k, (_, at) in self._drafts.items() if now - at > _FORGOTTEN_SECONDS]
        for each in old:
            del self._drafts[each]
        is_new = reason not in {known for known, _ in self._drafts.values()}
        self._drafts[key] = (reason, now)
        if len(self._drafts) > _MOST:
            del self._drafts[next(iter(self._drafts))]
        return is_new

    def settled(self, key: str) -> Reason | None:
        """Take that a draft fails no more; the reason, if it was the last that failed."""
        reason, _ = self._drafts.pop(key, (None, 0.0))
        return None if self._drafts else reason
