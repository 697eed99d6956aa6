"""aiomqtt's client, for one connection, with what it keeps to itself.

aiomqtt 2.5 drops the reason code of a PUBACK, does not notice that a connection ends before the
broker said anything, and leaves a socket open when connecting fails. paho, under it, tells all
this by callbacks of its public interface; they are set here anew.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import aiomqtt
import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ctid.outbound.mqtt.access import Access
from ctid.outbound.mqtt.reasons import lost, not_connected
from ctid.outbound.mqtt.topics import QOS
from ctid.outbound.port import DeliveryError, Reason

KEEPALIVE_SECONDS: Final = 20
_CONNECT_SECONDS: Final = 5.0
_LARGEST_INCOMING: Final = 65_536  # the broker keeps back what is larger
_HEAD_BYTES: Final = 16  # of a PUBLISH, besides topic and payload

# What goes wrong is told by whoever asked; paho's own lines would say it twice.
_silent = logging.getLogger("ctid.mqtt")
_silent.setLevel(logging.CRITICAL + 1)


Hear = Callable[[str, bytes, bool], None]
"""Gets topic and payload of what arrives, and whether the broker had kept it (`retain`)."""


def hear_nothing(_topic: str, _payload: bytes, _kept: bool) -> None:  # noqa: FBT001 - a Hear
    """For who is subscribed to nothing."""


class Subscription(NamedTuple):
    """What is wanted of the broker: a filter, and how surely."""

    topics: str
    qos: int = QOS


class Client(aiomqtt.Client):
    """One connection, from `enter` to `leave`; then it is used up.

    `on_message` must not raise. `session_seconds`: for
    how long the broker keeps what it could not hand over after the connection is gone.
    """

    def __init__(
        self,
        access: Access,
        *,
        on_message: Hear = hear_nothing,
        will: aiomqtt.Will | None = None,
        session_seconds: int = 0,
    ) -> None:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.MaximumPacketSize = _LARGEST_INCOMING
        properties.SessionExpiryInterval = session_seconds
        super().__init__(
            access.host,
            access.port,
            username=access.username,
            password=access.password,
            identifier=access.client_id,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=session_seconds == 0,
            keepalive=KEEPALIVE_SECONDS,
            timeout=min(access.timeout_seconds, _CONNECT_SECONDS),
            tls_context=access.tls,
            will=will,
            properties=properties,
            logger=_silent,
        )
        self._where = access.where
        self._deliver_message = on_message
        self._answers: dict[int, asyncio.Future[ReasonCode]] = {}
        self._largest: int | None = None
        self._given_up = False
        self._client.connect_timeout = min(access.timeout_seconds, _CONNECT_SECONDS)
        self._client.on_connect = self._entered
        self._client.on_disconnect = self._parted
        self._client.on_publish = self._acknowledged
        self._client.on_message = self._arrived
        self._client.on_socket_open = self._opened
        self._client.on_socket_register_write = self._has_to_write

    def _has_to_write(self, _client: Any, _userdata: Any, sock: Any) -> None:
        """Called in paho's thread, too: by the loop's next turn the socket may be closed."""

        def register() -> None:
            if sock.fileno() >= 0:
                self._loop.add_writer(sock.fileno(), self._write)

        self._loop.call_soon_threadsafe(register)

    def _write(self) -> None:
        try:
            self._client.loop_write()
        except Exception as error:  # noqa: BLE001 - whatever it is, the connection is lost by it
            if not self._disconnected.done():
                self._disconnected.set_exception(error)

    async def enter(self) -> None:
        """Connect and log in. Raises DeliveryError; nothing is left open then."""
        try:
            await self.__aenter__()
        except aiomqtt.MqttError as error:
            await self.leave()
            raise not_connected(error, self._where) from None
        except UnicodeError:  # from the codec for names of the Internet
            raise DeliveryError(
                Reason.MISCONFIGURED, f"{self._where}: `host` is no name that can be looked up"
            ) from None

    async def leave(self) -> None:
        """Log off, and close the connection whatever the other side does; it may be called twice.

        Called while `enter` is still at it, it makes sure that nothing comes of that.
        """
        self._given_up = True
        self._client.disconnect()
        await asyncio.sleep(0)  # aiomqtt registers the socket with the loop in the next turn
        self._client.loop_write()
        sock = self._client.socket()
        if isinstance(sock, socket.socket):  # it takes nothing any more
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            self._client.loop_write()
        if self._misc_task is not None:
            self._misc_task.cancel()
            await asyncio.gather(self._misc_task, return_exceptions=True)
        if self._disconnected.done():
            self._disconnected.exception()  # the same
        else:
            self._disconnected.set_result(None)

    async def gone(self, or_else: asyncio.Future[None]) -> str | None:
        """Wait until the connection is lost, and say why; None if `or_else` came first."""
        await asyncio.wait((self._disconnected, or_else), return_when=asyncio.FIRST_COMPLETED)
        return lost(self._disconnected.exception()) if self._disconnected.done() else None

    async def publish_surely(
        self, topic: str, payload: bytes, seconds: float, *, retain: bool = False
    ) -> ReasonCode:
        """Publish, and return what the broker said to it. Raises DeliveryError."""
        if self._largest is not None and len(topic) + len(payload) + _HEAD_BYTES > self._largest:
            raise DeliveryError(
                Reason.REJECTED,
                f"{self._where}: {len(payload)} bytes are more than the broker takes "
                f"({self._largest})",
            )
        info = self._client.publish(topic, payload, qos=QOS, retain=retain)
        if info.rc != paho.MQTT_ERR_SUCCESS:
            raise DeliveryError(Reason.UNREACHABLE, f"{self._where}: {paho.error_string(info.rc)}")
        answer: asyncio.Future[ReasonCode] = self._loop.create_future()
        self._answers[info.mid] = answer
        try:
            await asyncio.wait(
                (answer, self._disconnected),
                timeout=seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            del self._answers[info.mid]
        if answer.done():
            return answer.result()
        if self._disconnected.done():
            why = lost(self._disconnected.exception())
            raise DeliveryError(Reason.CUT_OFF, f"{self._where}: {why} before it acknowledged")
        raise DeliveryError(Reason.TIMEOUT, f"{self._where}: not acknowledged within {seconds:g} s")

    async def subscribe_surely(self, topics: str, qos: int = QOS) -> None:
        """Subscribe. Raises DeliveryError."""
        try:
            codes = await self.subscribe(topics, qos=qos)
        except aiomqtt.MqttError:
            raise DeliveryError(
                Reason.UNREACHABLE, f"{self._where}: no answer to the subscription of {topics}"
            ) from None
        if any(isinstance(code, ReasonCode) and code.is_failure for code in codes):
            raise DeliveryError(
                Reason.DENIED, f"{self._where}: the broker does not let ctid read {topics}"
            )

    # -- paho's callbacks, in the loop except for `_opened` ----------------------------------------

    def _entered(
        self,
        client: paho.Client,
        userdata: Any,
        flags: paho.ConnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self._largest = getattr(properties, "MaximumPacketSize", None)
        self._on_connect(client, userdata, flags, code, properties)

    def _parted(
        self,
        client: paho.Client,
        userdata: Any,
        flags: paho.DisconnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if not self._connected.done():
            self._connected.set_exception(aiomqtt.MqttCodeError(code))
            self._connected.exception()  # nobody may be waiting any more
            return
        self._on_disconnect(client, userdata, flags, code, properties)
        if self._disconnected.done():
            self._disconnected.exception()  # aiomqtt may drop it unseen, and asyncio complains

    def _acknowledged(
        self, _client: paho.Client, _userdata: Any, mid: int, code: ReasonCode, _: Properties
    ) -> None:
        answer = self._answers.get(mid)
        if answer is not None and not answer.done():
            answer.set_result(code)

    def _arrived(self, _client: paho.Client, _userdata: Any, message: paho.MQTTMessage) -> None:
        self._deliver_message(message.topic, bytes(message.payload), message.retain)

    def _opened(self, client: paho.Client, userdata: Any, sock: Any) -> None:
        """In the thread that connects, which cannot be interrupted."""
        if self._given_up:
            sock.close()
            raise ConnectionAbortedError("given up meanwhile")
        if isinstance(sock, socket.socket):
            # else small messages wait for the acknowledgement of others, 40 ms and more
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._on_socket_open(client, userdata, sock)
