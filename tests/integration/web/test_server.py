"""The metrics server against those who mean no good, or know no better."""

import asyncio
import contextlib
import dataclasses
import shutil
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession, TCPConnector

from ctid.config import Metrics, Secret
from ctid.outbound.reading import AlertReading, PageReading, Reading, StoreReading, TicketReading
from ctid.outbound.tally import Tally
from ctid.web.connections import MAX_CONNECTIONS
from ctid.web.listener import Listener, ServeError
from ctid.web.server import MetricsServer
from tests.integration.ami.test_tls import certificate

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="needs openssl to make certificates"
)


def reading() -> Reading:
    store = StoreReading(
        failing=False, commits=0, waiting=0, dropped=0, set_aside=0, refused=0, path=None
    )
    return Reading(
        "1",
        {},
        {},
        {},
        {},
        {},
        store,
        Tally(time.time).counts,
        {},
        TicketReading({}, None),
        AlertReading({}, {}, 0),
        PageReading({}, None),
        None,
    )


@asynccontextmanager
async def serving(
    *,
    token: str | None = None,
    troubles: Callable[[], list[str]] = list,
    idle_seconds: float = 10.0,
    read: Callable[[], Reading] = reading,
    **settings: str,
) -> AsyncIterator[int]:
    """The port of a server."""
    listener = Listener(Metrics.model_validate({"listen": "127.0.0.1:0", **settings}))
    with listener.socket:
        async with MetricsServer(
            listener,
            Secret(token) if token else None,
            read=read,
            troubles=troubles,
            waited_for=list,
            idle_seconds=idle_seconds,
        ):
            yield listener.socket.getsockname()[1]


async def get(port: int, path: str = "/healthz", **headers: str) -> tuple[int, str]:
    async with (
        ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{path}", headers=headers) as response,
    ):
        return response.status, await response.text()


async def test_what_is_wrong_is_503_with_a_line_each() -> None:
    async with serving(troubles=lambda: ["store: full", "timers: stood still"]) as port:
        assert await get(port) == (503, "store: full\ntimers: stood still\n")
        assert await get(port, "/readyz") == (200, "ok\n")


async def test_what_is_not_there_is_said_in_words() -> None:
    async with serving() as port, ClientSession() as session:
        assert await get(port, "/metric") == (404, "there is nothing at /metric\n")
        async with session.post(f"http://127.0.0.1:{port}/metrics") as response:
            assert (response.status, response.headers["Allow"]) == (405, "GET")
            assert await response.text() == "/metrics takes GET, not POST\n"


async def test_only_the_right_token_gets_in() -> None:
    async with serving(token="s3cret") as port:
        none = "no bearer token was given: send the header `Authorization: Bearer TOKEN`\n"
        assert await get(port) == (401, none)
        wrong = "this bearer token is not known: it is not the one of [metrics]\n"
        assert await get(port, Authorization="Bearer wrong") == (401, wrong)
        for shown in ("Bearer wrong", "Bearer ", "Basic s3cret", "s3cret", "Bearer s3cret2"):
            status, body = await get(port, "/metrics", Authorization=shown)
            assert (status, "ctid_" in body) == (401, False)
        assert (await get(port, "/metrics", Authorization="bearer s3cret"))[0] == 200


async def test_a_token_of_any_bytes_is_just_wrong() -> None:
    async with serving(token="s3cret") as port:
        answer = await raw(
            port, b"GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\n\r\n"
        )
        assert answer.split()[1] in (b"401", b"400")
        assert b"ctid_" not in answer


async def raw(port: int, data: bytes) -> bytes:
    """What comes back until the server closes, or has answered once."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    answer = await asyncio.wait_for(reader.read(65536), 10)
    writer.close()
    return answer


async def test_a_huge_header_and_rubbish_are_refused_without_a_log_line(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async with serving() as port:
        huge = b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n"
        assert (await raw(port, huge)).split()[1] == b"400"
        assert (await raw(port, b"\x16\x03\x01\x00\r\n\r\n")).split()[1] == b"400"
        for method in (b"POST", b"HEAD"):
            answer = await raw(port, method + b" /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            assert answer.split()[1] == b"405"
        assert (await get(port))[0] == 200
    assert capfd.readouterr().err == ""


async def dropped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Return when the server has closed; in whichever way."""
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(), 10) == b""
    writer.close()


async def test_who_asks_nothing_is_dropped() -> None:
    async with serving(idle_seconds=0.2) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /metrics HT")
        await dropped(reader, writer)
        assert (await get(port))[0] == 200


def much() -> Reading:
    """More than the buffers of a connection hold."""
    tally = Tally(time.time)
    tally.expect(["lab"], [f"line{number}" for number in range(1000)], [])
    return dataclasses.replace(reading(), counts=tally.counts)


async def test_who_does_not_take_the_answer_is_dropped() -> None:
    async with serving(read=much, idle_seconds=0.5) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.wait_for(_closed(writer), 20)
        del reader
        assert len((await get(port, "/metrics"))[1]) > 5_000_000


async def _closed(writer: asyncio.StreamWriter) -> None:
    """Return when the other side has closed: then writing fails, at the latest."""
    with contextlib.suppress(ConnectionError):
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)
    writer.close()


GOOD = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def half_asking(port: int) -> Pair:
    """One that has had an answer, and then sends only the beginning of a request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(GOOD)
    assert b" 200 " in await asyncio.wait_for(reader.readuntil(b"ok\n"), 10)
    writer.write(b"GET /heal")
    return reader, writer


async def silent(port: int) -> Pair:
    return await asyncio.open_connection("127.0.0.1", port)


@pytest.mark.parametrize("hold", [silent, half_asking])
async def test_a_crowd_that_only_holds_on_keeps_nobody_out(
    hold: Callable[[int], Awaitable[Pair]],
) -> None:
    async with serving() as port:
        crowd = [await hold(port) for _ in range(MAX_CONNECTIONS + 10)]
        # the first have gone for the last
        for reader, writer in crowd[:10]:
            await dropped(reader, writer)
        assert (await get(port))[0] == 200
        await dropped(*crowd[10])
        last, last_writer = crowd[-1]
        last_writer.write(GOOD)
        assert (await asyncio.wait_for(last.readline(), 10)).startswith(b"HTTP/1.")
        for _, writer in crowd:
            writer.close()


async def test_half_a_request_is_given_no_more_time_than_the_first() -> None:
    async with serving(idle_seconds=0.3) as port:
        reader, writer = await half_asking(port)
        await dropped(reader, writer)


async def test_who_has_a_request_in_work_stays() -> None:
    async with serving(read=much) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        await asyncio.wait_for(reader.readuntil(b"HTTP/1.1 200"), 20)
        crowd = [await silent(port) for _ in range(2 * MAX_CONNECTIONS)]
        assert len(await asyncio.wait_for(reader.read(), 20)) > 5_000_000
        for _, other in (*crowd, (reader, writer)):
            other.close()


async def test_a_fault_of_ours_is_500_and_no_traceback_for_the_asker() -> None:
    def failing() -> Reading:
        raise RuntimeError("do not tell")

    async with serving(read=failing) as port:
        status, body = await get(port, "/metrics")
        assert (status, "do not tell" in body) == (500, False)


# -- TLS ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> tuple[tuple[Path, Path], tuple[Path, Path]]:
    """Certificate and key of the server, and of a client."""
    folder = tmp_path_factory.mktemp("tls")
    return certificate(folder, "localhost"), certificate(folder, "prometheus")


Pairs = tuple[tuple[Path, Path], tuple[Path, Path]]


async def over_tls(port: int, ca: Path, client: tuple[Path, Path] | None = None) -> int:
    context = ssl.create_default_context(cafile=str(ca))
    if client is not None:
        context.load_cert_chain(*client)
    async with (
        ClientSession(connector=TCPConnector(ssl=context)) as session,
        session.get(f"https://localhost:{port}/metrics", server_hostname="localhost") as response,
    ):
        return response.status


@needs_openssl
async def test_tls_and_plain_http_to_its_port(pairs: Pairs) -> None:
    (cert, key), _ = pairs
    async with serving(tls_cert=str(cert), tls_key=str(key)) as port:
        assert await over_tls(port, cert) == 200
        with pytest.raises(ClientError):
            await get(port)
        assert await over_tls(port, cert) == 200


@needs_openssl
async def test_silent_handshakes_keep_nobody_out(pairs: Pairs) -> None:
    (cert, key), _ = pairs
    async with serving(tls_cert=str(cert), tls_key=str(key)) as port:
        crowd = [await silent(port) for _ in range(MAX_CONNECTIONS)]
        assert await over_tls(port, cert) == 200
        await dropped(*crowd[0])
        for _, writer in crowd:
            writer.close()
    async with serving(tls_cert=str(cert), tls_key=str(key), idle_seconds=0.3) as port:
        await dropped(*await silent(port))


@needs_openssl
async def test_only_clients_with_a_known_certificate(pairs: Pairs) -> None:
    (cert, key), (client, client_key) = pairs
    async with serving(tls_cert=str(cert), tls_key=str(key), client_ca=str(client)) as port:
        with pytest.raises((ClientError, OSError)):
            await over_tls(port, cert)
        with pytest.raises((ClientError, OSError)):
            await over_tls(port, cert, (cert, key))
        assert await over_tls(port, cert, (client, client_key)) == 200


@needs_openssl
async def test_a_renewed_certificate_is_used_at_once(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, "localhost")
    listener = Listener(
        Metrics(listen="127.0.0.1:0", tls_cert=str(cert), tls_key=str(key)),
    )
    port = listener.socket.getsockname()[1]
    with listener.socket:
        async with MetricsServer(listener, None, read=reading, troubles=list, waited_for=list):
            old = ssl.create_default_context(cafile=str(cert))
            certificate(tmp_path, "localhost")
            listener.renew()
            assert await over_tls(port, cert) == 200
            async with ClientSession(connector=TCPConnector(ssl=old)) as session:
                with pytest.raises(ClientError):
                    await session.get(f"https://localhost:{port}/metrics")


@needs_openssl
def test_files_that_do_not_fit_are_one_line(pairs: Pairs, tmp_path: Path) -> None:
    (cert, key), (_, other) = pairs
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("nothing")
    for settings, why in (
        ({"tls_cert": cert, "tls_key": other}, "do not belong together"),
        ({"tls_cert": nothing, "tls_key": key}, "is not PEM"),
        ({"tls_cert": cert, "tls_key": key, "client_ca": nothing}, "is not PEM"),
    ):
        given = {name: str(path) for name, path in settings.items()}
        with pytest.raises(ServeError, match=why) as caught:
            Listener(Metrics.model_validate({"listen": "127.0.0.1:0", **given}))
        assert len(str(caught.value).splitlines()) == 1


def test_an_address_that_is_not_ours_is_one_line() -> None:
    with pytest.raises(ServeError, match="this machine has no such address"):
        Listener(Metrics(listen="192.0.2.1:9810"))
