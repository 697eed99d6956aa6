"""Duty hours, holidays, daylight saving, and clocks that are set or wrong."""

from pathlib import Path

import pytest

from tests.integration.stories.conftest import Tell


def line(*duty: str, more: str = "") -> str:
    """The line `network` with these duty hours."""
    hours = ", ".join(entry if entry.startswith("{") else f'"{entry}"' for entry in duty)
    return f"""
[[line]]
name = "network"
title = "Network"
dids = ["8001"]
duty = [{hours}]
{more}
"""


OFFICE = line("mon-fri 08:00-16:00")
CALENDAR = """
[calendar]
overrides = "calendar.toml"
"""


def warned_and_fired(warned: str, fired: str) -> tuple[str, str]:
    return (
        f"{warned} dingtalk @Li: WARNING, UNANSWERED 10 min: Network",
        f"{fired} dingtalk @Li: UNANSWERED 15 min: Network",
    )


@pytest.mark.parametrize("duty", ["24x7", "sun 00:00-06:00", "22:00-06:00"])
def test_the_clocks_go_forward_within_a_running_clock(story_of: Tell, duty: str) -> None:
    story = story_of(lines=line(duty), zone="Europe/Berlin", begin="2026-03-29 01:52")
    story.missed_call("a")
    story.advance("30m")
    # 02:00 is 03:00
    story.expect(
        *warned_and_fired("03:02", "03:07"),
        "03:12 dingtalk @Wang: UNANSWERED 20 min: Network",
        "03:22 wecom @Chen: UNANSWERED 30 min: Network",
    )


@pytest.mark.parametrize("duty", ["24x7", "sun 00:00-06:00", "22:00-06:00"])
def test_the_clocks_go_back_within_a_running_clock(story_of: Tell, duty: str) -> None:
    story = story_of(lines=line(duty), zone="Europe/Berlin", begin="2026-10-25 02:52")
    story.missed_call("a")
    story.advance("30m")
    # 03:00 is 02:00
    story.expect(
        *warned_and_fired("02:02", "02:07"),
        "02:12 dingtalk @Wang: UNANSWERED 20 min: Network",
        "02:22 wecom @Chen: UNANSWERED 30 min: Network",
    )


def test_a_shift_over_midnight(story_of: Tell) -> None:
    story = story_of(lines=line("sun 22:00-06:00"), begin="2026-05-31 23:55")
    story.missed_call("a")
    story.advance("1h")
    story.expect(
        *warned_and_fired("Mon 00:05", "Mon 00:10"),
        "Mon 00:15 dingtalk @Wang: UNANSWERED 20 min: Network",
        "Mon 00:25 wecom @Chen: UNANSWERED 30 min: Network",
        *(
            f"Mon 00:40 {whom}: UNANSWERED 45 min: Network"
            for whom in ("dingtalk @Li", "dingtalk @Wang", "wecom @Chen")
        ),
        *(
            f"Mon 00:55 {whom}: STILL UNANSWERED 1 h: Network"
            for whom in ("dingtalk @Li", "dingtalk @Wang", "wecom @Chen")
        ),
    )


@pytest.mark.parametrize("restart_before", [None, 4, 5])
def test_the_clock_pauses_at_the_end_of_duty_and_goes_on_in_the_morning(
    story_of: Tell, restart_before: int | None
) -> None:
    story = story_of(lines=OFFICE, begin="2026-06-01 15:55", restart_before=restart_before)
    story.missed_call("a")
    story.advance("8h")
    story.expect_silence()
    story.until("2026-06-02 08:10")
    _, page = story.expect(*warned_and_fired("Tue 08:05", "Tue 08:10"))
    assert "since 2026-06-01 15:55" in page.text
    assert "15 min of that in duty hours" in page.text


def test_the_clock_stands_still_at_lunch(story_of: Tell) -> None:
    lines = line("mon-fri 08:00-12:00", "mon-fri 13:00-17:00")
    story = story_of(lines=lines, begin="2026-06-01 11:56")
    story.missed_call("a")
    story.until("2026-06-01 13:11")
    story.expect(*warned_and_fired("13:06", "13:11"))


def test_who_calls_at_lunch_opens_nothing(story_of: Tell) -> None:
    lines = line("mon-fri 08:00-12:00", "mon-fri 13:00-17:00")
    story = story_of(lines=lines, begin="2026-06-01 12:00")
    story.missed_call("a")
    story.until("2026-06-01 16:59")
    story.expect_silence()


def test_who_calls_after_hours_opens_nothing(story_of: Tell) -> None:
    story = story_of(lines=OFFICE, begin="2026-06-01 16:00")
    story.missed_call("a")
    story.until("2026-06-02 15:00")
    story.expect_silence()


def test_who_waits_beyond_the_end_of_duty_is_not_forgotten(story_of: Tell) -> None:
    story = story_of(lines=OFFICE, begin="2026-06-01 15:50")
    story.call("a")
    story.advance("20m")
    story.expect("16:00 dingtalk @Li: WARNING, UNANSWERED 10 min: Network, 1 waiting")
    story.leave("a")
    story.until("2026-06-02 08:05")
    story.expect("Tue 08:05 dingtalk @Li: UNANSWERED 15 min: Network")


def test_a_holiday_of_the_override_file_has_no_duty(story_of: Tell, calendar: None) -> None:
    story = story_of(lines=OFFICE, more=CALENDAR, begin="2026-06-01 15:55")
    story.missed_call("a")
    story.until("2026-06-02 12:00")
    story.missed_call("b")
    story.expect_silence()
    story.until("2026-06-03 08:10")
    story.expect(*warned_and_fired("Wed 08:05", "Wed 08:10"))


def test_a_make_up_workday_is_worked_like_a_monday(story_of: Tell, calendar: None) -> None:
    story = story_of(lines=OFFICE, more=CALENDAR, begin="2026-06-06 10:00")
    story.missed_call("a")
    story.advance("14m30s")
    story.expect(*warned_and_fired("10:10", "10:15"))


@pytest.mark.parametrize(("day", "works"), [("2026-10-01", False), ("2026-10-10", True)])
def test_the_official_plan_of_china(story_of: Tell, day: str, works: bool) -> None:
    # a Thursday of the National Day, and the Saturday that makes up for it
    more = '[calendar]\ncountry = "CN"\n'
    story = story_of(lines=OFFICE, more=more, begin=f"{day} 10:00")
    story.missed_call("a")
    story.advance("14m30s")
    told = [message for message in story.take() if "HOLIDAYS" not in message]
    assert told == (list(warned_and_fired("10:10", "10:15")) if works else [])


def test_a_shift_with_limits_of_its_own(story_of: Tell) -> None:
    strict = '{ hours = "mon-fri 08:00-12:00", warning_minutes = 4, limit_minutes = 8 }'
    story = story_of(lines=line(strict, "mon-fri 12:00-16:00"))
    story.missed_call("a")
    story.advance("8m")
    story.expect(
        "09:04 dingtalk @Li: WARNING, UNANSWERED 4 min: Network",
        "09:08 dingtalk @Li: UNANSWERED 8 min: Network",
    )
    story.answered_call("b")
    story.expect("09:08:40 dingtalk @Li: ANSWERED by Zhao: Network")
    story.until("2026-06-01 13:00")
    story.missed_call("c")
    story.advance("14m30s")
    story.expect(*warned_and_fired("13:10", "13:15"))


def test_a_line_in_another_zone(story_of: Tell) -> None:
    lines = line("mon-fri 08:00-16:00", more='timezone = "Europe/Berlin"')
    story = story_of(lines=lines, begin="2026-06-01 13:50")  # 07:50 in Berlin
    story.missed_call("a")
    story.advance("1h")
    story.expect_silence()
    story.missed_call("b")
    story.advance("14m30s")
    _, page = story.expect(*warned_and_fired("15:00:30", "15:05:30"))
    assert "since 08:50" in page.text
    assert "Times: Europe/Berlin" in page.text


@pytest.mark.parametrize("by", ["1h", "-1h"])
@pytest.mark.parametrize("restart_before", [None, 6])
def test_the_clock_is_set_while_it_runs(
    story_of: Tell, by: str, restart_before: int | None
) -> None:
    story = story_of(restart_before=restart_before)
    story.missed_call("a")
    story.advance("4m30s")
    story.set_clock(by)
    story.expect_silence()
    story.advance("4m50s")
    story.expect_silence()
    story.advance("5m10s")
    hour = {"1h": "10", "-1h": "08"}[by]
    story.expect(
        f"{hour}:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network",
        f"{hour}:15 dingtalk @Li: UNANSWERED 15 min: Network",
    )
    story.advance("5m")
    story.expect(f"{hour}:20 dingtalk @Wang: UNANSWERED 20 min: Network")


@pytest.mark.parametrize("by", ["1h", "-1h"])
def test_the_clock_is_set_while_an_alert_fires(story_of: Tell, by: str) -> None:
    story = story_of()
    story.missed_call("a")
    story.advance("15m")
    story.expect(*warned_and_fired("09:10", "09:15"))
    story.set_clock(by)
    story.advance("4m30s")
    hour = {"1h": 10, "-1h": 8}[by]
    story.expect(f"{hour:02}:20 dingtalk @Wang: UNANSWERED 20 min: Network")
    story.answered_call("b")
    story.expect(
        f"{hour:02}:20:10 dingtalk @Li: ANSWERED by Zhao: Network",
        f"{hour:02}:20:10 dingtalk @Wang: ANSWERED by Zhao: Network",
    )
    story.advance("2h")
    story.expect_silence()


@pytest.mark.parametrize("by", ["1h", "-1h"])
@pytest.mark.parametrize("restart_before", [None, 5, 6, 12])
def test_the_clock_of_the_pbx_is_wrong(story_of: Tell, by: str, restart_before: int | None) -> None:
    story = story_of(restart_before=restart_before)
    story.set_pbx_clock(by)
    story.missed_call("a")
    story.advance("14m30s")
    story.expect(*warned_and_fired("09:10", "09:15"))
    story.answered_call("b")
    story.expect("09:15:10 dingtalk @Li: ANSWERED by Zhao: Network")
    story.advance("1m")
    story.missed_call("c", number="13811112222")
    story.call_back("13811112222", talk="20s")
    story.advance("1m")
    story.missed_call("d")
    story.advance("14m30s")
    story.expect(*warned_and_fired("09:28:20", "09:33:20"))


@pytest.fixture
def calendar(tmp_path: Path) -> None:
    (tmp_path / "calendar.toml").write_text(
        'known_until = 2027-12-31\n[days]\n2026-06-02 = "holiday"\n2026-06-06 = "workday"\n'
    )
