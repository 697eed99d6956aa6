"""What both HTTP servers have in common: nothing a client sends gets into the log."""

import logging
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

log = structlog.get_logger("ctid")

_SHUTDOWN_SECONDS = 1.0
# Prometheus keeps its connection from one scrape to the next, mostly a minute at most.
_IDLE_SECONDS = 75.0
# aiohttp would write a traceback for every request that is no HTTP
_QUIET = logging.getLogger("ctid.http")
_QUIET.setLevel(logging.CRITICAL + 1)


def runner(application: web.Application) -> web.AppRunner:
    """Runs the application; a fault of ours is logged once, and answered with 500."""
    application.middlewares.insert(0, _failures)
    return web.AppRunner(
        application,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=_SHUTDOWN_SECONDS,
        keepalive_timeout=_IDLE_SECONDS,
        logger=_QUIET,
    )


@web.middleware
async def _failures(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except (web.HTTPException, ConnectionError):
        raise  # the second: nobody is there any more to be answered
    except Exception:
        log.exception("request_failed", path=request.path)
        return web.Response(status=500, text="a fault of ctid: its log says more\n")
