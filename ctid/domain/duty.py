"""Duty hours: in which hours of the week a line must be answered.

Written `mon-sat 08:00-16:00`, `mon,wed 08:00-12:00`, `22:00-06:00` (every day, over midnight) or
`24x7`; days may be Chinese, too: `周一至周五 08:00-16:00`. A shift belongs to the day it begins on.
All instants are Unix seconds; what lasts is measured in UTC, so the night of a clock change is an
hour longer or shorter.

With a calendar, the shifts of a statutory holiday are those without days and those that name
`holiday` (`holiday 09:00-12:00`, `mon-sat,holiday 08:00-20:00`); the shifts of a make-up workday
are those of a Monday; a day that is closed has none.

Where clocks change, the clock on the wall decides, too: of an hour that occurs twice both are
meant, and what lies in one that is skipped begins and ends with what follows it.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from ctid.domain.calendar import Calendar, DayKind
from ctid.domain.days import days

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CHINESE_DAYS = ("一", "二", "三", "四", "五", "六", "日")
HOLIDAY = "holiday"
MINUTES_PER_DAY = 24 * 60
EVERY_DAY = frozenset(range(7))
_MONDAY = 0

# no blank is written between Chinese days and the hours
_ENTRY = re.compile(
    r"(?P<days>\S+\s+|\S*[一二三四五六日天])?(?P<start>\d\d?:\d\d)\s*-\s*(?P<end>\d\d?:\d\d)"
)
_SIGNS = str.maketrans("–—~至到、", "-----,")
_FORM = "write it like `mon-sat 08:00-16:00`, `22:00-06:00` or `24x7`"


class DutyError(ValueError):
    """The text is no duty entry; the message says why and how to mend it."""


@dataclass(frozen=True, slots=True)
class Shift:
    """From `start` to before `end`, minutes after midnight of each of `days` (0 is Monday).

    `end` is greater than `start`, and greater than 1440 for a shift over midnight. With `holidays`
    it also begins on statutory holidays; on these its days do not matter. `warning_seconds` and
    `limit_seconds` are how long nobody may answer in it, `longest_wait_seconds` how long one caller
    may wait, `blind_seconds` how long a PBX may be unseen; None: the line's own limits hold.
    """

    days: frozenset[int]
    start: int
    end: int
    holidays: bool = False
    warning_seconds: float | None = None
    limit_seconds: float | None = None
    longest_wait_seconds: float | None = None
    blind_seconds: float | None = None

    @property
    def names_holidays(self) -> bool:
        """Whether it was written for holidays; one without days has them anyway."""
        return self.holidays and self.days != EVERY_DAY

    def begins_on(self, weekday: int, kind: DayKind) -> bool:
        """Whether it begins on such a day."""
        if kind is DayKind.ORDINARY:
            return weekday in self.days
        if kind is DayKind.HOLIDAY:
            return self.holidays
        return kind is DayKind.WORKDAY and _MONDAY in self.days


@dataclass(frozen=True, slots=True)
class Duty:
    """The shifts of a week, in any order; they may overlap. No calendar: all days are ordinary."""

    shifts: tuple[Shift, ...]
    calendar: Calendar | None = None


def parse(entries: Sequence[str], calendar: Calendar | None = None) -> Duty:
    """The duty hours that the entries add up to. Raises DutyError for the first bad one."""
    return Duty(tuple(parse_shift(entry) for entry in entries), calendar)


def parse_shift(entry: str) -> Shift:
    """One entry. Raises DutyError."""
    # as spreadsheets and keyboards of China write it: full-width digits, colon, comma and dash
    text = unicodedata.normalize("NFKC", entry).translate(_SIGNS).strip().lower()
    if text == "24x7":
        return Shift(EVERY_DAY, 0, MINUTES_PER_DAY, holidays=True)
    match = _ENTRY.fullmatch(text)
    if match is None:
        raise DutyError(f"`{entry}` is no duty entry: {_FORM}")
    every = EVERY_DAY, True
    weekdays, holidays = every if match["days"] is None else _parse_days(match["days"].rstrip())
    start, end = _parse_time(match["start"]), _parse_time(match["end"])
    if start == MINUTES_PER_DAY:
        raise DutyError("begins at 24:00: write 00:00 of the next day")
    if start == end:
        raise DutyError("begins when it ends: for the whole day write 00:00-24:00")
    return Shift(weekdays, start, end if end > start else end + MINUTES_PER_DAY, holidays)


def _parse_days(text: str) -> tuple[frozenset[int], bool]:
    """The days of the week, and whether holidays are named."""
    found: set[int] = set()
    parts = text.split(",")
    for part in parts:
        if part == HOLIDAY:
            continue
        first, dash, last = part.partition("-")
        begin = _parse_day(first)
        length = (_parse_day(last) - begin) % 7 if dash else 0
        found.update((begin + step) % 7 for step in range(length + 1))
    return frozenset(found), HOLIDAY in parts


def _parse_day(name: str) -> int:
    """0 is Monday. The prefix of Chinese days is said once for several: `周一至五`."""
    digit = name.removeprefix("星期").removeprefix("周").replace("天", "日")
    if name in DAYS:
        return DAYS.index(name)
    if digit in _CHINESE_DAYS:
        return _CHINESE_DAYS.index(digit)
    raise DutyError(f"`{name}` is no day: the days are {' '.join(DAYS)} {HOLIDAY}")


def _parse_time(text: str) -> int:
    hours, minutes = (int(part) for part in text.split(":"))
    total = hours * 60 + minutes
    if minutes > 59 or total > MINUTES_PER_DAY:  # noqa: PLR2004 - minutes of an hour
        raise DutyError(f"`{text}` is no time of the day: it runs from 00:00 to 24:00")
    return total


_LONGEST_BREAK_SECONDS = 366 * 86_400.0


def is_on_duty(duty: Duty | None, unix_time: float, zone: str) -> bool:
    """Whether `unix_time` lies within duty hours in time zone `zone`; None is round the clock."""
    return duty is None or any(True for _ in _holding(duty, unix_time, ZoneInfo(zone)))


def intervals(
    duty: Duty | None, begin: float, end: float, zone: str
) -> Iterator[tuple[float, float]]:
    """The duty hours between two instants: disjoint, ascending, cut to begin and end."""
    if duty is None:
        if begin < end:
            yield begin, end
        return
    open_from: float | None = None
    open_until = begin
    for start, stop in _pieces(duty, begin, end, ZoneInfo(zone)):
        if open_from is not None and start > open_until:
            yield open_from, open_until
            open_from = None
        if open_from is None:
            open_from = start
        open_until = stop
    if open_from is not None:
        yield open_from, open_until


def seconds_on_duty(duty: Duty | None, begin: float, end: float, zone: str) -> float:
    """How long the duty hours between two instants last."""
    return sum(stop - start for start, stop in intervals(duty, begin, end, zone))


def after_on_duty(duty: Duty | None, at: float, seconds: float, zone: str) -> float:
    """The instant at which so many seconds of duty have passed since `at`.

    Without any duty in the next _LONGEST_BREAK_SECONDS the clock on the wall counts.
    """
    if duty is None:
        return at + seconds
    left = seconds
    for start, stop in _pieces(duty, at, at + _LONGEST_BREAK_SECONDS + seconds, ZoneInfo(zone)):
        if left <= stop - start:
            return start + left
        left -= stop - start
    return at + seconds


def next_border(duty: Duty | None, at: float, zone: str) -> float | None:
    """When duty begins or ends next after `at`; None: not within _LONGEST_BREAK_SECONDS."""
    if duty is None or _never_ends(duty):
        return None
    until = at + _LONGEST_BREAK_SECONDS
    border: float | None = None
    for start, stop in _pieces(duty, at, until, ZoneInfo(zone)):
        if start > (at if border is None else border):
            return start if border is None else border
        border = stop
    return border if border is not None and border < until else None


def windows(duty: Duty, first: date, last: date, zone: str) -> Iterator[tuple[date, float, float]]:
    """Day, begin and end of every shift that begins on one of these days, both included."""
    info = ZoneInfo(zone)
    for day in days(first, last):
        for _, begin, end in _shifts_of(duty, day, info):
            yield day, begin, end


def _never_ends(duty: Duty) -> bool:
    """Whether one can tell at once that there is always duty: most hotlines that never close."""
    whole = any(
        shift.days == EVERY_DAY
        and shift.holidays
        and shift.start == 0
        and shift.end >= MINUTES_PER_DAY
        for shift in duty.shifts
    )
    return whole and (duty.calendar is None or DayKind.CLOSED not in duty.calendar.kinds.values())


def shifts_between(
    duty: Duty, begin: float, end: float, zone: str
) -> Iterator[tuple[Shift, float, float]]:
    """The shifts that have a part between two instants, each with its own begin and end."""
    info = ZoneInfo(zone)
    day = datetime.fromtimestamp(begin, info).date() - timedelta(days=1)
    last = datetime.fromtimestamp(end, info).date()
    while day <= last:
        for shift, start, stop in _shifts_of(duty, day, info):
            if start < end and stop > begin:
                yield shift, start, stop
        day += timedelta(days=1)


def _pieces(duty: Duty, begin: float, end: float, zone: ZoneInfo) -> Iterator[tuple[float, float]]:
    """Duty between two instants, day by day: ascending, not overlapping; one may meet the next."""
    day = datetime.fromtimestamp(begin, zone).date() - timedelta(days=1)
    last = datetime.fromtimestamp(end, zone).date()
    done = begin
    while day <= last:
        for start, stop in sorted((start, stop) for _, start, stop in _shifts_of(duty, day, zone)):
            low, high = max(start, done), min(stop, end)
            if low < high:
                yield low, high
                done = high
        day += timedelta(days=1)


def _holding(duty: Duty, at: float, zone: ZoneInfo) -> Iterator[Shift]:
    """The shifts within which an instant lies."""
    today = datetime.fromtimestamp(at, zone).date()
    begun = [today]
    if any(shift.end > MINUTES_PER_DAY for shift in duty.shifts):
        begun.append(today - timedelta(days=1))
    for day in begun:
        for shift, begin, end in _shifts_of(duty, day, zone):
            if begin <= at < end:
                yield shift


def _shifts_of(duty: Duty, day: date, zone: ZoneInfo) -> Iterator[tuple[Shift, float, float]]:
    """The shifts that begin on a day, each with its begin and end; twice where clocks change so."""
    kind = DayKind.ORDINARY if duty.calendar is None else duty.calendar.kind(day)
    weekday = day.weekday()
    midnight: datetime | None = None
    for shift in duty.shifts:
        if shift.begins_on(weekday, kind):
            midnight = midnight or datetime(day.year, day.month, day.day, tzinfo=zone)
            # adding to an aware datetime moves its wall clock
            begin = midnight + timedelta(minutes=shift.start)
            for start, stop in _shown(begin, midnight + timedelta(minutes=shift.end)):
                yield shift, start, stop


def _shown(begin: datetime, end: datetime) -> Iterator[tuple[float, float]]:
    """When the clock on the wall shows `begin` to before `end`: once, twice or never."""
    change = _change_at(begin) or _change_at(end)
    if change is None:
        yield begin.timestamp(), end.timestamp()
        return
    zone = begin.tzinfo
    walls = [wall.replace(tzinfo=UTC).timestamp() for wall in (begin, end)]
    before, after = (_offset(at, zone) for at in (change - 1.0, change))
    first = walls[0] - before, min(walls[1] - before, change)
    second = max(walls[0] - after, change), walls[1] - after
    if first[0] < first[1] == second[0] < second[1]:
        yield first[0], second[1]
        return
    for start, stop in (first, second):
        if start < stop:
            yield start, stop


def _change_at(wall: datetime) -> float | None:
    """When the clocks change that show this time twice, or never; None: they show it once."""
    low, high = sorted((wall.timestamp(), wall.replace(fold=1).timestamp()))
    if low == high:
        return None
    before = _offset(low, wall.tzinfo)
    while high - low > 1.0:
        middle = (low + high) // 2
        if _offset(middle, wall.tzinfo) == before:
            low = middle
        else:
            high = middle
    return high


def _offset(at: float, zone: tzinfo | None) -> float:
    offset = datetime.fromtimestamp(at, zone).utcoffset()
    return 0.0 if offset is None else offset.total_seconds()
