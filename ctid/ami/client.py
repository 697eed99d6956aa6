"""One connection to one PBX: panoramisk's Manager, with a protocol that reads bytes our way.

The only module that imports panoramisk. One `Client` lives for one attempt to connect: it never
connects again by itself, never sends an action twice, and ends when its connection ends.
"""

import asyncio
import ssl
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple, cast

import panoramisk
from panoramisk import actions as panoramisk_actions
from panoramisk import ami_protocol

from ctid.ami.actions import LISTS, Action, check
from ctid.ami.decode import Decoder, Greeting, Item
from ctid.ami.replies import Listed, Reply
from ctid.domain.events import Event, ShutDown

# Below what the C library takes anew from the kernel, page by page, for every read.
_READ = 120 * 1024


_LISTS = tuple(action for action, _end in LISTS)


class End(StrEnum):
    """Why a connection, or an attempt to have one, ended; also a metric label."""

    UNREACHABLE = "unreachable"
    TLS_FAILED = "tls_failed"
    NO_GREETING = "no_greeting"
    LOGIN_TIMEOUT = "login_timeout"
    LOGIN_REFUSED = "login_refused"
    NO_ANSWER = "no_answer"
    CONNECTION_LOST = "connection_lost"
    PING_TIMEOUT = "ping_timeout"
    PBX_RESTARTED = "pbx_restarted"
    OVERRUN = "overrun"


class ConnectionEndedError(Exception):
    """The connection ended before the answer came."""


class _Gathering(NamedTuple):
    """A list that is being answered while events go on."""

    end: str
    items: list[Listed]
    future: "asyncio.Future[list[Listed] | None]"


class Client(panoramisk.Manager):  # type: ignore[misc]  # panoramisk ships no types
    """A connection, from the greeting to the end.

    `events` holds what came and was not taken yet; `wake` is set when there is something to look
    at. More than `max_queued` waiting events end the connection on purpose. `ended` tells why it
    ended, None while it lives. `tap` gets the bytes as they come, before anything is made of them.
    """

    def __init__(
        self,
        decoder: Decoder,
        clock: Callable[[], float],
        max_queued: int,
        tap: Callable[[bytes], None] | None = None,
    ) -> None:
        super().__init__(protocol_factory=self._make_protocol)
        self.loop = asyncio.get_running_loop()
        self.greeting: asyncio.Future[str] = self.loop.create_future()
        self.wake = asyncio.Event()
        self.events: list[Event] = []
        self.listed: list[Reply] = []
        self.ended: End | None = None
        self._decoder = decoder
        self._clock = clock
        self._max_queued = max_queued
        self._tap = tap
        self._waiting: dict[str, asyncio.Future[Reply]] = {}
        # Our own questions that are answered by a list: what bears no such id is forged.
        self._lists: set[str] = set()
        self._gathering: dict[str, _Gathering] = {}
        self._shut_down = False

    async def open(
        self, host: str, port: int, tls: ssl.SSLContext | None, server_name: str | None
    ) -> None:
        """Connect. Raises OSError (ssl.SSLError is one). Cancelling it leaves nothing behind."""
        _, self.protocol = await self.loop.create_connection(
            self._make_protocol,
            host,
            port,
            ssl=tls,
            server_hostname=server_name if tls is not None else None,
        )

    def request(self, action: Action) -> asyncio.Future[Reply]:
        """Send an action; the future gets its response, or ConnectionEndedError.

        Raises RefusedValueError.
        """
        check(action)
        future: asyncio.Future[Reply] = self.loop.create_future()
        if self.ended is not None or self.protocol is None:
            _fail(future)
            return future
        made = self.send_action(dict(action))
        self._waiting[made.id] = future
        if action in _LISTS:
            self._lists.add(made.id)
        return future

    def gather(self, action: Action, end: str) -> "asyncio.Future[list[Listed] | None]":
        """Ask for a list that the event `end` ends, while events are followed.

        The future gets its items, None where the PBX refuses or sends more than can be held, or
        ConnectionEndedError. Whoever no longer waits cancels it. Raises RefusedValueError.
        """
        check(action)
        future: asyncio.Future[list[Listed] | None] = self.loop.create_future()
        if self.ended is not None or self.protocol is None:
            _fail(future)
            return future
        made = self.send_action(dict(action))
        self._gathering[made.id] = _Gathering(end, [], future)
        # Until its end came, also where nobody waits for it any more.
        self._decoder.listing = True
        return future

    def lists_are_complete(self) -> None:
        """Everything that was asked was answered: from now on no item of a list is believed."""
        self._decoder.listing = False
        self._lists.clear()

    def take(self) -> list[Event]:
        """The events that came since the last time."""
        events, self.events = self.events, []
        return events

    def abort(self, why: End) -> None:
        """End the connection at once, without waiting for the peer."""
        if self.ended is None:
            self._end(why)
        if self.protocol is not None:
            self.protocol.transport.abort()

    def forget(self, *futures: asyncio.Future[Reply]) -> None:
        """No longer wait for these answers."""
        for future in futures:
            future.cancel()
        self._waiting = {key: held for key, held in self._waiting.items() if not held.cancelled()}

    # -- called by the protocol -------------------------------------------------------------------

    def received(self, data: bytes) -> None:
        if self.ended is not None:
            return
        if self._tap is not None:
            self._tap(data)
        items = self._decoder.feed(data, self._clock())
        if self._decoder.plain:
            self.events += cast("list[Event]", items)
        else:
            for item in items:
                self._take(item)
        if len(self.events) + len(self.listed) > self._max_queued:
            self.abort(End.OVERRUN)
        self.wake.set()

    def connection_lost(self, _error: Exception | None) -> None:
        if self.ended is None:
            self._end(End.PBX_RESTARTED if self._shut_down else End.CONNECTION_LOST)

    def _make_protocol(self) -> "Protocol":
        return Protocol(self)

    def _take(self, item: Item) -> None:
        if isinstance(item, Reply):
            gathering = self._gathering.get(item.action_id)
            if gathering is not None:
                self._gather(gathering, item)
                return
            future = self._waiting.pop(item.action_id, None) if not item.event else None
            if future is not None and not future.done():
                future.set_result(item)
            elif item.event and item.action_id in self._lists:
                self.listed.append(item)
        elif isinstance(item, Greeting):
            if not self.greeting.done():
                self.greeting.set_result(item.version)
        else:
            if isinstance(item, ShutDown):
                self._shut_down = True
            self.events.append(item)

    def _gather(self, gathering: _Gathering, item: Reply) -> None:
        future = gathering.future
        if item.listed is not None:
            if len(gathering.items) < self._max_queued and not future.done():
                gathering.items.append(item.listed)
            elif not future.done():
                future.set_result(None)
            return
        refused = not item.event and not item.success
        if refused or item.event == gathering.end:
            del self._gathering[item.action_id]
            self._decoder.listing = bool(self._gathering)
            if not future.done():
                future.set_result(None if refused else gathering.items)

    def _end(self, why: End) -> None:
        self.ended = why
        _fail(self.greeting)
        for gathering in self._gathering.values():
            _fail(gathering.future)
        self._gathering.clear()
        for future in self._waiting.values():
            _fail(future)
        self._waiting.clear()
        self.wake.set()


class Protocol(ami_protocol.AMIProtocol):  # type: ignore[misc]  # panoramisk ships no types
    """Takes panoramisk's place on the transport: bytes go to the decoder of the client.

    Nothing is logged here: what panoramisk would log holds secrets and callers.
    """

    def __init__(self, client: Client) -> None:
        super().__init__()
        self._client = client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.factory = self._client
        # How much asyncio's socket transport reads at once. It only costs time if that is no longer
        # its name for it: with 256 KiB a fifth goes into getting new memory for every read.
        if hasattr(transport, "max_size"):
            transport.max_size = _READ

    def data_received(self, data: bytes) -> None:
        self._client.received(data)

    def send(self, data: dict[str, str], as_list: object = None) -> object:
        action = panoramisk_actions.Action(data, as_list=as_list)
        # Its own future is not used: it would gather lists, and ours knows that a connection ends.
        action.future.cancel()
        self.transport.write(str(action).encode())
        return action

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._client.connection_lost(exc)

    def close(self) -> None:
        """Close without keeping unanswered actions for another connection."""
        self.closed = True
        self.transport.close()


def _fail(
    future: "asyncio.Future[Reply] | asyncio.Future[str] | asyncio.Future[list[Listed] | None]",
) -> None:
    if not future.done():
        future.set_exception(ConnectionEndedError("the connection ended"))
        future.exception()  # seen: nobody may be waiting for it
