"""The control socket itself: who gets it, and what it answers."""

import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, UnixConnector

from ctid.config import Config, Control
from ctid.web import socket_path
from ctid.web.control import Asker, ControlError, ControlServer, Route, SocketError


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
