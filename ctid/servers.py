"""What ctid answers on: metrics and health, the API with the pages of links, the control socket."""

import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Final

import structlog

from ctid.ack_pages import AckPages
from ctid.alert_desk import AlertDesk
from ctid.alert_routes import api_routes
from ctid.config import Config
from ctid.config.serving import Serving
from ctid.overview import Overview
from ctid.store.queries import Reader
from ctid.web import socket_path
from ctid.web.api import ApiServer
from ctid.web.control import ControlServer, Route, SocketError
from ctid.web.listener import Listener
from ctid.web.server import MetricsServer

log = structlog.get_logger("ctid")


@dataclass(frozen=True, slots=True)
class Listeners:
    """Where Prometheus and where programs ask; None: nowhere."""

    metrics: Listener | None = None
    api: Listener | None = None

    def renew(self) -> None:
        """Read certificates and keys again. Raises ServeError."""
        for listener in (self.metrics, self.api):
            if listener is not None:
                listener.renew()


NOWHERE: Final = Listeners()


@contextlib.contextmanager
def listening(config: Config) -> Iterator[Listeners]:
    """Take the addresses, early, so that a start fails early. Raises ServeError."""
    with contextlib.ExitStack() as stack:

        def opened(settings: Serving) -> Listener | None:
            if settings.address is None:
                return None
            listener = Listener(settings)
            stack.enter_context(listener.socket)
            return listener

        yield Listeners(opened(config.metrics), opened(config.api))


@contextlib.asynccontextmanager
async def serving(
    listeners: Listeners,
    overview: Overview,
    desk: AlertDesk,
    reader: Callable[[], Reader],
    link_secret: bytes,
    routes: list[Route],
) -> AsyncIterator[None]:
    """Answer, on all of them. `routes` are those of the control socket."""
    async with contextlib.AsyncExitStack() as stack:
        if listeners.metrics is not None:
            metrics = MetricsServer(
                listeners.metrics,
                overview.config.metrics.token,
                read=overview.read,
                troubles=overview.troubles,
                waited_for=overview.waited_for,
            )
            await stack.enter_async_context(metrics)
        if listeners.api is not None:
            pages = AckPages(desk, reader, link_secret, lambda: overview.config, time.time)
            api = ApiServer(
                listeners.api,
                lambda: overview.config.api_token,
                api_routes(desk, reader, time.time),
                pages.routes(),
            )
            await stack.enter_async_context(api)
        try:
            path = socket_path.of_daemon(overview.config, os.environ)
            await stack.enter_async_context(ControlServer(path, routes))
        except SocketError as error:  # calls are recorded also where nobody can ask about them
            log.warning("no_control_socket", why=str(error))
        yield
