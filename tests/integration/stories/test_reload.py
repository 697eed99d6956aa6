"""Other configurations: what was before goes on as if ctid had been restarted with them."""

import pytest

from tests.integration.stories import texts
from tests.integration.stories.conftest import Tell
from tests.integration.stories.story import Story

LINE = texts.LINES.partition("\n\n")[0] + "\n"
OFFICE = LINE + 'duty = ["mon-fri 08:00-16:00"]\n'
LONGER = LINE + 'duty = ["mon-fri 08:00-18:00"]\n'
AFTERNOON = LINE + 'duty = ["mon-fri 13:00-17:00"]\n'


@pytest.mark.parametrize("restart_before", [None, 5, 6, 7, 8])
def test_a_line_that_was_taken_out_and_is_put_back_goes_on(
    story_of: Tell, restart_before: int | None
) -> None:
    story = story_of(restart_before=restart_before)
    story.missed_call("a", "server")
    story.advance("7m30s")
    story.reload(texts.LINES, LINE)
    story.advance("1m")
    story.reload(LINE, texts.LINES)
    story.advance("6m")
    story.expect(
        "09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Server",
        "09:15 dingtalk @Li: UNANSWERED 15 min: Server",
    )


def test_what_became_of_its_callers_meanwhile_is_known(story: Story) -> None:
    story.call("a", "server")
    story.missed_call("b", "server")
    story.missed_call("c", "server", number="13811112222")
    story.reload(texts.LINES, LINE)
    story.answer("a")
    story.call_back("13811112222", talk="20s")
    story.reload(LINE, texts.LINES)
    story.advance("1h")
    story.expect_silence()


def test_what_a_person_ended_stays_so_when_its_line_is_put_back(story: Story) -> None:
    story.missed_call("a", "server")
    story.advance("11m")
    story.expect("09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Server")
    story.resolve("Wang", "wrote a mail")
    story.expect("09:11:30 dingtalk @Li: RESOLVED: Server (unanswered)")
    story.reload(texts.LINES, LINE)
    story.reload(LINE, texts.LINES)
    story.advance("1h")
    story.expect_silence()


@pytest.mark.parametrize("restart_before", [None, 5, 6])
def test_longer_duty_hours_hold_for_who_came_before(
    story_of: Tell, restart_before: int | None
) -> None:
    story = story_of(lines=OFFICE, begin="2026-06-01 16:30", restart_before=restart_before)
    story.missed_call("a")
    story.advance("4m30s")
    story.reload(OFFICE, LONGER)
    story.advance("10m")
    story.expect(
        "16:40 dingtalk @Li: WARNING, UNANSWERED 10 min: Network",
        "16:45 dingtalk @Li: UNANSWERED 15 min: Network",
    )


@pytest.mark.parametrize("restart_before", [None, 5, 6])
def test_shorter_duty_hours_hold_for_who_came_before(
    story_of: Tell, restart_before: int | None
) -> None:
    story = story_of(lines=OFFICE, restart_before=restart_before)
    story.missed_call("a")
    story.advance("4m30s")
    story.reload(OFFICE, AFTERNOON)
    story.advance("8h")
    story.expect_silence()


def test_an_alert_whose_callers_came_out_of_the_new_hours_is_over(story: Story) -> None:
    story.reload(texts.LINES, OFFICE)
    story.missed_call("a")
    story.advance("11m30s")
    story.expect("09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network")
    story.reload(OFFICE, AFTERNOON)
    story.expect("09:12 dingtalk @Li: RESOLVED: Network (unanswered)")


def test_who_hung_up_soon_is_forgotten_by_the_new_seconds(story: Story) -> None:
    story.call("a")
    story.advance("8s")
    story.leave("a")
    story.reload(texts.LINES, "[figures]\nshort_abandon_seconds = 10\n" + texts.LINES)
    story.advance("1h")
    story.expect_silence()
    story.reload("short_abandon_seconds = 10", "short_abandon_seconds = 5")
    (page,) = story.expect("10:00:08 dingtalk @Li: UNANSWERED 1 h: Network")
    assert "since 09:00" in page.text
