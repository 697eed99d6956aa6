"""One message to one channel: whose turn it is, the attempt, and what becomes of each page."""

from collections.abc import Callable, Mapping, Sequence

import structlog

from ctid.domain.alerts import Page, Route
from ctid.outbound.deliveries import DELIVERED
from ctid.outbound.pages import falling_back
from ctid.outbound.pages.ages import Ages
from ctid.outbound.pages.deliveries import PageDeliveries
from ctid.outbound.pages.falling_back import Pace, asked_seconds, has_to_leave
from ctid.outbound.pages.folding import Group
from ctid.outbound.pages.port import Channel, Message
from ctid.outbound.port import FINAL, DeliveryError, Reason
from ctid.outbound.turns import attempting
from ctid.store.alerts import page_from_json
from ctid.store.pages import Claim, PageState, Settlement

log = structlog.get_logger("ctid")

Render = Callable[[list[Page], str | None, float], Message]
"""Makes one message of pages that go to one address now (Unix seconds)."""

_Going = tuple[Claim, Page]


class Sending:
    """Attempts messages of one channel, and counts. `ages` have the clock, `jitter` is 0 to 1.

    Until `paused_until` the channel does not want to be asked.
    """

    def __init__(
        self,
        name: str,
        channel: Channel,
        render: Render,
        pace: Pace,
        ages: Ages,
        jitter: Callable[[], float],
    ) -> None:
        self._name = name
        self._channel = channel
        self._render = render
        self._pace = pace
        self._clock = ages.clock
        self._ages = ages
        self._jitter = jitter
        # which address, or where there is one place for all which alert, was refused since the last
        # delivery: one alone may be at fault itself
        self._refused: set[str | int] = set()
        self.paused_until = 0.0
        self.counts = PageDeliveries()

    async def deliver(
        self, group: Group, leases: Mapping[tuple[int, int], float]
    ) -> list[Settlement]:
        """Send these pages as one message; give what becomes of each.

        `leases` say until when a page is kept from others.
        """
        now = self._clock()
        going, settlements = self._whose_turn_it_is(group, leases, now)
        if not going:
            return settlements
        for claim, _ in going:
            if not claim.attempts and not claim.tried:
                self.counts.lateness.add(max(0.0, now - claim.due_at))
        try:
            seconds = self._pace.attempt_seconds
            async with attempting(seconds, "page_fault", channel=self._name, pages=_keys(going)):
                message = self._render([page for _, page in going], group[0].address, now)
                await self._channel.send(message)
        except DeliveryError as error:
            return settlements + self._failed(going, error)
        return settlements + self._arrived(going, message.key)

    def refuse(self, claim: Claim, words: str) -> Settlement:
        """Nobody can take it as it is addressed: the next route's turn."""
        page, now = _page(claim), self._clock()
        return self._left(claim, page, DeliveryError(Reason.MISCONFIGURED, words), now, 0.5)

    def _whose_turn_it_is(
        self, group: Group, leases: Mapping[tuple[int, int], float], now: float
    ) -> tuple[list[_Going], list[Settlement]]:
        """Those to be sent now, and what becomes of the others."""
        going: list[_Going] = []
        others: list[Settlement] = []
        paused = self.paused_until if now < self.paused_until else 0.0
        enough = now + self._pace.attempt_seconds
        for claim in group:
            page = _page(claim)
            if page is None:
                why = DeliveryError(Reason.REJECTED, "cannot be read: written by a newer ctid")
                others.append(self._left(claim, None, why, now, 0.5))
            elif self._has_to_leave(claim, page, now, paused):
                words = "asks for patience" if paused else "too slow: no turn came"
                others.append(self._leaves(claim, page, DeliveryError(Reason.BUSY, words), now))
            elif paused:
                others.append(falling_back.put_off(claim, paused))
            elif leases.get(claim.key, 0.0) < enough:
                # somebody else might claim it before the attempt had ended
                others.append(falling_back.given_back(claim))
            else:
                going.append((claim, page))
        return going, others

    def _has_to_leave(self, claim: Claim, page: Page, now: float, paused: float) -> bool:
        """Whether it waited here in vain; what was tried is tried once more at the end."""
        waited = bool(paused) or not claim.attempts
        routes = page.recipient.routes
        return waited and has_to_leave(claim, routes, self._pace, max(now, paused))

    def _arrived(self, going: Sequence[_Going], key: str) -> list[Settlement]:
        now, counts = self._clock(), self.counts
        counts.attempts[DELIVERED] += 1
        counts.delivered += len(going)
        counts.folded += len(going) if len(going) > 1 else 0
        for claim, _ in going:
            counts.latency.add(max(0.0, now - claim.decided_at))
        self._refused.clear()
        if counts.failing is not None:
            log.info("pages_recovered", channel=self._name, after=counts.failing)
            counts.failing = None
        return [falling_back.delivered(claim, key, now) for claim, _ in going]

    def _failed(self, going: Sequence[_Going], error: DeliveryError) -> list[Settlement]:
        now, counts = self._clock(), self.counts
        counts.attempts[error.reason.value] += 1
        if error.reason in FINAL:
            log.warning("page_refused", channel=self._name, pages=_keys(going), why=str(error))
            claim, _ = going[0]
            self._refused.add(claim.address or claim.alert)
        is_of_all = error.reason not in FINAL or len(self._refused) > 1
        if is_of_all and counts.failing is not error.reason:
            log.warning("pages_failing", channel=self._name, reason=error.reason, why=str(error))
            counts.failing = error.reason
        if error.reason is Reason.BUSY and error.retry_after_seconds is not None:
            self.paused_until = max(self.paused_until, now + asked_seconds(error))
        jitter = self._jitter()  # one for all: what was a digest is one again
        return [self._left(claim, page, error, now, jitter) for claim, page in going]

    def _left(
        self, claim: Claim, page: Page | None, error: DeliveryError, now: float, jitter: float
    ) -> Settlement:
        routes = () if page is None else page.recipient.routes
        return self._ended(claim, routes, error, self._pace, now, jitter)

    def _leaves(self, claim: Claim, page: Page, error: DeliveryError, now: float) -> Settlement:
        routes, no_more = page.recipient.routes, Pace(self._pace.timeout_seconds, 0.0)
        return self._ended(claim, routes, error, no_more, now, 0.5)

    def _ended(
        self,
        claim: Claim,
        routes: Sequence[Route],
        error: DeliveryError,
        pace: Pace,
        now: float,
        jitter: float,
    ) -> Settlement:
        key, claim = _key(claim), self._ages.righted(claim)  # the clock may have been set meanwhile
        settlement = falling_back.failed(claim, routes, error, pace, now, jitter)
        if settlement.state is PageState.FAILED:
            self.counts.failed += 1
            log.error("page_failed", channel=claim.channel, page=key, why=str(error))
        elif settlement.route != claim.route:
            self.counts.moved += 1
            to = settlement.channel
            log.info("page_moved", channel=claim.channel, page=key, to=to, why=str(error))
        return settlement


def _page(claim: Claim) -> Page | None:
    try:
        return page_from_json(claim.data)
    except ValueError:  # written by a newer ctid
        return None


def _key(claim: Claim) -> str:
    return f"{claim.alert}-{claim.seq}"


def _keys(going: Sequence[_Going]) -> list[str]:
    return [_key(claim) for claim, _ in going]
