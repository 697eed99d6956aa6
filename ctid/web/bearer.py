"""Bearer tokens, as requests show them."""

import hmac

from aiohttp import web


def shown(request: web.Request) -> bytes | None:
    """The token of a request; None: it shows none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    # surrogates: a header may hold any bytes
    given = token.strip().encode("utf-8", "surrogateescape")
    return given if scheme.lower() == "bearer" else None


def refused(request: web.Request, what: str) -> str:
    """Why nobody is let in; `what` the token is that was shown."""
    if shown(request):
        return f"this bearer token is not known: it is {what}"
    return "no bearer token was given: send the header `Authorization: Bearer TOKEN`"


def same(given: bytes | None, token: bytes) -> bool:
    """Whether it is this one; how long that takes does not tell how much of it is right."""
    return given is not None and hmac.compare_digest(given, token)
