"""The roster: who has which role on which line, when."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple, Protocol

from ctid.domain.alerts import Recipient, RosterGap, Route
from ctid.domain.calendar import Calendar
from ctid.domain.days import local_day
from ctid.domain.duty import EVERY_DAY, MINUTES_PER_DAY, Duty, Shift, intervals, windows


class Role(StrEnum):
    """What somebody is called for; the words of escalation steps."""

    FIRST_LINE = "first_line"
    SECOND_LINE = "second_line"
    DUTY_LEAD = "duty_lead"
    PROJECT_MANAGER = "project_manager"


EVERYONE = "everyone"
"""In a step: all people of the roster that have any role on the line, whenever."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with their ways to be reached, the first tried first. `id` is a short name."""

    id: str
    name: str
    routes: tuple[Route, ...]
    language: str | None = None


class Roster(Protocol):
    """Answers who is there. Nothing in it changes; a changed file makes a new one."""

    def on_duty(self, role: Role, line: str | None, at: float) -> Iterable[Person]:
        """Who has this role on this line then, substitutions applied. `line` None: on any line."""
        ...

    def everyone(self, line: str | None) -> Iterable[Person]:
        """All who ever have a role on this line (None: on any)."""
        ...

    def changes(self, line: str | None, begin: float, end: float) -> Iterable[float]:
        """The instants between the two, ascending, at which somebody may come or go."""
        ...


@dataclass(frozen=True, slots=True)
class Empty:
    """Nobody, ever: there is no roster."""

    def on_duty(self, role: Role, line: str | None, at: float) -> Iterable[Person]:  # noqa: ARG002
        return ()

    def everyone(self, line: str | None) -> Iterable[Person]:  # noqa: ARG002
        return ()

    def changes(self, line: str | None, begin: float, end: float) -> Iterable[float]:  # noqa: ARG002
        return ()


class Times(NamedTuple):
    """In which zone hours are meant, and which days are holidays."""

    zone: str
    calendar: Calendar | None = None


_UTC = Times("UTC")
_ALWAYS = Duty((Shift(EVERY_DAY, 0, MINUTES_PER_DAY, holidays=True),))


@dataclass(frozen=True, slots=True)
class RosterShift:
    """The same people in the same role, week after week.

    `people` are ids, those who are asked first in front. No `lines`: on all. `hours` None: always.
    It begins on no day before `first` or after `last`.
    """

    role: Role
    people: tuple[str, ...]
    lines: frozenset[str] = frozenset()
    hours: tuple[Shift, ...] | None = None
    first: date | None = None
    last: date | None = None

    def concerns(self, line: str | None) -> bool:
        """Whether it is for this line; None: for any."""
        return line is None or not self.lines or line in self.lines

    def windows(self, first: date, last: date, times: Times) -> Iterator[tuple[float, float]]:
        """Begin and end of all that begin on one of these days."""
        duty = _ALWAYS if self.hours is None else Duty(self.hours, times.calendar)
        first, last = max(first, self.first or first), min(last, self.last or last)
        return windows(duty, first, last, times.zone)


@lru_cache(maxsize=4096)
def _windows(
    shift: RosterShift, day: date, last: date, times: Times
) -> tuple[tuple[float, float], ...]:
    """Those that may hold from one day to another: a thousand lines may ask in one instant."""
    return tuple(shift.windows(day - timedelta(days=1), last, times))


@dataclass(frozen=True, slots=True)
class Substitution:
    """From one instant to before another, `by` does what `absent` would do; None: nobody does."""

    absent: str
    by: str | None
    begins_at: float
    ends_at: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A weekly plan and its exceptions.

    Hours and days of a shift are meant as the duty hours of the line are: in its zone, with its
    calendar. `desk` is for what is asked of any line, and for lines that `lines` does not name. Of
    several substitutions of one person at a time the last counts.
    """

    people: Mapping[str, Person]
    shifts: tuple[RosterShift, ...]
    substitutions: tuple[Substitution, ...] = ()
    desk: Times = _UTC
    lines: Mapping[str, Times] = field(default_factory=dict)

    def on_duty(self, role: Role, line: str | None, at: float) -> Iterable[Person]:
        """Who has this role on this line then, each once, in the order of the shifts."""
        found: dict[str, Person] = {}
        for shift in self.shifts:
            if shift.role is role and shift.concerns(line) and self._holds(shift, line, at):
                there = (self._stand_in(id_, at) for id_ in shift.people)
                found |= {id_: self.people[id_] for id_ in there if id_ is not None}
        return tuple(found.values())

    def everyone(self, line: str | None) -> Iterable[Person]:
        """All who ever have a role on this line, and who stands in for them."""
        ids = dict.fromkeys(
            id_ for shift in self.shifts if shift.concerns(line) for id_ in shift.people
        )
        for _ in self.substitutions:  # so many times at most: one may stand in for another
            ids |= dict.fromkeys(
                found.by for found in self.substitutions if found.by and found.absent in ids
            )
        return tuple(self.people[id_] for id_ in ids)

    def changes(self, line: str | None, begin: float, end: float) -> Iterable[float]:
        """The instants between the two, ascending, at which somebody may come or go."""
        edges = {edge for found in self.substitutions for edge in (found.begins_at, found.ends_at)}
        for shift in self.shifts:
            if shift.concerns(line):
                for times in self._times(shift, line):
                    days = local_day(begin, times.zone), local_day(end, times.zone)
                    found = _windows(shift, *days, times)
                    edges.update(edge for window in found for edge in window)
        return sorted(edge for edge in edges if begin < edge < end)

    def is_used(self, substitution: Substitution) -> bool:
        """Whether somebody would be there in its time who is not, because of it."""
        begin, end = substitution.begins_at, substitution.ends_at
        if begin >= end:
            return False
        for shift in self.shifts:
            if substitution.absent in self._may_be(shift):
                for times in self._times(shift, None):
                    first = local_day(begin, times.zone) - timedelta(days=1)
                    found = shift.windows(first, local_day(end, times.zone), times)
                    if any(start < end and stop > begin for start, stop in found):
                        return True
        return False

    def _may_be(self, shift: RosterShift) -> set[str]:
        """Who may be there in this shift, with all who stand in."""
        ids = set(shift.people)
        for _ in self.substitutions:
            ids |= {found.by for found in self.substitutions if found.by and found.absent in ids}
        return ids

    def _times(self, shift: RosterShift, line: str | None) -> Iterable[Times]:
        if line is not None:
            return (self.lines.get(line, self.desk),)
        return {self.lines.get(name, self.desk) for name in shift.lines} or (self.desk,)

    def _holds(self, shift: RosterShift, line: str | None, at: float) -> bool:
        for times in self._times(shift, line):
            day = local_day(at, times.zone)
            found = _windows(shift, day, day, times)
            if any(begin <= at < end for begin, end in found):
                return True
        return False

    def _stand_in(self, id_: str, at: float) -> str | None:
        """Who is there for this person, who may be there too; None: nobody."""
        seen: set[str] = set()
        there: str | None = id_
        while there is not None and there not in seen:
            seen.add(there)
            for found in reversed(self.substitutions):
                if found.absent == there and found.begins_at <= at < found.ends_at:
                    there = found.by
                    break
            else:
                return there
        return None  # all of them are absent


def gaps(
    roster: Roster,
    duty: Duty | None,
    zone: str,
    roles: Sequence[Role],
    line: str | None,
    begin: float,
    end: float,
) -> list[RosterGap]:
    """The duty hours of a line between two instants in which a role has nobody, role by role."""
    edges = list(roster.changes(line, begin, end))
    found: list[RosterGap] = []
    for role in roles:
        for start, stop in intervals(duty, begin, end, zone):
            borders = [start, *(edge for edge in edges if start < edge < stop), stop]
            open_from: float | None = None
            for low, high in pairwise(borders):
                if any(True for _ in roster.on_duty(role, line, low)):
                    open_from = None
                elif open_from is None:
                    open_from = low
                    found.append(RosterGap(role.value, low, high))
                else:
                    found[-1] = RosterGap(role.value, open_from, high)
    return found


def recipient(person: Person, role: str) -> Recipient:
    """The person as somebody to be paged for this role."""
    return Recipient(person.name, role, person.routes, person.language)
