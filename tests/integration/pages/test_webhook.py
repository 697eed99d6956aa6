"""Pages by POST: what is sent, and what the answers mean. The signature is that of drafts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from ctid.config.channels import WebhookChannel
from ctid.config.secret import Secret
from ctid.outbound.pages.webhook import Webhook
from ctid.outbound.port import DeliveryError, Reason
from tests.integration.tickets.raw_server import RawServer, answer, nothing, reset, saying
from tests.integration.tickets.receiver import documented
from tests.pages import NOW, message
from tests.refusals import failing

SECRET, TOKEN = "sh4red s\u00e9cret", "t0ken-value"


@asynccontextmanager
async def webhook(url: str, now: float = NOW, **keys: Any) -> AsyncIterator[Webhook]:
    table = WebhookChannel(url=url, **keys).model_copy(
        update={"secret": Secret(SECRET), "token": Secret(TOKEN)}
    )
    channel = Webhook(table, lambda: now)
    try:
        yield channel
    finally:
        await channel.close()


class Receiver:
    """Takes pages whose signature is right by the documentation's own code, once for each key."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        app = web.Application()
        app.router.add_post("/pages", self._take)
        self.server = TestServer(app)

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if not documented("is_genuine")(request.headers, body, SECRET, NOW):
            raise web.HTTPUnauthorized
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        assert request.content_type == "application/json"
        key = request.headers["Idempotency-Key"]
        if key in self.pages:
            raise web.HTTPConflict
        self.pages[key] = body
        return web.Response(status=204)


async def test_a_page_arrives_once() -> None:
    other = Receiver()
    async with other.server, webhook(str(other.server.make_url("/pages"))) as channel:
        await channel.send(message())
        await channel.send(message())
    assert other.pages == {"7-0": message().data}


@pytest.mark.parametrize("now", [NOW - 301, NOW + 301])
async def test_an_old_page_is_not_genuine(now: float) -> None:
    other = Receiver()
    async with other.server, webhook(str(other.server.make_url("/pages")), now) as channel:
        with failing(Reason.DENIED):
            await channel.send(message())
    assert other.pages == {}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("400 Bad Request", Reason.REJECTED),
        ("413 Too Large", Reason.REJECTED),
        ("422 Unprocessable", Reason.REJECTED),
        ("401 Unauthorized", Reason.DENIED),
        ("404 Not Found", Reason.MISCONFIGURED),
        ("410 Gone", Reason.MISCONFIGURED),
        ("302 Found", Reason.MISCONFIGURED),
        ("429 Too Many", Reason.BUSY),
        ("503 Unavailable", Reason.BUSY),
        ("500 Broken", Reason.SERVER_ERROR),
    ],
)
async def test_what_a_status_means(status: str, reason: Reason) -> None:
    body = f"{TOKEN} {SECRET}".encode()
    async with RawServer(saying(answer(status, body))) as server, webhook(server.url) as channel:
        with failing(reason) as caught:
            await channel.send(message())
    assert TOKEN not in str(caught.value)
    assert SECRET not in str(caught.value)


async def test_a_page_for_people_is_no_answer() -> None:
    html = answer("200 OK", b"<title>Log in</title>", "Content-Type: text/html; charset=utf-8")
    async with RawServer(saying(html)) as server, webhook(server.url) as channel:
        with pytest.raises(DeliveryError, match="Log in") as caught:
            await channel.send(message())
    assert caught.value.reason is Reason.BAD_ANSWER


async def test_no_answer() -> None:
    async with RawServer(nothing) as server, webhook(server.url, timeout_seconds=0.2) as channel:
        with failing(Reason.TIMEOUT):
            await channel.send(message())
    async with RawServer(reset) as server, webhook(server.url) as channel:
        with failing(Reason.CUT_OFF):
            await channel.send(message())


async def test_check_posts_nothing() -> None:
    other = Receiver()
    async with other.server, webhook(str(other.server.make_url("/pages"))) as channel:
        findings = await channel.check()
    assert all(finding.ok for finding in findings)
    assert any("takes POST" in finding.what for finding in findings)
    assert other.pages == {}
