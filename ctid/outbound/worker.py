"""Delivers the drafts of one destination: claims what is due, attempts it, settles it.

A destination that is down holds back only itself: it is probed with one draft at a time, at growing
pauses, and costs the database next to nothing meanwhile.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.config.backends import Backend as BackendTable
from ctid.domain.drafts import Draft
from ctid.outbound.ailing import Ailing
from ctid.outbound.attempt import Ended, Pace, carry_out, failed, succeeded
from ctid.outbound.deliveries import DELIVERED, LOOKED_UP, Deliveries
from ctid.outbound.port import FINAL, Backend, DeliveryError, Document, Reason
from ctid.store import outbox
from ctid.store.drafts import draft_from_json
from ctid.store.errors import StoreUnavailable
from ctid.store.outbox import Claim, OutboxState, Settlement
from ctid.store.recorder import Store

log = structlog.get_logger("ctid")

_STORE_PAUSE_SECONDS: Final = 1.0
_FAULT_PAUSE_SECONDS: Final = 60.0
_MINUTE: Final = 60.0
_LONGEST_WAIT_SECONDS: Final = 3600.0
_CLOSE_SECONDS: Final = 5.0
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
        self._wake = asyncio.Event()
        self._stopped = False
        self._running: dict[str, asyncio.Task[None]] = {}
        self._unwritten: list[Settlement] = []
        self._begun: deque[float] = deque(maxlen=max(table.per_minute, 1))
        # which drafts failed since the last success: one alone may be at fault itself
        self._failed: set[str] = set()
        self._ailing = Ailing()
        self._paused_until = 0.0
        self._seen_at = 0.0
        self.counts = Deliveries()

    @property
    def name(self) -> str:
        """The destination."""
        return self._table.name

    def wake(self) -> None:
        """Something new may be due."""
        self._wake.set()

    def hurry(self) -> None:
        """Somebody mended something: do not wait for the end of a pause."""
        self._failed.clear()
        self._paused_until = 0.0
        self._wake.set()

    def stop(self) -> None:
        """Begin nothing new; `run` returns once what is under way has ended."""
        self._stopped = True
        self._wake.set()

    async def run(self) -> None:
        """Deliver until `stop`. What does not end in time is unclear to the next run."""
        try:
            async with asyncio.TaskGroup() as tasks:
                while not self._stopped:
                    self._wake.clear()
                    pause = await self._careful_turn(tasks)
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), pause)
                await self._finish()
        finally:
            await self._backend.close()

    async def _finish(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                while self._running:
                    self._wake.clear()
                    await self._wake.wait()
        for task in self._running.values():
            task.cancel()
        unwritten = self._unwritten
        with contextlib.suppress(StoreUnavailable):
            await self._store.transaction(
                lambda connection: outbox.settle(connection, self.name, unwritten)
            )

    async def _careful_turn(self, tasks: asyncio.TaskGroup) -> float:
        """Take a turn; give for how many seconds to wait then, unless woken."""
        try:
            again_at = await self._turn(tasks)
            return min(_LONGEST_WAIT_SECONDS, max(0.0, again_at - self._clock()))
        except Exception:
            # a fault of ours must not stop the recording of calls
            log.exception("outbox_fault", backend=self.name)
            return _FAULT_PAUSE_SECONDS

    async def _turn(self, tasks: asyncio.TaskGroup) -> float:
        """Settle what has ended, claim what is due and begin it; give when to come again."""
        now = self._clock()
        if now < self._seen_at:  # it was set back: what was to happen by the old one is over
            self._paused_until = 0.0
            self._begun.clear()
        self._seen_at = now
        free, again_at = self._free(now)
        if not free and not self._unwritten:
            return again_at
        lease_until = now + self._pace.lease_seconds
        farthest = now + self._pace.farthest_seconds
        settled = list(self._unwritten)
        under_way = list(self._running)

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
        for claim in claims:
            self._begun.append(now)
            self._running[claim.key] = tasks.create_task(
                self._deliver(claim, lease_until), name=f"to {self.name}"
            )
        return now + _LONGEST_WAIT_SECONDS if due is None else max(due, again_at)

    def _free(self, now: float) -> tuple[int, float]:
        """How many attempts may begin now, and from when on more."""
        if self._stopped:
            return 0, now + _LONGEST_WAIT_SECONDS
        if now < self._paused_until:
            return 0, self._paused_until
        # after a failure one goes ahead, and the others follow once it has succeeded
        free = (1 if self._failed else self._table.concurrency) - len(self._running)
        if free <= 0:
            return 0, now + _LONGEST_WAIT_SECONDS  # whatever ends wakes it
        if not self._table.per_minute:
            return free, now
        left = self._table.per_minute - sum(at > now - _MINUTE for at in self._begun)
        return (min(free, left), now) if left > 0 else (0, self._begun[0] + _MINUTE)

    async def _deliver(self, claim: Claim, lease_until: float) -> None:
        try:
            self._note(await self._attempt(claim, lease_until))
        finally:
            del self._running[claim.key]
            self._wake.set()

    async def _attempt(self, claim: Claim, lease_until: float) -> Ended:
        error: DeliveryError | None = None
        try:
            async with asyncio.timeout(self._pace.attempt_seconds):
                data = claim.draft.encode()
                draft, new = draft_from_json(claim.draft), claim.remote_id is None
                document = self._render(draft, claim.revision, data, new=new)
                remote, revision = await carry_out(self._backend, claim, document)
            settlement = succeeded(claim, lease_until, remote, revision, self._clock())
            return Ended(settlement, claim.decided_at, None)
        except DeliveryError as why:
            error = why
        except TimeoutError:
            error = DeliveryError(
                Reason.TIMEOUT, f"not done within {self._pace.attempt_seconds:g} s"
            )
        except Exception as fault:
            # a fault of ours must not stop the recording of calls
            log.exception("delivery_fault", backend=self.name, key=claim.key)
            name = type(fault).__name__
            error = DeliveryError(Reason.BAD_ANSWER, f"a fault of ctid: {name}; see its log")
        settlement = failed(claim, lease_until, error, self._pace, self._clock())
        return Ended(settlement, claim.decided_at, error)

    def _note(self, ended: Ended) -> None:
        settlement, error = ended.settlement, ended.error
        self._unwritten.append(settlement)
        if error is None:
            self._failed.clear()
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
        if error.reason in _OF_ONE_DRAFT:
            return
        self._failed.add(settlement.key)
        pause = self._pace.pause_seconds(len(self._failed))
        if error.reason is Reason.BUSY and error.retry_after_seconds is not None:
            pause = max(pause, settlement.next_at - self._clock())
        self._paused_until = self._clock() + pause

    def _tell(self, key: str, error: DeliveryError) -> None:
        if self._ailing.failed(key, error.reason, self._clock()):
            log.warning("tickets_failing", backend=self.name, reason=error.reason, why=str(error))
        self.counts.failing = self._ailing.reason

    def _over(self, key: str) -> None:
        reason = self._ailing.settled(key)
        self.counts.failing = self._ailing.reason
        if reason is not None:
            log.info("tickets_recovered", backend=self.name, after=reason)
