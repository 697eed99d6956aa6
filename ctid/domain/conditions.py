"""What is wrong on a line, before and beside the alert about it; and faults of ours in that."""

from collections.abc import Callable
from typing import NamedTuple

from ctid.domain.alerts import Alert, Kind, Subject

AlertKey = tuple[Kind, str | None, str | None]
"""(kind, line, about): of these one is open at a time."""


class Condition(NamedTuple):
    """Something that is wrong: since when, and when that became, or becomes, an alert."""

    kind: Kind
    line: str | None
    about: str | None
    since: float
    limit_at: float

    @property
    def key(self) -> AlertKey:
        """What an alert about it is known by."""
        return self[:3]


def condition_of(alert: Alert) -> Condition:
    """What the alert is about."""
    return Condition(alert.kind, alert.line, alert.about, alert.since, alert.limit_at)


Describe = Callable[[Condition, float], Subject]
"""What there is to say about it now."""

Fault = Callable[[Kind | None, str | None, Exception], None]
"""Told what was raised about an alert, or about whatever there is of a line (None): kind, line."""


def raise_it(kind: Kind | None, line: str | None, error: Exception) -> None:
    """Let nothing go on."""
    del kind, line
    raise error


DutyAt = Callable[[str | None, float], float]
"""From when on a line (None: ctid as a whole) has duty hours: then, or later."""


def always(line: str | None, at: float) -> float:
    """Round the clock."""
    del line
    return at
