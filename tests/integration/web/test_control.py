"""The control socket itself: who gets it, and what it answers."""

import asyncio
import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, UnixConnector

from ctid.config import Config, Control
from ctid.web import socket_path
from ctid.web.answers import ControlError
from ctid.web.connections import MAX_CONNECTIONS
from ctid.web.control import Asker, ControlServer, Route, SocketError


async def _echo(body: Any, asker: Asker) -> Any:
    return {"body": body, "uid": asker.uid, "pid": asker.pid}


async def _refuse(_body: Any, _asker: Asker) -> Any:
    raise ControlError("not now")


ROUTES = [Route("GET", "/v1/echo", _echo), Route("POST", "/v1/refuse", _refuse)]


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("c") / "control.sock"


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.touch(0o600)
    return path


def mode(path: Path) -> int | None:
    """None: there is nothing."""
    return stat.S_IMODE(path.stat().st_mode) if path.exists() else None


async def ask(path: Path, method: str, route: str, data: bytes | None = None) -> tuple[int, Any]:
    async with (
        ClientSession(connector=UnixConnector(str(path))) as session,
        session.request(method, f"http://ctid{route}", data=data) as response,
    ):
        return response.status, await response.json()


async def test_the_kernel_names_the_asker(path: Path) -> None:
    async with ControlServer(path, ROUTES):
        assert mode(path) == 0o660
        status, answer = await ask(path, "GET", "/v1/echo", b'{"a": 1}')
        assert (status, answer) == (200, {"body": {"a": 1}, "uid": os.getuid(), "pid": os.getpid()})
        assert await ask(path, "POST", "/v1/refuse") == (409, {"error": "not now"})
        status, answer = await ask(path, "GET", "/v1/echo", b"{")
        assert status == 400
        assert answer["error"].startswith("the body is not JSON")
    assert mode(path) is None


async def _fail(_body: Any, _asker: Asker) -> Any:
    raise RuntimeError("do not tell")


async def test_whatever_is_wrong_is_told_as_json(path: Path) -> None:
    async with ControlServer(path, [*ROUTES, Route("POST", "/v1/fail", _fail)]):
        for method, route, status, why in (
            ("GET", "/v1/nothing", 404, "there is nothing at /v1/nothing"),
            ("DELETE", "/v1/echo", 405, "/v1/echo takes GET, not DELETE"),
            ("POST", "/v1/fail", 500, "a fault of ctid: its log says more"),
        ):
            assert await ask(path, method, route) == (status, {"error": why})
        assert await ask(path, "POST", "/v1/refuse", b" " * 70_000) == (
            413,
            {"error": "what was asked is too long: 65536 bytes at most"},
        )


async def raw(path: Path, data: bytes) -> bytes:
    """What comes back until the server closes."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(data)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"Content-Encoding: deflate\r\nContent-Length: 3\r\n\r\nabc",
        b"Content-Encoding: br\r\nContent-Length: 3\r\n\r\nabc",
        b"Transfer-Encoding: chunked\r\n\r\nZZZ\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcZZZ\r\n\r\n",
    ],
)
async def test_a_body_that_is_none_is_400_without_a_log_line(
    path: Path, rest: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    async with ControlServer(path, ROUTES):
        answer = await raw(
            path, b"POST /v1/refuse HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + rest
        )
        assert answer.split()[1] == b"400"
        assert (await ask(path, "GET", "/v1/echo"))[0] == 200
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


async def test_nobody_stays_without_a_request(path: Path) -> None:
    async with ControlServer(path, ROUTES, idle_seconds=0.2):
        half = b"POST /v1/refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
        for begun in (b"", b"GET /v1", half):
            assert await raw(path, begun) == b""


async def test_idle_connections_keep_nobody_out_and_work_goes_on(path: Path) -> None:
    go_on = asyncio.Event()

    async def wait(_body: Any, _asker: Asker) -> Any:
        await go_on.wait()
        return "done"

    routes = [*ROUTES, Route("POST", "/v1/wait", wait)]
    async with ControlServer(path, routes, idle_seconds=0.2), asyncio.TaskGroup() as tasks:
        long = tasks.create_task(ask(path, "POST", "/v1/wait"))
        crowd = [await asyncio.open_unix_connection(str(path)) for _ in range(3 * MAX_CONNECTIONS)]
        assert (await ask(path, "GET", "/v1/echo"))[0] == 200
        for reader, writer in crowd:
            assert await asyncio.wait_for(reader.read(), 10) == b""
            writer.close()
        go_on.set()
        assert await long == (200, "done")


async def test_a_socket_that_a_killed_daemon_left_is_taken_over(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    async with ControlServer(path, ROUTES):
        assert (await ask(path, "GET", "/v1/echo"))[0] == 200


async def test_one_that_answers_is_left_alone(path: Path) -> None:
    async with ControlServer(path, ROUTES):
        with pytest.raises(SocketError, match="another ctid answers there"):
            async with ControlServer(path, ROUTES):
                pass
        assert (await ask(path, "GET", "/v1/echo"))[0] == 200


async def test_a_file_is_not_taken_for_a_socket(precious: Path) -> None:
    with pytest.raises(SocketError, match="is no socket"):
        async with ControlServer(precious, ROUTES):
            pass
    assert mode(precious) == 0o600


@pytest.mark.parametrize("wrong", ["nowhere/control.sock", "x" * 120])
async def test_a_place_that_cannot_be_is_one_line(path: Path, wrong: str) -> None:
    with pytest.raises(SocketError) as caught:
        async with ControlServer(path.parent / wrong, ROUTES):
            pass
    assert len(str(caught.value).splitlines()) == 1


def test_daemon_and_client_agree_on_the_place(tmp_path: Path) -> None:
    named = Config(control=Control(socket="/x/y.sock"))
    beside = Config().model_copy(
        update={"store": Config().store.model_copy(update={"url": str(tmp_path / "db")})}
    )
    unit = {"RUNTIME_DIRECTORY": str(tmp_path)}
    for config, environ, expected in (
        (named, unit, Path("/x/y.sock")),
        (beside, unit, tmp_path / "control.sock"),
        (beside, {}, tmp_path / "control.sock"),
    ):
        assert socket_path.of_daemon(config, environ) == expected
    assert socket_path.of_client(named, {}) == Path("/x/y.sock")
