"""What both HTTP servers have in common: nothing a client sends gets into the log."""

import logging
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

log = structlog.get_logger("ctid")

_SHUTDOWN_SECONDS = 1.0
# aiohttp would write a traceback for every request that is no HTTP
_QUIET = logging.getLogger("ctid.http")
_QUIET.setLevel(logging.CRITICAL + 1)


def runner(application: web.Application) -> web.AppRunner:
    """Runs the application; how long a connection may be idle is the affair of `connections`."""
    return web.AppRunner(
        application,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=_SHUTDOWN_SECONDS,
        # nobody has a reason to send a packed body, and a bad one would look like a fault of ours
        auto_decompress=False,
        logger=_QUIET,
    )


@web.middleware
async def failures(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """A fault of ours is logged once, and answered with 500."""
    try:
        return await handler(request)
    except (web.HTTPException, ConnectionError):
        raise  # the second: nobody is there any more to be answered
    except Exception:
        log.exception("request_failed", path=request.path)
        raise web.HTTPInternalServerError(text="a fault of ctid: its log says more\n") from None
