"""What nobody saw because ctid did not run. Pure. All times are Unix seconds."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ctid.domain.alerts import Kind
from ctid.domain.conditions import Condition
from ctid.domain.limits import blind_at
from ctid.domain.lines_known import Lines
from ctid.domain.records import GapCause
from ctid.domain.skew import TOLERATED_SECONDS


class Downtime(NamedTuple):
    """When ctid did not run, by its clock as it goes now.

    That was `set_back` by so much meanwhile, as far as can be told; less than 0: set forward.
    `cause` CLOCK_SET_BACK: nobody can tell for how long ctid did not run; then it begins when it
    ends.
    """

    began_at: float
    until: float
    set_back: float = 0.0
    cause: GapCause = GapCause.DAEMON_DOWN

    def skew_before(self, skew: float) -> float:
        """By how much the clock of a PBX was ahead before, of which `skew` is known now."""
        # where nobody can tell, the clock of the PBX was set back, too
        return skew if self.cause is GapCause.CLOCK_SET_BACK else skew - self.set_back


def downtime(
    seen: Mapping[str, float], skews: Mapping[str, float], last: Mapping[str, float], now: float
) -> Downtime | None:
    """From until when the PBXs were `seen` to now; None: ctid never ran before.

    A clock that was set is measured by the PBX that goes on: it is ahead, or behind, by that now,
    and was not before. `last` is the latest time that each had told by then.
    """
    if not seen:
        return None
    pbx = max(seen, key=lambda name: seen[name])
    seen_until, skew = seen[pbx], skews.get(pbx, 0.0)
    by_pbx = seen_until - skew
    was_behind = last.get(pbx, float("-inf")) <= seen_until + skew + TOLERATED_SECONDS
    is_ahead = seen_until - now > TOLERATED_SECONDS
    if (is_ahead or (skew < 0.0 and not was_behind)) and by_pbx - now <= TOLERATED_SECONDS:
        return Downtime(min(by_pbx, now), now, skew)
    if is_ahead:
        return Downtime(now, now, seen_until - now, GapCause.CLOCK_SET_BACK)
    return Downtime(min(seen_until, now), now)


def blind_meanwhile(lines: Lines, down: tuple[float, float]) -> Iterator[Condition]:
    """The lines that had duty hours for longer than they may be out of sight."""
    began_at, until = down
    for name, line in lines.rules.items():
        due = blind_at(line.duty, line.zone, began_at, line.blind_seconds)
        if due <= until:
            yield Condition(Kind.BLIND, name, None, began_at, due)
