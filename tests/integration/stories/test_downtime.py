"""Times in which ctid did not run: what became due meanwhile, and what nobody saw."""

import pytest

from tests.integration.stories import texts
from tests.integration.stories.conftest import Tell
from tests.integration.stories.story import Story

LINE = texts.LINES.partition("\n\n")[0] + "\n"
OFFICE = LINE + 'duty = ["mon-fri 08:00-16:00"]\n'


def downtime(story: Story, duration: str) -> None:
    story.kill()
    story.advance(duration)
    story.start()


def test_two_hours_that_nobody_saw_are_told_once(story_of: Tell) -> None:
    story = story_of(lines=LINE, alert='channels = ["ops"]\n')
    story.answered_call("a")
    downtime(story, "2h")
    page, same = story.expect(
        "11:00:30 dingtalk @Li: BLIND 2 h: Network, ctid did not run",
        "11:00:30 ops @ops: BLIND 2 h: Network, ctid did not run",
    )
    for told in (page, same):
        assert "ctid did not run from 09:00 to 11:00" in told.text
        assert "whether calls on Network were answered then is not known" in told.text
        assert "It sees them again" in told.text
        assert "Acknowledge" not in told.text
        assert "Late" not in told.text
    assert story.states() == []
    downtime(story, "119s")
    story.advance("1h")
    story.expect_silence()


def test_in_chinese(story_of: Tell) -> None:
    story = story_of(lines=LINE + 'language = "zh"\n', alert="")
    story.reload('language = "en"', 'language = "zh"')
    story.answered_call("a")
    downtime(story, "2h")
    (page,) = story.expect("11:00:30 dingtalk @Li: PBX 失联 2 小时：Network（ctid 未运行）")
    assert "09:00 至 11:00 ctid 未运行，其间 Network 是否有人接听不得而知。现已恢复。" in page.text


@pytest.mark.parametrize("duration", ["1s", "119s"])
def test_a_restart_within_the_limit_pages_nobody(story_of: Tell, duration: str) -> None:
    story = story_of(lines=LINE)
    story.answered_call("a")
    downtime(story, duration)
    story.advance("1h")
    story.expect_silence()


@pytest.mark.parametrize(("until", "told"), [("16:01:59", False), ("16:02", True)])
def test_only_duty_hours_count(story_of: Tell, until: str, told: bool) -> None:
    lines = LINE + 'duty = ["mon-fri 08:00-15:00", "mon-fri 16:00-17:00"]\n'
    story = story_of(lines=lines, begin="2026-06-01 15:10")
    story.kill()
    story.until(f"2026-06-01 {until}")
    story.start()
    story.expect(*["16:02 dingtalk @Li: BLIND 52 min: Network, ctid did not run"] * told)


def test_each_line_by_itself_and_only_where_there_was_duty(story_of: Tell) -> None:
    lines = texts.LINES.replace('dids = ["8002"]', 'dids = ["8002"]\nduty = ["sat 08:00-16:00"]')
    story = story_of(lines=lines)
    story.answered_call("a")
    downtime(story, "10m")
    story.expect("09:10:30 dingtalk @Li: BLIND 10 min: Network, ctid did not run")


def test_the_page_about_the_clock_says_it_all(story_of: Tell) -> None:
    story = story_of(lines=LINE)
    story.missed_call("a")
    downtime(story, "20m")
    (page,) = story.expect("09:20:30 dingtalk @Li: NO ANSWER SEEN 20 min: Network")
    assert "ctid itself was down from 09:00 to 09:20" in page.text


def test_an_alert_about_sight_that_is_over_says_it_all(story_of: Tell) -> None:
    story = story_of(lines=LINE)
    story.lose_sight()
    story.advance("3m")
    story.expect("09:02 dingtalk @Li: BLIND 2 min: Network, PBX not seen")
    story.kill()
    story.see()
    story.advance("1h")
    story.start()
    story.expect("10:03 dingtalk @Li: RESOLVED: Network (PBX out of sight)")


def test_still_out_of_sight_after_it(story_of: Tell) -> None:
    story = story_of(lines=LINE)
    story.answered_call("a")
    story.kill()
    story.lose_sight()
    story.advance("1h")
    story.start()
    story.expect("10:00:30 dingtalk @Li: BLIND 1 h: Network, PBX not seen")
    story.see()
    story.expect("10:00:30 dingtalk @Li: RESOLVED: Network (PBX out of sight)")


def test_a_silence_keeps_it_away(story_of: Tell) -> None:
    story = story_of(lines=LINE)
    story.silence("Li", "new switch", "3h")
    downtime(story, "2h")
    story.advance("2h")
    story.expect_silence()


@pytest.mark.parametrize("restart", [False, True])
def test_a_gap_of_days_ago_is_named(story_of: Tell, restart: bool) -> None:
    story = story_of(lines=OFFICE, begin="2026-06-05 15:51")  # a Friday
    story.missed_call("a")
    story.until("2026-06-05 15:52")
    story.lose_sight()
    story.until("2026-06-05 15:53:30")
    story.see()
    story.until("2026-06-08 07:50")
    if restart:
        downtime(story, "1m")
    story.until("2026-06-08 08:06")
    *_, page = story.expect(
        "Mon 08:01 dingtalk @Li: WARNING, NO ANSWER SEEN 10 min: Network",
        "Mon 08:06 dingtalk @Li: NO ANSWER SEEN 15 min: Network",
    )
    assert "did not see PBX main (connection lost)" in page.text
    assert "nobody has answered" not in page.text


@pytest.mark.parametrize("by", ["1h", "-1h"])
def test_the_clock_is_set_while_out_of_sight(story_of: Tell, by: str) -> None:
    story = story_of(lines=LINE)
    story.lose_sight()
    story.advance("30s")
    story.set_clock(by)
    story.advance("30s")
    story.see()
    story.advance("1h")
    story.expect_silence()


def test_the_clock_was_set_back_and_the_pbx_tells_for_how_long(story_of: Tell) -> None:
    story = story_of(lines=LINE)
    story.missed_call("a")
    story.advance("1m30s")
    story.kill()
    story.advance("20m")
    story.set_clock("-8h")
    story.start()
    (page,) = story.expect("01:22 dingtalk @Li: NO ANSWER SEEN 22 min: Network")
    assert "ctid itself was down from 01:02 to 01:22" in page.text
    assert "nobody has answered" not in page.text
    story.advance("20s")
    story.set_clock("8h")
    story.expect_silence()
    story.advance("5m")
    story.expect("09:27 dingtalk @Wang: NO ANSWER SEEN 27 min: Network")
    story.answered_call("b")
    told = story.take()
    assert sorted(told) == [
        "09:27:30 dingtalk @Li: ANSWERED by Zhao: Network",
        "09:27:30 dingtalk @Wang: ANSWERED by Zhao: Network",
    ]


def test_the_clock_was_set_back_and_the_line_was_blind(story_of: Tell) -> None:
    story = story_of(lines=LINE)
    story.answered_call("a")
    story.advance("1m30s")
    story.kill()
    story.advance("20m")
    story.set_clock("-8h")
    story.start()
    (page,) = story.expect("01:22 dingtalk @Li: BLIND 20 min: Network, ctid did not run")
    assert "ctid did not run from 01:02 to 01:22" in page.text


def test_all_clocks_were_set_back_and_nobody_knows_for_how_long(story_of: Tell) -> None:
    story = story_of(lines=LINE)
    story.missed_call("a")
    story.advance("4m30s")
    story.kill()
    story.advance("3m")
    story.set_clock("-8h")
    story.set_pbx_clock("-8h")
    story.start()
    story.advance("10m")
    # at least five minutes were over before
    told = story.expect(
        "01:13 dingtalk @Li: WARNING, NO ANSWER SEEN 10 min: Network",
        "01:18 dingtalk @Li: NO ANSWER SEEN 15 min: Network",
    )
    for page in told:
        assert "ctid did not run until 01:08; for how long is not known" in page.text
        assert "nobody has answered" not in page.text
    story.answered_call("b")
    story.expect("01:18:10 dingtalk @Li: ANSWERED by Zhao: Network")
    story.advance("1h")
    story.expect_silence()


def test_the_clock_was_set_forward_and_the_pbx_tells_for_how_long(story_of: Tell) -> None:
    story = story_of(lines=LINE)
    story.missed_call("a")
    story.advance("4m30s")
    story.kill()
    story.advance("1m")
    story.set_clock("24h")
    story.start()
    story.expect_silence()
    story.advance("20s")
    story.set_clock("-24h")
    story.advance("9m")
    told = story.expect(
        "09:10 dingtalk @Li: WARNING, NO ANSWER SEEN 10 min: Network",
        "09:15 dingtalk @Li: NO ANSWER SEEN 15 min: Network",
    )
    assert all("between 09:05 and 09:06 ctid did not run" in page.text for page in told)


def test_a_pbx_whose_clock_is_always_behind_measures_nothing(story_of: Tell) -> None:
    story = story_of(lines=LINE)
    story.set_pbx_clock("-1h")
    story.answered_call("a")
    downtime(story, "1h")
    story.expect("10:00:30 dingtalk @Li: BLIND 1 h: Network, ctid did not run")
