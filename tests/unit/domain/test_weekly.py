from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from ctid.domain.weekly import latest


def at(text: str, zone: str = "Asia/Shanghai") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-06-01 10:00", "2026-06-01 10:00"),
        ("2026-06-01 09:59", "2026-05-25 10:00"),
        ("2026-06-07 23:59", "2026-06-01 10:00"),
    ],
)
def test_the_last_monday_at_ten(now: str, expected: str) -> None:
    assert latest("mon 10:00", "Asia/Shanghai", at(now)) == at(expected)


def test_the_wall_clock_counts_across_a_change_of_it() -> None:
    zone = "Europe/Berlin"
    assert latest("sun 10:00", zone, at("2026-04-01 00:00", zone)) == at("2026-03-29 10:00", zone)
