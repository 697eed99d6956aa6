"""The official holidays of a country, out of packages that know them.

China's plan is announced every autumn for the next year, so what `chinesecalendar` knows ends with
a year. What `holidays` knows of other countries is computed, and ends nowhere.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from itertools import count, takewhile
from typing import Any, Final

from ctid.config.overrides import Overrides
from ctid.config.problems import Path, did_you_mean, listed
from ctid.domain.calendar import Calendar, DayKind
from ctid.domain.days import days

CHINA: Final = "CN"
FIRST_YEAR: Final = 2020
"""Figures of older days are not computed again."""

NAME: Final = re.compile(r"(?P<country>[A-Z]{2})(?:-(?P<subdivision>\S+))?")
"""Of the calendar of a country or a part of it."""

_YEARS_AHEAD: Final = 2


class HolidaysError(ValueError):
    """No holidays are known; `key` of [calendar] is wrong, the message says why."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def build(
    country: str | None, subdivision: str | None, overrides: Overrides, now: float
) -> Calendar | None:
    """The calendar; None: there is neither a country nor an override. Raises HolidaysError.

    Overrides alone are known until they say, or until the last of them: nobody else says more.
    `now` is Unix seconds: of most countries the years until two years from then are computed.
    """
    this_year = datetime.fromtimestamp(now, UTC).year
    if country is None:
        last = overrides.known_until or max(overrides.kinds, default=None)
        if last is None:
            return None
        name, kinds, known_until = "override file", {}, last
    elif country == CHINA:
        if subdivision is not None:
            raise HolidaysError("subdivision", "China has one plan for all: take this key out")
        name, kinds, known_until = country, *_china(this_year)
    else:
        kinds, known_until = _elsewhere(country, subdivision, this_year)
        name = f"{country}-{subdivision}" if subdivision else country
    known_until = max(known_until, overrides.known_until or known_until)
    return Calendar(name, {**kinds, **overrides.kinds}, known_until)


def of_lines(
    lines: Iterable[tuple[int, Mapping[str, Any]]], desk: Calendar | None, now: float
) -> tuple[dict[Any, Calendar], list[tuple[Path, str]]]:
    """The calendars that [[line]] tables name, by their names, and the mistakes.

    That of the desk has its overrides for lines, too. What is no name is told elsewhere.
    """
    found = {} if desk is None else {desk.name: desk}
    mistakes: list[tuple[Path, str]] = []
    for index, table in lines:
        name = table.get("calendar")
        match = NAME.fullmatch(name) if isinstance(name, str) else None
        if match is None or match[0] in found:
            continue
        try:
            built = build(match["country"], match["subdivision"], Overrides(), now)
        except HolidaysError as error:
            mistakes.append((("line", index, "calendar"), str(error)))
        else:
            if built is not None:
                found[match[0]] = built
    return found, mistakes


def _china(this_year: int) -> tuple[dict[date, DayKind], date]:
    import chinese_calendar  # noqa: PLC0415 - only where it is wanted

    def is_known(year: int) -> bool:
        try:
            chinese_calendar.is_holiday(date(year, 1, 1))
        except NotImplementedError:
            return False
        return True

    # a package that is very old may not even know this year
    last = next(year for year in count(this_year, -1) if is_known(year))
    last = max(takewhile(is_known, count(last)))
    kinds = {}
    for day in days(date(FIRST_YEAR, 1, 1), date(last, 12, 31)):
        is_off, name = chinese_calendar.get_holiday_detail(day)
        if name is not None:
            kinds[day] = DayKind.HOLIDAY if is_off else DayKind.WORKDAY
    return kinds, date(last, 12, 31)


def _elsewhere(
    country: str, subdivision: str | None, this_year: int
) -> tuple[dict[date, DayKind], date]:
    import holidays  # noqa: PLC0415 - only where it is wanted, and it is large

    known = holidays.list_supported_countries()
    if country not in known:
        hint = did_you_mean(country, known) or "write its two letters (ISO 3166), such as `DE`"
        raise HolidaysError("country", f"no holidays are known of `{country}`: {hint}")
    if subdivision is not None and subdivision not in known[country]:
        names = known[country]
        hint = did_you_mean(subdivision, names) or (
            f"there are {listed(names)}" if names else "take this key out, it has none"
        )
        raise HolidaysError("subdivision", f"`{country}` has no `{subdivision}`: {hint}")
    years = range(FIRST_YEAR, this_year + _YEARS_AHEAD + 1)
    found = holidays.country_holidays(country, subdiv=subdivision, years=years)
    kinds = dict(_kinds(found, found.weekend_workdays))
    return kinds, date(min(years[-1], found.end_year), 12, 31)


def _kinds(off: Iterable[date], worked: Iterable[date]) -> Iterator[tuple[date, DayKind]]:
    for day in worked:
        yield day, DayKind.WORKDAY
    for day in off:
        yield day, DayKind.HOLIDAY
