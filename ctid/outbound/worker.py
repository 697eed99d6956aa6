"""Delivers the drafts of one destination: claims what is due, attempts it, settles it.

A destination that is down holds back only itself: it is probed with one draft at a time, at growing
pauses, and costs the database next to nothing meanwhile.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol, Self

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.config.backends import Backend as BackendTable
from ctid.domain.drafts import Draft
from ctid.outbound.ailing import Ailing
from ctid.outbound.attempt import Ended, carry_out, failed, succeeded
from ctid.outbound.deliveries import DELIVERED, LOOKED_UP, Deliveries
from ctid.outbound.pacing import Admission, Pace
from ctid.outbound.port import FINAL, Backend, DeliveryError, Document, Reason
from ctid.outbound.turns import Turns, attempting
from ctid.store import outbox
from ctid.store.drafts import draft_from_json
from ctid.store.errors import StoreUnavailable
from ctid.store.outbox import Claim, OutboxState, Settlement
from ctid.store.recorder import Store

log = structlog.get_logger("ctid")

_STORE_PAUSE_SECONDS: Final = 1.0
_FAULT_PAUSE_SECONDS: Final = 60.0
_LONGEST_WAIT_SECONDS: Final = 3600.0
_OF_ONE_DRAFT: Final = FINAL | {Reason.MISCONFIGURED}
"""Says nothing about the destination: another line's draft may well succeed."""


class Render(Protocol):
    """Makes of a draft what is sent. `new`: a ticket is made with it; else one is changed."""

    def __call__(self, draft: Draft, revision: int, data: bytes, *, new: bool) -> Document: ...


class Worker:
    """Works until `stop`. `clock` is Unix seconds, as the rows are."""

    def __init__(
        self,
        table: BackendTable,
        backend: Backend,
        store: Store,
        render: Render,
        *,
        clock: Callable[[], float],
        jitter: Callable[[], float],
    ) -> None:
        self._table = table
        self._backend = backend
        self._store = store
        self._render = render
        self._clock = clock
        self._pace = Pace(table.timeout_seconds, jitter)
        self._admission = Admission(table.concurrency, table.per_minute, self._pace)
        self._turns = Turns(
            clock, _LONGEST_WAIT_SECONDS, "outbox_fault", _FAULT_PAUSE_SECONDS, backend=table.name
        )
        self._running: dict[str, asyncio.Task[None]] = {}
        # what was claimed and is not settled yet
        self._held: set[str] = set()
        self._unwritten: list[Settlement] = []
        self._ailing = Ailing()
        self.counts = Deliveries()

    @property
    def name(self) -> str:
        """The destination."""
        return self._table.name

    def wake(self) -> None:
        """Something new may be due."""
        self._turns.wake()

    def hurry(self) -> None:
        """Somebody mended something: do not wait for the end of a pause."""
        self._admission.hurry()
        self._turns.wake()

    def stop(self, seconds: float | None = None) -> None:
        """Begin nothing new; `run` returns once what is under way has ended and is settled.

        It has `seconds` for that, None: as long as it takes.
        """
        self._turns.stop(seconds)

    def follow(self, before: Self) -> None:
        """Leave alone what the one before it is still sending, and count on where that counts."""
        self._held = before._held
        self.counts = before.counts
        self.counts.failing = None

    async def run(self) -> None:
        """Deliver until `stop`. What does not end in time is unclear to the next run."""
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._turns.take(lambda: self._turn(tasks))
                await self._turns.end(
                    lambda: self._turn(tasks), lambda: bool(self._running or self._unwritten)
                )
                for task in self._running.values():
                    task.cancel()
                await self._turn(tasks)
        finally:
            await self._backend.close()

    async def _turn(self, tasks: asyncio.TaskGroup) -> float:
        """Settle what has ended, claim what is due and begin it; give when to come again."""
        now = self._clock()
        free, again_at = self._free(now)
        if not free and not self._unwritten:
            return again_at
        lease_until = now + self._pace.lease_seconds
        farthest = now + self._pace.farthest_seconds
        settled = list(self._unwritten)
        under_way = list(self._held - {settlement.key for settlement in settled})

        async def work(connection: AsyncConnection) -> tuple[list[Claim], float | None]:
            await outbox.settle(connection, self.name, settled)
            if not free:
                return [], again_at
            claims = await outbox.claim(
                connection,
                self.name,
                now,
                lease_until,
                free,
                under_way=under_way,
                farthest=farthest,
            )
            if len(claims) == free:
                return claims, again_at
            return claims, await outbox.next_due(connection, self.name, under_way=under_way)

        try:
            claims, due = await self._store.transaction(work)
        except StoreUnavailable:
            return self._clock() + _STORE_PAUSE_SECONDS  # the committer says why
        del self._unwritten[: len(settled)]
        self._held.difference_update(settlement.key for settlement in settled)
        self._held.update(claim.key for claim in claims)
        self._admission.begin(len(claims), now)
        for claim in claims:
            self._running[claim.key] = tasks.create_task(
                self._deliver(claim, lease_until), name=f"to {self.name}"
            )
        return now + _LONGEST_WAIT_SECONDS if due is None else max(due, again_at)

    def _free(self, now: float) -> tuple[int, float]:
        """How many attempts may begin now, and from when on more."""
        later = now + _LONGEST_WAIT_SECONDS
        if self._turns.stopped:
            return 0, later
        free, again_at = self._admission.free(len(self._running), now)
        return free, later if again_at is None else again_at  # whatever ends wakes it

    async def _deliver(self, claim: Claim, lease_until: float) -> None:
        try:
            self._note(await self._attempt(claim, lease_until))
        finally:
            del self._running[claim.key]
            self._turns.wake()

    async def _attempt(self, claim: Claim, lease_until: float) -> Ended:
        try:
            seconds = self._pace.attempt_seconds
            async with attempting(seconds, "delivery_fault", backend=self.name, key=claim.key):
                data = claim.draft.encode()
                draft, new = draft_from_json(claim.draft), claim.remote_id is None
                document = self._render(draft, claim.revision, data, new=new)
                remote, revision = await carry_out(self._backend, claim, document)
        except DeliveryError as error:
            settlement = failed(claim, lease_until, error, self._pace, self._clock())
            return Ended(settlement, claim.decided_at, error)
        settlement = succeeded(claim, lease_until, remote, revision, self._clock())
        return Ended(settlement, claim.decided_at, None)

    def _note(self, ended: Ended) -> None:
        settlement, error = ended.settlement, ended.error
        self._unwritten.append(settlement)
        if error is None:
            self._admission.succeeded()
            self._over(settlement.key)
            done = settlement.state is OutboxState.DELIVERED
            self.counts.attempts[DELIVERED if done else LOOKED_UP] += 1
            if done:
                self.counts.delivered += 1
                self.counts.latency.add(max(0.0, self._clock() - ended.decided_at))
            return
        self.counts.attempts[error.reason.value] += 1
        if settlement.state is OutboxState.DEAD:
            self.counts.dead += 1
            self._over(settlement.key)
            log.error("ticket_dead", backend=self.name, key=settlement.key, why=str(error))
        else:
            self._tell(settlement.key, error)
        if error.reason not in _OF_ONE_DRAFT:
            self._admission.failed(settlement.key, error, settlement.next_at, self._clock())

    def _tell(self, key: str, error: DeliveryError) -> None:
        if self._ailing.failed(key, error.reason, self._clock()):
            log.warning("tickets_failing", backend=self.name, reason=error.reason, why=str(error))
        self.counts.failing = self._ailing.reason

    def _over(self, key: str) -> None:
        reason = self._ailing.settled(key)
        self.counts.failing = self._ailing.reason
        if reason is not None:
            log.info("tickets_recovered", backend=self.name, after=reason)
