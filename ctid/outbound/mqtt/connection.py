"""One connection to a broker, made when it is first needed and made again when it is lost."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import aiomqtt
import structlog

from ctid.outbound.mqtt.access import Access
from ctid.outbound.mqtt.client import Client, Hear, Subscription, hear_nothing
from ctid.outbound.mqtt.reasons import UNSPECIFIED
from ctid.outbound.mqtt.topics import OFFLINE, ONLINE, QOS
from ctid.outbound.port import DeliveryError, Reason

log = structlog.get_logger("ctid")

_FAREWELL_SECONDS: Final = 2.0
_CLOSE_SECONDS: Final = 3.0
_EXPONENT_LIMIT: Final = 16


@dataclass(frozen=True, slots=True)
class Pauses:
    """Between attempts, in seconds: `first`, then twice as long each time, up to `longest`."""

    first: float = 1.0
    longest: float = 60.0

    def after(self, failures: int, fraction: float) -> float:
        """The pause after so many failures in a row.

        `fraction` (0 to 1) of half of it is left out, so that not all come back at once.
        """
        whole = self.first * 2.0 ** min(failures - 1, _EXPONENT_LIMIT)
        return min(self.longest, whole) * (1.0 - fraction / 2)


USUAL_PAUSES: Final = Pauses()


class Connection:
    """From the first `client` to `close`. While it stands `status` is `online`, else `offline`.

    Without `status` nothing says so. `subscriptions` are renewed with each connection; `on_message`
    gets what they bring: topic, payload, and whether the broker had kept it. `on_up` is called when
    a connection stands. Neither may raise. `session_seconds` as in Client.
    """

    def __init__(
        self,
        access: Callable[[], Access],
        *,
        status: str | None,
        subscriptions: tuple[Subscription, ...] = (),
        on_message: Hear = hear_nothing,
        on_up: Callable[[], None] = lambda: None,
        session_seconds: int = 0,
        pauses: Pauses = USUAL_PAUSES,
        fraction: Callable[[], float] = random.random,
    ) -> None:
        self._access = access
        self._status = status
        self._subscriptions = subscriptions
        self._on_message = on_message
        self._on_up = on_up
        self._session_seconds = session_seconds
        self._pauses = pauses
        self._fraction = fraction
        self._task: asyncio.Task[None] | None = None
        self._closing: asyncio.Future[None] | None = None
        self._settled = asyncio.Event()
        """The attempt that was under way has succeeded or failed."""
        self._failure: DeliveryError | None = None
        self._connected: Client | None = None

    async def client(self, seconds: float) -> Client:
        """Who can publish. Raises DeliveryError if there is no connection.

        It waits for the attempt that is under way, for `seconds` at most, but for no pause.
        """
        if self._closing is None:
            loop = asyncio.get_running_loop()
            self._closing = loop.create_future()
            self._task = loop.create_task(self._keep(self._closing), name=f"mqtt {self._status}")
        try:
            async with asyncio.timeout(seconds):
                await self._settled.wait()
        except TimeoutError:
            raise DeliveryError(
                Reason.UNREACHABLE, f"no connection to the broker within {seconds:g} s"
            ) from None
        if self._connected is not None:
            return self._connected
        if self._task is not None and self._task.done() and not self._task.cancelled():
            self._task.result()  # raises what nobody expected
        failure = self._failure or DeliveryError(Reason.UNREACHABLE, "there is no connection")
        raise DeliveryError(failure.reason, str(failure))

    async def close(self) -> None:
        """Say `offline` and log off; it takes a few seconds at most, whatever the broker does."""
        if self._task is None or self._closing is None:
            return
        if not self._closing.done():
            self._closing.set_result(None)
        await asyncio.wait((self._task,), timeout=_CLOSE_SECONDS)
        if not self._task.done():
            self._task.cancel()
            await asyncio.wait((self._task,))
        if not self._task.cancelled():
            self._task.result()

    async def _keep(self, closing: asyncio.Future[None]) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        try:
            while not closing.done():
                began = loop.time()
                stood = await self._attempt(closing)
                if closing.done():
                    break
                self._settled.set()
                failures = 1 if loop.time() - began > self._pauses.longest else failures + 1
                if stood or failures == 1:
                    log.warning("mqtt_down", why=str(self._failure))
                pause = self._pauses.after(failures, self._fraction())
                await asyncio.wait((closing,), timeout=pause)
                self._settled.clear()
        finally:
            if closing.done():
                self._failure = DeliveryError(Reason.UNREACHABLE, "the connection was closed")
            self._settled.set()

    async def _attempt(self, closing: asyncio.Future[None]) -> bool:
        """Connect, and stay until it is lost (`_failure` says why) or to be closed.

        Whether it was connected at all.
        """
        client: Client | None = None
        stood = False
        try:
            access = self._access()
            client = Client(
                access,
                on_message=self._on_message,
                will=self._will(),
                session_seconds=self._session_seconds,
            )
            await client.enter()
            for topics, qos in self._subscriptions:
                await client.subscribe_surely(topics, qos)
            await self._tell(client, ONLINE, access.timeout_seconds)
            stood = True
            self._failure, self._connected = None, client
            self._settled.set()
            log.info("mqtt_up", broker=access.where)
            self._on_up()
            why = await client.gone(closing)
            self._connected = None
            if why is None:
                await self._tell(client, OFFLINE, _FAREWELL_SECONDS)
            else:
                self._failure = DeliveryError(Reason.UNREACHABLE, f"{access.where}: {why}")
        except DeliveryError as error:
            self._failure = error
        finally:
            if client is not None:
                await client.leave()
        return stood

    def _will(self) -> aiomqtt.Will | None:
        if self._status is None:
            return None
        return aiomqtt.Will(self._status, OFFLINE, qos=QOS, retain=True)

    async def _tell(self, client: Client, status: bytes, seconds: float) -> None:
        if self._status is None:
            return
        code = await client.publish_surely(self._status, status, seconds, retain=True)
        if code.value >= UNSPECIFIED:
            log.warning("mqtt_status_refused", topic=self._status, why=str(code))
