"""What becomes of a page that did not go out."""

import pytest

from ctid.domain.alerts import PageEvent, Route
from ctid.outbound.pages import falling_back
from ctid.outbound.pages.falling_back import GIVE_UP_SECONDS, Pace, has_to_leave
from ctid.outbound.port import DeliveryError, Reason
from ctid.store.pages import Claim, PageState, Settlement, Tried

NOW = 1_795_742_100.0
PACE = Pace(5.0)
ONE = (Route("robot", "a"),)
TWO = (*ONE, Route("mail", "b"))
REFUSALS = [Reason.REJECTED, Reason.DENIED, Reason.MISCONFIGURED, Reason.GONE]
PASSING = [reason for reason in Reason if reason not in REFUSALS]


def claim(**changes: object) -> Claim:
    made = Claim(
        *(1, 0, PageEvent.FIRING, "Li Si", 0, "robot", "a", "{}"),
        *(NOW, NOW, 0, NOW, NOW, (), NOW + 60.0),
    )
    return made._replace(**changes)  # type: ignore[arg-type]


def failed(
    made: Claim,
    routes: tuple[Route, ...],
    reason: Reason,
    after: float = 0.0,
    *,
    asked: float | None = None,
    jitter: float = 0.5,
) -> Settlement:
    error = DeliveryError(reason, "as told", retry_after_seconds=asked)
    return falling_back.failed(made, routes, error, PACE, NOW + after, jitter)


@pytest.mark.parametrize("reason", REFUSALS, ids=str)
def test_a_refusal_is_the_next_routes_turn(reason: Reason) -> None:
    left = failed(claim(), TWO, reason)
    assert (left.state, left.route, left.channel, left.address) == (
        *(PageState.PENDING, 1, "mail", "b"),
    )
    assert (left.next_at, left.attempts, left.route_at, left.began_at) == (0.0, 0, None, NOW)
    assert left.tried == (Tried("robot", NOW, reason.value, "as told"),)


@pytest.mark.parametrize("reason", PASSING, ids=str)
def test_what_may_pass_is_tried_again_until_its_patience_is_over(reason: Reason) -> None:
    left = failed(claim(), TWO, reason)
    assert (left.channel, left.next_at, left.attempts) == ("robot", NOW + 1.0, 1)
    left = failed(claim(attempts=4), TWO, reason, 18.0)
    assert (left.channel, left.next_at) == ("robot", NOW + 30.0)
    left = failed(claim(attempts=5), TWO, reason, 30.0)
    assert (left.channel, left.next_at, left.reason) == ("mail", 0.0, reason.value)


@pytest.mark.parametrize("jitter", [0.0, 1.0])
def test_pauses_grow_to_a_minute(jitter: float) -> None:
    waits = [
        failed(claim(attempts=n), ONE, Reason.TIMEOUT, jitter=jitter).next_at - NOW
        for n in range(8)
    ]
    assert waits == [p * (0.75 + jitter / 2) for p in (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 60.0, 60.0)]


def test_who_has_one_route_stays_on_it_even_if_it_is_refused() -> None:
    left = failed(claim(attempts=5), ONE, Reason.REJECTED, 900.0)
    assert (left.channel, left.attempts, left.next_at) == ("robot", 6, NOW + 960.0)
    assert left.tried == ()


def test_behind_the_last_route_is_the_first_after_a_pause() -> None:
    before = tuple(Tried(name, NOW, "denied", "x") for name in ("robot", "mail", "robot"))
    made = claim(route=1, channel="mail", tried=before)
    left = failed(made, TWO, Reason.DENIED, 40.0)
    assert (left.route, left.channel, left.next_at) == (0, "robot", NOW + 42.0)
    assert [each.channel for each in left.tried] == ["robot", "mail", "robot", "mail"]


def test_what_is_asked_for_is_kept_within_five_minutes() -> None:
    assert failed(claim(), ONE, Reason.BUSY, asked=90.0).next_at == NOW + 90.0
    assert failed(claim(), ONE, Reason.BUSY, asked=86_400.0).next_at == NOW + 300.0
    assert failed(claim(), TWO, Reason.BUSY, asked=20.0).next_at == NOW + 20.0
    assert failed(claim(), TWO, Reason.BUSY, asked=31.0).channel == "mail"


@pytest.mark.parametrize("routes", [ONE, TWO])
def test_after_an_hour_it_is_failed(routes: tuple[Route, ...]) -> None:
    assert failed(claim(), routes, Reason.TIMEOUT, GIVE_UP_SECONDS - 1.0).settled_at is None
    left = failed(claim(), routes, Reason.TIMEOUT, GIVE_UP_SECONDS)
    assert (left.state, left.settled_at) == (PageState.FAILED, NOW + GIVE_UP_SECONDS)
    assert (left.channel, left.reason, left.detail) == ("robot", "timeout", "as told")


def test_without_a_route_it_is_failed() -> None:
    assert failed(claim(), (), Reason.MISCONFIGURED).state is PageState.FAILED


def test_only_who_has_another_channel_has_to_leave() -> None:
    assert not has_to_leave(claim(), TWO, PACE, NOW + 29.0)
    assert has_to_leave(claim(), TWO, PACE, NOW + 30.0)
    assert not has_to_leave(claim(), ONE, PACE, NOW + 3000.0)


def test_a_lease_covers_the_attempt() -> None:
    assert PACE.attempt_seconds < PACE.lease_seconds < PACE.farthest_seconds
    assert Pace(600.0).farthest_seconds >= Pace(600.0).lease_seconds
