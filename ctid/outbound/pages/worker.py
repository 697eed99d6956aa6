"""Delivers the pages of one channel: claims what is due, sends it, settles it.

Written for the moment in which hundreds of lines need somebody at once: pages are claimed and
settled by the hundred, and the next one is sent while the last are being written.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Final, NamedTuple, Self

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.config.channels import Channel as ChannelTable
from ctid.outbound.pages import falling_back
from ctid.outbound.pages.ages import Ages
from ctid.outbound.pages.deliveries import PageDeliveries
from ctid.outbound.pages.falling_back import Pace
from ctid.outbound.pages.folding import Bucket, Group, Unwanted, fold, over_before_sent, superseded
from ctid.outbound.pages.port import Channel, Message
from ctid.outbound.pages.sending import Render, Sending
from ctid.outbound.turns import Turns
from ctid.store import pages
from ctid.store.errors import StoreUnavailable
from ctid.store.pages import Claim, PageState, Settlement
from ctid.store.recorder import Store

log = structlog.get_logger("ctid")

_BATCH: Final = 500
"""Pages claimed in one transaction; some 20 ms."""
_FOLDED: Final = 2000
"""Pages claimed where there is a limit: all that wait, so that one digest names them."""
_SETTLED_AT_ONCE: Final = 200
_SETTLE_SECONDS: Final = 0.05
"""So long what has ended may wait for more to be settled with it."""
_PROMPT_SECONDS: Final = 5.0
"""What is claimed so soon after it was decided, and for the first time, cannot be out of date."""
_STORE_PAUSE_SECONDS: Final = 1.0
_FAULT_PAUSE_SECONDS: Final = 10.0
_LONGEST_WAIT_SECONDS: Final = 60.0


class _Turn(NamedTuple):
    """What one transaction gave: pages, those among them that nobody needs, when to come again."""

    claims: list[Claim]
    unwanted: list[Unwanted]
    due: float | None


class PageWorker:
    """Works until `stop`. `jitter` is from 0 to 1.

    `wake_other` is told the name of a channel that has something to do since a page went on to it.
    `ages` have the clock, and tell for how long a page was tried; they are the same for all.
    `known` are the names of all channels that there are: a page for another one goes on at once.
    """

    def __init__(
        self,
        table: ChannelTable,
        channel: Channel,
        store: Store,
        render: Render,
        *,
        ages: Ages,
        jitter: Callable[[], float],
        wake: Callable[[str], None] = lambda _: None,
        known: Callable[[], Collection[str]] | None = None,
    ) -> None:
        self._table = table
        self._channel = channel
        self._store = store
        self._clock = ages.clock
        self._ages = ages
        self._wake_other = wake
        self._known = known
        self._pace = Pace(table.timeout_seconds)
        self._sending = Sending(table.name, channel, render, self._pace, ages, jitter)
        self._bucket = Bucket(table.per_minute) if table.per_minute else None
        self._turns = Turns(
            ages.clock,
            _LONGEST_WAIT_SECONDS,
            "paging_fault",
            _FAULT_PAUSE_SECONDS,
            channel=table.name,
        )
        self._queue: deque[Group] = deque()
        self._beside = 0
        self._senders: set[asyncio.Task[None]] = set()
        # what was claimed and is not settled yet, with the newest lease
        self._held: dict[tuple[int, int], float] = {}
        self._unwritten: list[Settlement] = []
        self._settling: asyncio.TimerHandle | None = None
        self._seen_at = 0.0
        self._unsure = True  # the last daemon may have been killed
        self._hurried = False

    @property
    def name(self) -> str:
        """The channel."""
        return self._table.name

    @property
    def counts(self) -> PageDeliveries:
        """How its deliveries went."""
        return self._sending.counts

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way: it waits for the time, or to be woken."""
        is_busy = self._senders or self._queue or self._unwritten
        return self._turns.rests and not is_busy

    def wake(self) -> None:
        """Something new may be due."""
        self._turns.wake()

    def hurry(self) -> None:
        """Somebody mended something: do not wait for the end of a pause."""
        self._sending.paused_until = 0.0
        self._hurried = True
        self._turns.wake()

    def stop(self, seconds: float | None = None) -> None:
        """Begin nothing new; `run` returns once what is under way has ended and is settled.

        It has `seconds` for that, None: as long as it takes.
        """
        self._turns.stop(seconds)

    def follow(self, before: Self) -> None:
        """Leave alone what the one before it is still sending, and count on where that counts."""
        self._held = before._held
        self._sending.counts = before.counts
        self.counts.failing = None  # somebody may have mended it

    async def send(self, message: Message) -> None:
        """Send what is in no outbox; the channel stays open for it. Raises as a channel does."""
        self._beside += 1
        try:
            await self._channel.send(message)
        finally:
            self._beside -= 1
            self._turns.wake()

    async def run(self) -> None:
        """Deliver until `stop`. What does not end in time is sent again by the next run."""
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._turns.take(lambda: self._turn(tasks))
                await self._finish(tasks)
        finally:
            if self._settling is not None:
                self._settling.cancel()
            await self._channel.close()

    async def _finish(self, tasks: asyncio.TaskGroup) -> None:
        self._unwritten += [falling_back.given_back(c) for group in self._queue for c in group]
        self._queue.clear()
        await self._turns.end(
            lambda: self._turn(tasks),
            lambda: bool(self._senders or self._unwritten or self._beside),
        )
        for task in self._senders:
            task.cancel()
        await self._settle_and_claim()

    async def _turn(self, tasks: asyncio.TaskGroup) -> float:
        again_at = await self._settle_and_claim()
        self._send(tasks)
        return again_at

    async def _settle_and_claim(self) -> float:
        """Settle what has ended, claim what is due; give when to come again."""
        now = self._clock()
        if now < self._seen_at:  # it was set back: what was to happen by the old one is over
            self._sending.paused_until = 0.0
            self._hurried = True
        self._seen_at = now
        messages, number, again_at = self._room(now)
        if not number and not self._unwritten and not self._hurried:
            return again_at
        settled = list(self._unwritten)
        hurried, self._hurried = self._hurried, False
        try:
            turn = await self._store.transaction(
                lambda connection: self._write(connection, settled, now, messages, number, hurried)
            )
        except StoreUnavailable:
            # what was claimed all the same has a lease that nobody here knows of
            self._unsure, self._hurried = True, hurried
            return self._clock() + _STORE_PAUSE_SECONDS  # the committer says why
        self._unsure = False
        del self._unwritten[: len(settled)]
        for each in settled:
            self._held.pop(each.key, None)
        self._ages.forget(e.key for e in settled if e.state is not PageState.PENDING)
        self._wake_moved(settled)
        self._take_up(turn, messages, now)
        if not number:
            return again_at
        if len(turn.claims) == number:
            return now if self._bucket is None else self._bucket.next_at()
        return now + _LONGEST_WAIT_SECONDS if turn.due is None else max(turn.due, again_at)

    def _room(self, now: float) -> tuple[int, int, float]:
        """How many messages may begin now, how many pages to claim for them, and when more may."""
        later = now + _LONGEST_WAIT_SECONDS
        if self._turns.stopped:
            return 0, 0, later
        if self._bucket is None:
            # the rest are sent while the next are being claimed
            free = _BATCH if len(self._queue) <= _BATCH // 2 else 0
            return free, free, now if free else later
        messages = self._bucket.available(now)
        if self._queue:
            return 0, 0, later  # whatever ends wakes it
        return (messages, _FOLDED, now) if messages > 0 else (0, 0, self._bucket.next_at())

    async def _write(
        self,
        connection: AsyncConnection,
        settled: Sequence[Settlement],
        now: float,
        messages: int,
        number: int,
        hurried: bool,  # noqa: FBT001 - one of a kind
    ) -> _Turn:
        if self._unsure and self._store.database.path is not None:
            # nobody else can have leased them; what is sent or settled here keeps its lease
            await pages.release(connection, self.name, list(self._held))
        if hurried:
            await pages.hurry(connection, self.name)
        # by the leases of now: another worker of this channel may have prolonged them meanwhile
        await pages.settle(connection, self._with_leases(settled))
        if not number:
            return _Turn([], [], None)
        known = None if self._known is None else list(self._known())
        claims = await pages.claim(
            connection,
            self.name,
            now,
            now + self._pace.lease_seconds,
            number,
            known=known,
            farthest=now + self._pace.farthest_seconds,
        )
        claims = [self._ages.righted(claim) for claim in claims]
        unwanted = await self._unwanted(connection, claims, now, messages)
        due = None
        if len(claims) < number:
            due = await pages.next_due(connection, self.name, known=known)
        return _Turn(claims, unwanted, due)

    async def _unwanted(
        self, connection: AsyncConnection, claims: Sequence[Claim], now: float, messages: int
    ) -> list[Unwanted]:
        """Those that nobody needs any more, of those that had to wait."""
        new, found = self._new(claims), list[Unwanted]()
        if len(claims) > messages:
            told = await pages.told(connection, {claim.alert for claim in claims})
            found = over_before_sent(new, messages, told)
        known = {each.claim.key for each in found}
        waited = [
            claim
            for claim in new
            if claim.key not in known
            and (claim.attempts or claim.tried or now > claim.decided_at + _PROMPT_SECONDS)
        ]
        if waited:
            decided = await pages.decided(connection, {claim.alert for claim in waited})
            found += superseded(waited, decided)
        return found

    def _new(self, claims: Sequence[Claim]) -> list[Claim]:
        """Those to be sent by this channel that are not under way here."""
        return [
            claim for claim in claims if claim.key not in self._held and claim.channel == self.name
        ]

    def _take_up(self, turn: _Turn, messages: int, now: float) -> None:
        unwanted = {each.claim.key for each in turn.unwanted}
        wanted = [claim for claim in self._new(turn.claims) if claim.key not in unwanted]
        strays = [c for c in turn.claims if c.key not in self._held and c.channel != self.name]
        # a clock that was set forward may have ended the lease of what is under way: prolong it
        self._held |= {claim.key: claim.lease_until for claim in turn.claims}
        self._settle([falling_back.dropped(*each, now) for each in turn.unwanted])
        self.counts.dropped += len(turn.unwanted)
        for claim in strays:
            words = f"no channel named {claim.channel} is configured"
            if not claim.channel:
                words = f"{claim.recipient} has no channel"
            self._settle([self._sending.refuse(claim, words)])
        if self._bucket is None:
            self._queue.extend((claim,) for claim in wanted)
            return
        groups, left = fold(wanted, messages)
        self._bucket.take(len(groups))
        self._queue.extend(groups)
        self._settle([falling_back.given_back(claim) for claim in left])

    def _send(self, tasks: asyncio.TaskGroup) -> None:
        for _ in range(min(len(self._queue), self._table.concurrency - len(self._senders))):
            self._senders.add(tasks.create_task(self._send_some(), name=f"pages by {self.name}"))

    async def _send_some(self) -> None:
        try:
            while self._queue and not self._turns.stopped:
                group = self._queue.popleft()
                if len(self._queue) == _BATCH // 2:
                    self._turns.wake()
                await self._deliver(group)
        finally:
            self._senders -= {asyncio.current_task()}
            if not self._senders:
                self._turns.wake()

    async def _deliver(self, group: Group) -> None:
        try:
            self._settle(await self._sending.deliver(group, self._held))
        except Exception:
            # a fault of ours must not stop the recording of calls
            log.exception("paging_fault", channel=self.name)
            for claim in group:
                self._held.pop(claim.key, None)

    def _settle(self, settlements: Sequence[Settlement]) -> None:
        """Have these written, with others if more come soon."""
        self._unwritten += settlements
        goes_on = any(each.channel != self.name for each in settlements)
        if goes_on or len(self._unwritten) >= _SETTLED_AT_ONCE:
            self._turns.wake()
        elif settlements and self._settling is None:
            loop = asyncio.get_running_loop()
            self._settling = loop.call_later(_SETTLE_SECONDS, self._settle_now)

    def _settle_now(self) -> None:
        self._settling = None
        self._turns.wake()

    def _with_leases(self, settlements: Sequence[Settlement]) -> list[Settlement]:
        """Each by its newest lease: it may have been prolonged."""
        return [
            each._replace(lease_until=self._held.get(each.key, each.lease_until))
            for each in settlements
        ]

    def _wake_moved(self, settled: Sequence[Settlement]) -> None:
        waits = {each.channel for each in settled if each.state is PageState.PENDING}
        # once it is stopped its own are for the one that follows
        for name in waits if self._turns.stopped else waits - {self.name}:
            self._wake_other(name)
