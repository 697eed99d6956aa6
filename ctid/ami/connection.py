"""Keeps one PBX in sight: connects, logs in, asks what is going on, delivers, and begins again."""

import asyncio
import random
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import StrEnum

import structlog

from ctid.ami import actions, presence
from ctid.ami.attach import Attachment, attach
from ctid.ami.client import Client, ConnectionEndedError, End
from ctid.ami.decode import Counters, Decoder
from ctid.ami.session import Failure, answered, connect, ended, log_in
from ctid.config import Pbx, Secret
from ctid.domain import events as ev
from ctid.domain.records import GapCause
from ctid.domain.seats import Answer

log = structlog.get_logger("ctid")

MAX_QUEUED = 50_000
_LOGOFF_SECONDS = 1.0


class State(StrEnum):
    """Where a connection stands."""

    WAITING = "waiting"
    CONNECTING = "connecting"
    LOGGING_IN = "logging_in"
    CATCHING_UP = "catching_up"
    ATTACHED = "attached"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to wait before the next attempt, seconds.

    The n-th wait in a row is a random part of `first` x 2^n, at most the PBX's
    `reconnect_max_seconds`. After a refused login it is `refused` x 2^n, at most `refused_max`:
    a wrong password does not mend itself, and some PBXs ban who tries often.
    """

    first: float = 1.0
    refused: float = 60.0
    refused_max: float = 600.0

    def seconds(self, end: End, row: int, *, longest: float, fraction: float) -> float:
        """The wait after the `row`-th failure in a row, from 0."""
        doublings = min(row, 16)
        if end is End.LOGIN_REFUSED:
            return min(self.refused * 2.0**doublings, self.refused_max)
        return min(self.first * 2.0**doublings, longest) * fraction


@dataclass(slots=True)
class Counts:
    """Plain numbers of one connection since the daemon began, for metrics and status."""

    attempts: int = 0
    attached: int = 0
    pings: int = 0
    ends: dict[End, int] = field(default_factory=dict)
    decoder: Counters = field(default_factory=Counters)


_GAP_CAUSES = {
    End.CONNECTION_LOST: GapCause.CONNECTION_LOST,
    End.PING_TIMEOUT: GapCause.PING_TIMEOUT,
    End.NO_ANSWER: GapCause.PING_TIMEOUT,
    End.PBX_RESTARTED: GapCause.PBX_RESTARTED,
    End.LOGIN_REFUSED: GapCause.LOGIN_REFUSED,
    End.OVERRUN: GapCause.OVERRUN,
}


class Connection:
    """One PBX, for as long as the daemon runs.

    `deliver` gets the events of each read as one list, in order, never from two tasks at once;
    what it raises ends `run`. After each login it first gets Attached, then the Snapshot, then the
    events that came meanwhile; when the PBX goes out of sight, Detached. `started` is what the PBX
    said of its own start when it was last seen (from the store), to know it again by; `on_started`
    is told what it says now.
    """

    def __init__(
        self,
        pbx: Pbx,
        deliver: Callable[[list[ev.Event]], None],
        *,
        started: str | None = None,
        on_started: Callable[[str | None], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
        fraction: Callable[[], float] = random.random,
        pace: Pace = Pace(),
        max_queued: int = MAX_QUEUED,
    ) -> None:
        if pbx.secret is None:
            raise ValueError("the configuration was loaded without secrets")
        self._pbx = pbx
        self._secret: Secret = pbx.secret
        self._deliver = deliver
        self._started = started
        self._on_started = on_started
        self._clock = clock
        self._fraction = fraction
        self._pace = pace
        self._max_queued = max_queued
        self._client: Client | None = None
        self._closing = asyncio.Event()
        self._finished = asyncio.Event()
        self._running = False
        self._leaving = False
        self._in_sight = True
        self._failed_in_a_row = 0
        self.state = State.WAITING
        self.attached_at: float | None = None
        self.failure: Failure | None = None
        self.version: str | None = None
        self.counts = Counts()
        # when the PBX last sent events or answered a ping, monotonic time; None: not attached
        self.alive_at: float | None = None

    async def run(self) -> None:
        """Keep the PBX in sight until `close`."""
        self._running = True
        try:
            async with asyncio.TaskGroup() as tasks:
                work = tasks.create_task(self._work(), name=f"ami {self._pbx.name}")
                await self._closing.wait()
                work.cancel()
        finally:
            self.state = State.CLOSED
            self._finished.set()

    async def close(self) -> None:
        """Log off and return when `run` has ended. Tells nobody that the PBX is out of sight."""
        self._leaving = True
        if self._client is not None and self.state is State.ATTACHED:
            await answered(self._client, actions.LOGOFF, _LOGOFF_SECONDS)
        self._closing.set()
        if self._running:
            await self._finished.wait()

    async def ask_presence(
        self, queues: Collection[str], phones: Collection[str], seconds: float = 1.5
    ) -> Answer | None:
        """Who is logged in to these queues, and how these phones stand, while events go on.

        None: it is not attached, or did not answer within `seconds`.
        """
        client = self._client
        if client is None or self.state is not State.ATTACHED:
            return None
        try:
            return await presence.ask(client, queues, phones, self._clock(), seconds)
        except ConnectionEndedError:
            return None

    async def _work(self) -> None:
        while not self._leaving:
            self.counts.attempts += 1
            failure = await self._attempt()
            if not self._leaving:
                self._lost(failure)
                await self._wait(failure.end)

    # -- one attempt ------------------------------------------------------------------------------

    async def _attempt(self) -> Failure:
        """Connect and stay connected for as long as it goes. Why it ended."""
        decoder = Decoder(counters=self.counts.decoder)
        client = Client(decoder, self._clock, self._max_queued)
        self._client = client
        try:
            failure = await self._enter(client)
            if failure is None:
                self.state = State.CATCHING_UP
                attached_at = self._clock()
                attachment = await attach(client, self._pbx.connect_timeout_seconds)
                if attachment is not None:
                    self._attached(client, attached_at, attachment)
                    await self._follow(client)
                elif client.ended is None:
                    client.abort(End.NO_ANSWER)
            return failure or ended(client)
        except ConnectionEndedError:
            return ended(client)
        finally:
            client.abort(End.CONNECTION_LOST)
            self._client = None
            self.attached_at = None
            self.alive_at = None

    async def _enter(self, client: Client) -> Failure | None:
        self.state = State.CONNECTING
        failure = await connect(client, self._pbx)
        if failure is None:
            self.version = client.greeting.result()
            self.state = State.LOGGING_IN
            failure = await log_in(client, self._pbx, self._secret)
        return failure

    def _attached(self, client: Client, at: float, attachment: Attachment) -> None:
        restarted = None not in (self._started, attachment.started) and (
            attachment.started != self._started
        )
        if attachment.started is not None:
            self._started = attachment.started
        self.state = State.ATTACHED
        self.counts.attached += 1
        self.attached_at = at
        self.alive_at = time.monotonic()
        self._failed_in_a_row = 0
        self._in_sight = True
        self.failure = None
        self._on_started(self._started)
        self._deliver([ev.Attached(at, restarted), *attachment.events(client.take())])
        log.info(
            "pbx_attached",
            pbx=self._pbx.name,
            ami=self.version,
            restarted=restarted,
            channels=attachment.channel_count,
            refused=attachment.refused or None,
        )

    async def _follow(self, client: Client) -> None:
        """Deliver what comes until the connection ends."""
        async with asyncio.TaskGroup() as tasks:
            pings = tasks.create_task(self._ping(client), name=f"ping {self._pbx.name}")
            try:
                while client.ended is None:
                    await client.wake.wait()
                    client.wake.clear()
                    client.listed.clear()
                    events = client.take()
                    if events and client.ended is not End.OVERRUN:
                        self._deliver(events)
                        self.alive_at = time.monotonic()
            finally:
                pings.cancel()

    async def _ping(self, client: Client) -> None:
        while client.ended is None:
            await asyncio.sleep(self._pbx.ping_interval_seconds)
            self.counts.pings += 1
            if not await answered(client, actions.PING, self._pbx.ping_timeout_seconds):
                client.abort(End.PING_TIMEOUT)
            else:
                self.alive_at = time.monotonic()

    # -- between attempts -------------------------------------------------------------------------

    def _lost(self, failure: Failure) -> None:
        """Tell once that the PBX is out of sight, and why each time that changes."""
        self.counts.ends[failure.end] = self.counts.ends.get(failure.end, 0) + 1
        if failure != self.failure:
            log.warning(
                "pbx_not_connected", pbx=self._pbx.name, reason=failure.end, why=failure.why
            )
        self.failure = failure
        if self._in_sight:
            self._in_sight = False
            cause = _GAP_CAUSES.get(failure.end, GapCause.UNREACHABLE)
            self._deliver([ev.Detached(self._clock(), cause)])

    async def _wait(self, end: End) -> None:
        self.state = State.WAITING
        seconds = self._pace.seconds(
            end,
            self._failed_in_a_row,
            longest=self._pbx.reconnect_max_seconds,
            fraction=self._fraction(),
        )
        self._failed_in_a_row += 1
        await asyncio.sleep(seconds)
