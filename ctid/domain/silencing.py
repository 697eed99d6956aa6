"""The silences that people have set: which of them hold, and what of them has to be written. Pure.

All times are Unix seconds.
"""

from collections.abc import Iterable
from typing import NamedTuple

from ctid.domain.alerts import Alert, Kind, Silence


class Ended(NamedTuple):
    """A silence that a person has ended, and until when it would have held."""

    silence: Silence
    held_until: float


class Silences:
    """Those that hold, or will."""

    def __init__(self) -> None:
        self._known: dict[int, Silence] = {}
        self._highest = 0
        self._changed: dict[int, Silence] = {}

    def restore(self, silences: Iterable[Silence], highest: int) -> None:
        """Take up what the last daemon committed; `highest` is the highest number ever given."""
        self._known = {silence.number: silence for silence in silences}
        self._highest = highest

    def add(
        self,
        lines: Iterable[str],
        kinds: Iterable[Kind],
        begins_at: float,
        ends_at: float,
        owner: str,
        why: str,
    ) -> Silence:
        """Keep quiet about these for a while."""
        self._highest += 1
        silence = Silence(
            self._highest, frozenset(lines), frozenset(kinds), begins_at, ends_at, owner, why
        )
        self._keep(silence)
        return silence

    def end(self, number: int, now: float) -> Ended | None:
        """End one now; None if there is none of that number."""
        silence = self._known.get(number)
        if silence is None or silence.ends_at <= now:
            return None
        # one that was to come has never begun: otherwise it would be listed until then
        ended = silence._replace(begins_at=min(now, silence.begins_at), ends_at=now)
        self._keep(ended)
        return Ended(ended, silence.ends_at)

    def in_force(self, now: float) -> list[Silence]:
        """Those that hold now, or will."""
        return [silence for silence in self._known.values() if silence.ends_at > now]

    def about(self, alert: Alert, now: float) -> Silence | None:
        """The one that holds longest of those that keep quiet about it, if any."""
        return self.holding(alert.kind, alert.line, now)

    def holding(self, kind: Kind, line: str | None, now: float) -> Silence | None:
        """The one that holds longest of those that would keep quiet about such an alert, if any."""
        holding = [s for s in self._known.values() if s.holds(kind, line, now)]
        return max(holding, key=lambda silence: silence.ends_at, default=None)

    def drop_ended(self, now: float) -> None:
        """Know those no more that are over."""
        self._known = {silence.number: silence for silence in self.in_force(now)}

    def drain(self) -> tuple[Silence, ...]:
        """Take out what has to be written."""
        changed, self._changed = tuple(self._changed.values()), {}
        return changed

    def _keep(self, silence: Silence) -> None:
        self._known[silence.number] = silence
        self._changed[silence.number] = silence
