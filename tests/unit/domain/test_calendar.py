"""Duty hours with holidays and make-up workdays: the official plan of China for 2026."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctid.domain.calendar import Calendar, DayKind, calendar_ending
from ctid.domain.duty import (
    Duty,
    Shift,
    after_on_duty,
    intervals,
    is_on_duty,
    next_border,
    parse,
    seconds_on_duty,
)

BERLIN = "Europe/Berlin"
SHANGHAI = "Asia/Shanghai"


def days(first: str, last: str) -> Iterable[date]:
    day = date.fromisoformat(first)
    while day <= date.fromisoformat(last):
        yield day
        day += timedelta(days=1)


OFF = [
    *days("2026-01-01", "2026-01-03"),
    *days("2026-02-15", "2026-02-23"),
    *days("2026-10-01", "2026-10-07"),
]
MADE_UP = ["2026-01-04", "2026-02-14", "2026-02-28", "2026-09-20", "2026-10-10"]
CHINA = Calendar(
    "CN",
    dict.fromkeys(OFF, DayKind.HOLIDAY)
    | dict.fromkeys(map(date.fromisoformat, MADE_UP), DayKind.WORKDAY)
    | {date(2026, 12, 31): DayKind.CLOSED},
    date(2026, 12, 31),
)


def at(text: str, zone: str = SHANGHAI) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def on_duty(local: str, *entries: str) -> bool:
    return is_on_duty(parse(entries, CHINA), at(local), SHANGHAI)


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-02-13 10:00", True),  # a Friday
        ("2026-02-14 10:00", True),  # a Saturday that is worked
        ("2026-02-15 10:00", False),
        ("2026-02-16 10:00", False),  # a Monday in the festival
        ("2026-02-23 10:00", False),  # its last day, a Monday
        ("2026-02-24 10:00", True),
        ("2026-02-28 10:00", True),  # a Saturday that is worked
        ("2026-03-07 10:00", False),  # a Saturday
        ("2026-09-20 10:00", True),  # a Sunday that is worked
        ("2026-09-27 10:00", False),  # a Sunday
        ("2026-10-01 10:00", False),
        ("2026-10-07 10:00", False),
        ("2026-10-08 10:00", True),
        ("2026-10-10 10:00", True),  # a Saturday that is worked
        ("2026-10-10 18:00", False),
        ("2026-01-04 10:00", True),  # a Sunday that is worked
        ("2026-12-31 10:00", False),  # closed
        ("2027-01-01 10:00", True),  # a Friday that nothing is known of
    ],
)
def test_a_weekly_plan_stands_still_on_holidays_and_runs_on_make_up_days(
    local: str, expected: bool
) -> None:
    assert on_duty(local, "mon-fri 08:00-18:00") is expected


def test_a_make_up_workday_has_the_hours_of_a_monday_and_not_those_of_its_own() -> None:
    plan = ("mon 08:00-18:00", "tue-fri 09:00-17:00", "sat 20:00-21:00")
    assert on_duty("2026-02-14 08:30", *plan)
    assert not on_duty("2026-02-14 20:30", *plan)
    assert on_duty("2026-03-07 20:30", *plan)


def test_on_a_holiday_only_entries_that_name_it_hold() -> None:
    plan = ("mon-sat 08:00-18:00", "holiday 09:00-12:00")
    assert [on_duty(f"2026-02-16 {hour}", *plan) for hour in ("08:30", "09:00", "12:00")] == [
        False,
        True,
        False,
    ]
    assert on_duty("2026-02-15 09:30", *plan)  # a Sunday in the festival
    assert not on_duty("2026-03-01 09:30", *plan)  # a Sunday
    assert on_duty("2026-02-16 19:00", "mon-sat,holiday 08:00-20:00")
    assert not on_duty("2026-02-14 20:00", "holiday 19:00-21:00")  # a make-up workday is none


def test_entries_without_days_hold_on_holidays_and_not_on_closed_days() -> None:
    for entries in (("24x7",), ("08:00-12:00",)):
        assert on_duty("2026-02-16 10:00", *entries)
        assert not on_duty("2026-12-31 10:00", *entries)
    assert not on_duty("2026-02-16 10:00", "mon-sun 00:00-24:00")


def test_a_shift_before_a_holiday_ends_in_it_and_one_before_a_workday_does_not_begin() -> None:
    duty = parse(["mon-fri 20:00-06:00"], CHINA)
    found = list(intervals(duty, at("2026-09-30 12:00"), at("2026-10-09 12:00"), SHANGHAI))
    assert found == [
        (at("2026-09-30 20:00"), at("2026-10-01 06:00")),
        (at("2026-10-08 20:00"), at("2026-10-09 06:00")),
    ]


def test_a_term_waits_until_the_festival_is_over() -> None:
    duty = parse(["mon-fri 08:00-18:00"], CHINA)
    # half an hour is left on the Saturday that is worked
    assert after_on_duty(duty, at("2026-02-14 17:30"), 3600, SHANGHAI) == at("2026-02-24 08:30")


@pytest.mark.parametrize(
    ("entries", "now", "border"),
    [
        (["mon-fri 08:00-18:00"], "2026-02-13 07:00", "2026-02-13 08:00"),
        (["mon-fri 08:00-18:00"], "2026-02-13 08:00", "2026-02-13 18:00"),
        (["mon-fri 08:00-18:00"], "2026-02-14 18:00", "2026-02-24 08:00"),
        (["08:00-20:00", "20:00-08:00"], "2026-12-01 00:00", "2026-12-31 08:00"),
        (["24x7"], "2026-12-01 00:00", "2026-12-31 00:00"),
        (["24x7"], "2026-12-31 12:00", "2027-01-01 00:00"),
        (["24x7"], "2027-01-01 00:00", None),
        ([], "2026-01-01 00:00", None),
    ],
)
def test_the_next_border(entries: list[str], now: str, border: str | None) -> None:
    expected = None if border is None else at(border)
    assert next_border(parse(entries, CHINA), at(now), SHANGHAI) == expected


def test_round_the_clock_has_no_border() -> None:
    assert next_border(None, 0.0, SHANGHAI) is None
    assert next_border(parse(["24x7"]), at("2026-01-01"), SHANGHAI) is None


@pytest.mark.parametrize(
    ("today", "ending"),
    [("2026-11-01", False), ("2026-11-02", True), ("2026-12-31", True), ("2027-05-01", True)],
)
def test_a_calendar_ends_when_less_than_sixty_days_are_known(today: str, ending: bool) -> None:
    assert calendar_ending(CHINA, date.fromisoformat(today)) is ending


def test_no_calendar_never_ends() -> None:
    assert not calendar_ending(None, date(2027, 1, 1))


EPOCH = date(2026, 1, 1)
SHIFTS = st.lists(
    st.builds(
        lambda days, start, length, holidays: Shift(
            frozenset(days), start, start + length, holidays
        ),
        st.sets(st.integers(0, 6)),
        st.integers(0, 1439),
        st.integers(1, 1440),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)
CALENDARS = st.none() | st.builds(
    lambda kinds: Calendar("any", kinds, EPOCH),
    st.dictionaries(
        st.integers(0, 30).map(lambda n: EPOCH + timedelta(days=n)),
        st.sampled_from(DayKind),
        max_size=15,
    ),
)
DUTIES = st.builds(lambda shifts, calendar: Duty(tuple(shifts), calendar), SHIFTS, CALENDARS)
ZONES = st.sampled_from([BERLIN, SHANGHAI, "UTC", "America/New_York"])
MOMENTS = st.integers(0, 28 * 86400).map(lambda n: at("2026-01-01", "UTC") + n) | st.integers(
    0, 6 * 86400
).map(lambda n: at("2026-03-26", "UTC") + n)  # Berlin's clocks change


@given(DUTIES, ZONES, MOMENTS, st.integers(0, 5 * 86400), st.integers(0, 5 * 86400))
def test_what_lasts_can_be_added(duty: Duty, zone: str, begin: float, one: int, two: int) -> None:
    whole = seconds_on_duty(duty, begin, begin + one + two, zone)
    parts = seconds_on_duty(duty, begin, begin + one, zone)
    parts += seconds_on_duty(duty, begin + one, begin + one + two, zone)
    assert whole == pytest.approx(parts)


@given(DUTIES, ZONES, MOMENTS, st.integers(1, 3 * 86400))
def test_a_term_ends_when_so_much_duty_has_passed(
    duty: Duty, zone: str, begin: float, seconds: int
) -> None:
    end = after_on_duty(duty, begin, seconds, zone)
    passed = seconds_on_duty(duty, begin, end, zone)
    if passed != pytest.approx(seconds):  # there is no duty for so long
        assert end == begin + seconds
        assert seconds_on_duty(duty, begin, begin + 366 * 86400.0, zone) < seconds
    else:
        assert seconds_on_duty(duty, begin, end - 0.5, zone) < seconds


@given(DUTIES, ZONES, MOMENTS)
def test_borders_are_where_duty_begins_and_ends(duty: Duty, zone: str, begin: float) -> None:
    border, end = begin, begin + 14 * 86400.0
    found = list(intervals(duty, begin, end, zone))
    edges = [edge for interval in found for edge in interval if begin < edge < end]
    for edge in edges:
        following = next_border(duty, border, zone)
        assert following == edge
        border = edge
    last = next_border(duty, border, zone)
    assert last is None or last >= end
    for start, stop in found:
        assert is_on_duty(duty, start, zone)
        assert is_on_duty(duty, (start + stop) / 2, zone)
