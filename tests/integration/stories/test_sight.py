"""Times in which ctid did not see the PBX, or did not run; and other configurations."""

import pytest

from ctid.domain.presence import PhoneState, Seat
from ctid.domain.records import GapCause
from tests.integration.stories import texts
from tests.integration.stories.conftest import Tell
from tests.integration.stories.story import Story

WARNED = "09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network"
FIRED = "09:15 dingtalk @Li: UNANSWERED 15 min: Network"
LINE = texts.LINES.partition("\n\n")[0] + "\n"


def test_what_became_due_while_it_was_down_is_paged_and_says_so(story_of: Tell) -> None:
    story = story_of(lines=LINE)
    story.missed_call("a")
    story.advance("5m30s")
    story.kill()
    story.advance("14m")
    story.start()
    (page,) = story.expect("09:20 dingtalk @Li: NO ANSWER SEEN 20 min: Network")
    assert "ctid itself was down from 09:06 to 09:20" in page.text
    assert "whether somebody answered then is not known" in page.text
    assert "This page was due at 09:15" in page.text
    assert "nobody has answered" not in page.text
    story.advance("5m")
    # five minutes after the first page could go out
    story.expect("09:25 dingtalk @Wang: NO ANSWER SEEN 25 min: Network")


def test_steps_that_became_due_while_it_was_down_are_taken_at_once(story_of: Tell) -> None:
    story = story_of(lines=LINE)
    story.missed_call("a")
    story.advance("15m30s")
    story.expect(
        "09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network",
        "09:15 dingtalk @Li: UNANSWERED 15 min: Network",
    )
    story.kill()
    story.advance("15m")
    story.start()
    lead, manager = sorted(
        story.expect(
            "09:31 dingtalk @Wang: NO ANSWER SEEN 31 min: Network",
            "09:31 wecom @Chen: NO ANSWER SEEN 31 min: Network",
        ),
        key=lambda page: page.channel,
    )
    assert "This page was due at 09:20" in lead.text
    assert "This page was due at 09:30" in manager.text
    story.advance("14m")
    # and the next ones at their own times, as if it had never been down
    story.expect(
        *(
            f"09:45 {whom}: NO ANSWER SEEN 45 min: Network"
            for whom in ("dingtalk @Li", "dingtalk @Wang", "wecom @Chen")
        )
    )


def test_answered_while_it_was_down(story: Story) -> None:
    story.call("a")
    story.advance("5m")
    story.kill()
    story.answer("a")
    story.advance("14m")
    story.start()
    told = story.expect(
        "09:19 dingtalk @Li: BLIND 14 min: Network, ctid did not run",
        "09:19 dingtalk @Li: BLIND 14 min: Server, ctid did not run",
    )
    assert all("answered then is not known" in page.text for page in told)
    story.advance("1h")
    story.expect_silence()


def test_who_called_while_it_was_down_and_still_waits(story: Story) -> None:
    story.advance("5m")
    story.kill()
    story.call("a")
    story.advance("1m")
    story.start()
    story.advance("14m")
    story.expect(
        "09:15 dingtalk @Li: WARNING, NO ANSWER SEEN 10 min: Network, 1 waiting",
        "09:20 dingtalk @Li: NO ANSWER SEEN 15 min: Network, 1 waiting",
    )
    story.answer("a")
    story.expect("09:20 dingtalk @Li: ANSWERED by Zhao: Network")


def test_a_call_that_began_unseen_and_is_answered_closes_the_clock(story: Story) -> None:
    story.missed_call("a")
    story.advance("5m")
    story.kill()
    story.call("b")
    story.start()
    story.answer("b")
    story.advance("1h")
    story.expect_silence()


def test_a_restart_of_a_minute_is_named_and_nothing_is_claimed(story: Story) -> None:
    story.missed_call("a")
    story.advance("5m30s")
    story.kill()
    story.advance("1m")
    story.start()
    story.advance("8m")
    told = story.expect(
        "09:10 dingtalk @Li: WARNING, NO ANSWER SEEN 10 min: Network",
        "09:15 dingtalk @Li: NO ANSWER SEEN 15 min: Network",
    )
    for page in told:
        assert "between 09:06 and 09:07 ctid did not run" in page.text
        assert "nobody has answered" not in page.text


def test_blind_for_two_minutes(story_of: Tell) -> None:
    story = story_of(lines=LINE)
    story.lose_sight(GapCause.PING_TIMEOUT)
    story.advance("119s")
    story.expect_silence()
    story.advance("1s")
    (page,) = story.expect("09:02 dingtalk @Li: BLIND 2 min: Network, PBX not seen")
    assert "main since 09:00 (the PBX did not answer)" in page.text
    assert "Whether calls on Network are answered is not known" in page.text
    story.advance("1m")
    story.see()
    story.expect("09:03 dingtalk @Li: RESOLVED: Network (PBX out of sight)")


def test_blind_out_of_hours_pages_in_the_morning(story_of: Tell) -> None:
    lines = LINE + 'duty = ["mon-fri 08:00-16:00"]\n'
    story = story_of(lines=lines, begin="2026-06-01 15:59")
    story.lose_sight()
    story.until("2026-06-02 08:00")
    story.expect_silence()
    story.until("2026-06-02 08:01")
    story.expect("Tue 08:01 dingtalk @Li: BLIND 16 h 2 min: Network, PBX not seen")


def test_a_blind_time_is_named(story_of: Tell) -> None:
    story = story_of(lines=LINE)
    story.missed_call("a")
    story.advance("1m30s")
    story.lose_sight()
    story.advance("1m")
    story.see()
    story.advance("12m")
    told = story.expect(
        "09:10 dingtalk @Li: WARNING, NO ANSWER SEEN 10 min: Network",
        "09:15 dingtalk @Li: NO ANSWER SEEN 15 min: Network",
    )
    for page in told:
        assert "between 09:02 and 09:03 ctid did not see PBX main (connection lost)" in page.text
        assert "nobody has answered" not in page.text
    story.answered_call("b")
    story.expect("09:15:10 dingtalk @Li: ANSWERED by Zhao: Network")


def test_who_left_unseen_is_told_as_not_known(story_of: Tell) -> None:
    story = story_of(lines=LINE)
    story.call("a")
    story.advance("1m")
    story.lose_sight()
    story.leave("a")
    story.advance("1m")
    story.see()
    story.advance("13m")
    *_, page = story.expect(
        "09:10 dingtalk @Li: WARNING, NO ANSWER SEEN 10 min: Network",
        "09:15 dingtalk @Li: NO ANSWER SEEN 15 min: Network",
    )
    assert "of 1 caller it is not known how the call ended" in page.text


@pytest.mark.parametrize(
    ("phone", "paused", "told"),
    [
        (PhoneState.UNREGISTERED, False, "no phone is registered: Zhao"),
        (PhoneState.IDLE, True, "all agents are paused: Zhao"),
        (PhoneState.TALKING, False, "all agents are on other calls: Zhao"),
    ],
)
def test_what_to_do_first(story: Story, phone: PhoneState, paused: bool, told: str) -> None:
    story.seats["network"] = (Seat("PJSIP/101", "Zhao", phone, paused),)
    story.missed_call("a")
    story.advance("14m30s")
    *_, page = story.expect(WARNED, FIRED)
    assert f"Do first: {told}" in page.text


def test_another_limit_while_the_clock_runs(story_of: Tell) -> None:
    story = story_of(lines=LINE)
    story.missed_call("a")
    story.advance("5m30s")
    story.reload('title = "Network"', 'title = "Network"\nwarning_minutes = 3\nlimit_minutes = 7')
    story.advance("1m")
    story.expect(
        "09:06 dingtalk @Li: WARNING, UNANSWERED 6 min: Network",
        "09:07 dingtalk @Li: UNANSWERED 7 min: Network",
    )


def test_a_longer_limit_takes_the_warning_back(story_of: Tell) -> None:
    story = story_of(lines=LINE)
    story.missed_call("a")
    story.advance("11m")
    story.expect(WARNED)
    story.reload('title = "Network"', 'title = "Network"\nwarning_minutes = 20\nlimit_minutes = 30')
    story.expect("09:11:30 dingtalk @Li: RESOLVED: Network (unanswered)")
    story.advance("9m")
    story.expect("09:20 dingtalk @Li: WARNING, UNANSWERED 20 min: Network")


def test_a_line_that_is_taken_out(story: Story) -> None:
    story.missed_call("a", "server")
    story.advance("14m30s")
    story.expect(
        "09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Server",
        "09:15 dingtalk @Li: UNANSWERED 15 min: Server",
    )
    story.reload(texts.LINES, LINE)
    (page,) = story.expect("09:15 dingtalk @Li: RESOLVED: server (unanswered)")
    assert "the line was removed" in page.text
    story.advance("1h")
    story.expect_silence()


def test_a_limit_shorter_than_the_warning_is_kept(story_of: Tell) -> None:
    story = story_of(lines=LINE + "limit_minutes = 3\n")
    story.call("a")
    story.advance("11m")
    story.expect(
        "09:03 dingtalk @Li: UNANSWERED 3 min: Network, 1 waiting",
        "09:08 dingtalk @Wang: UNANSWERED 8 min: Network, 1 waiting",
    )


def test_a_limit_that_becomes_shorter_than_the_warning_that_was_given(story_of: Tell) -> None:
    story = story_of(lines=LINE + "warning_minutes = 2\nlimit_minutes = 20\n")
    story.missed_call("a")
    story.advance("4m30s")
    story.expect("09:02 dingtalk @Li: WARNING, UNANSWERED 2 min: Network")
    story.reload("warning_minutes = 2\nlimit_minutes = 20\n", "limit_minutes = 4\n")
    story.expect("09:05 dingtalk @Li: UNANSWERED 5 min: Network")


def test_who_waited_when_sight_was_lost_is_told_as_that(story_of: Tell) -> None:
    story = story_of(lines=LINE + "limit_minutes = 20\n", alert="blind_minutes = 60\n")
    story.call("a")
    story.advance("1m")
    story.answered_call("b")
    story.advance("4m10s")
    story.lose_sight()
    story.advance("9m20s")
    warned, page = story.expect(
        "09:11:10 dingtalk @Li: WARNING, NO ANSWER SEEN 10 min: Network",
        "09:15 dingtalk @Li: MAY BE WAITING 15 min: Network, one caller",
    )
    assert "Affected: 1 caller waited when sight was lost: 138" in warned.text
    assert "called Network at 09:00 and still waited at 09:05, when sight was lost" in page.text
    assert "since 09:05 ctid does not see PBX main (connection lost)" in page.text
    assert "has waited" not in page.text
    story.see()
    story.answer("a")
    story.expect(
        "09:15 dingtalk @Li: RESOLVED: Network (a caller waits)",
        "09:15 dingtalk @Li: ANSWERED by Zhao: Network",
    )


def test_who_still_waits_after_a_gap_does_so(story_of: Tell) -> None:
    story = story_of(lines=LINE + "limit_minutes = 20\nwarning_minutes = 19\n")
    story.call("a")
    story.advance("1m")
    story.answered_call("b")
    story.lose_sight()
    story.advance("1m")
    story.see()
    story.advance("12m30s")
    (page,) = story.expect("09:15 dingtalk @Li: WAITING 15 min: Network, one caller")
    assert "has waited on Network since 09:00, for 15 min" in page.text
    assert "between 09:01 and 09:02 ctid did not see PBX main" in page.text


def test_a_line_has_limits_of_its_own_for_waits_and_sight(story_of: Tell) -> None:
    own = "longest_wait_minutes = 5\nblind_minutes = 1\n"
    story = story_of(lines=texts.LINES.replace('dids = ["8001"]\n', f'dids = ["8001"]\n{own}'))
    story.call("a")
    story.advance("30s")
    story.answered_call("b")
    story.advance("4m")
    story.expect("09:05 dingtalk @Li: WAITING 5 min: Network, one caller")
    story.answer("a")
    story.take()
    story.lose_sight()
    story.advance("90s")
    story.expect("09:06 dingtalk @Li: BLIND 1 min: Network, PBX not seen")
    story.advance("30s")
    story.expect("09:07 dingtalk @Li: BLIND 2 min: Server, PBX not seen")


def test_so_has_a_shift(story_of: Tell) -> None:
    strict = '{ hours = "09:00-10:00", longest_wait_minutes = 5, blind_minutes = 1 }'
    story = story_of(lines=LINE + f'duty = [{strict}, "10:00-11:00"]\n')
    story.call("a")
    story.advance("30s")
    story.answered_call("b")
    story.advance("4m")
    story.expect("09:05 dingtalk @Li: WAITING 5 min: Network, one caller")
    story.answer("a")
    story.take()
    story.lose_sight()
    story.advance("1m")
    story.expect("09:06 dingtalk @Li: BLIND 1 min: Network, PBX not seen")
    story.see()
    story.take()
    story.until("2026-06-01 10:10")
    story.kill()
    story.until("2026-06-01 10:11:30")
    story.start()
    story.expect_silence()
