"""Drafts by POST: what is sent, and what the answers mean."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ctid.config.backends import WebhookBackend
from ctid.config.secret import Secret
from ctid.outbound.port import DeliveryError, Finding, Reason, Remote
from ctid.outbound.tickets import open_backend
from ctid.outbound.tickets.webhook import Webhook
from tests.drafts import document
from tests.integration.tickets.raw_server import RawServer, answer, nothing, saying
from tests.integration.tickets.receiver import Receiver
from tests.refusals import failing

NOW = 1_795_741_200.5
SECRET, TOKEN = "sh4red s\u00e9cret", "t0ken-value"
KEY = document().key
REMOTE = Remote("7", "https://desk.example.org/7")


@asynccontextmanager
async def webhook(url: str, now: float = NOW, **keys: Any) -> AsyncIterator[Webhook]:
    table = WebhookBackend(url=url, **keys).model_copy(
        update={"secret": Secret(SECRET), "token": Secret(TOKEN)}
    )
    backend = Webhook(table, lambda: now)
    try:
        yield backend
    finally:
        await backend.close()


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    found = Receiver(SECRET, NOW)
    async with found.server:
        yield found


async def test_create_update_and_the_same_again() -> None:
    async with receiver() as other, webhook(other.url(), look_up=True) as backend:
        assert await backend.look_up(KEY) is None
        remote = await backend.create(document())
        assert remote == Remote("1", "https://desk.example.org/1")
        assert await backend.create(document()) == remote
        await backend.update(remote, document(revision=2), unsure=False)
        await backend.update(remote, document(revision=2), unsure=True)
        assert await backend.look_up(KEY) == remote
    assert other.tickets == {KEY: [1, 2]}


async def test_the_headers_and_the_body() -> None:
    made = document(revision=3)
    async with RawServer(saying(answer())) as server, webhook(f"{server.url}/calls/") as backend:
        await backend.create(made)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /calls/ HTTP/1.1"
    for line in (
        "Content-Type: application/json",
        f"Idempotency-Key: {KEY}",
        "Ctid-Revision: 3",
        "Ctid-Timestamp: 1795741200",
        f"Authorization: Bearer {TOKEN}",
    ):
        assert line in lines
    assert body == made.data


@pytest.mark.parametrize("now", [NOW - 301, NOW + 301])
async def test_an_old_request_is_not_genuine(now: float) -> None:
    async with receiver() as other, webhook(other.url(), now) as backend:
        with failing(Reason.DENIED):
            await backend.create(document())


async def test_another_secret_is_not_genuine() -> None:
    async with receiver() as other:
        table = WebhookBackend(url=other.url()).model_copy(update={"secret": Secret("other")})
        backend = Webhook(table, lambda: NOW)
        with pytest.raises(DeliveryError) as caught:
            await backend.create(document())
        await backend.close()
    assert caught.value.reason is Reason.DENIED
    assert other.tickets == {}


async def test_without_secrets_nothing_is_signed() -> None:
    async with RawServer(saying(answer())) as server:
        backend = open_backend(WebhookBackend(url=server.url), "desk", "Asia/Shanghai")
        assert await backend.create(document()) == Remote(KEY)
        await backend.close()
    assert b"Signature" not in server.requests[0]
    assert b"Authorization" not in server.requests[0]
    assert b"\r\nCtid-Timestamp: 1" in server.requests[0]


# what an answer names

JSON = "Content-Type: application/json; charset=utf-8"


async def remote_of(data: bytes) -> Remote:
    async with RawServer(saying(data)) as server, webhook(server.url) as backend:
        return await backend.create(document())


@pytest.mark.parametrize(
    ("told", "remote"),
    [
        ({"ticket_id": "7", "url": "https://desk.example.org/7"}, REMOTE),
        ({"ticket_id": 7, "url": "https://desk.example.org/7"}, REMOTE),
        ({"ticket_id": "7"}, Remote("7")),
        ({"ticket_id": "7", "url": "javascript:alert(1)"}, Remote("7")),
        ({"ticket_id": "7", "url": "https://x\n"}, Remote("7")),
        ({"ticket_id": "7", "url": 7}, Remote("7")),
        ({"ticket_id": ""}, Remote(KEY)),
        ({"ticket_id": True}, Remote(KEY)),
        ({"ticket_id": "x" * 256}, Remote(KEY)),
        ({"ticket_id": {}}, Remote(KEY)),
        ({"id": 7}, Remote(KEY)),
        ([], Remote(KEY)),
        (None, Remote(KEY)),
    ],
)
async def test_the_ticket_that_is_named(told: Any, remote: Remote) -> None:
    assert await remote_of(answer("201 Created", json.dumps(told).encode(), JSON)) == remote


@pytest.mark.parametrize(
    "said",
    [
        answer(),
        answer("204 No Content"),
        answer("200 OK", b"accepted", "Content-Type: text/plain"),
        answer("200 OK", b"  ", JSON),
        answer("409 Conflict", b"I have it"),
    ],
)
async def test_a_success_without_a_name_is_known_by_its_key(said: bytes) -> None:
    assert await remote_of(said) == Remote(KEY)


@pytest.mark.parametrize(
    "said",
    [
        answer("200 OK", b"<p>Login", "Content-Type: text/html; charset=utf-8"),
        answer("200 OK", b"{", JSON),
    ],
)
async def test_what_is_no_answer(said: bytes) -> None:
    with failing(Reason.BAD_ANSWER):
        await remote_of(said)


# refusals


@pytest.mark.parametrize(
    ("status", "creating", "updating"),
    [
        (400, Reason.REJECTED, Reason.REJECTED),
        (413, Reason.REJECTED, Reason.REJECTED),
        (422, Reason.REJECTED, Reason.REJECTED),
        (410, Reason.REJECTED, Reason.GONE),
        (404, Reason.MISCONFIGURED, Reason.MISCONFIGURED),
        (405, Reason.MISCONFIGURED, Reason.MISCONFIGURED),
        (415, Reason.MISCONFIGURED, Reason.MISCONFIGURED),
        (418, Reason.MISCONFIGURED, Reason.MISCONFIGURED),
        (302, Reason.MISCONFIGURED, Reason.MISCONFIGURED),
        (401, Reason.DENIED, Reason.DENIED),
        (429, Reason.BUSY, Reason.BUSY),
        (500, Reason.SERVER_ERROR, Reason.SERVER_ERROR),
    ],
)
async def test_a_refusal(status: int, creating: Reason, updating: Reason) -> None:
    said = saying(answer(f"{status} No", b"because of\r\nthis"))
    async with RawServer(said) as server, webhook(server.url) as backend:
        with pytest.raises(DeliveryError) as created:
            await backend.create(document())
        with pytest.raises(DeliveryError) as updated:
            await backend.update(REMOTE, document(revision=2), unsure=False)
    assert (created.value.reason, updated.value.reason) == (creating, updating)
    for error in (created.value, updated.value):
        assert f"answered {status}" in str(error)
        assert "\n" not in str(error)
        assert SECRET not in str(error)
        assert TOKEN not in str(error)


# looking up


async def test_without_look_up_nobody_is_asked() -> None:
    async with RawServer(nothing) as server, webhook(server.url) as backend:
        assert await backend.look_up(KEY) is None
        assert server.connections == 0


@pytest.mark.parametrize(
    ("said", "remote"),
    [
        (answer("200 OK", b'{"ticket_id":7}', JSON), Remote("7")),
        (answer("200 OK", b"", JSON), None),
        (answer("200 OK", b"{}", JSON), None),
        (answer("200 OK", b"null", JSON), None),
        (answer("204 No Content"), None),
        (answer("404 Not Found", b"<p>no", "Content-Type: text/html"), None),
    ],
)
async def test_what_a_look_up_finds(said: bytes, remote: Remote | None) -> None:
    async with RawServer(saying(said)) as server, webhook(server.url, look_up=True) as backend:
        assert await backend.look_up("a&b") == remote
    assert server.requests[0].startswith(b"GET /?key=a%26b HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (answer("405 Method Not Allowed"), Reason.MISCONFIGURED),
        (answer("200 OK", b"<p>", "Content-Type: text/html"), Reason.BAD_ANSWER),
    ],
)
async def test_a_look_up_that_is_not_answered_is_not_taken_for_no(
    said: bytes, reason: Reason
) -> None:
    async with RawServer(saying(said)) as server, webhook(server.url, look_up=True) as backend:
        with failing(reason):
            await backend.look_up(KEY)


# check


async def findings(said: bytes, **keys: Any) -> list[Finding]:
    async with RawServer(saying(said)) as server, webhook(server.url, **keys) as backend:
        found = await backend.check()
    methods = {request.partition(b" ")[0] for request in server.requests}
    assert methods <= {b"OPTIONS", b"GET"}
    assert all(finding.ok or finding.remedy for finding in found)
    return found


async def test_a_receiver_that_is_well() -> None:
    async with receiver() as other, webhook(other.url(), look_up=True) as backend:
        found = await backend.check()
    # its framework answers OPTIONS with 405 and an Allow that names POST
    assert [finding.ok for finding in found] == [True] * 4
    assert found[1].what.endswith(" takes POST at this address")
    assert found[3].what == "looking up a key is answered"
    assert other.tickets == {}


@pytest.mark.parametrize(
    ("said", "ok", "told"),
    [
        (answer("204 No Content", b"", "Allow: GET, post"), True, "takes POST"),
        (answer("200 OK", b"", "Allow: GET, HEAD"), False, "no POST at this address, only GET"),
        (answer("200 OK"), True, "only the first one shows"),
        (answer("405 Method Not Allowed"), True, "only the first one shows"),
        (answer("500 No"), True, "only the first one shows"),
        (answer("404 Not Found"), False, "nothing at this address (404)"),
        (answer("401 Unauthorized"), False, "credentials or rights are wrong"),
        (answer("302 Found", b"", "Location: http://x.example/"), False, "sends OPTIONS on to x"),
    ],
)
async def test_what_the_address_tells(said: bytes, ok: bool, told: str) -> None:
    found = await findings(said)
    assert found[1].ok is ok
    assert told in found[1].what


async def test_nobody_there() -> None:
    async with webhook("http://127.0.0.1:1") as backend:
        found = await backend.check()
    assert found[1].ok is False
    assert found[1].what == "the address: 127.0.0.1:1: connection refused"


async def test_a_look_up_that_finds_everything_is_found() -> None:
    said = answer("200 OK", b'{"ticket_id":7}', JSON, "Allow: POST")
    found = await findings(said, look_up=True)
    assert [finding.ok for finding in found] == [True, True, True, False]
    assert "a key that no draft has leads to the ticket 7" in found[3].what


async def test_a_way_that_others_can_read_is_told() -> None:
    async with webhook("http://tickets.invalid/calls") as backend:
        found = await backend.check()
    assert found[0].ok is True
    assert found[0].remedy == "use an address that begins with `https://`"
