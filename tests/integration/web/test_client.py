"""How commands ask the daemon: what they say when it is slow, ends, or will not."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ctid.cli import app
from ctid.cli.control import request
from ctid.config import Config, Control
from ctid.web.control import Asker, ControlServer, Route

TOLD = Callable[[Any, Asker], Coroutine[Any, Any, Any]]


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short path: that of a socket may have 107 bytes."""
    folder = tmp_path_factory.mktemp("d")
    (folder / "ctid.toml").write_text('[control]\nsocket = "control.sock"\n')
    return folder


async def forget(folder: Path, number: str) -> Result:
    """The command, as it is typed."""
    arguments = ["forget", number, "--yes", "--config", str(folder / "ctid.toml")]
    return await asyncio.to_thread(CliRunner().invoke, app, arguments)


def serving(folder: Path, told: TOLD) -> ControlServer:
    return ControlServer(folder / "control.sock", [Route("POST", "/v1/forget", told)])


async def _none(_body: Any, _asker: Asker) -> Any:
    return {"calls": 0}


async def test_what_is_too_long_is_one_line(folder: Path) -> None:
    async with serving(folder, _none):
        result = await forget(folder, "1" * 100_000)
    assert result.exit_code == 1
    assert result.stderr == "ctid: what was asked is too long: 65536 bytes at most\n"


async def test_what_is_no_text_is_refused_as_other_commands_do(folder: Path) -> None:
    number = os.fsdecode(b"\xff")
    async with serving(folder, _none):
        result = await forget(folder, number)
    line = "ctid: what was asked for is not UTF-8 text; is the terminal's character set UTF-8?\n"
    assert (result.exit_code, result.stderr) == (2, line)


async def test_a_fault_of_the_daemon_is_one_line(folder: Path) -> None:
    async def fail(_body: Any, _asker: Asker) -> Any:
        raise RuntimeError("do not tell")

    async with serving(folder, fail):
        result = await forget(folder, "1")
    assert (result.exit_code, result.stderr) == (1, "ctid: a fault of ctid: its log says more\n")


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"])
async def test_a_daemon_that_ends_meanwhile_is_told(folder: Path, begun: bytes) -> None:
    async def end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.write(begun)
        writer.close()

    async with await asyncio.start_unix_server(end, folder / "control.sock"):
        result = await forget(folder, "1")
    assert result.exit_code == 1
    assert result.stderr == (
        f"ctid: {folder}/control.sock: the daemon ended before it answered: part of it may be "
        "done; ask again once it runs (systemctl status ctid)\n"
    )


async def test_another_program_at_the_socket_is_one_line(folder: Path) -> None:
    async def chat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        writer.close()

    async with await asyncio.start_unix_server(chat, folder / "control.sock"):
        result = await forget(folder, "1")
    assert result.exit_code == 1
    assert result.stderr.endswith("control.sock: the daemon answered 200; see its log\n")


async def test_what_takes_long_is_waited_for(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    go_on = asyncio.Event()

    async def slow(_body: Any, _asker: Asker) -> Any:
        await go_on.wait()
        return {"calls": 3}

    config = Config(control=Control(socket=str(folder / "control.sock")))
    async with serving(folder, slow), asyncio.TaskGroup() as tasks:
        answer = tasks.create_task(
            asyncio.to_thread(
                request, config, "POST", "/v1/forget", {"number": "1"}, patience_seconds=0.1
            )
        )
        told = ""
        async with asyncio.timeout(20):
            while not told:
                await asyncio.sleep(0.02)  # it tells only a terminal
                told = capfd.readouterr().err
        go_on.set()
    assert told == "ctid: this takes long; the daemon is still at it\n"
    assert await answer == {"calls": 3}
