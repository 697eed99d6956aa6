"""A program as a channel: what it is given, and what its end means."""

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from ctid.config.channels import CommandChannel
from ctid.outbound.pages.command import Command
from ctid.outbound.port import DeliveryError, Finding, Reason
from tests.pages import message
from tests.waiting import until

EVIL = "$(touch owned) `touch owned`; touch owned\n--help\n\u202e\x1b[2J"


def program(folder: Path, script: str, *arguments: str, **keys: Any) -> Command:
    path = folder / "page"
    path.write_text(f"#!/bin/sh\ncd {folder}\n{script}\n")
    path.chmod(0o700)
    return Command(CommandChannel(argv=(str(path), *arguments), **keys), "desk")


async def failure(command: Command, **changes: Any) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await command.send(message(**changes))
    assert str(caught.value).isprintable()
    return caught.value


def is_running(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


async def ended(pid: int) -> None:
    """A signal takes a moment."""
    await until(lambda: not is_running(pid), 5.0)


async def test_it_gets_the_page_on_standard_input(tmp_path: Path) -> None:
    big = json.dumps({"text": "x" * 1_000_000}).encode()
    await program(tmp_path, "cat > got").send(message(data=big))
    assert (tmp_path / "got").read_bytes() == big


async def test_its_arguments_are_the_configured_ones(tmp_path: Path) -> None:
    command = program(tmp_path, 'printf "<%s>" "$@" > got', "--urgent", "a b", "$HOME")
    await command.send(message(title=EVIL, text=EVIL, address=EVIL, key=EVIL.split(maxsplit=1)[0]))
    assert (tmp_path / "got").read_text() == "<--urgent><a b><$HOME>"
    assert not (tmp_path / "owned").exists()


async def test_its_environment_is_small_and_harmless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials")
    command = program(tmp_path, "env -0 > got")
    await command.send(message(title=EVIL, text=EVIL, address="13800001111"))
    got = dict(entry.split("=", 1) for entry in (tmp_path / "got").read_text().split("\0") if entry)
    by_the_shell = {"PWD", "OLDPWD", "_", "SHLVL"}
    assert set(got) - by_the_shell == {
        *("PATH", "LANG", "CTID_SITE", "CTID_KEY", "CTID_TITLE", "CTID_TEXT", "CTID_ADDRESS")
    }
    assert (got["CTID_SITE"], got["CTID_KEY"], got["CTID_ADDRESS"]) == (
        *("desk", "7-0", "13800001111"),
    )
    assert got["CTID_TITLE"].isprintable()
    assert got["CTID_TEXT"].count("\n") == 3
    assert got["CTID_TEXT"].endswith("\nAcknowledge 确认: https://ctid.example.org/a/7?key=x(1)")
    assert got["CTID_TEXT"].replace("\n", "").isprintable()


async def test_a_long_text_does_not_hinder_it(tmp_path: Path) -> None:
    await program(tmp_path, 'printf %s "$CTID_TEXT" > got').send(message(text="无\n" * 500_000))
    said = (tmp_path / "got").read_text()
    assert said.endswith("…\nAcknowledge 确认: https://ctid.example.org/a/7?key=x(1)")


@pytest.mark.parametrize(
    ("script", "reason", "said"),
    [
        ("exit 75", Reason.BUSY, "(nothing)"),
        ("echo later >&2; exit 75", Reason.BUSY, "later"),
        ("echo first >&2; echo; echo 'no such number' >&2; echo >&2; exit 1", None, "such number"),
        ("printf 'a\\033[31mred\\n' >&2; exit 2", None, "a\ufffd[31mred"),
        ("kill -9 $$", None, "signal 9"),
        ("head -c 1000000 /dev/zero >&2; echo end >&2; exit 1", None, "end"),
    ],
)
async def test_its_end_decides(
    tmp_path: Path, script: str, reason: Reason | None, said: str
) -> None:
    error = await failure(program(tmp_path, script))
    assert error.reason is (reason or Reason.REJECTED)
    assert said in str(error)


async def test_a_time_out_ends_all_that_it_started(tmp_path: Path) -> None:
    command = program(
        tmp_path, "sleep 100 & echo $! > child; echo waiting >&2; wait", timeout_seconds=0.5
    )
    error = await failure(command)
    assert error.reason is Reason.TIMEOUT
    assert "waiting" in str(error)
    await ended(int((tmp_path / "child").read_text()))


async def test_so_does_giving_up(tmp_path: Path) -> None:
    command = program(tmp_path, "sleep 100 & echo $! > new; mv new child; wait")
    sending = asyncio.ensure_future(command.send(message()))  # noqa: TID251 - ended below
    await until((tmp_path / "child").exists)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await ended(int((tmp_path / "child").read_text()))


async def test_what_it_leaves_running_is_not_waited_for(tmp_path: Path) -> None:
    """It holds standard error open."""
    command = program(tmp_path, "sleep 100 & echo $! > child; exit $1", "0", timeout_seconds=30)
    began = time.monotonic()
    await command.send(message())
    children = [int((tmp_path / "child").read_text())]
    error = await failure(program(tmp_path, "sleep 100 & echo $! > child; exit 3"))
    children.append(int((tmp_path / "child").read_text()))
    assert time.monotonic() - began < 10
    assert error.reason is Reason.REJECTED
    for child in children:
        assert is_running(child)
        os.kill(child, 9)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_nothing_stays_open(tmp_path: Path) -> None:
    command = program(tmp_path, "echo no >&2; exit 1")
    await failure(command)
    before = open_files()
    for _ in range(5):
        await failure(command)
    assert open_files() <= before


async def test_a_program_that_cannot_be_run(tmp_path: Path) -> None:
    for path, why in (("/nowhere/page", "no such file"), (str(tmp_path), "permission denied")):
        error = await failure(Command(CommandChannel(argv=(path,)), "desk"))
        assert error.reason is Reason.MISCONFIGURED
        assert why in str(error)
    (tmp_path / "empty").write_text("no program")
    (tmp_path / "empty").chmod(0o700)
    error = await failure(Command(CommandChannel(argv=(str(tmp_path / "empty"),)), "desk"))
    assert (error.reason, "exec format error" in str(error)) == (Reason.MISCONFIGURED, True)


async def check(command: Command) -> Finding:
    (finding,) = await command.check()
    return finding


async def test_check(tmp_path: Path) -> None:
    command = program(tmp_path, "touch ran")
    assert (await check(command)).ok
    (tmp_path / "page").chmod(0o777)
    assert (await check(command)).remedy == f"chmod o-w {tmp_path}/page"
    (tmp_path / "page").chmod(0o600)
    assert "no program that this user may run" in (await check(command)).what
    (tmp_path / "page").unlink()
    assert "no such file" in (await check(command)).what
    assert not (tmp_path / "ran").exists()
