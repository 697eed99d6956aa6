"""Who is connected to an HTTP server: so many at most, and nobody for long without a request.

Whoever comes is let in. When there are too many, the one goes that has had nothing to do for
longest: a crowd that only holds its connections keeps nobody out.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Coroutine, Iterator
from typing import Any

import structlog
from aiohttp import web

log = structlog.get_logger("ctid")

# Who asks is one Prometheus and a health check or two, or a few people with `ctid status`.
MAX_CONNECTIONS = 64
# Within this time a connection has to bring its next request, whole, and to have taken the answer.
# Not a usual interval between scrapes: it would be closed just when the next one comes.
IDLE_SECONDS = 12.0
# There is no file descriptor left: asking again at once would only take the processor, too.
_PAUSE_SECONDS = 1.0


class _Connection:
    def __init__(self, client: socket.socket) -> None:
        self.client = client
        # when it goes; None: it has a request in work
        self.end: asyncio.TimerHandle | None = None

    def drop(self) -> None:
        # not the transport's abort(): a handshake has none yet
        with contextlib.suppress(OSError):
            self.client.shutdown(socket.SHUT_RDWR)


class Connections:
    """Takes connections from a listening socket, from `open` to `close`."""

    def __init__(
        self,
        runner: web.AppRunner,
        *,
        tls: ssl.SSLContext | None = None,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._runner = runner
        self._tls = tls
        self._idle_seconds = idle_seconds
        self._connections: dict[asyncio.BaseProtocol, _Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: socket.socket | None = None

    async def open(self, listener: socket.socket) -> None:
        """Begin to take connections; the socket is closed in the end."""
        self._listener = listener
        await self._runner.setup()
        self._start(self._accept(listener))

    async def close(self) -> None:
        """Take no more; who is being answered has a second."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._listener is not None:
            self._listener.close()
        await self._runner.cleanup()
        for connection in self._connections.values():
            if connection.end is not None:
                connection.end.cancel()

    @contextlib.contextmanager
    def working(self, request: web.Request) -> Iterator[None]:
        """While this lasts the request is in work, and its connection stays."""
        connection = self._connections.get(request.protocol)
        if connection is None:  # dropped meanwhile
            yield
            return
        if connection.end is not None:
            connection.end.cancel()
            connection.end = None
        try:
            yield
        finally:
            self._idle_from_now(connection)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, _ = await loop.sock_accept(listener)
            except ConnectionAbortedError:
                continue
            except OSError as error:
                log.warning("cannot_accept", why=error.strerror)
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            self._start(self._take(client))
            await asyncio.sleep(0)  # while others wait, sock_accept gives nobody a turn

    async def _take(self, client: socket.socket) -> None:
        """Let one in; with TLS this lasts until hands are shaken."""
        handler = self._runner.server() if self._make_room() and self._runner.server else None
        if handler is None:
            client.close()
            return
        self._connections[handler] = connection = _Connection(client)
        self._idle_from_now(connection)
        # what goes wrong here is the other side's affair
        with contextlib.suppress(OSError):
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: handler,
                client,
                ssl=self._tls,
                ssl_handshake_timeout=self._idle_seconds if self._tls else None,
            )

    def _make_room(self) -> bool:
        """False: all have a request in work."""
        for handler, connection in list(self._connections.items()):
            if connection.client.fileno() < 0 and connection.end is not None:
                connection.end.cancel()
                del self._connections[handler]
        if len(self._connections) < MAX_CONNECTIONS:
            return True
        idle = [
            (connection.end.when(), handler)
            for handler, connection in self._connections.items()
            if connection.end is not None
        ]
        if not idle:
            return False
        _, longest = min(idle, key=lambda pair: pair[0])
        self._connections.pop(longest).drop()
        return True

    def _idle_from_now(self, connection: _Connection) -> None:
        loop = asyncio.get_running_loop()
        connection.end = loop.call_later(self._idle_seconds, connection.drop)
