"""Which days are holidays, and which days off are worked instead: official plan and exceptions.

A calendar says nothing of hours: what holds on such a day is said in ctid.domain.duty.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

ENDING_DAYS: Final = 60
"""So many days before its data ends a calendar is `ending`."""


class DayKind(StrEnum):
    """What a day is, whichever day of the week; also the words of an override file."""

    ORDINARY = "ordinary"
    HOLIDAY = "holiday"
    """A statutory holiday."""
    WORKDAY = "workday"
    """An official make-up workday: worked like a Monday, though it may be a Sunday."""
    CLOSED = "closed"
    """Nobody is there, whatever the duty hours say."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days of one country that are not ordinary.

    `known_until` is the last day that the official data tells of; what lies behind it is ordinary
    unless an operator said otherwise. `name` is for people: a country, perhaps with a subdivision.
    """

    name: str
    kinds: Mapping[date, DayKind] = field(hash=False)
    known_until: date

    def kind(self, day: date) -> DayKind:
        return self.kinds.get(day, DayKind.ORDINARY)


def calendar_ending(calendar: Calendar | None, today: date) -> bool:
    """Whether holidays are known for less than ENDING_DAYS days more, or not even today."""
    return calendar is not None and (calendar.known_until - today).days < ENDING_DAYS
