"""Stories of calls that count nowhere, as it turns out when they end."""

from ctid.domain.alerts import Ending, Resolved, Unanswered
from ctid.domain.records import Direction, Outcome, Reason
from tests.unit.domain.missed_calls import record
from tests.unit.domain.watching import BEGIN, HOUR, MINUTE, TEST_NUMBER, Story

TEST_CALL = {"outcome": Outcome.EXCLUDED, "reason": Reason.TEST}


def test_who_was_reached_while_a_test_call_kept_the_clock_closed_stays_reached() -> None:
    story = Story()
    story.missed_call("a")
    story.call("b")
    story.answer("b")
    story.reach("a")
    story.end("b", **TEST_CALL)
    story.advance(HOUR)
    assert story.said() == []


def test_an_answered_test_call_ends_no_alert() -> None:
    story = Story()
    story.missed_call("a")
    story.advance(15 * MINUTE)
    story.said()
    story.call("b", caller_number=TEST_NUMBER)
    story.answer("b")
    story.advance(4 * MINUTE)
    story.end("b", **TEST_CALL)
    assert story.said() == []
    story.advance(MINUTE)
    assert story.said() == ["firing Wang"]
    story.call("c")
    story.answer("c")
    assert story.said() == ["resolved Li", "resolved Wang"]


def test_an_answer_that_is_taken_out_is_paged_again_once() -> None:
    """Of an extension it is said at the end that it is the line's own agent."""
    story = Story()
    story.missed_call("a")
    story.advance(15 * MINUTE)
    story.said()
    story.call("b", direction=Direction.INTERNAL)
    story.answer("b")
    assert story.said() == ["resolved Li"]
    story.end("b", outcome=Outcome.EXCLUDED, reason=Reason.OWN_AGENT)
    assert story.said() == ["firing Li"]
    subject = story.open_alert().subject
    assert isinstance(subject, Unanswered)
    assert (subject.since, subject.last_answer_by) == (BEGIN, None)
    story.missed_call("c")
    story.advance(MINUTE)
    assert story.said() == []


def test_the_first_caller_is_taken_out_and_the_limit_is_not_over_any_more() -> None:
    story = Story()
    story.call("a", caller_number=TEST_NUMBER)
    story.advance(5 * MINUTE)
    story.missed_call("b")
    story.advance(10.5 * MINUTE)
    assert story.said() == ["warning Li", "firing Li"]
    story.miss("a", **TEST_CALL)
    ended = story.told[-1].alerts[0]
    assert isinstance(ended.state, Resolved)
    assert ended.state.ending is Ending.TAKEN_OUT
    # the mark of the warning is over, counted from the second caller
    assert story.said() == ["resolved Li", "warning Li"]
    story.advance(3.5 * MINUTE)
    assert story.said() == []
    story.advance(0.5 * MINUTE)
    assert story.said() == ["firing Li"]


def test_the_first_caller_is_taken_out_and_the_warning_is_too_early() -> None:
    story = Story()
    story.call("a", caller_number=TEST_NUMBER)
    story.advance(5 * MINUTE)
    story.missed_call("b")
    story.advance(6 * MINUTE)
    assert story.said() == ["warning Li"]
    story.miss("a", **TEST_CALL)
    assert story.said() == ["resolved Li"]
    story.advance(4 * MINUTE)
    assert story.said() == ["warning Li"]


def test_the_first_caller_is_taken_out_and_the_alert_goes_on_from_the_second() -> None:
    story = Story()
    story.call("a", caller_number=TEST_NUMBER)
    story.advance(2 * MINUTE)
    story.missed_call("b")
    story.advance(15 * MINUTE)
    story.watch.alerting.acknowledge(story.alert(), story.now, "Li")
    story.said()
    story.miss("a", **TEST_CALL)
    assert (story.said(), story.states()) == ([], ["Acknowledged"])
    alert = story.open_alert()
    assert (alert.since, alert.limit_at) == (BEGIN + 2 * MINUTE, BEGIN + 17 * MINUTE)
    assert isinstance(alert.subject, Unanswered)
    assert (alert.subject.since, alert.subject.waiting_count) == (alert.since, 0)


def test_a_warning_goes_on_from_the_second_caller_and_fires_by_their_limit() -> None:
    story = Story()
    story.call("a", caller_number=TEST_NUMBER)
    story.advance(MINUTE)
    story.missed_call("b")
    story.advance(10 * MINUTE)
    assert story.said() == ["warning Li"]
    story.miss("a", **TEST_CALL)
    story.advance(4 * MINUTE)
    assert story.said() == []
    story.advance(0.5 * MINUTE)
    assert story.said() == ["firing Li"]
    assert story.open_alert().since == BEGIN + MINUTE


def test_reached_and_opened_by_the_next_caller_at_once_is_another_alert() -> None:
    story = Story()
    story.missed_call("a")
    story.advance(15 * MINUTE)
    story.said()
    reached = story.reached("a")
    story.advance(1.0)
    waits = {"outcome": None, "reason": None, "open": True, "ended_at": None}
    story.watch.receive([record(story.now, **waits)], reached, story.now)
    (ended,) = story.watch.drain().alerts
    assert isinstance(ended.state, Resolved)
    assert (ended.state.ending, story.states()) == (Ending.REACHED, [])
