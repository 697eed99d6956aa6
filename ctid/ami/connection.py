"""Keeps one PBX in sight: connects, logs in, asks what is going on, delivers, and begins again."""

import asyncio
import random
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

import structlog

from ctid.ami import actions
from ctid.ami.attach import Attachment, attach
from ctid.ami.client import Client, ConnectionEndedError, End
from ctid.ami.decode import Counters, Decoder
from ctid.config import Pbx, Secret
from ctid.domain import events as ev
from ctid.domain.records import GapCause

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


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt or a connection ended; `why` is the line for the operator."""

    end: End
    why: str


_GAP_CAUSES = {
    End.CONNECTION_LOST: GapCause.CONNECTION_LOST,
    End.PING_TIMEOUT: GapCause.PING_TIMEOUT,
    End.NO_ANSWER: GapCause.PING_TIMEOUT,
    End.PBX_RESTARTED: GapCause.PBX_RESTARTED,
    End.LOGIN_REFUSED: GapCause.LOGIN_REFUSED,
    End.OVERRUN: GapCause.OVERRUN,
}
_MEANINGS = {
    End.CONNECTION_LOST: "the PBX closed the connection",
    End.PING_TIMEOUT: "the PBX no longer answers",
    End.NO_ANSWER: "the PBX did not answer what ctid asked after the login",
    End.PBX_RESTARTED: "the PBX shut down",
    End.NO_GREETING: "no greeting of an Asterisk manager: is this its port, and TLS as it has it?",
    End.LOGIN_TIMEOUT: "the PBX did not answer the login",
    End.OVERRUN: "events came faster than they could be taken: disconnected, to begin again",
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
            await _answer(self._client, actions.LOGOFF, _LOGOFF_SECONDS)
        self._closing.set()
        if self._running:
            await self._finished.wait()

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
            failure = await self._connect(client) or await self._log_in(client)
            if failure is None:
                self.state = State.CATCHING_UP
                attached_at = self._clock()
                attachment = await attach(client, self._pbx.connect_timeout_seconds)
                if attachment is not None:
                    self._attached(client, attached_at, attachment)
                    await self._follow(client)
                elif client.ended is None:
                    client.abort(End.NO_ANSWER)
            return failure or _ended(client)
        except ConnectionEndedError:
            return _ended(client)
        finally:
            client.abort(End.CONNECTION_LOST)
            self._client = None
            self.attached_at = None
            self.alive_at = None

    async def _connect(self, client: Client) -> Failure | None:
        self.state = State.CONNECTING
        pbx = self._pbx
        try:
            tls = _tls(pbx)
        except (OSError, ssl.SSLError) as error:
            return Failure(End.TLS_FAILED, f"cannot use ca_file {pbx.ca_file}: {_plain(error)}")
        try:
            async with asyncio.timeout(pbx.connect_timeout_seconds):
                await client.open(pbx.host, pbx.port, tls, pbx.server_name or pbx.host)
        except TimeoutError:
            return Failure(End.UNREACHABLE, f"{pbx.host}:{pbx.port} does not answer")
        except ssl.SSLError as error:
            return Failure(End.TLS_FAILED, f"{pbx.host}:{pbx.port}: TLS failed: {_plain(error)}")
        except OSError as error:
            return Failure(End.UNREACHABLE, f"{pbx.host}:{pbx.port}: {_plain(error)}")
        try:
            async with asyncio.timeout(pbx.connect_timeout_seconds):
                self.version = await client.greeting
        except (TimeoutError, ConnectionEndedError):
            return Failure(End.NO_GREETING, _MEANINGS[End.NO_GREETING])
        return None

    async def _log_in(self, client: Client) -> Failure | None:
        self.state = State.LOGGING_IN
        pbx, secret = self._pbx, self._secret.reveal()
        try:
            async with asyncio.timeout(pbx.connect_timeout_seconds):
                if pbx.plain_login:
                    login = actions.login_plain(pbx.username, secret)
                else:
                    answer = await client.request(actions.CHALLENGE)
                    challenge = answer.challenge
                    if not challenge:
                        return Failure(
                            End.LOGIN_REFUSED,
                            "the PBX offers no MD5 challenge: check `authtimeout` and "
                            "`allowmultiplelogin` there, or set plain_login (better with tls)",
                        )
                    login = actions.login_md5(pbx.username, secret, challenge)
                answer = await client.request(login)
        except TimeoutError:
            return Failure(End.LOGIN_TIMEOUT, _MEANINGS[End.LOGIN_TIMEOUT])
        if not answer.success:
            return Failure(
                End.LOGIN_REFUSED,
                f"the PBX refused the login of {pbx.username}: check the secret, and `permit` and "
                "`deny` of this user in manager.conf",
            )
        return None

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
            if not await _answer(client, actions.PING, self._pbx.ping_timeout_seconds):
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


async def _answer(client: Client, action: actions.Action, seconds: float) -> bool:
    """Whether an answer came in time."""
    future = client.request(action)
    try:
        async with asyncio.timeout(seconds):
            await future
    except TimeoutError:
        client.forget(future)
        return False
    except ConnectionEndedError:
        return False
    return True


def _ended(client: Client) -> Failure:
    end = client.ended or End.CONNECTION_LOST
    return Failure(end, _MEANINGS.get(end, end.value))


def _tls(pbx: Pbx) -> ssl.SSLContext | None:
    """Raises OSError, ssl.SSLError. Made anew each time, so that a renewed file is used."""
    return ssl.create_default_context(cafile=pbx.ca_file) if pbx.tls else None


def _plain(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the certificate is not accepted: {error.verify_message}; "
            "ca_file must hold who signed it, server_name the name it was made for"
        )
    if isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER":
        return "this port does not speak TLS; see tlsenable and tlsbindaddr in manager.conf"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there; see enabled, port and bindaddr in manager.conf"
    return error.strerror or str(error) or type(error).__name__
