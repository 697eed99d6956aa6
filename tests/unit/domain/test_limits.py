"""Marks of a clock where shifts have their own."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from ctid.domain.duty import Duty, Shift
from ctid.domain.limits import limit_at, warning_at

ZONE = "Asia/Shanghai"
WEEKDAYS = frozenset(range(5))
DAY = Shift(WEEKDAYS, 480, 1080, warning_seconds=300.0, limit_seconds=480.0)
NOON = Shift(WEEKDAYS, 720, 780, limit_seconds=900.0, warning_seconds=60.0)
NIGHT = Shift(frozenset(range(7)), 1320, 1800, limit_seconds=1200.0)


@pytest.mark.parametrize(
    ("since", "warning", "limit"),
    [
        ("2026-03-02 09:00", 300.0, 480.0),
        ("2026-03-02 12:30", 60.0, 480.0),  # the strictest of two
        ("2026-03-02 23:00", 600.0, 1200.0),
        ("2026-03-03 05:39", 600.0, 1200.0),  # of the night that began the day before
    ],
)
def test_a_mark_is_that_of_the_shifts_that_hold(since: str, warning: float, limit: float) -> None:
    at = datetime.fromisoformat(since).replace(tzinfo=ZoneInfo(ZONE)).timestamp()
    duty = Duty((DAY, NOON, NIGHT), None)
    assert warning_at(duty, ZONE, at, 600.0) == at + warning
    assert limit_at(duty, ZONE, at, 900.0) == at + limit
