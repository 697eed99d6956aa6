"""How often somebody may do something."""

import pytest

from ctid.web.throttle import Throttle


def test_so_many_at_once_and_again_with_time() -> None:
    now = 100.0
    throttle = Throttle(3, 60.0, lambda: now)
    for _ in range(3):
        assert throttle.wait("a") == 0.0
        throttle.count("a")
    assert throttle.wait("a") == pytest.approx(20.0)
    assert throttle.wait("b") == 0.0
    now += 19.0
    assert throttle.wait("a") == pytest.approx(1.0)
    now += 1.0
    assert throttle.wait("a") == 0.0
    throttle.count("a")
    assert throttle.wait("a") == pytest.approx(20.0)
    now += 3600.0
    for _ in range(3):
        throttle.count("a")
    assert throttle.wait("a") == pytest.approx(20.0)


def test_a_crowd_takes_no_memory_and_pushes_out_who_was_quiet_longest() -> None:
    throttle = Throttle(1, 60.0, lambda: 0.0)
    throttle.count("early")
    for number in range(5000):
        throttle.count(number)
        throttle.count("busy")
    assert len(throttle._left) == 4096
    assert throttle.wait("busy") > 0.0
    assert throttle.wait("early") == 0.0
