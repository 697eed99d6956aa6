"""A watch that goes on where another one ended, by clocks of PBXs that are put right anew."""

import pytest

from ctid.domain.alerts import Kind
from ctid.domain.lines_known import Past
from ctid.domain.watch import Watch
from tests.unit.domain.missed_calls import record
from tests.unit.domain.watching import BEGIN, HOUR, MINUTE, Story

WAITS = {"outcome": None, "reason": None, "open": True, "ended_at": None}


@pytest.mark.parametrize("ahead", [HOUR - 0.25, HOUR + 0.25])
def test_what_fires_goes_on_by_another_estimate_of_the_same_clock(ahead: float) -> None:
    story = Story()
    first = record(BEGIN + HOUR, uniqueid="a", **WAITS)
    taken = record(BEGIN + HOUR + 1, uniqueid="b", **WAITS)._replace(
        answered_at=BEGIN + HOUR + MINUTE, agent="Li"
    )
    story.watch.receive([first, taken], [], story.now, skew=HOUR)
    story.advance(17 * MINUTE)
    assert {alert.kind for alert in story.watch.alerting.open_alerts()} == {
        Kind.UNANSWERED,
        Kind.LONGEST_WAIT,
    }
    after = Watch(story.rules, story.plan, story.roster)
    after.alerting.restore(story.watch.alerting.open_alerts(), [], (2, 0))
    after.restore(Past(["network"], [first, taken], skews={"main": ahead}), [])
    after.begin(story.now)
    told = after.drain()
    assert told.pages == ()
    assert [alert.number for alert in after.alerting.open_alerts()] == [1, 2]
    assert {alert.since for alert in after.alerting.open_alerts()} == {
        BEGIN + HOUR - ahead,
        BEGIN + HOUR + MINUTE - ahead,
    }
