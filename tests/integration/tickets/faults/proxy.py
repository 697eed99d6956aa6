"""Stands between ctid and a ticket system, and misbehaves as its seed says.

It understands as much HTTP as it has to: one request, one answer, and the connection is closed.
"""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from types import TracebackType
from typing import Final, Self

_SOUND: Final = "sound"


class Fault(StrEnum):
    """What happens to one request. Those above the line are carried out by the system behind."""

    LATE = "late"
    CUT_IN_ANSWER = "cut in its answer"
    CUT_AFTER = "cut after it was carried out"
    LOST_IN_500 = "500 after it was carried out"
    LOST_IN_HTML = "HTML after it was carried out"
    LOST_IN_NOTHING = "an empty body after it was carried out"
    # ----
    CUT_BEFORE = "cut before it was carried out"
    ERROR_500 = "500"
    BUSY_429 = "429 with Retry-After"
    HTML = "HTML instead of JSON"


_DONE: Final = tuple(Fault)[:6]
_ANSWERS: Final = {
    Fault.LOST_IN_500: b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops",
    Fault.ERROR_500: b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops",
    Fault.LOST_IN_HTML: b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
    b"Content-Length: 19\r\n\r\n<html>hello</html>\n",
    Fault.HTML: b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
    b"Content-Length: 19\r\n\r\n<html>hello</html>\n",
    Fault.LOST_IN_NOTHING: b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    Fault.BUSY_429: b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\n"
    b"Content-Length: 0\r\n\r\n",
}


class FaultyProxy:
    """Listens on `port` while it is open. `share` of the requests meet a fault; 0: none any more.

    `late_seconds` is longer than ctid waits. `in_flight` are the requests that have arrived and
    were not answered yet.
    """

    def __init__(
        self, upstream: int, chance: random.Random, *, share: float, late_seconds: float
    ) -> None:
        self._upstream = upstream
        self._chance = chance
        self.share = share
        self._late_seconds = late_seconds
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self.port = 0
        self.in_flight = 0
        self.met: Counter[str] = Counter()
        self.on_request: Callable[[], None] = lambda: None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            request = await _message(reader)
            if not request:
                return
            self.in_flight += 1
            self.on_request()
            try:
                await self._answer(request, writer)
            finally:
                self.in_flight -= 1
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # ctid was killed
        finally:
            await _closed(writer)
            self._serving.discard(task)

    async def _answer(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        fault = None
        if self._chance.random() < self.share:
            fault = self._chance.choice(list(Fault))
        self.met[fault or _SOUND] += 1
        answer = b""
        if fault is None or fault in _DONE:
            answer = await self._forward(request)
        if fault is Fault.LATE:
            await asyncio.sleep(self._late_seconds)
        elif fault is Fault.CUT_IN_ANSWER:
            answer = answer[: len(answer) // 2]
        elif fault is not None:
            answer = _ANSWERS.get(fault, b"")
        writer.write(answer)
        await writer.drain()

    async def _forward(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        try:
            writer.write(request)
            await writer.drain()
            return await _message(reader)
        finally:
            await _closed(writer)


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def _message(reader: asyncio.StreamReader) -> bytes:
    """A whole request or answer, with `Connection: close` in its head; empty: nobody spoke."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    fields = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(b":") for line in lines[1:])
    }
    if fields.get(b"transfer-encoding", b"").lower() == b"chunked":
        body = await _chunks(reader)
    else:
        body = await reader.readexactly(int(fields.get(b"content-length", b"0")))
    drop = (b"connection", b"transfer-encoding", b"content-length", b"keep-alive")
    kept = [line for line in lines[1:] if line.partition(b":")[0].strip().lower() not in drop]
    kept += [b"Connection: close", b"Content-Length: %d" % len(body)]
    return b"\r\n".join([lines[0], *kept]) + b"\r\n\r\n" + body


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while True:
        size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
        body += await reader.readexactly(size)
        await reader.readuntil(b"\r\n")
        if not size:
            return body
