"""What Request Tracker's backend makes of a first ticket that cannot be looked at for a while."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from ctid.config.backends import RtBackend
from ctid.config.secret import Secret
from ctid.outbound.port import FINAL, Backend, DeliveryError, Reason
from ctid.outbound.tickets import open_backend
from tests.drafts import document, draft
from tests.refusals import failing


class Tracker:
    """One queue. `shown` is the status with which its tickets are answered."""

    def __init__(self) -> None:
        self.shown = 200
        self.takes_keys = True
        self.keys: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        kind, _, number = request.path.removeprefix("/REST/2.0/").partition("/")
        field = {"name": "CallKey"}
        if kind == "queues":
            return web.json_response({"items": [{"id": "1", "Name": "Telephony"}]})
        if kind == "queue":
            return web.json_response({"id": 1, "TicketCustomFields": [field]})
        if request.method == "POST":
            self.keys.append((await request.json())["CustomFields"]["CallKey"])
            return web.json_response({"id": str(len(self.keys))}, status=201)
        if request.method == "PUT":
            return web.json_response(["Permission Denied"])
        if self.shown != 200:
            return web.json_response({"message": "No"}, status=self.shown)
        values = [self.keys[int(number) - 1]] if self.takes_keys else []
        found: dict[str, Any] = {"id": int(number), "CustomFields": [field | {"values": values}]}
        return web.json_response(found)


@asynccontextmanager
async def running() -> AsyncIterator[tuple[Tracker, Backend]]:
    tracker = Tracker()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", tracker.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    table = RtBackend(url=f"http://127.0.0.1:{runner.addresses[0][1]}", queue="Telephony")
    table = table.model_copy(update={"token": Secret("secret-of-tests")})
    backend = open_backend(table, "desk", "Asia/Shanghai")
    try:
        yield tracker, backend
    finally:
        await backend.close()
        await runner.cleanup()


async def make(backend: Backend, key: str) -> str:
    return (await backend.create(document(draft(key=key)))).id


@pytest.mark.parametrize("status", [503, 500, 429])
async def test_a_proof_that_fails_for_a_while_is_made_with_the_next(status: int) -> None:
    async with running() as (tracker, backend):
        tracker.shown = status
        assert [await make(backend, key) for key in ("a", "b")] == ["1", "2"]
        tracker.shown, tracker.takes_keys = 200, False
        assert await make(backend, "c") == "3"
        with failing(Reason.MISCONFIGURED):
            await make(backend, "d")
        assert tracker.keys == ["a", "b", "c"]


@pytest.mark.parametrize("status", [401, 403, 405, 422])
async def test_a_proof_that_is_refused_stops_the_rest(status: int) -> None:
    async with running() as (tracker, backend):
        tracker.shown = status
        assert await make(backend, "a") == "1"
        for _ in range(2):
            with pytest.raises(DeliveryError) as caught:
                await make(backend, "b")
            assert caught.value.reason not in FINAL
        assert tracker.keys == ["a"]
        tracker.shown = 200
        assert [await make(backend, key) for key in ("b", "c")] == ["2", "3"]


async def test_who_removes_the_ticket_without_a_key_does_not_stop_the_rest() -> None:
    async with running() as (tracker, backend):
        tracker.takes_keys = False
        assert await make(backend, "a") == "1"
        tracker.shown = 404
        assert await make(backend, "b") == "2"
