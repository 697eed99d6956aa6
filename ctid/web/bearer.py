"""Bearer tokens, as requests show them."""

import hmac

from aiohttp import web


def shown(request: web.Request) -> bytes | None:
    """The token of a request; None: it shows none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    # surrogates: a header may hold any bytes
    given = token.strip().encode("utf-8", "surrogateescape")
    return given if scheme.lower() == "bearer" else None


def same(given: bytes | None, token: bytes) -> bool:
    """Whether it is this one; how long that takes does not tell how much of it is right."""
    return given is not None and hmac.compare_digest(given, token)
