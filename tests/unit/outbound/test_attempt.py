"""What follows from how an attempt ended: when the next one is, or that there is none."""

from itertools import pairwise
from typing import Final

import pytest

from ctid.outbound.attempt import failed
from ctid.outbound.pacing import Pace
from ctid.outbound.port import FINAL, UNCLEAR, DeliveryError, Reason
from ctid.store.outbox import Claim, OutboxState, Settlement

NOW: Final = 1_800_000_000.0
PACE: Final = Pace(timeout_seconds=10.0, jitter=lambda: 0.5)


def after(
    reason: Reason, *, attempts: int = 0, retry_after: float | None = None, pace: Pace = PACE
) -> Settlement:
    claim = Claim("key", "{}", 1, None, 0, None, None, attempts, NOW)
    error = DeliveryError(reason, "why", retry_after_seconds=retry_after)
    return failed(claim, NOW + 30, error, pace, NOW)


def test_pauses_double_up_to_five_minutes() -> None:
    due = [
        after(Reason.UNREACHABLE, attempts=n).next_at - NOW for n in (*range(10), 100, 10_000_000)
    ]
    assert due[:4] == [2.0, 4.0, 8.0, 16.0]
    assert all(one <= other for one, other in pairwise(due))
    assert due[-1] == 300.0


def test_they_are_spread_so_that_not_all_come_at_once() -> None:
    spread = [
        after(Reason.UNREACHABLE, attempts=3, pace=pace).next_at
        for pace in (Pace(10.0, lambda: 0.0), PACE, Pace(10.0, lambda: 1.0))
    ]
    assert [at - NOW for at in spread] == [8.0, 16.0, 24.0]


@pytest.mark.parametrize(
    ("asked", "kept"), [(0.0, 2.0), (60.0, 60.0), (3600.0, 3600.0), (1e9, 3600.0)]
)
def test_the_system_may_ask_for_more_patience_up_to_an_hour(asked: float, kept: float) -> None:
    assert after(Reason.BUSY, retry_after=asked).next_at - NOW == kept


@pytest.mark.parametrize("reason", UNCLEAR)
def test_what_may_be_on_its_way_is_given_time_to_arrive(reason: Reason) -> None:
    settlement = after(reason)
    assert (settlement.state, settlement.unsure) == (OutboxState.PENDING, 1)
    assert settlement.next_at - NOW == PACE.look_up_seconds == 20.0


@pytest.mark.parametrize("reason", FINAL)
def test_what_will_never_be_taken_is_dead_with_its_reason(reason: Reason) -> None:
    settlement = after(reason)
    assert (settlement.state, settlement.settled_at) == (OutboxState.DEAD, NOW)
    assert (settlement.reason, settlement.detail) == (reason.value, "why")


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason not in FINAL])
def test_everything_else_is_tried_again(reason: Reason) -> None:
    settlement = after(reason, attempts=1000)
    assert (settlement.state, settlement.attempts) == (OutboxState.PENDING, 1001)
    assert settlement.next_at > NOW
