"""The control socket: HTTP on a Unix socket, JSON both ways, for those whom its mode admits."""

import contextlib
import os
import pwd
import socket
import stat
import struct
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import structlog
from aiohttp import web

from ctid.web.answers import ControlError, body, errors, json
from ctid.web.connections import IDLE_SECONDS, Connections
from ctid.web.runner import failures, runner

log = structlog.get_logger("ctid")

_MODE = 0o660
_LONGEST_BODY = 64 * 1024
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: struct ucred


class SocketError(Exception):
    """The socket cannot be had; the message says why and how to mend it."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who is at the other end, as the kernel says."""

    pid: int
    uid: int

    def name(self) -> str:
        """Who asks, as the system calls that user."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return f"uid {self.uid}"


# Gets the body of the request (None: there was none), gives what is sent back as JSON.
Handler = Callable[[Any, Asker], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Route:
    """One thing that can be asked. What is not a GET changes something, and is logged."""

    method: str
    path: str
    handler: Handler


class ControlServer:
    """Listens while it is open. Handlers raise ControlError for what cannot be done."""

    def __init__(
        self,
        path: Path | None,
        routes: Iterable[Route],
        *,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._path = path
        application = web.Application(middlewares=[errors, failures], client_max_size=_LONGEST_BODY)
        for route in routes:
            application.router.add_route(route.method, route.path, self._answering(route))
        self._connections = Connections(runner(application), idle_seconds=idle_seconds)
        self._identity: tuple[int, int] | None = None

    async def __aenter__(self) -> Self:
        """Raises SocketError."""
        if self._path is None:
            raise SocketError("with PostgreSQL it needs a place: set [control] socket")
        listener = _bind(self._path)
        await self._connections.open(listener)
        status = self._path.stat()
        self._identity = (status.st_dev, status.st_ino)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Take the socket away, if it is still ours."""
        await self._connections.close()
        if self._path is not None:
            with contextlib.suppress(OSError):
                status = self._path.stat()
                if (status.st_dev, status.st_ino) == self._identity:
                    self._path.unlink()

    def _answering(self, route: Route) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            asker = _asker(request)
            try:
                given = await body(request, _LONGEST_BODY)
                if route.method != "GET":
                    log.info("control", request=route.path, uid=asker.uid, pid=asker.pid)
                with self._connections.working(request):
                    result = await route.handler(given, asker)
            except ControlError as error:
                return json({"error": str(error)}, error.status)
            return json(result)

        return answer


def _bind(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        _clear(path)
        before = os.umask(0o777 & ~_MODE)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        listener.listen(16)
        listener.settimeout(0)
    except OSError as error:
        listener.close()
        # a path that is too long is an OSError without a number
        raise SocketError(f"{path}: {error.strerror or error}; see [control] socket") from None
    except SocketError:
        listener.close()
        raise
    return listener


def _clear(path: Path) -> None:
    """Take away what a killed daemon left. Raises SocketError where somebody still answers."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise SocketError(f"{path}: is no socket; move it away, or see [control] socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
    raise SocketError(f"{path}: another ctid answers there; see [control] socket")


def _asker(request: web.Request) -> Asker:
    channel = request.get_extra_info("socket")
    raw = channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(raw)
    return Asker(pid, uid)
