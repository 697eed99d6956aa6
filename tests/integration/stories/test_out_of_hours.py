"""Who is told out of a line's duty hours, and who only when they begin again."""

import pytest

from tests.integration.stories import texts
from tests.integration.stories.conftest import Tell

LINE = texts.LINES.partition("\n\n")[0] + "\n"
OFFICE = LINE + 'duty = ["mon-fri 08:00-17:00"]\n'
EVERYBODY = ("dingtalk @Li", "dingtalk @Wang", "wecom @Chen")


def test_steps_go_on_and_repeats_wait_for_the_morning(story_of: Tell) -> None:
    story = story_of(lines=OFFICE, begin="2026-06-01 16:44")
    story.missed_call("a")
    story.until("2026-06-02 07:59")
    story.expect(
        "16:54 dingtalk @Li: WARNING, UNANSWERED 10 min: Network",
        "16:59 dingtalk @Li: UNANSWERED 15 min: Network",
        "17:04 dingtalk @Wang: UNANSWERED 16 min: Network",
        "17:14 wecom @Chen: UNANSWERED 16 min: Network",
        *(f"17:29 {whom}: UNANSWERED 16 min: Network" for whom in EVERYBODY),
    )
    story.until("2026-06-02 08:00")
    story.expect(*(f"Tue 08:00 {whom}: STILL UNANSWERED 16 min: Network" for whom in EVERYBODY))
    story.until("2026-06-02 08:15")
    story.expect(*(f"Tue 08:15 {whom}: STILL UNANSWERED 31 min: Network" for whom in EVERYBODY))


def test_a_line_without_duty_hours_is_repeated_at_night(story_of: Tell) -> None:
    story = story_of(lines=LINE, begin="2026-06-01 22:44")
    story.missed_call("a")
    story.until("2026-06-01 23:29")
    story.take()
    story.until("2026-06-01 23:44")
    story.expect(*(f"23:44 {whom}: STILL UNANSWERED 1 h: Network" for whom in EVERYBODY))


def test_who_is_paged_the_first_time_is_not_kept_waiting(story_of: Tell) -> None:
    # nobody has any role when it fires: whoever comes is paged, at any hour
    story = story_of(lines=OFFICE, begin="2026-06-01 16:44", roster=texts.PEOPLE)
    story.reload("[roster]", '[[escalation]]\nafter_minutes = 0\nto = ["first_line"]\n\n[roster]')
    story.missed_call("a")
    story.until("2026-06-01 17:10")
    story.expect_silence()
    story.roster(texts.ROSTER)
    story.until("2026-06-01 17:14")
    story.expect("17:14 dingtalk @Li: UNANSWERED 16 min: Network")
    story.until("2026-06-02 07:59")
    story.expect_silence()


def test_an_incident_is_repeated_at_night(story_of: Tell) -> None:
    story = story_of(lines=OFFICE, begin="2026-06-01 22:00")
    story.incident("core switch is dead", "Li", "network")
    story.until("2026-06-01 22:30")
    story.take()
    story.until("2026-06-01 22:45")
    story.expect(
        *(f"22:45 {whom}: STILL INCIDENT: core switch is dead, Network" for whom in EVERYBODY)
    )


def test_a_low_rate_is_told_in_duty_hours(story_of: Tell) -> None:
    lines = LINE + 'duty = ["mon-fri 08:00-17:00", "mon 19:00-19:05"]\n'
    story = story_of(lines=lines, alert="answer_rate_calls = 3\n", begin="2026-06-01 17:30")
    for name in "abc":
        story.missed_call(name, number="13811112222")
    story.call_back("13811112222", talk="20s")
    story.advance("1m")
    story.expect_silence()
    assert story.states() == ["answer_rate firing"]
    story.until("2026-06-01 18:59")
    story.expect_silence()
    story.until("2026-06-01 19:00")
    story.expect("19:00 dingtalk @Li: LOW RATE 0 %: Network")
    story.until("2026-06-01 23:00")
    # the steps go on, counted from that page; repeats wait
    story.expect(
        "19:05 dingtalk @Wang: LOW RATE 0 %: Network",
        "19:15 wecom @Chen: LOW RATE 0 %: Network",
        *(f"19:30 {whom}: LOW RATE 0 %: Network" for whom in EVERYBODY),
    )


@pytest.mark.parametrize(
    ("more_duty", "told_at"),
    [('"mon-fri 05:00-06:00", ', "2026-06-02 05:00"), ("", "2026-06-01 17:31")],
)
def test_a_gap_of_the_roster_is_told_in_duty_hours_before_it(
    story_of: Tell, more_duty: str, told_at: str
) -> None:
    roster = texts.PEOPLE + texts.LEAD + texts.MANAGER
    hours = '["mon-fri 05:00-06:00", "mon 08:00-17:00"]'
    roster += f'[[shift]]\nrole = "first_line"\npeople = ["li"]\nhours = {hours}\n'
    lines = LINE + f'duty = [{more_duty}"mon-tue 08:00-17:00"]\n'
    story = story_of(lines=lines, roster=roster, begin="2026-06-01 17:30")
    story.advance("1m")
    assert story.states() == ["roster_gap firing"]
    if more_duty:
        story.until("2026-06-02 04:59")
        story.expect_silence()
    story.until(told_at)
    (told,) = story.take()
    assert "NOBODY ON DUTY" in told


def test_steps_that_are_due_together_are_one_page_to_each(story_of: Tell) -> None:
    story = story_of(lines=LINE)
    story.missed_call("a")
    story.advance("15m30s")
    story.take()
    story.kill()
    story.advance("1h")
    story.start()
    story.expect(*(f"10:16 {whom}: NO ANSWER SEEN 1 h 16 min: Network" for whom in EVERYBODY))
    story.advance("15m")
    story.expect(*(f"10:31 {whom}: STILL NO ANSWER SEEN 1 h 31 min: Network" for whom in EVERYBODY))
