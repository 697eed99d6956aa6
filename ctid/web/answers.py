"""JSON both ways: what the control socket and the API have in common."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from ctid.web.runner import answering, in_words


class ControlError(Exception):
    """What was asked cannot be done; `status` is the HTTP status, the text is for the asker."""

    def __init__(self, message: str, status: int = 409) -> None:
        super().__init__(message)
        self.status = status


async def body(request: web.Request, longest: int) -> Any:
    """What the body says; None: there was none. Raises ControlError.

    `longest`: the bytes that the application lets pass.
    """
    try:
        data = await request.read()
        return orjson.loads(data) if data else None
    except web.HTTPRequestEntityTooLarge:
        raise ControlError(f"what was asked is too long: {longest} bytes at most", 413) from None
    except web.RequestPayloadError:
        raise ControlError("the body is broken off", 400) from None
    except orjson.JSONDecodeError as error:
        raise ControlError(f"the body is not JSON: {error}", 400) from None


@web.middleware
async def errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """No such path, a fault of ours: these are JSON, too."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        return answering(error, json({"error": in_words(request, error)}, error.status))


def json(result: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(result), content_type="application/json")
