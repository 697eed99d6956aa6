"""Who is paged, who takes care, and what people keep quiet."""

import pytest
from structlog.testing import capture_logs

from ctid.domain.alerts import Kind
from tests.integration.stories import texts
from tests.integration.stories.conftest import Tell
from tests.integration.stories.story import Story

WARNED = "09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network"
FIRED = "09:15 dingtalk @Li: UNANSWERED 15 min: Network"


def first_line(id_: str, more: str = "") -> str:
    return f'[[shift]]\nrole = "first_line"\npeople = ["{id_}"]\n{more}\n'


def test_the_roster_is_changed_in_the_midst_of_an_alert(story: Story) -> None:
    story.missed_call("a")
    story.advance("14m30s")
    story.expect(WARNED, FIRED)
    lead = '[[shift]]\nrole = "duty_lead"\npeople = ["zhou"]\n'
    story.roster(texts.PEOPLE + first_line("li") + lead)
    story.advance("5m")
    story.expect("09:20 feishu @Zhou: UNANSWERED 20 min: Network")
    story.answered_call("b")
    story.expect(
        "09:20:10 dingtalk @Li: ANSWERED by Zhao: Network",
        "09:20:10 feishu @Zhou: ANSWERED by Zhao: Network",
    )


def test_a_roster_that_cannot_be_read_changes_nothing(story: Story) -> None:
    story.missed_call("a")
    story.roster('[[shift]]\nrole = "first_line"\npeople = ["nobody"]\n')
    story.advance("14m30s")
    story.expect(WARNED, FIRED)


def test_somebody_stands_in(story_of: Tell) -> None:
    absence = (
        '[[substitution]]\nabsent = "li"\nby = "zhou"\nfrom = 2026-06-01\nuntil = 2026-06-01\n'
    )
    story = story_of(roster=texts.PEOPLE + first_line("li") + absence)
    story.missed_call("a")
    story.advance("14m30s")
    story.expect(
        "09:10 feishu @Zhou: WARNING, UNANSWERED 10 min: Network",
        "09:15 feishu @Zhou: UNANSWERED 15 min: Network",
    )
    story.ack("Zhou")
    story.until("2026-06-02 09:00")
    story.answered_call("b")
    story.expect("Tue 09:00:10 feishu @Zhou: ANSWERED by Zhao: Network")
    story.missed_call("c")
    story.advance("10m")
    story.expect("Tue 09:10:30 dingtalk @Li: WARNING, UNANSWERED 10 min: Network")


def test_two_of_one_name_are_two(story_of: Tell) -> None:
    people = texts.PEOPLE.replace('name = "Wang"', 'name = "Li"')
    both = '[[shift]]\nrole = "first_line"\npeople = ["li", "wang"]\n'
    story = story_of(roster=people + both)
    story.missed_call("a")
    story.advance("14m30s")
    story.expect(
        *(f"09:10 dingtalk @{who}: WARNING, UNANSWERED 10 min: Network" for who in ("Li", "Wang")),
        *(f"09:15 dingtalk @{who}: UNANSWERED 15 min: Network" for who in ("Li", "Wang")),
    )
    story.ack("Li (li)")
    story.expect("09:15 dingtalk @Wang: TAKEN by Li (li): Network, unanswered")


def test_two_exchange_their_shifts_of_a_day(story_of: Tell) -> None:
    shifts = first_line("li", 'hours = ["08:00-20:00"]') + first_line(
        "zhou", 'hours = ["20:00-08:00"]'
    )
    absence = '[[substitution]]\nabsent = "{}"\nby = "{}"\nfrom = 2026-06-01\nuntil = 2026-06-01\n'
    story = story_of(
        roster=texts.PEOPLE + shifts + absence.format("li", "zhou") + absence.format("zhou", "li")
    )
    story.missed_call("a")
    story.advance("10m")
    story.expect("09:10 feishu @Zhou: WARNING, UNANSWERED 10 min: Network")
    story.until("2026-06-01 09:14")
    story.answered_call("b")
    story.take()
    story.until("2026-06-02 07:00")  # the night of the first
    story.missed_call("c")
    story.advance("10m")
    story.expect("Tue 07:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network")


def test_a_shift_that_changes_between_warning_and_page(story_of: Tell) -> None:
    early = first_line("li", 'hours = ["00:00-09:12"]')
    late = first_line("zhou", 'hours = ["09:12-24:00"]')
    story = story_of(roster=texts.PEOPLE + early + late)
    story.missed_call("a")
    story.advance("15m")
    story.expect(WARNED, "09:15 feishu @Zhou: UNANSWERED 15 min: Network")
    story.answered_call("b")
    told = "ANSWERED by Zhao: Network"
    story.expect(f"09:15:40 dingtalk @Li: {told}", f"09:15:40 feishu @Zhou: {told}")


def test_an_empty_step_is_not_waited_for(story_of: Tell) -> None:
    story = story_of(roster=texts.PEOPLE + texts.LEAD + texts.MANAGER)
    story.missed_call("a")
    story.advance("29m")
    told = [line for line in story.take() if "NOBODY ON DUTY" not in line]
    assert told == [
        "09:10 dingtalk @Wang: WARNING, UNANSWERED 10 min: Network",
        "09:15 dingtalk @Wang: UNANSWERED 15 min: Network",
    ]
    story.advance("30s")
    story.expect("09:30 wecom @Chen: UNANSWERED 30 min: Network")


def test_without_anybody_the_channels_that_hear_of_all_are_told(story_of: Tell) -> None:
    alert = 'channels = ["ops"]\nroster_ahead_hours = 0'
    elsewhere = first_line("li", 'lines = ["server"]')
    story = story_of(alert=alert, roster=texts.PEOPLE + elsewhere)
    story.missed_call("a")
    story.advance("31m")
    story.expect(
        "09:10 ops @ops: WARNING, UNANSWERED 10 min: Network",
        "09:15 ops @ops: UNANSWERED 15 min: Network",
        "09:30 ops @ops: STILL UNANSWERED 30 min: Network",
    )


def test_that_nobody_is_paged_is_said_with_why(story_of: Tell) -> None:
    story = story_of(roster=texts.PEOPLE)

    def said_of_unanswered() -> str:
        story.missed_call("a")
        with capture_logs() as logs:
            story.advance("15m")
        number = story.alert(Kind.UNANSWERED)
        told = {e["event"]: e for e in logs if e.get("alert") == number}
        assert told["alert_paged_nobody"]["log_level"] == "warning"
        assert "alert_paged" not in told
        story.answered_call("b")
        return str(told["alert_paged_nobody"]["why"])

    assert said_of_unanswered() == "there is nobody on a roster, and [alert] channels names none"
    # the roster and the configuration in force count
    story.roster(texts.PEOPLE + texts.MANAGER)
    step = "[[escalation]]\nafter_minutes = 0\nto = ['first_line']\n\n[roster]"
    story.reload("[roster]", step)
    assert said_of_unanswered().startswith("nobody is on duty as first_line, ")
    story.expect_silence()


def test_steps_of_an_operator(story_of: Tell) -> None:
    steps = """
[[escalation]]
after_minutes = 0
to = ["first_line", "duty_lead"]

[[escalation]]
after_minutes = 2
to = ["everyone"]
"""
    story = story_of(more=steps, alert="repeat_minutes = 10")
    story.missed_call("a")
    story.advance("16m30s")
    everyone = ("dingtalk @Li", "dingtalk @Wang", "wecom @Chen")
    story.expect(
        WARNED,
        "09:10 dingtalk @Wang: WARNING, UNANSWERED 10 min: Network",
        FIRED,
        "09:15 dingtalk @Wang: UNANSWERED 15 min: Network",
        *(f"09:17 {whom}: UNANSWERED 17 min: Network" for whom in everyone),
    )
    story.advance("10m")
    story.expect(*(f"09:27 {whom}: STILL UNANSWERED 27 min: Network" for whom in everyone))


STEPS = """
[[escalation]]
after_minutes = 0
to = ["first_line"]

[[escalation]]
after_minutes = 5
to = ["duty_lead"]
"""


def test_of_whom_nobody_was_there_the_steps_begin_when_somebody_comes(story_of: Tell) -> None:
    hours = 'hours = ["09:30-18:00"]\n'
    story = story_of(
        roster=texts.PEOPLE + first_line("li", hours) + texts.LEAD.rstrip() + "\n" + hours,
        more=STEPS,
        alert='channels = ["ops"]\nroster_ahead_hours = 0',
    )
    story.missed_call("a")
    story.advance("29m")
    story.expect(
        "09:10 ops @ops: WARNING, UNANSWERED 10 min: Network",
        "09:15 ops @ops: UNANSWERED 15 min: Network",
    )
    story.advance("2m")
    (told,) = story.take()
    assert told.endswith(" dingtalk @Li: UNANSWERED 30 min: Network")
    story.advance("5m")
    (told,) = story.take()
    assert told.endswith(" dingtalk @Wang: UNANSWERED 35 min: Network")


def test_a_roster_that_is_mended_in_the_midst_of_an_alert_is_asked_from_its_begin(
    story_of: Tell,
) -> None:
    story = story_of(roster="nonsense", more=STEPS)
    story.missed_call("a")
    story.advance("17m")
    story.expect_silence()
    story.roster(texts.ROSTER)
    story.advance("30s")
    story.expect("09:18 dingtalk @Li: UNANSWERED 18 min: Network")
    story.ack("Li")
    story.advance("10m")
    story.expect_silence()


def test_each_reads_their_own_language(story_of: Tell) -> None:
    people = texts.PEOPLE.replace('name = "Li"\n', 'name = "Li"\nlanguage = "zh"\n')
    story = story_of(roster=people + first_line("li") + texts.LEAD)
    story.missed_call("a")
    story.advance("19m30s")
    told = story.expect(
        "09:10 dingtalk @Li: 预警：无人接听 10 分钟：Network",
        "09:15 dingtalk @Li: 无人接听 15 分钟：Network",
        "09:20 dingtalk @Wang: UNANSWERED 20 min: Network",
    )
    assert "问题" in told[1].text


@pytest.mark.parametrize("restart_before", [None, 4, 5, 6])
def test_a_silence_keeps_quiet_until_its_end(story_of: Tell, restart_before: int | None) -> None:
    story = story_of(restart_before=restart_before)
    story.silence("Wang", "the switch is exchanged", "1h", lines=["network"])
    story.missed_call("a")
    story.advance("44m30s")
    story.expect_silence()
    assert story.states() == ["unanswered firing silenced"]
    story.advance("20m")
    # its steps were held up, too
    story.expect(
        "10:00 dingtalk @Li: UNANSWERED 1 h: Network",
        "10:05 dingtalk @Wang: UNANSWERED 1 h 5 min: Network",
    )


def test_a_silence_that_somebody_ends(story: Story) -> None:
    number = story.silence("Wang", "maintenance", "4h")
    story.missed_call("a")
    story.advance("29m30s")
    story.unsilence(number, "Wang")
    story.advance("1s")
    story.expect("09:30 dingtalk @Li: UNANSWERED 30 min: Network")


def test_an_alert_that_came_and_went_in_a_silence(story: Story) -> None:
    story.silence("Wang", "maintenance", "1h")
    story.missed_call("a")
    story.advance("20m")
    story.answered_call("b")
    story.advance("2h")
    story.expect_silence()


def test_a_silence_that_is_planned(story: Story) -> None:
    story.silence("Wang", "maintenance", "1h", after="12m")
    story.missed_call("a")
    story.advance("30m")
    story.expect(WARNED)
    story.answered_call("b")
    story.expect("09:30:40 dingtalk @Li: ANSWERED by Zhao: Network")


def test_maintenance_of_the_pbx_silences_blindness_alone(story: Story) -> None:
    story.silence("Wang", "update of Asterisk", "30m", kinds=[Kind.BLIND])
    story.missed_call("a")
    story.lose_sight()
    story.advance("14m30s")
    told = story.expect(
        "09:10 dingtalk @Li: WARNING, NO ANSWER SEEN 10 min: Network",
        "09:15 dingtalk @Li: NO ANSWER SEEN 15 min: Network",
    )
    assert all("nobody has answered" not in page.text for page in told)
    story.ack("Li", story.alert(Kind.UNANSWERED))
    story.advance("15m")
    blind = "30 min: {}, PBX not seen"
    story.expect(
        f"09:30 dingtalk @Li: BLIND {blind.format('Network')}".replace("30 min", "29 min"),
        f"09:30 dingtalk @Li: BLIND {blind.format('Server')}".replace("30 min", "29 min"),
    )


def test_an_incident_is_escalated_and_resolved_by_a_person(story: Story) -> None:
    story.incident("mail is down", "Qian", "network")
    (page,) = story.expect("09:00 dingtalk @Li: INCIDENT: mail is down, Network")
    assert "opened by Qian" in page.text
    story.advance("5m")
    story.expect("09:05 dingtalk @Wang: INCIDENT: mail is down, Network")
    story.resolve("Wang", "restarted")
    told = story.expect(
        "09:05 dingtalk @Li: RESOLVED: Network (mail is down)",
        "09:05 dingtalk @Wang: RESOLVED: Network (mail is down)",
    )
    assert all('"restarted"' in page.text for page in told)


def test_a_test_walks_the_chain_and_is_marked(story: Story) -> None:
    story.test("network", "Wang")
    story.advance("1m")
    story.expect(
        "09:00 dingtalk @Li: [TEST] nothing is wrong: Network",
        "09:01 dingtalk @Wang: [TEST] nothing is wrong: Network",
    )
    story.ack("Li")
    story.expect("09:01 dingtalk @Wang: [TEST] taken by Li: Network")
    story.advance("9m")
    story.expect(
        "09:10 dingtalk @Li: [TEST] over: Network", "09:10 dingtalk @Wang: [TEST] over: Network"
    )


@pytest.mark.parametrize("restart_before", [None, 5, 6])
def test_a_number_that_is_forgotten_need_not_be_called_back(
    story_of: Tell, restart_before: int | None
) -> None:
    story = story_of(restart_before=restart_before)
    story.missed_call("a", number="13811112222")
    story.advance("11m")
    story.expect("09:10 dingtalk @Li: WARNING, UNANSWERED 10 min: Network")
    story.forget("13811112222")
    story.expect("09:11:30 dingtalk @Li: RESOLVED: Network (unanswered)")
    story.advance("1h")
    story.expect_silence()
