"""What the log says of alerts, from the first warning to the end."""

from structlog.testing import capture_logs

from ctid.alert_log import AlertLog
from ctid.domain.alerts import Alert
from ctid.domain.told import Told
from tests.unit.domain.watching import BEGIN, HOUR, MINUTE, Story


def no_reason(alert: Alert) -> None:
    """Nobody asks for it."""
    raise AssertionError(alert)


def lines(told: list[Told], log: AlertLog) -> list[str]:
    with capture_logs() as written:
        for each in told:
            log.tell(each)
    return [" ".join(str(value) for value in entry.values() if value) for entry in written]


def test_each_turn_is_a_line_and_a_step_only_names_who_is_paged() -> None:
    story = Story()
    story.missed_call("a")
    story.advance(25 * MINUTE)
    story.call("b")
    story.answer("b")
    assert lines(story.told, AlertLog(no_reason)) == [
        "1 unanswered network alert_warned info",
        "1 warning ['Li'] alert_paged info",
        "1 unanswered network alert_fired warning",
        "1 firing ['Li'] alert_paged info",
        "1 firing ['Wang'] alert_paged info",
        "1 unanswered network answered Zhao alert_over info",
    ]


def test_one_that_is_silenced_fires_and_nobody_is_paged() -> None:
    story = Story()
    story.watch.alerting.silences.add([], [], BEGIN, BEGIN + HOUR, "Wang", "maintenance")
    story.missed_call("a")
    story.advance(20 * MINUTE)
    assert lines(story.told, AlertLog(no_reason))[-1:] == [
        "1 unanswered network alert_fired warning"
    ]


def test_what_people_do_is_told_elsewhere_and_what_was_open_at_a_start_is_known() -> None:
    story = Story()
    story.missed_call("a")
    story.advance(16 * MINUTE)
    log = AlertLog(no_reason)
    log.restore(story.watch.alerting.open_alerts())
    story.told.clear()
    story.advance(5 * MINUTE)
    story.watch.alerting.acknowledge(1, story.now, "Li")
    story.said()
    story.watch.resolve(1, story.now, "Li", "done")
    story.said()
    assert lines(story.told, log) == ["1 firing ['Wang'] alert_paged info"]


def test_one_about_which_nobody_is_paged_says_why_once() -> None:
    story = Story()
    roles, story.names.roles = story.names.roles, {}
    story.missed_call("a")
    story.advance(16 * MINUTE)
    log = AlertLog(lambda alert: f"nobody for {alert.line}")
    assert lines(story.told, log) == [
        "1 unanswered network alert_warned info",
        "1 unanswered network alert_fired warning",
        "1 nobody for network alert_paged_nobody warning",
    ]
    story.told.clear()
    story.advance(20 * MINUTE)
    assert lines(story.told, log) == []
    story.names.roles = roles
    story.told.clear()
    story.advance(20 * MINUTE)
    assert lines(story.told, log) == [
        "1 firing ['Li'] alert_paged info",
        "1 firing ['Wang'] alert_paged info",
    ]


def test_who_was_warned_and_went_home_is_not_paged_that_it_fires() -> None:
    story = Story()
    story.missed_call("a")
    story.advance(12 * MINUTE)
    story.names.roles = {}
    story.advance(4 * MINUTE)
    assert lines(story.told, AlertLog(lambda _: None))[-1] == "1 alert_paged_nobody warning"


def test_after_a_silence_it_is_said_that_nobody_is_there_and_not_again_after_a_start() -> None:
    story = Story()
    story.names.roles = {}
    story.watch.alerting.silences.add([], [], BEGIN, BEGIN + HOUR, "Wang", "maintenance")
    story.missed_call("a")
    story.advance(20 * MINUTE)
    before = story.watch.alerting.open_alerts()
    story.told.clear()
    story.advance(HOUR)
    after = story.watch.alerting.open_alerts()
    for known, said in ((before, ["1 nobody alert_paged_nobody warning"]), (after, [])):
        log = AlertLog(lambda _: "nobody")
        log.restore(known)
        assert lines(story.told, log) == said
