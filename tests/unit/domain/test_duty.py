import itertools
import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctid.domain.duty import (
    Duty,
    DutyError,
    Shift,
    after_on_duty,
    intervals,
    is_on_duty,
    parse,
    parse_shift,
    seconds_on_duty,
    windows,
)

BERLIN = "Europe/Berlin"
SHANGHAI = "Asia/Shanghai"


def at(text: str, zone: str = SHANGHAI, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


@pytest.mark.parametrize(
    ("entry", "days", "start", "end"),
    [
        ("holiday 09:00-12:00", set(), 540, 720),
        ("mon-sat,holiday 08:00-20:00", {0, 1, 2, 3, 4, 5}, 480, 1200),
        ("mon-sat 08:00-16:00", {0, 1, 2, 3, 4, 5}, 480, 960),
        ("Mon,Wed 8:00 - 12:30", {0, 2}, 480, 750),
        ("mon-wed,sun 08:00-16:00", {0, 1, 2, 6}, 480, 960),
        ("mon，wed 08：00－16：00", {0, 2}, 480, 960),
        ("mon–sat　０８：００～16:00", {0, 1, 2, 3, 4, 5}, 480, 960),
        ("sat-mon 08:00-16:00", {5, 6, 0}, 480, 960),
        ("22:00-06:00", {0, 1, 2, 3, 4, 5, 6}, 1320, 1800),
        ("sun 00:00-24:00", {6}, 0, 1440),
        ("fri 20:00-00:00", {4}, 1200, 1440),
        ("24x7", {0, 1, 2, 3, 4, 5, 6}, 0, 1440),
        ("周一至周六 08:00-16:00", {0, 1, 2, 3, 4, 5}, 480, 960),
        ("周一至五 08：00至16：00", {0, 1, 2, 3, 4}, 480, 960),
        ("星期一-星期三，周日08:00-16:00", {0, 1, 2, 6}, 480, 960),
        ("周五～周天 08:00-16:00", {4, 5, 6}, 480, 960),
        ("周二、周四,holiday 08:00-16:00", {1, 3}, 480, 960),
    ],
)
def test_entries(entry: str, days: set[int], start: int, end: int) -> None:
    holidays = "holiday" in entry or not re.match("[A-Za-z周星]", entry)
    assert parse_shift(entry) == Shift(frozenset(days), start, end, holidays)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("", "no duty entry"),
        ("mon-sat", "no duty entry"),
        ("mon-sat 8-16", "`mon-sat 8-16` is no duty entry"),
        ("周八 08:00-16:00", "`周八` is no day"),
        ("周 08:00-16:00", "`周` is no day"),
        ("mo-sat 08:00-16:00", "`mo` is no day"),
        ("mon- 08:00-16:00", "`` is no day"),
        ("mon-holiday 08:00-16:00", "`holiday` is no day"),
        ("holidays 08:00-16:00", "the days are mon tue wed thu fri sat sun holiday"),
        ("mon 08:60-16:00", "`08:60` is no time"),
        ("mon 08:00-24:01", "`24:01` is no time"),
        ("mon 08:00-08:00", "write 00:00-24:00"),
        ("mon 24:00-08:00", "next day"),
    ],
)
def test_bad_entries_say_how_to_mend_them(entry: str, says: str) -> None:
    with pytest.raises(DutyError, match=re.escape(says)):
        parse_shift(entry)


@pytest.mark.parametrize(
    ("local", "on_duty"),
    [
        ("2026-05-01T07:59:59.999", False),
        ("2026-05-01T08:00", True),
        ("2026-05-01T15:59:59.999", True),
        ("2026-05-01T16:00", False),
        ("2026-05-03T12:00", False),  # a Sunday
    ],
)
def test_start_is_in_and_end_is_out(local: str, on_duty: bool) -> None:
    assert is_on_duty(parse(["mon-sat 08:00-16:00"]), at(local), SHANGHAI) is on_duty


def test_the_zone_decides() -> None:
    duty = parse(["mon-sat 08:00-16:00"])
    instant = datetime(2026, 5, 1, 1, 0, tzinfo=UTC).timestamp()
    assert is_on_duty(duty, instant, SHANGHAI)
    assert not is_on_duty(duty, instant, "UTC")


def test_a_shift_over_midnight_belongs_to_the_day_it_begins_on() -> None:
    duty = parse(["sat 22:00-06:00"])
    assert is_on_duty(duty, at("2026-05-02T22:00"), SHANGHAI)
    assert is_on_duty(duty, at("2026-05-03T05:59"), SHANGHAI)
    assert not is_on_duty(duty, at("2026-05-03T06:00"), SHANGHAI)
    assert not is_on_duty(duty, at("2026-05-03T22:00"), SHANGHAI)
    assert not is_on_duty(duty, at("2026-05-02T05:00"), SHANGHAI)


def test_no_duty_is_round_the_clock() -> None:
    assert is_on_duty(None, 0.0, SHANGHAI)
    assert seconds_on_duty(None, 10.0, 25.0, SHANGHAI) == 15.0
    assert list(intervals(None, 10.0, 10.0, SHANGHAI)) == []


def test_hours_are_longer_or_shorter_where_the_clock_changes() -> None:
    night = parse(["22:00-06:00"])
    spring = seconds_on_duty(
        night, at("2026-03-28T12:00", BERLIN), at("2026-03-29T12:00", BERLIN), BERLIN
    )
    autumn = seconds_on_duty(
        night, at("2026-10-24T12:00", BERLIN), at("2026-10-25T12:00", BERLIN), BERLIN
    )
    assert (spring, autumn) == (7 * 3600, 9 * 3600)


@pytest.mark.parametrize(
    ("entry", "local", "fold", "on_duty"),
    [
        # in spring 01:59:59 is followed by 03:00
        ("sun 02:30-10:00", "2026-03-29T03:00", 0, True),
        ("sun 02:30-10:00", "2026-03-29T03:10", 0, True),
        ("sun 02:30-10:00", "2026-03-29T01:59", 0, False),
        ("sat 22:00-02:30", "2026-03-29T01:59", 0, True),
        ("sat 22:00-02:30", "2026-03-29T03:00", 0, False),
        ("sun 02:15-02:45", "2026-03-29T03:20", 0, False),
        # in autumn 02:59:59 is followed by 02:00
        ("sat 22:00-02:30", "2026-10-25T02:10", 0, True),
        ("sat 22:00-02:30", "2026-10-25T02:40", 0, False),
        ("sat 22:00-02:30", "2026-10-25T02:10", 1, True),
        ("sat 22:00-02:30", "2026-10-25T02:30", 1, False),
        ("sun 02:30-10:00", "2026-10-25T02:40", 0, True),
        ("sun 02:30-10:00", "2026-10-25T02:10", 1, False),
        ("sun 02:30-10:00", "2026-10-25T02:40", 1, True),
    ],
)
def test_in_a_clock_change_the_clock_on_the_wall_decides(
    entry: str, local: str, fold: int, on_duty: bool
) -> None:
    assert is_on_duty(parse([entry]), at(local, BERLIN, fold), BERLIN) is on_duty


def test_a_shift_that_no_clock_shows_has_no_window() -> None:
    day = date(2026, 3, 29)
    assert list(windows(parse(["sun 02:00-03:00"]), day, day, BERLIN)) == []


def test_shifts_that_meet_in_a_clock_change_leave_no_gap() -> None:
    duty = parse(["00:00-02:30", "02:30-06:00"])
    for day in ("2026-03-29", "2026-10-25"):
        begin, end = at(f"{day}T00:00", BERLIN), at(f"{day}T06:00", BERLIN)
        assert list(intervals(duty, begin, end, BERLIN)) == [(begin, end)]


def test_round_the_clock_has_no_gap_in_a_whole_year() -> None:
    begin, end = at("2026-01-01T00:00", BERLIN), at("2027-01-01T00:00", BERLIN)
    assert list(intervals(parse(["24x7"]), begin, end, BERLIN)) == [(begin, end)]


def test_intervals_are_cut_and_joined() -> None:
    duty = parse(["mon 08:00-12:00", "mon 11:00-13:00", "mon 14:00-15:00"])
    got = list(intervals(duty, at("2026-05-04T09:00"), at("2026-05-04T14:30"), SHANGHAI))
    assert got == [
        (at("2026-05-04T09:00"), at("2026-05-04T13:00")),
        (at("2026-05-04T14:00"), at("2026-05-04T14:30")),
    ]


SHIFT = st.builds(
    lambda days, start, length: Shift(frozenset(days), start, start + length),
    st.sets(st.integers(0, 6), min_size=1),
    st.integers(0, 1439),
    st.integers(1, 1440),
)


@given(
    st.lists(SHIFT, min_size=1, max_size=4),
    st.sampled_from([BERLIN, SHANGHAI, "UTC", "America/New_York"]),
    st.integers(1_700_000_000, 1_830_000_000),
    st.integers(1, 4 * 86400),
)
def test_an_instant_is_on_duty_exactly_within_the_intervals(
    shifts: list[Shift], zone: str, begin: int, length: int
) -> None:
    duty = Duty(tuple(shifts))
    found = list(intervals(duty, begin, begin + length, zone))
    assert all(start < stop for start, stop in found)
    assert all(earlier[1] < later[0] for earlier, later in itertools.pairwise(found))
    for step in range(20):
        instant = begin + length * step / 20
        inside = any(start <= instant < stop for start, stop in found)
        assert is_on_duty(duty, instant, zone) == inside


@given(
    st.integers(100, 200),
    st.one_of(st.integers(1, 90), st.integers(1350, 1440)),
    st.sampled_from(["2026-03-29", "2026-10-25"]),
    st.integers(90, 260),
)
def test_an_instant_is_on_duty_when_the_clock_on_the_wall_shows_it(
    start: int, length: int, day: str, minutes: int
) -> None:
    shift = Shift(frozenset(range(7)), start, start + length)
    instant = at(day, BERLIN) + minutes * 60.0
    local = datetime.fromtimestamp(instant, ZoneInfo(BERLIN))
    shown = local.hour * 60 + local.minute
    shows = any(
        (local.weekday() - days) % 7 in shift.days
        and shift.start <= shown + days * 1440 < shift.end
        for days in (0, 1)
    )
    assert is_on_duty(Duty((shift,)), instant, BERLIN) == shows


@pytest.mark.parametrize(
    ("missed", "hours", "due"),
    [
        ("2026-11-27 10:00", 4, "2026-11-27 14:00"),  # a Friday
        ("2026-11-27 14:00", 4, "2026-11-30 10:00"),
        ("2026-11-27 20:00", 1, "2026-11-30 09:00"),
        ("2026-11-28 03:00", 8, "2026-11-30 16:00"),
        ("2026-11-27 15:00", 1, "2026-11-27 16:00"),
    ],
)
def test_a_term_runs_only_within_duty_hours(missed: str, hours: int, due: str) -> None:
    duty = parse(["mon-fri 08:00-16:00"])
    assert after_on_duty(duty, at(missed), hours * 3600, SHANGHAI) == at(due)


def test_without_duty_a_term_runs_on_the_wall_clock() -> None:
    now = at("2026-11-27 20:00")
    assert after_on_duty(None, now, 3600.0, SHANGHAI) == now + 3600.0
    assert after_on_duty(Duty(()), now, 3600.0, SHANGHAI) == now + 3600.0
