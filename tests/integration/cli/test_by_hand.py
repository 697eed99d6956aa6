"""What a person changes about call-backs and drafts, by the running daemon."""

import json
import os
import pwd
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import pytest

from tests.integration.ami.fake_server import FakeAmi
from tests.integration.cli import desk
from tests.integration.cli.processes import ran_aloud
from tests.integration.web.daemon import Daemon, daemon, text
from tests.waiting import until

ME = pwd.getpwuid(os.getuid()).pw_name
BACKENDS = '[[file]]\nname = "rt"\npath = "rt.jsonl"\n[[file]]\npath = "tickets.jsonl"\n'


@pytest.fixture
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Daemon]:
    """A daemon that has taken up what the desk left."""
    folder = tmp_path_factory.mktemp("d")  # a short path: that of a socket may have 107 bytes
    await desk.fill(str(folder / "ctid.sqlite3"), next_at=time.time() + 600.0)
    async with (
        FakeAmi() as pbx,
        daemon(folder, text(pbx, before='site = "desk"', more=BACKENDS)) as ctid,
    ):
        await ctid.until("pbx_attached")
        yield ctid


async def ask(ctid: Daemon, *arguments: str) -> tuple[int, str]:
    """Exit status and all that a command said."""
    return await ran_aloud(ctid.config, *arguments, seconds=30)


def rows(ctid: Daemon, query: str) -> list[Any]:
    with closing(sqlite3.connect(ctid.folder / "ctid.sqlite3")) as database:
        return database.execute(query).fetchall()


def written(ctid: Daemon, name: str) -> list[dict[str, Any]]:
    """The lines of a file of tickets."""
    path = ctid.folder / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


async def test_closing_is_noted_with_who_and_why_and_told_to_the_ticket(running: Daemon) -> None:
    why = "已在微信上解决 <b>"
    assert await ask(running, "missed", "close", "1.1", "--why", why) == (0, "1.1: closed\n")
    await until(lambda: len(written(running, "tickets.jsonl")) == 1)
    (told,) = written(running, "tickets.jsonl")
    assert (told["revision"], told["draft"]["stage"]) == (2, "returned")
    back = told["draft"]["call_back"]
    assert (back["state"], back["settled_by"], back["why"]) == ("closed", ME, why)
    query = "SELECT state, settled_by, why FROM to_return WHERE uniqueid = '1.1'"
    assert rows(running, query) == [("closed", ME, why)]
    # what is dead stays so, with the newest draft
    query = "SELECT state, stage FROM outbox WHERE uniqueid = '1.1' ORDER BY destination"
    both = [("delivered", "returned"), ("dead", "returned")]
    await until(lambda: rows(running, query) == both)
    _, listed = await ask(running, "missed", "list")
    assert "13800138000" not in listed
    assert await ask(running, "missed", "close", "1.1", "--why", "x") == (
        1,
        f"ctid: 1.1: is closed already ({why})\n",
    )


async def test_who_gave_no_number_can_be_closed_too(running: Daemon) -> None:
    assert await ask(running, "missed", "close", "1.6", "--why", "a test") == (0, "1.6: closed\n")
    await until(lambda: len(written(running, "tickets.jsonl")) == 1)
    assert written(running, "tickets.jsonl")[0]["draft"]["stage"] == "returned"
    _, listed = await ask(running, "missed", "list")
    assert "without a number" not in listed


async def test_what_cannot_be_closed(running: Daemon) -> None:
    for arguments, said in (
        (("1.7",), "1.7: is reached already (called back)"),
        (("9.9",), "9.9: no missed call has this id; `ctid missed list` shows them"),
        (("1.1", "--pbx", "other"), "1.1: no missed call has this id; `ctid missed list` shows"),
        (("1.2",), "1.2: several PBXs have this id (lab, other): give --pbx\n"),
    ):
        status, line = await ask(running, "missed", "close", *arguments, "--why", "x")
        assert status == 1
        assert line.startswith(f"ctid: {said}")
        assert len(line.splitlines()) == 1
    closed = await ask(running, "missed", "close", "1.2", "--pbx", "other", "--why", "x")
    assert closed == (0, "1.2: closed\n")
    query = "SELECT pbx, state FROM to_return WHERE uniqueid = '1.2' ORDER BY pbx"
    await until(lambda: rows(running, query) == [("lab", "open"), ("other", "closed")])


async def test_what_waits_or_is_dead_is_tried_again_at_once(running: Daemon) -> None:
    await until(lambda: len(written(running, "rt.jsonl")) == 2)  # both of 1.2, which were due
    retried = await ask(running, "outbox", "retry", "1.3")
    assert retried == (0, "1 draft will be tried again\n")
    await until(lambda: len(written(running, "rt.jsonl")) == 3)
    retried = await ask(running, "outbox", "retry", "--dead", "--backend", "rt")
    assert retried == (0, "1 draft will be tried again\n")
    await until(lambda: len(written(running, "rt.jsonl")) == 4)
    assert {told["draft"]["uniqueid"] for told in written(running, "rt.jsonl")} == {
        "1.1",
        "1.2",
        "1.3",
    }
    none = (1, "ctid: nothing was changed: none is dead\n")
    assert await ask(running, "outbox", "retry", "--dead") == none
    waiting = "SELECT * FROM outbox WHERE state = 'pending' AND destination = 'rt'"
    await until(lambda: rows(running, waiting) == [])
    nothing = (1, "ctid: nothing was changed: they are delivered already\n")
    assert await ask(running, "outbox", "retry", "1.3") == nothing


async def test_all_that_waits_is_tried_at_once_with_what_is_dead(running: Daemon) -> None:
    await until(lambda: len(written(running, "rt.jsonl")) == 2)  # both of 1.2, which were due
    query = "SELECT uniqueid, state FROM outbox WHERE destination = 'rt' AND uniqueid < '1.2'"
    assert rows(running, query) == [("1.1", "dead")]
    await ask(running, "outbox", "drop", "1.4", "--why", "a test")
    retried = await ask(running, "outbox", "retry", "--all", "--backend", "rt")
    assert retried == (0, "2 drafts will be tried again\n")
    await until(lambda: len(written(running, "rt.jsonl")) == 4)
    assert {told["draft"]["uniqueid"] for told in written(running, "rt.jsonl")[2:]} == {
        "1.1",
        "1.3",
    }
    waiting = "SELECT * FROM outbox WHERE state IN ('pending', 'dead')"
    await until(lambda: rows(running, waiting) == [])
    # what somebody dropped stays so
    assert rows(running, "SELECT uniqueid FROM outbox WHERE state = 'dropped'") == [("1.4",)]
    none = (1, "ctid: nothing was changed: none waits or is dead\n")
    assert await ask(running, "outbox", "retry", "--all") == none


async def test_what_is_dropped_is_delivered_no_more_until_it_is_retried(running: Daemon) -> None:
    dropped = await ask(running, "outbox", "drop", "1.3", "1.4", "--why", "a test")
    assert dropped == (0, "2 drafts will not be delivered\n")
    query = "SELECT uniqueid, state, detail FROM outbox WHERE state = 'dropped' ORDER BY uniqueid"
    assert rows(running, query) == [
        ("1.3", "dropped", f"a test ({ME})"),
        ("1.4", "dropped", f"a test ({ME})"),
    ]
    _, listed = await ask(running, "outbox", "list", "--state", "dropped")
    assert f"a test ({ME})" in listed
    assert await ask(running, "outbox", "drop", "1.3", "--why", "x") == (
        1,
        "ctid: nothing was changed: they are delivered already, or dropped\n",
    )
    assert (await ask(running, "outbox", "retry", desk.key("1.3")))[0] == 0
    await until(
        lambda: "1.3" in str([t["draft"]["uniqueid"] for t in written(running, "rt.jsonl")])
    )


async def test_what_cannot_be_retried_or_dropped(running: Daemon) -> None:
    several = (
        f"several PBXs have this id: give the key ({desk.key('1.2')}, {desk.key('1.2', 'other')})"
    )
    for arguments, said in (
        (("retry", "9.9"), "9.9: no draft has this key or call; `ctid outbox list` shows them"),
        (("drop", "1.3", "--backend", "file", "--why", "x"), "1.3: no draft for file has this key"),
        (("drop", "1.2", "--why", "x"), f"1.2: {several}"),
        # nothing of it is done where one of them is wrong
        (("drop", "1.3", "9.9", "--why", "x"), "9.9: no draft has this key or call"),
    ):
        status, line = await ask(running, "outbox", *arguments)
        assert status == 1
        assert line.startswith(f"ctid: {said}")
        assert len(line.splitlines()) == 1
    assert rows(running, "SELECT state FROM outbox WHERE uniqueid = '1.3'") == [("pending",)]
