"""The clock of a PBX against ours: what is delay, and what is a wrong clock."""

import pytest

from ctid.domain.skew import Skew

NOW = 1_780_000_000.0


def heard(*events: tuple[float, float]) -> float:
    """Each (seconds since the begin, seconds by which the stamp is ahead)."""
    skew = Skew()
    for at, ahead in events:
        skew.hear(NOW + at + ahead, NOW + at, at)
    return skew.ahead(NOW + events[-1][0], events[-1][0])


def test_before_anything_was_heard_there_is_none() -> None:
    assert Skew().ahead(NOW, 0.0) == 0.0


@pytest.mark.parametrize("ahead", [-1.9, 0.0, 1.9])
def test_little_does_not_matter(ahead: float) -> None:
    assert heard((0.0, ahead)) == 0.0


@pytest.mark.parametrize("ahead", [3600.0, -3600.0, 5.0])
def test_a_clock_that_is_wrong(ahead: float) -> None:
    assert heard((0.0, ahead), (60.0, ahead)) == ahead


def test_a_delay_of_some_seconds_is_none() -> None:
    assert heard((0.0, 0.0), (10.0, -8.0), (12.0, -6.0)) == 0.0
    assert heard((0.0, 3600.0), (5.0, 3592.0)) == pytest.approx(3599.75)


def test_what_stays_so_was_no_delay() -> None:
    assert heard(*((float(at), -8.0 if at else 0.0) for at in range(200))) == -8.0


@pytest.mark.parametrize("step", [3600.0, -3600.0])
def test_a_clock_that_is_set_is_known_at_once(step: float) -> None:
    assert heard((0.0, 0.0), (60.0, step)) == step


@pytest.mark.parametrize("step", [3600.0, -3600.0, 10.0])
def test_our_own_clock_is_set_and_nothing_was_heard_since(step: float) -> None:
    skew = Skew()
    skew.hear(NOW, NOW, 0.0)
    assert skew.ahead(NOW + 60.0 + step, 60.0) == -step
    skew.hear(NOW + 65.0, NOW + 65.0 + step, 65.0)
    assert skew.ahead(NOW + 70.0 + step, 70.0) == -step
