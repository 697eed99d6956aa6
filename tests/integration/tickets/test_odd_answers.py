"""Ticket systems that answer anything but what is documented: always one DeliveryError or other."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from ctid.config.backends import RedmineBackend, RtBackend
from ctid.config.secret import Secret
from ctid.outbound.port import Backend, DeliveryError, Reason, Remote
from ctid.outbound.tickets import open_backend
from tests.drafts import document
from tests.refusals import failing

TOKEN = "secret-of-tests"


def rt(url: str) -> Backend:
    table = RtBackend(url=url, queue="Telephony")
    return open_backend(table.model_copy(update={"token": Secret(TOKEN)}), "desk", "Asia/Shanghai")


def redmine(url: str) -> Backend:
    table = RedmineBackend(url=url, project="telephony")
    return open_backend(table.model_copy(update={"token": Secret(TOKEN)}), "desk", "Asia/Shanghai")


@asynccontextmanager
async def answering(status: int, body: str) -> AsyncIterator[str]:
    """The address of a server that gives the same answer to everything."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=body)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


ODD = [
    *((200, body, Reason.BAD_ANSWER) for body in ("", "<html>Log in</html>", "[]", "null", '"x"')),
    (201, "", Reason.BAD_ANSWER),
    (204, "", Reason.BAD_ANSWER),
    (401, "", Reason.DENIED),
    (429, "", Reason.BUSY),
    (500, "<h1>Oops</h1>", Reason.SERVER_ERROR),
    (503, "", Reason.BUSY),
]
SHAPES = [
    '{"items": 7, "issues": 7, "user": 7}',
    '{"items": [7], "issues": [7], "user": {"id": true}}',
    '{"items": [{"Name": "Telephony"}], "issues": [{}], "user": {"id": 1.5}}',
    """{"user": {"id": 1}, "project": {"id": 1, "issue_custom_fields": {}}, "Version": [],
        "items": [{"Name": "Telephony", "id": "x"}]}""",
    """{"user": {"id": 1, "memberships": [{}]},
        "project": {"id": 1, "issue_custom_fields": [{"name": "CallKey", "id": 1}]},
        "issue": {"id": 1, "author": {"id": 1}, "journals": [{"user": 7, "details": 7}]},
        "items": [{"Name": "Telephony", "id": 1, "CustomFields": ["x"]}],
        "id": 1, "TicketCustomFields": [{"name": "CallKey", "id": 1}],
        "CustomFields": [{"name": "CallKey", "values": 7}]}""",
]


@pytest.mark.parametrize("make", [rt, redmine])
@pytest.mark.parametrize(("status", "body", "reason"), ODD)
async def test_an_odd_answer_has_its_reason(
    make: Callable[[str], Backend], status: int, body: str, reason: Reason
) -> None:
    async with answering(status, body) as url:
        backend = make(url)
        try:
            for attempt in (
                backend.create(document()),
                backend.update(Remote("1"), document(revision=2), unsure=True),
                backend.look_up("key"),
            ):
                with failing(reason) as caught:
                    await attempt
                assert TOKEN not in str(caught.value)
                assert "\n" not in str(caught.value)
            findings = await backend.check()
            assert not findings[-1].ok
            assert findings[-1].remedy
            assert TOKEN not in repr(findings)
        finally:
            await backend.close()


@pytest.mark.parametrize("make", [rt, redmine])
@pytest.mark.parametrize("body", SHAPES)
async def test_json_of_another_shape_is_a_bad_answer(
    make: Callable[[str], Backend], body: str
) -> None:
    async with answering(200, body) as url:
        backend = make(url)
        try:
            for attempt in (
                backend.create(document()),
                backend.update(Remote("1"), document(revision=2), unsure=True),
            ):
                with pytest.raises(DeliveryError) as caught:
                    await attempt
                assert caught.value.reason in (Reason.BAD_ANSWER, Reason.MISCONFIGURED)
            assert not all(finding.ok for finding in await backend.check())
        finally:
            await backend.close()


@pytest.mark.parametrize(
    ("status", "reason"),
    [(404, Reason.GONE), (400, Reason.DENIED), (422, Reason.REJECTED), (413, Reason.REJECTED)],
)
async def test_rts_refusal_of_a_known_ticket(status: int, reason: Reason) -> None:
    async with answering(status, '{"message": "No"}') as url:
        backend = rt(url)
        try:
            with failing(reason):
                await backend.update(Remote("1"), document(revision=2), unsure=False)
        finally:
            await backend.close()


@pytest.mark.parametrize("make", [rt, redmine])
async def test_an_address_that_leads_elsewhere_is_misconfigured(
    make: Callable[[str], Backend],
) -> None:
    async with answering(404, "Not Found") as url:
        backend = make(url)
        try:
            for attempt in (backend.create(document()), backend.look_up("key")):
                with failing(Reason.MISCONFIGURED):
                    await attempt
            assert not (await backend.check())[0].ok
        finally:
            await backend.close()
