"""The HTTP server for Prometheus and health checks: /metrics, /healthz, /readyz."""

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable, Iterator
from types import TracebackType
from typing import Self

import structlog
from aiohttp import web

from ctid.config import Secret
from ctid.outbound.metrics import CONTENT_TYPE, render
from ctid.outbound.reading import Reading
from ctid.web.bearer import refused, same, shown
from ctid.web.connections import IDLE_SECONDS, Connections
from ctid.web.listener import Listener
from ctid.web.runner import failures, plainly, runner

log = structlog.get_logger("ctid")


class MetricsServer:
    """Listens while it is open.

    `read` gives all numbers of this moment, `troubles` one line for each thing that is wrong,
    `waited_for` one for each PBX about which nothing is known yet. All are called in the loop
    and must be quick. `idle_seconds`: how long a connection may be without a request, and an
    answer without being taken.
    """

    def __init__(
        self,
        listener: Listener,
        token: Secret | None,
        *,
        read: Callable[[], Reading],
        troubles: Callable[[], list[str]],
        waited_for: Callable[[], list[str]],
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._listener = listener
        self._read = read
        self._troubles = troubles
        self._waited_for = waited_for
        self._idle_seconds = idle_seconds
        self._rendering = asyncio.Lock()
        self._token = token.reveal().encode() if token else None
        application = web.Application(
            middlewares=[plainly, failures, self._guard], client_max_size=1024
        )
        application.router.add_get("/metrics", self._metrics, allow_head=False)
        application.router.add_get("/healthz", self._healthz)
        application.router.add_get("/readyz", self._readyz)
        self._connections = Connections(
            runner(application), tls=listener.tls, idle_seconds=idle_seconds
        )

    async def __aenter__(self) -> Self:
        """Take connections."""
        host, port = self._listener.socket.getsockname()[:2]
        await self._connections.open(self._listener.socket)
        log.info("metrics_listening", host=host, port=port, tls=self._listener.tls is not None)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Listen no more; who is being answered has a second."""
        await self._connections.close()

    # -- requests ---------------------------------------------------------------------------------

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if self._token is not None and not same(shown(request), self._token):
            refusal = web.Response(
                status=401,
                text=refused(request, "not the one of [metrics]") + "\n",
                headers={"WWW-Authenticate": "Bearer"},
            )
            refusal.force_close()
            return refusal
        with self._connections.working(request):
            return await handler(request)

    async def _metrics(self, request: web.Request) -> web.StreamResponse:
        # one at a time: a second text at once would only make both slower, and events wait
        async with self._rendering:
            if request.transport is None:
                raise ConnectionResetError  # gone while it waited
            with _threads_give_way():
                body = await asyncio.to_thread(render, self._read())
        response = web.StreamResponse(headers={"Content-Type": CONTENT_TYPE})
        response.content_length = len(body)
        try:
            async with asyncio.timeout(self._idle_seconds):
                await response.prepare(request)
                await response.write(body)
                await response.write_eof()
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
        return response

    async def _healthz(self, _request: web.Request) -> web.Response:
        return _verdict(self._troubles())

    async def _readyz(self, _request: web.Request) -> web.Response:
        return _verdict(self._waited_for())


@contextlib.contextmanager
def _threads_give_way() -> Iterator[None]:
    """Let events pass while the text is written: a thread gives way after half a millisecond.

    The event loop gives the interpreter up with every read and write; to have it back it would wait
    5 ms each time. Not for always: then the writer of the records would hold up the reader.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _verdict(wrong: list[str]) -> web.Response:
    return web.Response(
        status=503 if wrong else 200, text="".join(f"{line}\n" for line in wrong or ["ok"])
    )
