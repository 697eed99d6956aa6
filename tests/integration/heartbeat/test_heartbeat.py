"""Signs of life, at servers that take or refuse them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from ctid.config.heartbeat import Heartbeat as HeartbeatTable
from ctid.config.secret import Secret
from ctid.outbound.heartbeat import Heartbeat, Result
from tests.integration.tickets.raw_server import RawServer, Say, answer, nothing, reset, saying
from tests.integration.tickets.real.program import free_port
from tests.waiting import until

SECRET = "/ping/0b1d-s3cret"


class Health:
    """Troubles, as the tests set them."""

    def __init__(self, *troubles: str) -> None:
        self.troubles = list(troubles)

    def __call__(self) -> list[str]:
        return self.troubles


@asynccontextmanager
async def heartbeat(
    url: str | None, failure: str | None = None, health: Health | None = None
) -> AsyncIterator[Heartbeat]:
    table = HeartbeatTable(interval_seconds=0.02, timeout_seconds=0.5).model_copy(
        update={
            "target": Secret(url + SECRET) if url else None,
            "failure_target": Secret(failure + SECRET + "/fail") if failure else None,
        }
    )
    made = Heartbeat(table, health or Health())
    try:
        yield made
    finally:
        await made.close()


async def test_it_beats_again_and_again() -> None:
    async with (
        RawServer(saying(answer())) as server,
        heartbeat(server.url) as beats,
        asyncio.TaskGroup() as tasks,
    ):
        running = tasks.create_task(beats.run())
        await until(lambda: len(server.requests) >= 3)
        running.cancel()
    assert all(r.startswith(f"GET {SECRET} HTTP/1.1\r\n".encode()) for r in server.requests)
    assert beats.counts["sent"] >= 2


async def test_the_first_comes_at_once_and_the_second_after_the_interval() -> None:
    async with RawServer(saying(answer())) as server:
        table = HeartbeatTable(interval_seconds=3600).model_copy(
            update={"target": Secret(server.url)}
        )
        async with asyncio.TaskGroup() as tasks:
            beats = Heartbeat(table, Health())
            running = tasks.create_task(beats.run())
            await until(lambda: beats.counts["sent"] == 1)
            running.cancel()
    assert len(server.requests) == 1


async def test_without_an_address_it_ends() -> None:
    async with heartbeat(None) as beats:
        await beats.run()
    assert set(beats.counts.values()) == {0}


async def test_troubles_go_to_the_other_address() -> None:
    health = Health("store: the disk is full", "timers: stood still for 40 s")
    with capture_logs() as lines:
        async with (
            RawServer(saying(answer())) as well,
            RawServer(saying(answer())) as ill,
            heartbeat(well.url, ill.url, health) as beats,
        ):
            assert await beats.beat() is Result.FAILURE_SENT
            assert await beats.beat() is Result.FAILURE_SENT
            health.troubles = []
            assert await beats.beat() is Result.SENT
    assert len(well.requests) == 1
    head, _, body = ill.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(f"POST {SECRET}/fail ".encode())
    assert body == b"store: the disk is full\ntimers: stood still for 40 s"
    assert [line["event"] for line in lines] == ["heartbeat_of_trouble", "heartbeat_of_health"]
    assert beats.counts == {"sent": 1, "failure_sent": 2, "withheld": 0, "not_delivered": 0}


async def test_without_one_it_stays_away() -> None:
    async with (
        RawServer(saying(answer())) as server,
        heartbeat(server.url, health=Health("store: full")) as beats,
    ):
        assert await beats.beat() is Result.WITHHELD
    assert server.requests == []


LEAK = f"<title>{SECRET} is not here</title>".encode()


@pytest.mark.parametrize(
    ("say", "why"),
    [
        (saying(answer("404 Not Found", LEAK)), "answered 404"),
        (saying(answer("500 Oops", LEAK)), "answered 500"),
        (saying(answer("401 Unauthorized", LEAK)), "answered 401"),
        (saying(answer("302 Found", b"", f"Location: {SECRET}x")), "answered 302"),
        (saying(answer("200 OK", b"x" * 70_000)), "longer than 65536 bytes"),
        (nothing, "no answer within 0.5 s"),
        (reset, "the connection broke"),
    ],
)
async def test_a_failure_is_said_once_and_shows_no_address(say: Say, why: str) -> None:
    with capture_logs() as lines:
        async with RawServer(say) as server, heartbeat(server.url) as beats:
            assert await beats.beat() is Result.NOT_DELIVERED
            assert await beats.beat() is Result.NOT_DELIVERED
    (line,) = lines
    assert line["event"] == "heartbeat_not_delivered"
    assert why in line["why"]
    assert "s3cret" not in line["why"]
    assert beats.counts["not_delivered"] == 2


async def test_when_it_works_again_that_is_said() -> None:
    port = free_port()
    with capture_logs() as lines:
        async with heartbeat(f"http://127.0.0.1:{port}") as beats:
            assert await beats.beat() is Result.NOT_DELIVERED
            server = await asyncio.start_server(_ok, "127.0.0.1", port)
            async with server:
                assert await beats.beat() is Result.SENT
    assert [each["event"] for each in lines] == ["heartbeat_not_delivered", "heartbeat_delivered"]


async def _ok(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(answer())
    await writer.drain()
    writer.close()
