"""What becomes of a page after an attempt: again later, by the next channel, or the end. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ctid.domain.alerts import Route
from ctid.outbound.port import DeliveryError, Reason
from ctid.store.pages import Claim, PageState, Settlement, Tried

AT_ONCE: Final = frozenset({Reason.REJECTED, Reason.DENIED, Reason.MISCONFIGURED, Reason.GONE})
"""Trying the same again soon cannot help: the next channel's turn."""

GIVE_UP_SECONDS: Final = 3600.0
"""So long a page is tried on all its routes; what is older helps nobody."""

PATIENCE_SECONDS: Final = 30.0

_PAUSES: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_LONGEST_ASKED_SECONDS: Final = 300.0
_QUEUE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things take with one channel, from the time that one request may take.

    `patience_seconds` is how long a page stays with a channel that fails, where it has another.
    """

    timeout_seconds: float
    patience_seconds: float = PATIENCE_SECONDS

    @property
    def attempt_seconds(self) -> float:
        """How long an attempt may take; some need several requests."""
        return 2.5 * self.timeout_seconds

    @property
    def lease_seconds(self) -> float:
        """How long a claim holds: until its turn has come, and the attempt has ended."""
        return _QUEUE_SECONDS + self.attempt_seconds

    @property
    def farthest_seconds(self) -> float:
        """Nothing is put off, or leased, for longer."""
        return max(1.5 * _LONGEST_ASKED_SECONDS, self.lease_seconds)


def asked_seconds(error: DeliveryError) -> float:
    """For how long the other side asks for patience, within reason; 0: it does not."""
    return min(error.retry_after_seconds or 0.0, _LONGEST_ASKED_SECONDS)


def delivered(claim: Claim, message_key: str, now: float) -> Settlement:
    """The channel has it."""
    return _left_as_it_is(claim)._replace(
        state=PageState.DELIVERED,
        attempts=0,
        reason=None,
        detail=None,
        settled_at=now,
        message_key=message_key,
    )


def dropped(claim: Claim, why: str, now: float) -> Settlement:
    """Nobody needs it any more."""
    return _left_as_it_is(claim)._replace(state=PageState.DROPPED, detail=why, settled_at=now)


def given_back(claim: Claim) -> Settlement:
    """It was not its turn: due as before, for anybody."""
    return _left_as_it_is(claim)


def has_to_leave(claim: Claim, routes: Sequence[Route], pace: Pace, at: float) -> bool:
    """Whether it would be longer than allowed with a channel that fails, at this time."""
    return len(routes) > 1 and at >= claim.route_at + pace.patience_seconds


def put_off(claim: Claim, until: float) -> Settlement:
    """The channel is not to be asked before."""
    return _left_as_it_is(claim)._replace(next_at=until)


def failed(
    claim: Claim,
    routes: Sequence[Route],
    error: DeliveryError,
    pace: Pace,
    now: float,
    jitter: float,
) -> Settlement:
    """It did not go out: again on this route, on the next one, or never.

    `routes` are the recipient's, none where that cannot be read: then it ends. `jitter` is from 0
    to 1.
    """
    attempts = claim.attempts + 1
    left = _left_as_it_is(claim)._replace(
        attempts=attempts, reason=error.reason.value, detail=str(error)
    )
    if not routes or now >= claim.began_at + GIVE_UP_SECONDS:
        return left._replace(state=PageState.FAILED, settled_at=now)
    again_at = now + max(_pause(attempts, jitter), asked_seconds(error))
    leave_at = claim.route_at + pace.patience_seconds
    is_asked_too_much = asked_seconds(error) > 0 and again_at > leave_at
    if len(routes) == 1:
        return left._replace(next_at=again_at)
    if error.reason not in AT_ONCE and now < leave_at and not is_asked_too_much:
        # at the end of its patience once more, and then it leaves
        return left._replace(next_at=min(again_at, leave_at))
    tried = (*claim.tried, Tried(claim.channel, now, error.reason.value, str(error)))
    route = (claim.route + 1) % len(routes)
    # all of them failed: not at once, or it would go round and round
    rests = 0.0 if route else now + _pause(max(1, len(tried) // len(routes)), jitter)
    return left._replace(
        route=route,
        channel=routes[route].channel,
        address=routes[route].address,
        next_at=rests,
        attempts=0,
        route_at=None,
        tried=tried,
    )


def _pause(failures: int, jitter: float) -> float:
    return _PAUSES[min(failures, len(_PAUSES)) - 1] * (0.75 + 0.5 * jitter)


def _left_as_it_is(claim: Claim) -> Settlement:
    return Settlement(
        alert=claim.alert,
        seq=claim.seq,
        lease_until=claim.lease_until,
        state=PageState.PENDING,
        route=claim.route,
        channel=claim.channel,
        address=claim.address,
        next_at=0.0,
        attempts=claim.attempts,
        began_at=claim.began_at,
        route_at=claim.route_at,
        tried=claim.tried,
        reason=None,
        detail=None,
        settled_at=None,
        message_key=None,
    )
