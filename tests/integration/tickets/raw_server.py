"""A server that says, to the byte, what a test wants: for answers that no framework would give."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

Say = Callable[[asyncio.StreamWriter], Awaitable[None]]


def answer(
    status: str = "200 OK", body: bytes = b"", *headers: str, length: int | None = None
) -> bytes:
    """A whole answer; `length` is what it pretends to have."""
    length = len(body) if length is None else length
    head = [f"HTTP/1.1 {status}", f"Content-Length: {length}", "Connection: close"]
    return "\r\n".join([*head, *headers, "", ""]).encode() + body


def saying(data: bytes) -> Say:
    """Send this, and close."""

    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return say


async def nothing(writer: asyncio.StreamWriter) -> None:
    """Keep the asker waiting until it goes."""
    while not writer.transport.is_closing():  # noqa: ASYNC110 - the other end decides
        await asyncio.sleep(0.01)


async def reset(writer: asyncio.StreamWriter) -> None:
    """Break the connection as a machine does that dies."""
    writer.transport.abort()


class RawServer:
    """Reads one request per connection, and answers as `say` does.

    `requests` are the requests that came, whole, with their bodies; `connections` counts those that
    were opened.
    """

    def __init__(self, say: Say, context: ssl.SSLContext | None = None) -> None:
        self._say = say
        self._context = context
        self.requests: list[bytes] = []
        self.connections = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, ssl=self._context, limit=2**20
        )
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                (
                    int(line.partition(b":")[2])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length:")
                ),
                0,
            )
            self.requests.append(head + await reader.readexactly(length))
            await self._say(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the asker has gone
        except asyncio.CancelledError:
            pass  # the test has failed: its own error is the one to show
        finally:
            writer.close()
