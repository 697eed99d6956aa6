"""How long ctid did not run, where clocks were set meanwhile."""

import pytest

from ctid.domain.downtime import Downtime, downtime
from ctid.domain.records import GapCause
from tests.unit.domain.watching import BEGIN, HOUR, MINUTE

SEEN = {"main": BEGIN, "other": BEGIN - HOUR}


def test_a_first_start_follows_no_downtime() -> None:
    assert downtime({}, {}, {}, BEGIN) is None


@pytest.mark.parametrize("skew", [0.0, 8 * HOUR, -8 * HOUR])
def test_by_our_own_clock(skew: float) -> None:
    down = downtime(SEEN, {"main": skew}, {}, BEGIN + 20 * MINUTE)
    assert down == Downtime(BEGIN, BEGIN + 20 * MINUTE)
    assert down.skew_before(skew) == skew


def test_a_clock_that_differs_by_little_was_not_set() -> None:
    down = downtime(SEEN, {}, {}, BEGIN - 2.0)
    assert down == Downtime(BEGIN - 2.0, BEGIN - 2.0)
    assert down.set_back == 0.0


def test_set_back_and_measured_by_the_pbx() -> None:
    now = BEGIN + 20 * MINUTE - 8 * HOUR
    down = downtime(SEEN, {"main": 8 * HOUR, "other": 0.0}, {}, now)
    assert down == Downtime(now - 20 * MINUTE, now, 8 * HOUR)
    assert down.skew_before(8 * HOUR) == 0.0
    assert down.cause is GapCause.DAEMON_DOWN


def test_set_back_with_the_pbx() -> None:
    now = BEGIN + 20 * MINUTE - 8 * HOUR
    down = downtime(SEEN, {"main": 0.0}, {}, now)
    assert down == Downtime(now, now, 8 * HOUR - 20 * MINUTE, GapCause.CLOCK_SET_BACK)
    assert down.skew_before(0.0) == 0.0


def test_set_back_just_before_a_restart() -> None:
    now = BEGIN - HOUR
    assert downtime(SEEN, {"main": HOUR}, {}, now) == Downtime(now, now, HOUR)


def test_set_forward_and_measured_by_the_pbx() -> None:
    now = BEGIN + MINUTE + 24 * HOUR
    skews, last = {"main": -24 * HOUR}, {"main": BEGIN - HOUR}
    down = downtime(SEEN, skews, last, now)
    assert down == Downtime(now - MINUTE, now, -24 * HOUR)
    assert down.skew_before(-24 * HOUR) == 0.0
    # it may have been behind before: nothing that it told says otherwise
    assert downtime(SEEN, skews, {"main": BEGIN - 24 * HOUR}, now) == Downtime(BEGIN, now)
