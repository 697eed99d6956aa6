"""Stories of lines that nobody answers, and of who is told."""

from dataclasses import replace

import pytest

from ctid.domain.alerting import NoSuchAlertError
from ctid.domain.alerts import (
    AnswerRate,
    Blind,
    Ending,
    Incident,
    Kind,
    LongestWait,
    Recipient,
    Resolved,
    Route,
    Unanswered,
)
from ctid.domain.duty import Duty, parse_shift
from ctid.domain.escalation import Plan, Step
from ctid.domain.lines_known import NO_PAST, LineRules
from ctid.domain.records import Gap, GapCause, Outcome, Reason
from ctid.domain.roster import Role
from ctid.domain.watch import Observed
from ctid.store.spellings import Spellings
from tests.unit.domain.missed_calls import record
from tests.unit.domain.watching import BEGIN, HOUR, MINUTE, Story, person


def test_from_the_miss_to_the_answer() -> None:
    story = Story()
    story.missed_call("a")
    story.advance(9 * MINUTE)
    assert story.said() == []
    story.advance(0.5 * MINUTE)
    assert story.said() == ["warning Li"]
    story.advance(5 * MINUTE)
    assert story.said() == ["firing Li"]
    story.advance(5 * MINUTE)
    assert story.said() == ["firing Wang"]
    story.watch.alerting.acknowledge(story.alert(), story.now, "Wang")
    assert story.said() == ["acknowledged Li"]
    story.advance(HOUR)
    assert story.said() == []
    story.call("b")
    story.answer("b")
    assert story.said() == ["resolved Li", "resolved Wang"]
    assert story.watch.alerting.open_alerts() == []


def test_everyone_within_half_an_hour_and_again_until_acknowledged() -> None:
    story = Story()
    story.missed_call("a")
    story.advance(15 * MINUTE)
    story.said()
    story.advance(15 * MINUTE)
    assert story.said() == ["firing Wang", "firing Chen"]
    story.advance(15 * MINUTE)
    assert story.said() == ["firing Li", "firing Wang", "firing Chen"]
    story.advance(15 * MINUTE)
    assert story.said() == ["repeat Li", "repeat Wang", "repeat Chen"]


def test_the_page_is_due_at_the_limit() -> None:
    story = Story()
    story.call("a")
    story.advance(20 * MINUTE)
    fired = next(page for page in story.pages if page.event.value == "firing")
    assert (fired.due_at, fired.decided_at) == (BEGIN + 15 * MINUTE, BEGIN + 15 * MINUTE)
    assert isinstance(fired.alert.subject, Unanswered)
    assert [caller.since for caller in fired.alert.subject.waiting] == [BEGIN]
    assert fired.alert.subject.seconds == 15 * MINUTE


def test_an_answer_in_time_says_nothing() -> None:
    story = Story()
    story.missed_call("a")
    story.advance(9 * MINUTE)
    story.call("b")
    story.answer("b")
    story.advance(HOUR)
    assert story.said() == []


def test_an_answer_after_the_warning_takes_it_back() -> None:
    story = Story()
    story.missed_call("a")
    story.advance(11 * MINUTE)
    story.call("b")
    story.answer("b")
    assert story.said() == ["warning Li", "resolved Li"]


def test_who_still_waits_when_another_is_answered_opens_the_clock_anew() -> None:
    story = Story()
    story.call("a")
    story.advance(14 * MINUTE)
    story.call("b")
    story.answer("b")
    story.said()
    story.advance(9 * MINUTE)
    # 14 + 1 minutes: this caller waits too long, though others are served
    assert story.said() == ["firing Li", "firing Wang"]
    (alert,) = story.watch.alerting.open_alerts()
    assert isinstance(alert.subject, LongestWait)
    story.advance(6 * MINUTE)
    assert [a.kind for a in story.watch.alerting.open_alerts()] == [
        Kind.LONGEST_WAIT,
        Kind.UNANSWERED,
    ]


def test_an_empty_step_is_not_waited_for() -> None:
    story = Story()
    story.names.roles[Role.FIRST_LINE] = []
    story.missed_call("a")
    story.advance(15 * MINUTE)
    assert story.said() == ["warning Wang", "firing Wang"]
    story.advance(14 * MINUTE)
    assert story.said() == []
    story.advance(1 * MINUTE)
    assert story.said() == ["firing Chen"]


def test_with_nobody_at_all_the_channels_that_hear_of_all_are_told() -> None:
    told = (Recipient("ops", None, (Route("ops"),)),)
    story = Story(plan=Plan(told=told))
    story.names.roles.clear()
    story.missed_call("a")
    story.advance(16 * MINUTE)
    assert story.said() == ["warning ops", "firing ops"]
    story.advance(30 * MINUTE)
    assert story.said() == ["repeat ops", "repeat ops"]


def test_an_address_that_was_corrected_is_used_from_then_on() -> None:
    story = Story()
    story.missed_call("a")
    story.advance(16 * MINUTE)
    story.said()
    story.names.roles[Role.FIRST_LINE] = [person("Li", "mail")]
    story.watch.alerting.acknowledge(story.alert(), story.now, "Wang")
    (page,) = story.watch.drain().pages
    assert page.recipient.routes == (Route("mail"),)
    story.call("b")
    story.answer("b")
    assert [page.recipient.routes for page in story.pages[-1:]] == [(Route("mail"),)]


def test_where_nobody_was_there_the_steps_begin_anew_with_whoever_comes() -> None:
    story = Story()
    story.names.roles.clear()
    story.missed_call("a")
    story.advance(20 * MINUTE)
    assert story.said() == []
    story.names.roles[Role.DUTY_LEAD] = [person("Wang")]
    story.watch.alerting.seek(story.now)
    story.advance(0.0)
    assert story.said() == ["firing Wang"]
    story.names.roles[Role.PROJECT_MANAGER] = [person("Chen")]
    story.advance(15 * MINUTE)
    assert story.said() == ["firing Chen"]


def test_the_roster_of_the_moment_decides() -> None:
    story = Story()
    story.missed_call("a")
    story.advance(15 * MINUTE)
    story.said()
    story.names.roles[Role.DUTY_LEAD] = [person("Zhou")]
    story.advance(5 * MINUTE)
    assert story.said() == ["firing Zhou"]


def test_who_has_come_on_duty_since_hears_of_it_by_the_repeat() -> None:
    story = Story(plan=Plan((Step(0.0, (Role.FIRST_LINE,)),)))
    story.missed_call("a")
    story.advance(15 * MINUTE)
    assert story.said() == ["warning Li", "firing Li"]
    story.names.roles[Role.FIRST_LINE] = [person("Zhou")]
    story.advance(15 * MINUTE)
    # who went home is told on: nobody has said that it is not theirs any more
    assert story.said() == ["repeat Li", "repeat Zhou"]


def test_the_clock_stands_still_out_of_hours() -> None:
    story = Story(duty="mon-fri 08:00-16:00", begin=BEGIN + 15.9 * HOUR)
    story.missed_call("a")
    story.advance(15 * HOUR)
    assert story.said() == []
    story.advance(2 * HOUR)
    fired = [page for page in story.pages if page.event.value == "firing"]
    assert fired[0].decided_at == BEGIN + 32 * HOUR + 9 * MINUTE


def test_who_calls_out_of_hours_opens_no_clock() -> None:
    story = Story(duty="mon-fri 08:00-16:00")
    story.missed_call("a")
    story.advance(24 * HOUR)
    assert story.said() == []


def test_a_short_abandon_was_never_there() -> None:
    story = Story()
    story.call("a")
    story.advance(4)
    story.miss("a", reason=Reason.CALLER_HANGUP)
    story.advance(HOUR)
    assert story.said() == []


def test_excluded_at_the_end_takes_the_alert_back() -> None:
    story = Story()
    story.call("a")
    story.advance(16 * MINUTE)
    story.said()
    story.miss("a", outcome=Outcome.EXCLUDED, reason=Reason.TEST)
    assert story.said() == ["resolved Li"]


def test_two_lines_are_two_alerts() -> None:
    story = Story(lines=("network", "server"))
    story.call("a")
    story.call("b", "server")
    story.advance(15 * MINUTE)
    assert [alert.line for alert in story.watch.alerting.open_alerts()] == ["network", "server"]
    story.answer("a")
    assert [alert.line for alert in story.watch.alerting.open_alerts()] == ["server"]


def test_everybody_who_was_missed_was_reached() -> None:
    story = Story()
    story.missed_call("a")
    story.advance(16 * MINUTE)
    story.said()
    story.reach("a")
    resolved = story.told[-1].alerts[0].state
    assert story.said() == ["resolved Li"]
    assert isinstance(resolved, Resolved)
    assert resolved.ending is Ending.REACHED


def test_answered_on_another_line_is_reached() -> None:
    story = Story(lines=("network", "server"))
    story.call("a")
    story.advance(16 * MINUTE)
    story.said()
    first = story._calls["a"]._replace(outcome=Outcome.OVERFLOWED, ended_at=story.now)
    second = first._replace(
        ordinal=1,
        line="server",
        outcome=None,
        offered_at=story.now,
        answered_at=story.now + 3,
        ended_at=None,
        agent="Zhao",
    )
    story.advance(3)
    story.watch.receive([first, second], [], story.now)
    assert story.said() == ["resolved Li"]


def test_blind_for_two_minutes_pages_and_names_the_pbx() -> None:
    story = Story()
    story.gap(BEGIN, None)
    story.advance(119)
    assert story.said() == []
    story.advance(1)
    (page,) = [*story.pages]
    assert isinstance(page.alert.subject, Blind)
    assert page.alert.subject.pbxs[0].pbx == "main"
    story.said()
    story.gap(BEGIN, story.now)
    assert story.said() == ["resolved Li"]


def test_a_page_after_a_gap_names_the_gap() -> None:
    story = Story()
    story.missed_call("a")
    story.gap(BEGIN + 60, None)
    story.advance(60)
    story.gap(BEGIN + 60, BEGIN + 90)
    story.advance(15 * MINUTE)
    page = next(page for page in story.pages if page.event.value == "firing")
    assert isinstance(page.alert.subject, Unanswered)
    assert [(b.began_at, b.until) for b in page.alert.subject.blind] == [(BEGIN + 60, BEGIN + 90)]


def test_a_silence_keeps_quiet_until_its_end() -> None:
    story = Story()
    alerting = story.watch.alerting
    alerting.silences.add(["network"], [], BEGIN, BEGIN + HOUR, "Wang", "maintenance")
    story.missed_call("a")
    story.advance(50 * MINUTE)
    assert story.said() == []
    assert story.states() == ["Firing"]
    story.advance(10 * MINUTE)
    assert story.said() == ["firing Li"]


def test_a_silence_that_is_ended_early() -> None:
    story = Story()
    alerting = story.watch.alerting
    silence = alerting.silences.add(
        [], [Kind.UNANSWERED], BEGIN, BEGIN + HOUR, "Wang", "maintenance"
    )
    story.missed_call("a")
    story.advance(20 * MINUTE)
    alerting.unsilence(silence.number, story.now)
    story.advance(0)
    assert story.said() == ["firing Li"]
    with pytest.raises(NoSuchAlertError, match="no silence 1"):
        alerting.unsilence(silence.number, story.now)


def test_a_silence_that_is_taken_back_before_it_begins() -> None:
    story = Story()
    alerting = story.watch.alerting
    later = alerting.silences.add([], [], BEGIN + HOUR, BEGIN + 2 * HOUR, "Wang", "maintenance")
    story.advance(20 * MINUTE)
    assert alerting.silences.in_force(story.now) == [later]
    ended = alerting.unsilence(later.number, story.now)
    assert (ended.begins_at, ended.ends_at) == (story.now, story.now)
    assert alerting.silences.in_force(story.now) == []
    with pytest.raises(NoSuchAlertError, match="no silence 1"):
        alerting.unsilence(later.number, story.now)


def test_what_a_person_resolved_does_not_fire_again_and_the_next_call_does() -> None:
    story = Story()
    story.missed_call("a")
    story.advance(16 * MINUTE)
    story.said()
    story.watch.resolve(story.alert(), story.now, "Wang", "called back by mobile")
    assert story.said() == ["resolved Li"]
    story.advance(HOUR)
    assert story.said() == []
    story.missed_call("b")
    story.advance(15 * MINUTE)
    assert story.said() == ["warning Li", "firing Li"]


def test_a_warning_cannot_be_acknowledged() -> None:
    story = Story()
    story.missed_call("a")
    story.advance(11 * MINUTE)
    with pytest.raises(NoSuchAlertError, match="only warns"):
        story.watch.alerting.acknowledge(story.alert(), story.now, "Li")
    with pytest.raises(NoSuchAlertError, match="no alert 9"):
        story.watch.alerting.acknowledge(9, story.now, "Li")


def test_a_clock_that_is_set_forward_or_back_pages_nobody_and_forgets_nobody() -> None:
    for step in (HOUR, -HOUR):
        story = Story()
        story.missed_call("a")
        story.advance(5 * MINUTE)
        story.now += step
        story.watch.shift(step, story.now)
        story.advance(9 * MINUTE)
        assert story.said() == ["warning Li"]
        story.advance(1 * MINUTE)
        assert story.said() == ["firing Li"]


def test_a_pbx_whose_clock_is_wrong_is_put_right() -> None:
    story = Story()
    ahead = record(BEGIN + HOUR, outcome=None, reason=None, open=True, ended_at=None, uniqueid="a")
    story.watch.receive([ahead], [], story.now, skew=HOUR)
    story.advance(14 * MINUTE)
    assert story.said() == ["warning Li"]
    story.advance(1 * MINUTE)
    assert story.said() == ["firing Li"]


def test_limits_of_a_shift() -> None:
    strict = replace(parse_shift("mon-fri 08:00-09:00"), limit_seconds=300.0, warning_seconds=60.0)
    line = LineRules("network", Duty((strict, parse_shift("mon-fri 09:00-17:00"))), "UTC")
    story = Story(begin=BEGIN + 8 * HOUR)
    story.watch.use([line], story.plan, story.now)
    story.missed_call("a")
    story.advance(5 * MINUTE)
    assert story.said() == ["warning Li", "firing Li"]
    late = Story(begin=BEGIN + 9 * HOUR)
    late.watch.use([line], late.plan, late.now)
    late.missed_call("a")
    late.advance(14 * MINUTE)
    assert late.said() == ["warning Li"]


def test_what_was_observed_fires_and_ends() -> None:
    story = Story()
    low = Observed("network", "day", BEGIN, AnswerRate("day", 5, 20, 0.75))
    story.watch.observe(Kind.ANSWER_RATE, [low], story.now)
    assert story.said() == ["firing Li"]
    worse = low._replace(subject=AnswerRate("day", 5, 30, 0.75))
    story.watch.observe(Kind.ANSWER_RATE, [worse], story.now)
    assert story.said() == []
    story.watch.observe(Kind.ANSWER_RATE, [], story.now)
    assert story.said() == ["resolved Li"]


def test_what_was_observed_and_resolved_by_a_person_stays_so() -> None:
    story = Story()
    low = Observed("network", "day", BEGIN, AnswerRate("day", 5, 20, 0.75))
    story.watch.observe(Kind.ANSWER_RATE, [low], story.now)
    story.watch.resolve(story.alert(), story.now, "Wang", "known")
    story.said()
    story.watch.observe(Kind.ANSWER_RATE, [low], story.now)
    assert story.said() == []
    story.watch.observe(Kind.ANSWER_RATE, [], story.now)
    story.watch.observe(Kind.ANSWER_RATE, [low], story.now)
    assert story.said() == ["firing Li"]


def test_an_incident_and_a_test() -> None:
    story = Story()
    incident = story.watch.incident("network", "mail is down", "Wang", story.now)
    assert story.said() == ["firing Li"]
    story.watch.resolve(incident.number, story.now, "Wang", "mended")
    story.said()
    story.watch.test("network", "Wang", story.now)
    assert story.said() == ["firing Li"]
    story.advance(3 * MINUTE)
    assert story.said()[:2] == ["firing Wang", "firing Chen"]
    story.advance(7 * MINUTE)
    assert story.said() == ["resolved Li", "resolved Wang", "resolved Chen"]


def test_a_line_that_is_taken_out_ends_its_alert() -> None:
    story = Story(lines=("network", "server"))
    story.call("a", "server")
    story.advance(16 * MINUTE)
    story.said()
    story.watch.use(story.rules[:1], story.plan, story.now)
    assert story.said() == ["resolved Li"]


def test_a_pbx_that_is_taken_out_is_neither_blind_nor_does_anybody_wait_there() -> None:
    story = Story()
    story.call("a")
    story.gap(story.now, None)
    story.advance(16 * MINUTE)
    assert len(story.states()) == 2
    story.said()
    story.watch.use(story.rules, story.plan, story.now, {"other"})
    assert story.said() == []
    story.watch.use(story.rules, story.plan, story.now, {"main"})
    assert story.said().count("resolved Li") == 2
    story.advance(HOUR)
    assert (story.said(), story.states()) == ([], [])


def test_a_number_that_is_forgotten_is_in_no_later_page_of_an_incident() -> None:
    story = Story()
    alert = story.watch.incident("network", "call 13800138000 back", "Wang", story.now)
    story.watch.forget(Spellings("13800138000"))
    story.watch.alerting.acknowledge(alert.number, story.now, "Chen")
    last = story.watch.drain().pages[-1].alert
    assert isinstance(last.subject, Incident)
    assert "138" not in last.subject.title


def test_steps_of_an_operator() -> None:
    plan = Plan((Step(0.0, ("first_line", "duty_lead")), Step(60.0, ("everyone",))), 600.0)
    story = Story(plan=plan)
    story.missed_call("a")
    story.advance(16 * MINUTE)
    assert story.said()[2:] == [
        "firing Li",
        "firing Wang",
        "firing Li",
        "firing Wang",
        "firing Chen",
    ]


def test_channels_are_proven_with_one_page_each() -> None:
    story = Story()
    whom = [Recipient("Li by im", None, (Route("im"),)), Recipient("ops", None, (Route("ops"),))]
    alert = story.watch.prove(whom, "weekly plan", story.now)
    assert story.said() == ["firing Li by im", "firing ops"]
    assert (alert.kind, alert.is_over) == (Kind.TEST, True)
    story.advance(HOUR)
    assert story.said() == []


def test_a_gap_that_ended_before_the_last_run_was_taken_up_stays_over() -> None:
    story = Story()
    story.gap(BEGIN - HOUR, BEGIN)
    open_then = Gap("main", BEGIN - HOUR, None, GapCause.CONNECTION_LOST)
    story.watch.restore(NO_PAST, [open_then])
    story.watch.begin(story.now)
    story.advance(HOUR)
    assert story.said() == []


def test_a_rate_of_yesterday_is_over_and_not_well_again() -> None:
    story = Story()
    low = Observed("network", "day", BEGIN, AnswerRate("day", 5, 20, 0.75))
    story.watch.observe(Kind.ANSWER_RATE, [low], story.now)
    story.said()
    today: dict[tuple[str | None, str | None], float] = {("network", "day"): BEGIN + 24 * HOUR}
    story.watch.observe(Kind.ANSWER_RATE, [], story.now + 24 * HOUR, begun=today)
    assert story.said() == ["resolved Li"]
    over = story.told[-1].alerts[0].state
    assert isinstance(over, Resolved)
    assert over.ending is Ending.PERIOD_OVER


@pytest.mark.parametrize("step", [HOUR, -HOUR])
@pytest.mark.parametrize("resolved", [False, True])
def test_a_clock_that_is_set_neither_ends_a_low_rate_nor_pages_it_again(
    step: float, resolved: bool
) -> None:
    story = Story(begin=BEGIN + 10 * HOUR)
    low = Observed("network", "day", BEGIN, AnswerRate("day", 5, 20, 0.75))
    today: dict[tuple[str | None, str | None], float] = {("network", "day"): BEGIN}
    story.watch.observe(Kind.ANSWER_RATE, [low], story.now, begun=today)
    if resolved:
        story.watch.resolve(story.alert(), story.now, "Wang", "known")
    story.said()
    story.now += step
    story.watch.shift(step, story.now)
    story.watch.observe(Kind.ANSWER_RATE, [low], story.now, begun=today)
    assert (story.said(), story.states()) == ([], [] if resolved else ["Firing"])
