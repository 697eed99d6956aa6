"""A receiver that keeps to docs/tickets-webhook.md, with the page's own code for the signature."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

PAGE = Path(__file__).parents[3] / "docs/tickets-webhook.md"


def documented(name: str) -> Callable[..., Any]:
    """The function of this name in the page's Python."""
    found: dict[str, Any] = {}
    for code in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        exec(code, found)
    function: Callable[..., Any] = found[name]
    return function


class Receiver:
    """Tickets by key: their number, and their revisions as they came."""

    def __init__(self, secret: str, now: float) -> None:
        self.tickets: dict[str, list[int]] = {}
        self.requests: list[web.Request] = []
        self._secret = secret
        self._now = now
        self._is_genuine = documented("is_genuine")
        app = web.Application()
        app.router.add_post("/calls", self._take)
        app.router.add_get("/calls", self._tell)
        self.server = TestServer(app)

    def url(self) -> str:
        return str(self.server.make_url("/calls"))

    def answer(self, key: str) -> web.Response:
        number = list(self.tickets).index(key) + 1
        link = f"https://desk.example.org/{number}"
        return web.json_response({"ticket_id": number, "url": link})

    async def _take(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        body = await request.read()
        if not self._is_genuine(request.headers, body, self._secret, self._now):
            raise web.HTTPUnauthorized
        key = request.headers["Idempotency-Key"]
        revision = int(request.headers["Ctid-Revision"])
        revisions = self.tickets.setdefault(key, [])
        if not revisions or revision > revisions[-1]:
            revisions.append(revision)
        return self.answer(key)

    async def _tell(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        key = request.query["key"]
        if not self._is_genuine(request.headers, key.encode(), self._secret, self._now):
            raise web.HTTPUnauthorized
        if key not in self.tickets:
            raise web.HTTPNotFound
        return self.answer(key)
