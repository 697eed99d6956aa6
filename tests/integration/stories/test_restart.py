"""What was decided before a restart holds after it: nobody is paged about who was reached."""

import pytest

from tests.integration.stories.conftest import Tell
from tests.integration.stories.story import Story


def restart(story: Story) -> None:
    story.kill()
    story.start()


def test_who_was_answered_on_another_line_in_the_same_call(story: Story) -> None:
    story.call("a")
    story.advance("30s")
    story.overflow("a", "server")
    story.answer("a", "102")
    story.leave("a")
    restart(story)
    story.advance("1h")
    story.expect_silence()


def test_who_was_called_back(story: Story) -> None:
    story.missed_call("a", number="13811112222")
    story.call_back("13811112222", talk="20s")
    restart(story)
    story.advance("1h")
    story.expect_silence()


@pytest.mark.parametrize("line", ["network", "server"])
def test_who_called_again_and_was_answered(story: Story, line: str) -> None:
    story.missed_call("a", number="13811112222")
    story.answered_call("b", line, number="13811112222")
    restart(story)
    story.advance("1h")
    story.expect_silence()


def test_of_two_one_was_called_back_before_and_one_after(story: Story) -> None:
    story.missed_call("a", number="13811112222")
    story.missed_call("b", number="13811113333")
    story.call_back("13811112222", talk="20s")
    restart(story)
    story.advance("10m")
    story.expect("09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network")
    story.call_back("13811113333", talk="10s")
    (page,) = story.expect("09:11:30 dingtalk @Li: RESOLVED: Network (unanswered)")
    assert "all who were missed were reached" in page.text


def test_who_came_before_it_saw_the_pbx_and_was_missed(story: Story) -> None:
    story.advance("5m")
    story.kill()
    story.call("a")
    story.start()
    story.advance("1m")
    story.miss("a")
    restart(story)
    story.advance("14m")
    story.expect(
        "09:15 dingtalk @Li: WARNING, UNANSWERED 10 min: Network",
        "09:20 dingtalk @Li: UNANSWERED 15 min: Network",
    )


def test_who_came_before_it_saw_the_pbx_and_was_answered(story: Story) -> None:
    story.missed_call("a")
    story.kill()
    story.call("b")
    story.start()
    story.answer("b")
    story.leave("b")
    restart(story)
    story.advance("1h")
    story.expect_silence()


def test_who_came_before_it_saw_the_pbx_and_was_called_back(story: Story) -> None:
    story.kill()
    story.call("a", number="13811112222")
    story.start()
    story.advance("1m")
    story.miss("a")
    story.call_back("13811112222", talk="20s")
    restart(story)
    story.advance("1h")
    story.expect_silence()


@pytest.mark.parametrize("restart_before", [None, 10, 12, 13])
def test_who_waited_when_another_was_answered_and_left_unseen(
    story_of: Tell, restart_before: int | None
) -> None:
    story = story_of(restart_before=restart_before)
    story.call("a")
    story.advance("5m")
    story.answered_call("b")
    story.advance("30s")
    story.lose_sight()
    story.leave("a")
    story.advance("1m")
    story.see()
    story.advance("9m")
    story.expect("09:15:10 dingtalk @Li: WARNING, NO ANSWER SEEN 10 min: Network")
    story.answered_call("c")
    story.expect("09:16:10 dingtalk @Li: ANSWERED by Zhao: Network")
    story.advance("1h")
    story.expect_silence()
