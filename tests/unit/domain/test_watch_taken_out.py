"""Stories of calls that count nowhere, as it turns out when they end."""

from ctid.domain.records import Outcome, Reason
from tests.unit.domain.watching import HOUR, Story

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
