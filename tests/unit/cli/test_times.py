"""Times as they are typed."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from ctid.cli import times

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")


def utc(*fields: int) -> float:
    return datetime(*fields, tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-25", utc(2026, 11, 24, 16)),
        ("2026-11-25T08:30", utc(2026, 11, 25, 0, 30)),
        ("2026-11-25 08:30:15", utc(2026, 11, 25, 0, 30, 15)),
        ("2026-11-25T08:30Z", utc(2026, 11, 25, 8, 30)),
        ("2026-11-25T08:30:00+01:00", utc(2026, 11, 25, 7, 30)),
    ],
)
def test_local_unless_it_says_otherwise(text: str, at: float) -> None:
    assert times.parse_time(text, SHANGHAI) == at


def test_a_day_as_an_end_is_over_at_its_midnight_however_long_it_was() -> None:
    assert times.parse_time("2026-11-25", SHANGHAI, end=True) == utc(2026, 11, 25, 16)
    assert times.parse_time("2026-11-25T00:00", SHANGHAI, end=True) == utc(2026, 11, 24, 16)
    longest = (times.parse_time("2026-10-25", BERLIN), times.parse_time("2026-10-26", BERLIN))
    assert longest[1] - longest[0] == 25 * 3600
    assert times.parse_time("2026-10-25", BERLIN, end=True) == longest[1]


@pytest.mark.parametrize("text", ["", "now", "25.11.2026", "2026-13-01", "2026-02-30", "9" * 400])
def test_anything_else_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(ValueError, match="write 2026-11-25"):
        times.parse_time(text, SHANGHAI)


def test_shown_in_local_time() -> None:
    at = utc(2026, 11, 25, 0, 30, 15) + 0.25
    assert times.to_seconds(at, SHANGHAI) == "2026-11-25 08:30:15"
    assert times.to_milliseconds(at, SHANGHAI) == "2026-11-25 08:30:15.250"
    assert times.with_offset(at, SHANGHAI) == "2026-11-25T08:30:15.250+08:00"
    assert times.to_seconds(None, SHANGHAI) is None
    assert times.midnight(at, SHANGHAI) == utc(2026, 11, 24, 16)


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        (None, None),
        (utc(2026, 11, 25, 0, 30, 59), "08:30"),
        (utc(2026, 11, 24, 16), "00:00"),
        (utc(2026, 11, 24, 15, 59), "11-24 23:59"),
        (utc(2026, 11, 25, 16), "11-26 00:00"),
        (utc(2025, 11, 25, 0, 30), "2025-11-25 08:30"),
    ],
)
def test_the_day_stands_where_it_is_not_today(at: float | None, shown: str | None) -> None:
    assert times.to_minutes(at, SHANGHAI, utc(2026, 11, 25, 12)) == shown


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30m", 1800), ("2h", 7200), ("1h30m", 5400), (" 3D ", 259_200), ("1d 2h 3min", 93_780)],
)
def test_how_long(text: str, seconds: int) -> None:
    assert times.parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0m", "2", "h", "30m2h", "-1h", "1.5h", "2 weeks", "9" * 99])
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no length of time: write 30m, 2h, 1h30m or 3d$"):
        times.parse_duration(text)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("22:00", utc(2026, 11, 25, 14)),
        ("9:30", utc(2026, 11, 25, 1, 30)),
        ("09:00", utc(2026, 11, 26, 1)),  # it is just that time
        ("08:59", utc(2026, 11, 26, 0, 59)),
        ("2026-12-01T22:00", utc(2026, 12, 1, 14)),
        ("2026-12-01", utc(2026, 11, 30, 16)),
    ],
)
def test_the_next_time_that_the_clock_shows_this(text: str, at: float) -> None:
    assert times.parse_next(text, SHANGHAI, utc(2026, 11, 25, 1)) == at


def test_the_next_time_where_the_clock_is_set() -> None:
    # there is no 02:30 on 2026-03-29: it is 03:30 then
    before = utc(2026, 3, 28, 23)
    assert times.parse_next("02:30", BERLIN, before) == utc(2026, 3, 29, 1, 30)
    # 02:30 comes twice on 2026-10-25: the first one
    assert times.parse_next("02:30", BERLIN, utc(2026, 10, 24, 12)) == utc(2026, 10, 25, 0, 30)


@pytest.mark.parametrize("text", ["25:00", "22:60", "22.00", "22"])
def test_what_no_clock_shows(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no time: write "):
        times.parse_next(text, SHANGHAI, 0.0)
