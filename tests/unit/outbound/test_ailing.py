"""A failure is told when it begins and when it is over."""

from ctid.outbound.ailing import Ailing
from ctid.outbound.port import Reason

HOUR = 3600.0


def test_a_reason_is_new_once_whatever_else_succeeds() -> None:
    ailing = Ailing()
    assert ailing.failed("a", Reason.DENIED, 0.0)
    assert ailing.settled("b") is None
    assert not ailing.failed("c", Reason.DENIED, 1.0)
    assert not ailing.failed("a", Reason.DENIED, 2.0)
    assert ailing.reason is Reason.DENIED


def test_another_reason_is_new_too() -> None:
    ailing = Ailing()
    ailing.failed("a", Reason.DENIED, 0.0)
    assert ailing.failed("b", Reason.MISCONFIGURED, 1.0)
    assert ailing.reason is Reason.MISCONFIGURED


def test_it_is_over_with_the_last_of_them() -> None:
    ailing = Ailing()
    ailing.failed("a", Reason.TIMEOUT, 0.0)
    ailing.failed("b", Reason.TIMEOUT, 0.0)
    assert ailing.settled("a") is None
    assert ailing.settled("b") is Reason.TIMEOUT
    assert ailing.reason is None
    assert ailing.settled("b") is None


def test_what_was_dropped_by_hand_does_not_fail_for_ever() -> None:
    ailing = Ailing()
    ailing.failed("dropped", Reason.REJECTED, 0.0)
    ailing.failed("a", Reason.TIMEOUT, 3 * HOUR)
    assert ailing.settled("a") is Reason.TIMEOUT


def test_a_flood_is_bounded() -> None:
    ailing = Ailing()
    for n in range(5000):
        ailing.failed(str(n), Reason.TIMEOUT, 0.0)
    for n in range(4000, 4999):
        assert ailing.settled(str(n)) is None
    assert ailing.settled("4999") is Reason.TIMEOUT
