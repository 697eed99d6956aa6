"""A small AMI server: does what a script of a test says, and nothing else.

It listens on a port of its own choice, keeps every action it gets, and answers as its `answers`
say. Its sessions are driven by the test: `send`, `abort`, `silent`.
"""

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Self

SECRET = "correct-horse-battery"
CHALLENGE = "141059265"
GREETING = b"Asterisk Call Manager/11.0.0\r\n"
DEADLINE = 5.0

Action = dict[str, str]


class Watch:
    """Lets a test wait for a condition: whoever changes something calls `changed`."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def changed(self) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    async def until(self, condition: Callable[[], object], seconds: float = DEADLINE) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._waiting.add(future)
                try:
                    await future
                finally:
                    self._waiting.discard(future)


class Session:
    """One connection of a client."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.actions: list[Action] = []
        self.ended = False
        self.silent = False

    @property
    def names(self) -> list[str]:
        return [action["Action"] for action in self.actions]

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    def abort(self) -> None:
        self._writer.transport.abort()

    def end(self) -> None:
        """Send what waits, then close."""
        self._writer.close()


class FakeAmi:
    """Set the attributes before a client connects."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.watch = Watch()
        self.sessions: list[Session] = []
        self.greeting = GREETING
        self.started = "2026-11-24\r\nCoreStartupTime: 21:10:02"
        self.lists: dict[str, bytes] = {}
        # Actions that get this instead of the usual answer; None: no answer at all.
        self.answers: dict[str, bytes | None] = {}
        self.variables: dict[tuple[str, str], str] = {}
        # Called with each session and action before it is answered.
        self.before: Callable[[Session, Action], None] = lambda _session, _action: None

    @property
    def port(self) -> int:
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        assert isinstance(port, int)
        return port

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for session in self.sessions:
            session.abort()
        await asyncio.wait_for(self._server.wait_closed(), DEADLINE)
        await asyncio.gather(*self._tasks)

    async def session(self, number: int) -> Session:
        """The n-th connection, from 0, once it is there."""
        await self.watch.until(lambda: len(self.sessions) > number)
        return self.sessions[number]

    async def got(self, session: Session, action: str, times: int = 1) -> None:
        await self.watch.until(lambda: session.names.count(action) >= times)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        session = Session(writer)
        self.sessions.append(session)
        self.watch.changed()
        session.send(self.greeting)
        try:
            async for action in _actions(reader):
                session.actions.append(action)
                self.before(session, action)
                if not session.silent:
                    self._answer(session, action)
                self.watch.changed()
        except ConnectionError:
            pass
        finally:
            session.ended = True
            writer.close()
            self._tasks.discard(task)
            self.watch.changed()

    def _answer(self, session: Session, action: Action) -> None:
        name = action["Action"]
        tag = f"ActionID: {action['ActionID']}\r\n".encode()
        if name in self.answers:
            answer = self.answers[name]
            if answer is not None:
                session.send(b"Response: " + answer.replace(b"@ID@\r\n", tag) + b"\r\n")
        elif name in _LISTS:
            rows = self.lists.get(name, b"").replace(b"@ID@\r\n", tag)
            session.send(b"Response: Success\r\n" + tag + b"EventList: start\r\n\r\n" + rows)
            session.send(f"Event: {_LISTS[name]}\r\n".encode() + tag + b"ListItems: 0\r\n\r\n")
        else:
            session.send(self._response(action).encode() + tag + b"\r\n")
            if name == "Logoff":
                session.end()

    def _response(self, action: Action) -> str:
        match action["Action"]:
            case "Challenge":
                return f"Response: Success\r\nChallenge: {CHALLENGE}\r\n"
            case "Login":
                key = hashlib.md5((CHALLENGE + SECRET).encode()).hexdigest()
                right = action.get("Key") == key or action.get("Secret") == SECRET
                if right and action["Username"] == "ctid" and action["Events"] == "on":
                    return "Response: Success\r\nMessage: Authentication accepted\r\n"
                return "Response: Error\r\nMessage: Authentication failed\r\n"
            case "CoreStatus":
                return f"Response: Success\r\nCoreStartupDate: {self.started}\r\n"
            case "Getvar":
                value = self.variables.get((action.get("Channel", ""), action["Variable"]), "")
                return f"Response: Success\r\nVariable: x\r\nValue: {value}\r\n"
            case "Ping":
                return "Response: Success\r\nPing: Pong\r\n"
            case "Logoff":
                return "Response: Goodbye\r\n"
        return "Response: Error\r\nMessage: Invalid/unknown command\r\n"


_LISTS = {
    "CoreShowChannels": "CoreShowChannelsComplete",
    "Status": "StatusComplete",
    "QueueStatus": "QueueStatusComplete",
    "BridgeList": "BridgeListComplete",
}


async def _actions(reader: asyncio.StreamReader) -> AsyncIterator[Action]:
    while True:
        try:
            block = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return
        lines = block.decode().strip().split("\r\n")
        yield dict(line.split(": ", 1) for line in lines)
