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
from ctid.domain.duty import EVERY_DAY, MINUTES_PER_DAY, Duty, Shift, intervals, is_on_duty, windows


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


_Window = tuple[date, float, float]
"""The day on which a shift begins, when it does, and when it ends."""

_UTC = Times("UTC")
_DAY = timedelta(days=1)
_LOOK_AHEAD = timedelta(days=400)
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

    def windows(self, first: date, last: date, times: Times) -> Iterator[_Window]:
        """All that begin on one of these days."""
        duty = _ALWAYS if self.hours is None else Duty(self.hours, times.calendar)
        first, last = max(first, self.first or first), min(last, self.last or last)
        return windows(duty, first, last, times.zone)


@lru_cache(maxsize=4096)
def _windows(shift: RosterShift, day: date, last: date, times: Times) -> tuple[_Window, ...]:
    """Those that may hold from one day to another: a thousand lines may ask in one instant."""
    return tuple(shift.windows(day - _DAY, last, times))


Edge = date | float
"""A day means the shifts that begin on it, whole; an instant (Unix seconds) cuts them."""


@dataclass(frozen=True, slots=True)
class Substitution:
    """`by` does what `absent` would do; None: nobody does.

    `ends` is included if it is a day, and not if it is an instant. No `lines`: on all; no `role`:
    in all; no `hours`: always.
    """

    absent: str
    by: str | None
    begins: Edge
    ends: Edge
    lines: frozenset[str] = frozenset()
    role: Role | None = None
    hours: tuple[Shift, ...] | None = None

    def concerns(self, role: Role, line: str | None) -> bool:
        """Whether it is for this role there; None: for the line of nobody in particular."""
        return self.role in (None, role) and (not self.lines or line in self.lines)

    def holds(self, day: date, at: float, times: Times) -> bool:
        """Whether it does at an instant, in a shift that began on this day."""
        if self.hours and not is_on_duty(Duty(self.hours, times.calendar), at, times.zone):
            return False
        begun = day >= self.begins if isinstance(self.begins, date) else at >= self.begins
        over = day > self.ends if isinstance(self.ends, date) else at >= self.ends
        return begun and not over

    def meets(self, window: _Window, times: Times) -> bool:
        """Whether it holds in some part of a shift."""
        day, begin, end = window
        if self.hours:
            duty = Duty(self.hours, times.calendar)
            if not any(True for _ in intervals(duty, begin, end, times.zone)):
                return False
        begun = day >= self.begins if isinstance(self.begins, date) else end > self.begins
        over = day > self.ends if isinstance(self.ends, date) else begin >= self.ends
        return begun and not over


class _Planned(NamedTuple):
    """A shift of somebody, on one line (None: wherever) and from one day on."""

    role: Role
    line: str | None
    times: Times
    day: date
    person: str


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
        there = (self._stand_in(planned, at) for planned in self._planned(role, line, at))
        return tuple(self.people[id_] for id_ in dict.fromkeys(there) if id_ is not None)

    def missing(self, role: Role, line: str | None, at: float) -> Iterable[Person]:
        """Whose shift it is then, and who is absent without anybody in their place."""
        planned = self._planned(role, line, at)
        ids = dict.fromkeys(each.person for each in planned if self._stand_in(each, at) is None)
        return tuple(self.people[id_] for id_ in ids)

    def everyone(self, line: str | None) -> Iterable[Person]:
        """All who ever have a role on this line, and who stands in for them."""
        ids = dict.fromkeys(
            id_ for shift in self.shifts if shift.concerns(line) for id_ in shift.people
        )
        there = [
            found
            for found in self.substitutions
            if line is None or not found.lines or line in found.lines
        ]
        for _ in there:  # so many times at most: one may stand in for another
            ids |= dict.fromkeys(found.by for found in there if found.by and found.absent in ids)
        return tuple(self.people[id_] for id_ in ids)

    def changes(self, line: str | None, begin: float, end: float) -> Iterable[float]:
        """The instants between the two, ascending, at which somebody may come or go."""
        edges: set[float] = set()
        for found in self.substitutions:
            # days are where shifts begin anyway
            edges |= {edge for edge in (found.begins, found.ends) if not isinstance(edge, date)}
        for shift in self.shifts:
            if shift.concerns(line):
                for times in {times for _, times in self._places(shift, line)}:
                    days = local_day(begin, times.zone), local_day(end, times.zone)
                    for _, *window in _windows(shift, *days, times):
                        edges.update(window)
                    for hours in {found.hours for found in self.substitutions if found.hours}:
                        duty = Duty(hours, times.calendar)
                        for cut in intervals(duty, begin, end, times.zone):
                            edges.update(cut)
        return sorted(edge for edge in edges if begin < edge < end)

    def is_used(self, substitution: Substitution) -> bool:
        """Whether somebody would be there in its time who is not, because of it."""
        return any(
            substitution.meets(window, times)
            for shift in self.shifts
            if substitution.role in (None, shift.role)
            and substitution.absent in self._may_be(shift)
            for times in self._both(shift, substitution)
            for window in _near(substitution, shift, times)
        )

    def _both(self, shift: RosterShift, substitution: Substitution) -> set[Times]:
        """The times of the lines that they have in common."""
        lines, limit = shift.lines, substitution.lines
        if not lines and not limit:
            return {self.desk}
        common = lines & limit if lines and limit else lines | limit
        return {self.lines.get(name, self.desk) for name in common}

    def _may_be(self, shift: RosterShift) -> set[str]:
        """Who may be there in this shift, with all who stand in."""
        ids = set(shift.people)
        for _ in self.substitutions:
            ids |= {found.by for found in self.substitutions if found.by and found.absent in ids}
        return ids

    def _places(self, shift: RosterShift, line: str | None) -> Iterable[tuple[str | None, Times]]:
        """The lines on which it may be the one that is asked for, with their times."""
        names = shift.lines if line is None else (line,)
        return [(name, self.lines.get(name, self.desk)) for name in names] or [(None, self.desk)]

    def _planned(self, role: Role, line: str | None, at: float) -> Iterator[_Planned]:
        """Whose shifts it would be."""
        for shift in self.shifts:
            if shift.role is role and shift.concerns(line):
                for name, times in self._places(shift, line):
                    today = local_day(at, times.zone)
                    for day, begin, end in _windows(shift, today, today, times):
                        if begin <= at < end:
                            yield from (
                                _Planned(role, name, times, day, id_) for id_ in shift.people
                            )

    def _stand_in(self, planned: _Planned, at: float) -> str | None:
        """Who is there for this person, who may be there too; None: nobody.

        Who stands in may be absent, too. Those who stand in for each other have exchanged their
        shifts: each is absent from their own alone.
        """
        seen = [planned.person]
        while (found := self._substitution(planned, seen[-1], at)) is not None:
            if found.by is None:
                return None
            seen.append(found.by)
            if found.by in seen[:-1]:
                return seen[max(1, seen.index(found.by))]
        return seen[-1]

    def _substitution(self, planned: _Planned, absent: str, at: float) -> Substitution | None:
        return next(
            (
                found
                for found in reversed(self.substitutions)
                if found.absent == absent
                and found.concerns(planned.role, planned.line)
                and found.holds(planned.day, at, planned.times)
            ),
            None,
        )


def _near(substitution: Substitution, shift: RosterShift, times: Times) -> Iterator[_Window]:
    """The shifts of its first _LOOK_AHEAD: of one that lasts for ever they tell enough."""
    begins, ends = substitution.begins, substitution.ends
    first = begins if isinstance(begins, date) else local_day(begins, times.zone) - _DAY
    last = ends if isinstance(ends, date) else local_day(ends, times.zone)
    first = max(first, shift.first or first)
    return shift.windows(first, first + min(last - first, _LOOK_AHEAD), times)


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
