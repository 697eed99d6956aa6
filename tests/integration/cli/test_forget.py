"""`ctid forget`: it asks first, and says what it did."""

import asyncio
import json
import os
import pty
import sqlite3
import sys
from pathlib import Path

import pytest

from tests.integration.ami.fake_server import FakeAmi
from tests.integration.cli.conftest import Ctid
from tests.integration.web.daemon import call, daemon, text
from tests.waiting import until


async def forget(*arguments: str, answer: str | None = None) -> tuple[int, str]:
    """Exit status and what was said; `answer` is typed at a terminal, None: there is none."""
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ctid", "forget", *arguments),
        stdin=asyncio.subprocess.DEVNULL if answer is None else theirs,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    os.close(theirs)
    if answer is not None:
        os.write(ours, f"{answer}\n".encode())
    said, _ = await asyncio.wait_for(process.communicate(), 30)
    os.close(ours)
    assert process.returncode is not None
    return process.returncode, said.decode()


def callers(folder: Path) -> list[str | None]:
    with sqlite3.connect(folder / "ctid.sqlite3") as database:
        found = [number for (number,) in database.execute("SELECT caller_number FROM record")]
    database.close()
    return found


async def test_it_asks_at_a_terminal_and_says_what_it_did(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("d")  # a short path: that of a socket may have 107 bytes
    async with FakeAmi() as pbx, daemon(folder, text(pbx)) as ctid:
        await ctid.until("pbx_attached")
        session = await pbx.session(0)
        for block in call("queue_answered"):
            session.send(block)
        await ctid.until("call")
        (number,) = callers(folder)
        assert number is not None
        config = ("--config", str(ctid.config))

        status, said = await forget(number, *config)
        assert status == 2
        assert said == (
            "ctid: this cannot be undone, and there is no terminal to ask at: give --yes\n"
        )
        status, said = await forget(number, *config, answer="n")
        assert status == 1
        assert said.startswith(f"Take {number} out of all ended calls? This cannot be undone [y/N]")
        assert said.endswith("ctid: nothing was changed\n")
        assert callers(folder) == [number]

        assert await forget("0", "--yes", *config) == (
            1,
            "ctid: 0: no ended call has this number; nothing was changed\n",
        )
        status, said = await forget(number, *config, answer="y")
        assert (status, said.partition("]: ")[2]) == (
            0,
            "forgotten in 1 call; backups still have it\n",
        )
        assert callers(folder) == [None]


def test_an_empty_number_is_wrong_use(ctid: Ctid) -> None:
    for number in ("", " "):
        done = ctid("forget", number)
        assert (done.exit_code, done.stdout) == (2, "")
        assert done.stderr == (
            "ctid: NUMBER is empty: write the caller's number as it was recorded\n"
        )


async def test_a_caller_who_waits_is_closed_and_their_ticket_named(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("d")
    written = folder / "tickets.jsonl"
    more = '[[file]]\npath = "tickets.jsonl"\n'

    def lines() -> list[str]:
        return written.read_text().splitlines() if written.exists() else []

    async with FakeAmi() as pbx:
        async with daemon(folder, text(pbx, more=more)) as ctid:
            await ctid.until("pbx_attached")
            session = await pbx.session(0)
            for block in call("direct_noanswer"):
                session.send(block)
            await until(lambda: len(lines()) == 1)
            (number,) = callers(folder)
            assert number is not None
            assert number in lines()[0]
            key = json.loads(lines()[0])["draft"]["key"]
            await until(lambda: states(folder) == [("delivered", 1)])

            assert await forget(number, "--yes", "--config", str(ctid.config)) == (
                0,
                (
                    "forgotten in 1 call; backups still have it\n"
                    f"these tickets were made with it, and still have it: file {key}\n"
                ),
            )
            await until(lambda: len(lines()) == 2)
            await until(lambda: states(folder) == [("delivered", 2)])
            told = json.loads(lines()[1])
            assert told["draft"]["stage"] == "returned"
            assert told["draft"]["call_back"]["why"] == "forgotten"
            assert number not in lines()[1]
            assert await ctid.stop() == 0
        # a restart takes up what is on the disk
        async with daemon(folder, text(pbx, more=more)) as ctid:
            await ctid.until("pbx_attached", 1)
            assert await ctid.stop() == 0
    for file in folder.glob("ctid.sqlite3*"):
        assert number.encode() not in file.read_bytes(), file.name


def states(folder: Path) -> list[tuple[str, int]]:
    with sqlite3.connect(folder / "ctid.sqlite3") as database:
        found = database.execute("SELECT state, sent_revision FROM outbox").fetchall()
    database.close()
    return found
