"""Duty hours: in which hours of the week a line must be answered.

Written `mon-sat 08:00-16:00`, `mon,wed 08:00-12:00`, `22:00-06:00` (every day, over midnight) or
`24x7`. A shift belongs to the day it begins on. All instants are Unix seconds; what lasts is
measured in UTC, so the night of a clock change is an hour longer or shorter.

Of a wall time that occurs twice the first is meant; one that is skipped lies as long after
midnight as its name says.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_PER_DAY = 24 * 60
EVERY_DAY = frozenset(range(7))

_ENTRY = re.compile(r"(?:(?P<days>\S+)\s+)?(?P<start>\d\d?:\d\d)\s*-\s*(?P<end>\d\d?:\d\d)")
_FORM = "write it like `mon-sat 08:00-16:00`, `22:00-06:00` or `24x7`"


class DutyError(ValueError):
    """The text is no duty entry; the message says why and how to mend it."""


@dataclass(frozen=True, slots=True)
class Shift:
    """From `start` to before `end`, minutes after midnight of each of `days` (0 is Monday).

    `end` is greater than `start`, and greater than 1440 for a shift over midnight.
    """

    days: frozenset[int]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Duty:
    """The shifts of a week, in any order; they may overlap."""

    shifts: tuple[Shift, ...]


def parse(entries: Sequence[str]) -> Duty:
    """The duty hours that the entries add up to. Raises DutyError for the first bad one."""
    return Duty(tuple(parse_shift(entry) for entry in entries))


def parse_shift(entry: str) -> Shift:
    """One entry. Raises DutyError."""
    text = entry.strip().lower()
    if text == "24x7":
        return Shift(EVERY_DAY, 0, MINUTES_PER_DAY)
    match = _ENTRY.fullmatch(text)
    if match is None:
        raise DutyError(f"is no duty entry: {_FORM}")
    days = EVERY_DAY if match["days"] is None else _parse_days(match["days"])
    start, end = _parse_time(match["start"]), _parse_time(match["end"])
    if start == MINUTES_PER_DAY:
        raise DutyError("begins at 24:00: write 00:00 of the next day")
    if start == end:
        raise DutyError("begins when it ends: for the whole day write 00:00-24:00")
    return Shift(days, start, end if end > start else end + MINUTES_PER_DAY)


def _parse_days(text: str) -> frozenset[int]:
    days: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        for name in (first, last) if dash else (first,):
            if name not in DAYS:
                raise DutyError(f"`{name}` is no day: the days are {' '.join(DAYS)}")
        begin = DAYS.index(first)
        length = (DAYS.index(last or first) - begin) % 7
        days.update((begin + step) % 7 for step in range(length + 1))
    return frozenset(days)


def _parse_time(text: str) -> int:
    hours, minutes = (int(part) for part in text.split(":"))
    total = hours * 60 + minutes
    if minutes > 59 or total > MINUTES_PER_DAY:  # noqa: PLR2004 - minutes of an hour
        raise DutyError(f"`{text}` is no time of the day: it runs from 00:00 to 24:00")
    return total


_WINDOW_SECONDS = 7 * 86_400.0
_LONGEST_BREAK_SECONDS = 366 * 86_400.0


def is_on_duty(duty: Duty | None, unix_time: float, zone: str) -> bool:
    """Whether `unix_time` lies within duty hours in time zone `zone`; None is round the clock."""
    if duty is None:
        return True
    today = datetime.fromtimestamp(unix_time, ZoneInfo(zone)).date()
    return any(
        begin <= unix_time < end
        for day in (today - timedelta(days=1), today)
        for begin, end in _shifts_of(duty, day, ZoneInfo(zone))
    )


def intervals(
    duty: Duty | None, begin: float, end: float, zone: str
) -> Iterator[tuple[float, float]]:
    """The duty hours between two instants: disjoint, ascending, cut to begin and end."""
    if duty is None:
        if begin < end:
            yield begin, end
        return
    info = ZoneInfo(zone)
    day = datetime.fromtimestamp(begin, info).date() - timedelta(days=1)
    last = datetime.fromtimestamp(end, info).date()
    open_from: float | None = None
    open_until = begin
    while day <= last:
        for start, stop in sorted(_shifts_of(duty, day, info)):
            low, high = max(start, begin), min(stop, end)
            if low >= high:
                continue
            if open_from is not None and low > open_until:
                yield open_from, open_until
                open_from = None
            if open_from is None:
                open_from, open_until = low, high
            open_until = max(open_until, high)
        day += timedelta(days=1)
    if open_from is not None:
        yield open_from, open_until


def seconds_on_duty(duty: Duty | None, begin: float, end: float, zone: str) -> float:
    """How long the duty hours between two instants last."""
    return sum(stop - start for start, stop in intervals(duty, begin, end, zone))


def after_on_duty(duty: Duty | None, at: float, seconds: float, zone: str) -> float:
    """The instant at which so many seconds of duty have passed since `at`.

    Without any duty in the next _LONGEST_BREAK_SECONDS the clock on the wall counts.
    """
    begin, left = at, seconds
    while begin < at + _LONGEST_BREAK_SECONDS + seconds:
        for start, stop in intervals(duty, begin, begin + _WINDOW_SECONDS, zone):
            if left <= stop - start:
                return start + left
            left -= stop - start
        begin += _WINDOW_SECONDS
    return at + seconds


def _shifts_of(duty: Duty, day: date, zone: ZoneInfo) -> Iterator[tuple[float, float]]:
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    for shift in duty.shifts:
        if day.weekday() in shift.days:
            # adding to an aware datetime moves its wall clock
            begin = midnight + timedelta(minutes=shift.start)
            yield begin.timestamp(), (midnight + timedelta(minutes=shift.end)).timestamp()
