from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ctid.domain.records import Direction, Outcome, Reason, Record
from ctid.domain.returns import Returns
from ctid.outbound.wording import Language, filters, phone
from tests.drafts import BEGAN

ENGLISH = filters("en", ZoneInfo("Asia/Shanghai"))
CHINESE = filters("zh", ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (None, "", ""),
        (0.2, "0 s", "0 秒"),
        (-1.0, "0 s", "0 秒"),
        (59.6, "1 min", "1 分"),
        (200.0, "3 min 20 s", "3 分 20 秒"),
        (3600.0, "1 h", "1 小时"),
        (90_061.0, "25 h 1 min 1 s", "25 小时 1 分 1 秒"),
    ],
)
def test_durations(seconds: float | None, english: str, chinese: str) -> None:
    assert ENGLISH["duration"](seconds) == english
    assert CHINESE["duration"](seconds) == chinese


def test_times_are_those_of_the_zone() -> None:
    assert ENGLISH["time"](BEGAN) == "2026-11-27 09:00:00"
    assert filters("en", ZoneInfo("UTC"))["time"](BEGAN) == "2026-11-27 01:00:00"
    assert ENGLISH["clock"](BEGAN, BEGAN - 3600) == "09:00"
    # an hour ago, but yesterday
    assert ENGLISH["clock"](BEGAN - 32_400, BEGAN - 36_000) == "2026-11-27 00:00"
    assert ENGLISH["clock"](BEGAN) == "2026-11-27 09:00"


def test_a_clock_that_is_far_off_is_shown_all_the_same() -> None:
    assert ENGLISH["time"](1e18) == "1000000000000000000"


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+8613800138000", "+86 138 0013 8000"),
        ("+862161234567", "+86 21 6123 4567"),
        ("+4930123456", "+49 30 123456"),
        ("101", "101"),
        ("+x", "+x"),
        (None, ""),
    ],
)
def test_numbers(number: str | None, shown: str) -> None:
    assert phone(number) == shown


def record(at: float, **given: Any) -> Record:
    fields: dict[str, Any] = dict.fromkeys(Record._fields)
    fields |= {
        "pbx": "main",
        "uniqueid": f"{at}",
        "direction": Direction.INBOUND,
        "line": "network",
        "caller_number": "+8613800138000",
        "offered_at": at,
        "ended_at": at + 60,
        "outcome": Outcome.MISSED,
        "reason": Reason.CALLER_HANGUP,
        "open": False,
    }
    return Record(**(fields | given))


@pytest.mark.parametrize(
    ("language", "again", "back"),
    [
        ("en", "called again, answered on line server", "called back"),
        ("zh", "再次来电，由热线 server 接听", "回电接通"),
    ],
)
def test_how_a_caller_was_reached_is_said_in_the_language(
    language: Language, again: str, back: str
) -> None:
    said = filters(language, ZoneInfo("UTC"))["why"]
    answered = record(
        200.0, line="server", outcome=Outcome.ANSWERED, reason=None, answered_at=210.0
    )
    outbound = record(
        200.0,
        direction=Direction.OUTBOUND,
        line=None,
        did="+8613800138000",
        answered_at=210.0,
        outcome=None,
        reason=None,
    )
    for second, expected in ((answered, again), (outbound, back)):
        returns = Returns(lambda number: number or None, lambda _, at: at)
        returns.receive([record(100.0)])
        (entry,) = returns.receive([second])
        assert said(entry.why) == expected
    assert said("a wrong number") == "a wrong number"
