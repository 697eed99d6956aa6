"""Who was missed is called back, and the agent talks with them for a while."""

import pytest

from tests.integration.stories.conftest import Tell
from tests.integration.stories.story import Story

NUMBER = "13811112222"
WARNED = "09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network"
FIRED = "09:15 dingtalk @Li: UNANSWERED 15 min: Network"


@pytest.mark.parametrize("restart_before", [None, 5, 6, 7])
def test_who_is_called_back_is_reached_while_the_agent_still_talks(
    story_of: Tell, restart_before: int | None
) -> None:
    story = story_of(restart_before=restart_before)
    story.missed_call("a", number=NUMBER)
    story.advance("7m30s")
    story.begin_call_back(NUMBER)
    story.advance("5s")
    story.advance("20m")
    story.leave("out")
    story.expect_silence()


def test_an_alert_is_over_ten_seconds_after_they_were_connected(story: Story) -> None:
    story.missed_call("a", number=NUMBER)
    story.advance("14m30s")
    story.expect(WARNED, FIRED)
    story.begin_call_back(NUMBER)
    story.advance("9s")
    story.expect_silence()
    story.advance("10m")
    (page,) = story.expect("09:15:10 dingtalk @Li: RESOLVED: Network (unanswered)")
    assert "all who were missed were reached" in page.text


@pytest.mark.parametrize("by", ["1h", "-1h"])
def test_the_clock_of_the_pbx_counts_the_ten_seconds(story_of: Tell, by: str) -> None:
    story = story_of()
    story.set_pbx_clock(by)
    story.missed_call("a", number=NUMBER)
    story.advance("14m30s")
    story.expect(WARNED, FIRED)
    story.begin_call_back(NUMBER)
    story.set_clock("-1h")
    story.advance("9s")
    story.expect_silence()
    story.advance("1m")
    story.expect("08:15:10 dingtalk @Li: RESOLVED: Network (unanswered)")
    story.missed_call("b")
    story.advance("11m")
    story.expect("08:26:09 dingtalk @Li: WARNING, UNANSWERED 10 min: Network")


def test_whether_they_are_connected_while_nobody_sees_it_is_not_guessed(story: Story) -> None:
    story.missed_call("a", number=NUMBER)
    story.advance("7m30s")
    story.begin_call_back(NUMBER)
    story.advance("5s")
    story.lose_sight()
    story.advance("55s")
    story.leave("out")
    story.see()
    story.advance("1m")
    story.expect("09:10 dingtalk @Li: WARNING, NO ANSWER SEEN 10 min: Network")


def test_who_is_still_connected_when_the_pbx_is_seen_again_is_reached(story: Story) -> None:
    story.missed_call("a", number=NUMBER)
    story.advance("7m30s")
    story.begin_call_back(NUMBER)
    story.advance("5s")
    story.lose_sight()
    story.advance("55s")
    story.see()
    story.advance("1h")
    story.expect_silence()


def test_the_ticket_says_so_while_they_talk(story_of: Tell) -> None:
    story = story_of(more='[[file]]\nname = "kept"\npath = "tickets.jsonl"\n')
    story.missed_call("a", number=NUMBER)
    story.begin_call_back(NUMBER)
    story.advance("9s")
    assert story.tickets() == ["to_return"]
    story.advance("1s")
    assert story.tickets() == ["returned"]
    story.leave("out")
    assert story.tickets() == ["returned"]


def test_who_calls_again_is_reached_when_they_are_answered(story: Story) -> None:
    story.missed_call("a", number=NUMBER)
    story.advance("7m30s")
    story.call("b", "server", number=NUMBER)
    story.answer("b", "101")
    story.advance("20m")
    story.expect_silence()
