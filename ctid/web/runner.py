"""What both HTTP servers have in common: nothing a client sends gets into the log."""

import logging
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

log = structlog.get_logger("ctid")

_SHUTDOWN_SECONDS = 1.0
_LONGEST_SHOWN = 80
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


def in_words(request: web.Request, error: web.HTTPException) -> str:
    """One line about what came to nothing; of aiohttp itself there are only a number and a name."""
    path = request.rel_url.raw_path[:_LONGEST_SHOWN]  # escaped as it came
    if isinstance(error, web.HTTPMethodNotAllowed):
        return f"{path} takes {_allowed(error)}, not {error.method[:_LONGEST_SHOWN]}"
    if isinstance(error, web.HTTPNotFound):
        return f"there is nothing at {path}"
    return (error.text or error.reason).strip()


def answering(error: web.HTTPException, answer: web.Response) -> web.Response:
    """Give the answer that stands for the error what else has to be in it."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        answer.headers["Allow"] = _allowed(error)
    return answer


def _allowed(error: web.HTTPMethodNotAllowed) -> str:
    return ", ".join(sorted(error.allowed_methods))


@web.middleware
async def plainly(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """No such path, a fault of ours: one line of text."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        text = in_words(request, error) + "\n"
        return answering(error, web.Response(status=error.status, text=text))
