"""The simulated PBX's manager interface: AMI over TCP, on the loopback."""

import asyncio
import contextlib
import hashlib
import math
import random
import re
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from types import TracebackType
from typing import Self

from ctid.sim.program import Call, blocks
from ctid.sim.state import Item, State
from ctid.sim.template import BLANK, GREETING, Member, Template

USERNAME = "ctid"
# What is written at once where the play goes as fast as it can.
_CHUNK = 1 << 16
# Waiting for less costs more than it is worth.
_SHORTEST_WAIT = 0.001
_DEVICE_STATE = re.compile(r"DEVICE_STATE\(([^()]*)\)")

Action = dict[str, str]


class _Session:
    """One connection of a client."""

    def __init__(self, writer: asyncio.StreamWriter, challenge: str) -> None:
        self._writer = writer
        self.challenge = challenge
        self.logged_in = False
        self.events = False

    def send(self, data: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(data)

    async def drain(self) -> None:
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()

    def close(self) -> None:
        self._writer.close()


class SimulatedPbx:
    """A PBX without telephones. Use it with `async with`; `port` is where it listens.

    Clients log in as USERNAME with `secret`. `templates` are the streams that `play` may be asked
    for. `clock` gives Unix seconds; the PBX's own time begins there and runs `speed` times as fast
    (`math.inf`: as fast as the clients read). A client that does not read holds up the play.
    """

    def __init__(
        self,
        secret: str,
        templates: Mapping[str, Template],
        *,
        clock: Callable[[], float] = time.time,
        speed: float = 1.0,
        seed: int = 0,
    ) -> None:
        self._secret = secret
        self._templates = templates
        self._clock = clock
        self._speed = speed
        self._chance = random.Random(seed)  # noqa: S311 - nobody outside can reach it
        self._began_at = clock()
        self._last = self._began_at
        members = (member for template in templates.values() for member in template.members)
        self._state = State(list(dict.fromkeys(members)))
        self._server: asyncio.Server | None = None
        self._sessions: dict[_Session, asyncio.Task[None] | None] = {}

    @property
    def port(self) -> int:
        if self._server is None:
            raise RuntimeError("the simulated PBX was not started")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def now(self) -> float:
        """The PBX's own time, Unix seconds."""
        if math.isinf(self._speed):
            return self._last
        return max(self._due(), self._last)

    def _due(self) -> float:
        """How far the play should be by the clock."""
        return self._began_at + (self._clock() - self._began_at) * self._speed

    def unplug(self, *interfaces: str) -> None:
        """These phones have no contact any more."""
        self._state.unplugged.update(interfaces)

    def plug_in(self, *interfaces: str) -> None:
        """They are registered again."""
        self._state.unplugged.difference_update(interfaces)

    def pause(self, *interfaces: str, reason: str = "") -> None:
        """Their members are paused in all queues."""
        self._state.paused.update(dict.fromkeys(interfaces, reason))

    def unpause(self, *interfaces: str) -> None:
        """They take calls again."""
        for interface in interfaces:
            self._state.paused.pop(interface, None)

    def log_in(self, *members: Member) -> None:
        """They are members of queues from now on."""
        self._state.add(members)

    def log_out(self, *interfaces: str) -> None:
        """They are members of no queue any more; the queues stay."""
        self._state.members[:] = [
            one for one in self._state.members if one.state_interface not in interfaces
        ]

    async def __aenter__(self) -> Self:
        """Listen, on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close all connections, and return when nothing runs any more."""
        if self._server is not None:
            self._server.close()
        serving = [task for task in self._sessions.values() if task is not None]
        for session in self._sessions:
            session.close()
        await asyncio.gather(*serving, return_exceptions=True)

    async def play(self, calls: Iterable[Call]) -> None:
        """Let calls come, in order, the first `after` counted from now; return after the last."""
        written = bytearray()
        for at, block in blocks(calls, self._templates, self.now()):
            # not by `now`: a dense stream would run ahead of the clock, a short wait at a time
            wait = 0.0 if math.isinf(self._speed) else (at - self._due()) / self._speed
            if wait > _SHORTEST_WAIT or len(written) > _CHUNK:
                await self._write(written)
            if wait > _SHORTEST_WAIT:
                await asyncio.sleep(wait)
            self._last = max(self._last, at)
            self._state.take(at, block)
            written += block + BLANK
        await self._write(written)

    async def _write(self, data: bytearray) -> None:
        if not data:
            return
        listening = [session for session in self._sessions if session.events]
        for session in listening:
            session.send(bytes(data))
        data.clear()
        for session in listening:
            await session.drain()

    # -- actions ----------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = _Session(writer, str(self._chance.randrange(10**8, 10**9)))
        self._sessions[session] = asyncio.current_task()
        try:
            session.send(GREETING)
            async for action in _actions(reader):
                self._answer(session, action)
                await session.drain()
        except ConnectionError:
            pass  # it went without a word
        finally:
            session.close()
            del self._sessions[session]

    def _answer(self, session: _Session, action: Action) -> None:
        name = action.get("action", "").lower()
        tag = [("ActionID", action["actionid"])] if "actionid" in action else []

        def respond(response: str, *headers: tuple[str, str]) -> None:
            session.send(_block([("Response", response), *tag, *headers]))

        if name == "logoff":
            respond("Goodbye", ("Message", "Thanks for all the fish."))
            session.close()
        elif name == "challenge" and action.get("authtype", "").upper() == "MD5":
            respond("Success", ("Challenge", session.challenge))
        elif name == "login":
            self._log_in(session, action, respond)
        elif not session.logged_in:
            respond("Error", ("Message", "Permission denied"))
        elif name == "ping":
            respond("Success", ("Ping", "Pong"), ("Timestamp", f"{self.now():.6f}"))
        elif name == "corestatus":
            began = time.gmtime(self._began_at)
            respond(
                "Success",
                ("CoreStartupDate", time.strftime("%Y-%m-%d", began)),
                ("CoreStartupTime", time.strftime("%H:%M:%S", began)),
                ("CoreCurrentCalls", "0"),
            )
        elif name == "getvar":
            variable = action.get("variable", "")
            asked = _DEVICE_STATE.fullmatch(variable)
            value = (
                self._state.device_state(asked[1])
                if asked
                else self._state.variable(action.get("channel", ""), variable)
            )
            if value is None:
                respond("Error", ("Message", "No such channel"))
            else:
                respond("Success", ("Variable", variable), ("Value", value))
        elif name in _LISTS:
            ask, end = _LISTS[name]
            items = list(ask(self._state, self.now()))
            if "queue" in action:
                items = [item for item in items if ("Queue", action["queue"]) in item]
            respond("Success", ("EventList", "start"))
            session.send(_listed(items, end, tag))
        else:
            respond("Error", ("Message", "Invalid/unknown command"))

    def _log_in(self, session: _Session, action: Action, respond: Callable[..., None]) -> None:
        text = (session.challenge + self._secret).encode()
        key = hashlib.md5(text, usedforsecurity=False).hexdigest()
        right = action.get("key") == key or action.get("secret") == self._secret
        if action.get("username") != USERNAME or not right:
            respond("Error", ("Message", "Authentication failed"))
            session.close()
            return
        session.logged_in = True
        respond("Success", ("Message", "Authentication accepted"))
        uptime = str(int(self.now() - self._began_at))
        session.send(
            _block(
                [
                    ("Event", "FullyBooted"),
                    ("Privilege", "system,all"),
                    ("Timestamp", f"{self.now():.6f}"),
                    ("Uptime", uptime),
                    ("LastReload", uptime),
                    ("Status", "Fully Booted"),
                ]
            )
        )
        session.events = action.get("events", "on").lower() != "off"


_LISTS: dict[str, tuple[Callable[[State, float], Iterable[Item]], str]] = {
    "coreshowchannels": (State.core_show_channels, "CoreShowChannelsComplete"),
    "status": (State.status, "StatusComplete"),
    "queuestatus": (State.queue_status, "QueueStatusComplete"),
    "bridgelist": (State.bridge_list, "BridgeListComplete"),
}
# Of these Asterisk writes the ActionID as the second header, of the others as the last one.
_TAG_FIRST = ("CoreShowChannel", "BridgeListItem")


def _listed(items: list[Item], end: str, tag: Item) -> bytes:
    written = bytearray()
    for item in items:
        first, *others = item
        if first[1] in _TAG_FIRST:
            written += _block([first, *tag, *others])
        else:
            written += _block([first, *others, *tag])
    count = str(len(items))
    return bytes(written) + _block(
        [("Event", end), *tag, ("EventList", "Complete"), ("ListItems", count)]
    )


def _block(headers: Item) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return (lines + "\r\n").encode("utf-8", "surrogateescape")


async def _actions(reader: asyncio.StreamReader) -> AsyncIterator[Action]:
    """Header names in lower case: Asterisk does not tell them apart."""
    while True:
        try:
            block = await reader.readuntil(BLANK)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        pairs = (line.partition(":") for line in block.decode(errors="replace").split("\r\n"))
        yield {name.strip().lower(): value.strip() for name, _, value in pairs}
