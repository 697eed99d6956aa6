"""From the first missed call to the answer, and all the other ways in which it may end."""

import pytest

from tests.integration.stories import texts
from tests.integration.stories.conftest import Tell
from tests.integration.stories.story import Story

STEPS = 9


@pytest.mark.parametrize("restart_before", [None, *range(1, STEPS + 1)])
def test_missed_paged_escalated_acknowledged_answered(
    story_of: Tell, restart_before: int | None
) -> None:
    tell(story_of(restart_before=restart_before))


@pytest.mark.parametrize("restart_before", [None, 6])
def test_the_same_with_postgresql(
    postgresql_url: str, story_of: Tell, restart_before: int | None
) -> None:
    tell(story_of(store=postgresql_url, restart_before=restart_before))


def tell(story: Story) -> None:
    story.call("a")
    story.advance("30s")
    story.miss("a")
    story.advance("14m30s")
    _, page = story.expect(
        "09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network",
        "09:15 dingtalk @Li: UNANSWERED 15 min: Network",
    )
    assert "nobody has answered on Network since 09:00, for 15 min" in page.text
    assert "phones rang, nobody picked up: Zhao" in page.text
    story.advance("5m")
    story.expect("09:20 dingtalk @Wang: UNANSWERED 20 min: Network")
    story.ack("Wang")
    story.expect("09:20 dingtalk @Li: TAKEN by Wang: Network, unanswered")
    story.advance("1h")
    story.expect_silence()
    story.call("b")
    story.answer("b")
    told = story.expect(
        "10:20 dingtalk @Li: ANSWERED by Zhao: Network",
        "10:20 dingtalk @Wang: ANSWERED by Zhao: Network",
    )
    assert all("Still to do: call back" in page.text for page in told)
    assert story.states() == []


def test_everyone_within_half_an_hour_and_again_until_acknowledged(story: Story) -> None:
    story.missed_call("a")
    story.advance("14m30s")
    story.expect(
        "09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network",
        "09:15 dingtalk @Li: UNANSWERED 15 min: Network",
    )
    story.advance("30m")
    story.expect(
        "09:20 dingtalk @Wang: UNANSWERED 20 min: Network",
        "09:30 wecom @Chen: UNANSWERED 30 min: Network",
        "09:45 dingtalk @Li: UNANSWERED 45 min: Network",
        "09:45 dingtalk @Wang: UNANSWERED 45 min: Network",
        "09:45 wecom @Chen: UNANSWERED 45 min: Network",
    )
    story.advance("15m")
    story.expect(
        "10:00 dingtalk @Li: STILL UNANSWERED 1 h: Network",
        "10:00 dingtalk @Wang: STILL UNANSWERED 1 h: Network",
        "10:00 wecom @Chen: STILL UNANSWERED 1 h: Network",
    )
    story.ack("Chen", why="on my way")
    told = story.expect(
        "10:00 dingtalk @Li: TAKEN by Chen: Network, unanswered",
        "10:00 dingtalk @Wang: TAKEN by Chen: Network, unanswered",
    )
    assert all('"on my way"' in page.text for page in told)
    story.advance("3h")
    story.expect_silence()


def test_an_answer_in_time_says_nothing(story: Story) -> None:
    story.missed_call("a")
    story.advance("9m")
    story.answered_call("b")
    story.advance("2h")
    story.expect_silence()


def test_an_answer_after_the_warning_takes_it_back(story: Story) -> None:
    story.missed_call("a")
    story.advance("11m")
    story.expect("09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network")
    story.answered_call("b")
    story.expect("09:11:40 dingtalk @Li: ANSWERED by Zhao: Network")
    story.advance("1h")
    story.expect_silence()


def test_a_caller_who_still_waits_is_told_of(story: Story) -> None:
    story.call("a")
    story.advance("15m")
    _, page = story.expect(
        "09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network, 1 waiting",
        "09:15 dingtalk @Li: UNANSWERED 15 min: Network, 1 waiting",
    )
    assert "1 caller waits" in page.text
    assert "13800000097" not in page.text
    story.answer("a")
    (page,) = story.expect("09:15 dingtalk @Li: ANSWERED by Zhao: Network")
    assert "Nothing is left to do" in page.text


def test_the_clock_opens_anew_for_who_still_waits(story: Story) -> None:
    story.call("a")
    story.advance("6m")
    story.answered_call("b")
    story.advance("8m30s")
    story.expect(
        "09:15 dingtalk @Li: WAITING 15 min: Network, one caller",
    )
    story.advance("7m")
    story.expect(
        "09:16:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network, 1 waiting",
        "09:20 dingtalk @Wang: WAITING 20 min: Network, one caller",
        "09:21:10 dingtalk @Li: UNANSWERED 15 min: Network, 1 waiting",
    )
    story.answer("a")
    story.expect(
        "09:22 dingtalk @Li: ANSWERED by Zhao: Network",
        "09:22 dingtalk @Li: RESOLVED: Network (a caller waits)",
        "09:22 dingtalk @Wang: RESOLVED: Network (a caller waits)",
    )


def test_one_caller_waits_while_others_are_served_and_gives_up(story: Story) -> None:
    story.call("a")
    for name in "bcde":
        story.advance("4m")
        story.answered_call(name)
    story.expect("09:15 dingtalk @Li: WAITING 15 min: Network, one caller")
    story.leave("a")
    (page,) = story.expect("09:18 dingtalk @Li: RESOLVED: Network (a caller waits)")
    assert "the caller waits no more" in page.text
    assert "see whether to call back" in page.text


def test_a_short_abandon_never_was_there(story: Story) -> None:
    story.call("a")
    story.advance("4s")
    story.leave("a")
    story.advance("1h")
    story.expect_silence()
    story.call("b")
    story.advance("6s")
    story.leave("b")
    story.advance("15m")
    story.expect(
        "10:10:04 dingtalk @Li: WARNING, UNANSWERED 10 min: Network",
        "10:15:04 dingtalk @Li: UNANSWERED 15 min: Network",
    )


def test_a_test_number_counts_nowhere(story: Story) -> None:
    story.missed_call("a", number="13899999999")
    story.advance("1h")
    story.expect_silence()


def test_a_test_number_that_waited_too_long_is_taken_out(story: Story) -> None:
    story.call("a", number="13899999999")
    story.advance("11m")
    story.expect("09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network, 1 waiting")
    story.leave("a")
    (page,) = story.expect("09:11 dingtalk @Li: RESOLVED: Network (unanswered)")
    assert "its calls count nowhere" in page.text
    assert "Nothing is left to do" in page.text


@pytest.mark.parametrize("restart_before", [None, 6])
def test_a_test_number_that_is_answered_ends_no_alert(
    story_of: Tell, restart_before: int | None
) -> None:
    story = story_of(restart_before=restart_before)
    story.missed_call("a")
    story.advance("14m30s")
    story.expect(
        "09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network",
        "09:15 dingtalk @Li: UNANSWERED 15 min: Network",
    )
    story.answered_call("b", number="13899999999")
    story.advance("4m30s")
    (page,) = story.expect("09:20 dingtalk @Wang: UNANSWERED 20 min: Network")
    assert "Last answer" not in page.text
    story.answered_call("c")
    story.expect(
        "09:20:10 dingtalk @Li: ANSWERED by Zhao: Network",
        "09:20:10 dingtalk @Wang: ANSWERED by Zhao: Network",
    )


def test_a_test_number_that_waited_first_leaves_the_alert_to_the_others(story: Story) -> None:
    story.call("a", number="13899999999")
    story.advance("5m")
    story.missed_call("b")
    story.advance("11m30s")
    story.expect(
        "09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network, 1 waiting",
        "09:15 dingtalk @Li: UNANSWERED 15 min: Network, 1 waiting",
    )
    story.leave("a")
    story.expect(
        "09:17 dingtalk @Li: RESOLVED: Network (unanswered)",
        "09:17 dingtalk @Li: WARNING, UNANSWERED 12 min: Network",
    )
    story.advance("3m")
    (page,) = story.expect("09:20 dingtalk @Li: UNANSWERED 15 min: Network")
    assert "since 09:05" in page.text


def test_overflow_that_is_answered_elsewhere(story: Story) -> None:
    story.call("a")
    story.advance("30s")
    story.overflow("a", "server")
    story.advance("10s")
    story.answer("a", "102")
    story.advance("1h")
    story.expect_silence()


def test_overflow_that_nobody_answers_is_unanswered_on_both_lines(story: Story) -> None:
    story.call("a")
    story.advance("1m")
    story.overflow("a", "server")
    story.advance("1m")
    story.miss("a")
    story.advance("14m")
    story.expect(
        "09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network",
        "09:11 dingtalk @Li: WARNING, UNANSWERED 10 min: Server",
        "09:15 dingtalk @Li: UNANSWERED 15 min: Network",
        "09:16 dingtalk @Li: UNANSWERED 15 min: Server",
    )


def test_called_back_and_answered_is_reached(story: Story) -> None:
    story.missed_call("a", number="13811112222")
    story.advance("15m")
    story.expect(
        "09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network",
        "09:15 dingtalk @Li: UNANSWERED 15 min: Network",
    )
    story.call_back("13811112222", talk="9s")  # may have been a voicemail
    story.expect_silence()
    story.call_back("13811112222", talk="10s")
    (page,) = story.expect("09:15:49 dingtalk @Li: RESOLVED: Network (unanswered)")
    assert "all who were missed were reached" in page.text
    assert "Nothing is left to do" in page.text


def test_of_two_who_were_missed_both_have_to_be_reached(story: Story) -> None:
    story.missed_call("a", number="13811112222")
    story.missed_call("b", number="13811113333")
    story.advance("12m")
    story.expect("09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network")
    story.call_back("13811112222", talk="20s")
    story.expect_silence()
    story.call_back("13811113333", talk="20s")
    story.expect("09:13:30 dingtalk @Li: RESOLVED: Network (unanswered)")


def test_who_called_again_and_was_answered_is_reached(story: Story) -> None:
    story.missed_call("a", number="13811112222")
    story.advance("5m")
    story.answered_call("b", "server", number="13811112222")
    story.advance("1h")
    story.expect_silence()


def test_an_anonymous_caller_cannot_be_reached(story: Story) -> None:
    story.missed_call("a", number=None)
    story.advance("15m")
    _, page = story.expect(
        "09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network",
        "09:15 dingtalk @Li: UNANSWERED 15 min: Network",
    )
    assert "anonymous" in page.text


def test_missed_close_ends_it(story: Story) -> None:
    story.call("a", number="13811112222")
    uniqueid = story.uniqueid("a")
    story.advance("1m")
    story.miss("a")
    story.advance("15m")
    story.expect(
        "09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network",
        "09:15 dingtalk @Li: UNANSWERED 15 min: Network",
    )
    story.missed_close(uniqueid, "Qian", "wrote a mail")
    story.expect("09:16 dingtalk @Li: RESOLVED: Network (unanswered)")
    story.advance("1h")
    story.expect_silence()


@pytest.mark.parametrize("restart_before", [None, 4])
def test_resolved_by_a_person_and_opened_by_the_next_caller(
    story_of: Tell, restart_before: int | None
) -> None:
    story = story_of(restart_before=restart_before)
    story.call("a")
    story.advance("16m")
    story.expect(
        "09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network, 1 waiting",
        "09:15 dingtalk @Li: UNANSWERED 15 min: Network, 1 waiting",
    )
    story.resolve("Wang", "talked to them by mobile")
    (page,) = story.expect("09:16 dingtalk @Li: RESOLVED: Network (unanswered)")
    assert 'Wang ended it: "talked to them by mobile"' in page.text
    story.leave("a")
    story.advance("2h")
    story.expect_silence()
    story.missed_call("b")
    story.advance("15m")
    story.expect(
        "11:26 dingtalk @Li: WARNING, UNANSWERED 10 min: Network",
        "11:31 dingtalk @Li: UNANSWERED 15 min: Network",
    )


def test_two_lines_are_two_alerts(story: Story) -> None:
    story.call("a", "network")
    story.call("b", "server")
    story.advance("15m")
    story.expect(
        "09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network, 1 waiting",
        "09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Server, 1 waiting",
        "09:15 dingtalk @Li: UNANSWERED 15 min: Network, 1 waiting",
        "09:15 dingtalk @Li: UNANSWERED 15 min: Server, 1 waiting",
    )
    story.answer("a")
    story.expect("09:15 dingtalk @Li: ANSWERED by Zhao: Network")
    story.advance("5m")
    story.expect("09:20 dingtalk @Wang: UNANSWERED 20 min: Server, 1 waiting")
    story.ack("Wang", story.alert(line="server"))
    story.expect("09:20 dingtalk @Li: TAKEN by Wang: Server, unanswered")


def test_a_line_of_its_own_people(story_of: Tell) -> None:
    roster = (
        texts.PEOPLE
        + """
[[shift]]
role = "first_line"
people = ["li"]
lines = ["network"]

[[shift]]
role = "first_line"
people = ["zhou"]
lines = ["server"]
"""
    )
    story = story_of(roster=roster)
    story.missed_call("a", "network")
    story.missed_call("b", "server")
    story.advance("15m")
    story.expect(
        "09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network",
        "09:10:30 feishu @Zhou: WARNING, UNANSWERED 10 min: Server",
        "09:15 dingtalk @Li: UNANSWERED 15 min: Network",
        "09:15:30 feishu @Zhou: UNANSWERED 15 min: Server",
    )
