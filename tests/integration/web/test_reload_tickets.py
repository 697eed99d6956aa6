"""A reload changes where tickets go and what they say; no draft is lost by it, none comes twice."""

import json
import signal
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from tests.integration.ami.fake_server import FakeAmi, Session
from tests.integration.web.daemon import Daemon, call, command, daemon, text
from tests.waiting import until

FILE = '[[file]]\nname = "{name}"\npath = "{path}"\n'
AT = 1_800_000_000.0


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short path: that of a socket may have 107 bytes."""
    return tmp_path_factory.mktemp("d")


def backends(**paths: str) -> str:
    """Tables of backends by their names."""
    return "".join(FILE.format(name=name, path=path) for name, path in paths.items())


async def reload(ctid: Daemon, config: str, times: int) -> None:
    ctid.config.write_text(config)
    ctid.signal(signal.SIGHUP)
    await ctid.until("reloaded", times)


def play(session: Session, name: str, number: int) -> None:
    for block in call(name, number, AT + 100 * number):
        session.send(block)


def written(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def states(folder: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(folder / "ctid.sqlite3")) as database:
        return database.execute(
            "SELECT destination, state FROM outbox ORDER BY destination, key"
        ).fetchall()


def final(lines: Iterable[dict[str, Any]]) -> dict[str, str]:
    """The last stage of each ticket."""
    return {line["draft"]["key"]: line["draft"]["stage"] for line in lines}


async def test_a_backend_comes_changes_and_goes_and_no_draft_is_lost(folder: Path) -> None:
    first, second = folder / "first.jsonl", folder / "second.jsonl"
    async with FakeAmi() as pbx, daemon(folder, text(pbx)) as ctid:
        await ctid.until("pbx_attached")
        session = await pbx.session(0)
        play(session, "queue_answered", 0)
        await ctid.until("call")
        assert states(folder) == []

        await reload(ctid, text(pbx, more=backends(desk="first.jsonl")), 1)
        play(session, "direct_noanswer", 1)
        await until(lambda: len(written(first)) == 1)

        # the same backend by another path: what is known of its tickets is still known
        blocks = call("queue_answered", 2, AT + 200)
        talking = 1 + max(n for n, block in enumerate(blocks) if b"Event: BridgeEnter" in block)
        for block in blocks[:talking]:
            session.send(block)
        await until(lambda: len(written(first)) == 2)
        await reload(ctid, text(pbx, more=backends(desk="second.jsonl")), 2)
        for block in blocks[talking:]:
            session.send(block)
        await until(lambda: len(written(second)) == 1)
        (completed,) = written(second)
        assert completed["draft"]["key"] == written(first)[1]["draft"]["key"]
        assert (completed["revision"], completed["draft"]["stage"]) == (2, "ended")

        # it goes, and what was decided for nobody is not made up for
        await reload(ctid, text(pbx), 3)
        play(session, "direct_busy", 3)
        await ctid.until("call", 4)
        assert len(states(folder)) == 2
        assert await ctid.stop() == 0
    assert len(written(first)) == 2
    assert len(written(second)) == 1


async def test_what_waits_outlives_its_backend(folder: Path) -> None:
    nowhere = backends(desk="not-made-yet/tickets.jsonl", other="other.jsonl")
    tickets = folder / "tickets.jsonl"
    async with FakeAmi() as pbx, daemon(folder, text(pbx, more=nowhere)) as ctid:
        await ctid.until("pbx_attached")
        session = await pbx.session(0)
        for number in range(3):
            play(session, "direct_noanswer", number)
        await until(lambda: len(written(folder / "other.jsonl")) == 3)
        waits = [("desk", "pending")] * 3 + [("other", "delivered")] * 3
        await until(lambda: states(folder) == waits)

        await reload(ctid, text(pbx, more=backends(other="other.jsonl")), 1)
        stranded = await ctid.until("tickets_stranded")
        assert (stranded["backend"], stranded["drafts"]) == ("desk", 3)
        assert states(folder) == waits

        both = backends(desk="tickets.jsonl", other="other.jsonl")
        await reload(ctid, text(pbx, more=both), 2)
        await until(lambda: len(written(tickets)) == 3)
        assert await ctid.stop() == 0
    assert len(final(written(tickets))) == 3
    assert len(written(folder / "other.jsonl")) == 3


async def test_calls_that_come_during_many_reloads_have_one_ticket_each(folder: Path) -> None:
    names = ("direct_noanswer", "queue_answered", "direct_busy", "direct_answered")
    reloads, tickets = 12, [folder / "even.jsonl", folder / "odd.jsonl"]
    tables = [backends(desk=path.name) for path in tickets]
    async with FakeAmi() as pbx, daemon(folder, text(pbx, more=tables[0])) as ctid:
        await ctid.until("pbx_attached")
        session = await pbx.session(0)
        for number in range(reloads):
            play(session, names[number % len(names)], number)
            ctid.config.write_text(text(pbx, more=tables[(number + 1) % 2]))
            ctid.signal(signal.SIGHUP)
            await ctid.until("reloaded", number + 1)
        await ctid.until("call", reloads)
        await until(lambda: states(folder) == [("desk", "delivered")] * reloads)
        assert await ctid.stop() == 0
    lines = [line for path in tickets for line in written(path)]
    revisions = [(line["draft"]["key"], line["revision"]) for line in lines]
    assert len(set(revisions)) == len(revisions)  # nothing twice
    assert len({key for key, _ in revisions}) == reloads
    stages = sorted(final(sorted(lines, key=itemgetter("revision"))).values())
    assert stages == ["ended"] * (reloads // 2) + ["to_return"] * (reloads // 2)


# -- templates ------------------------------------------------------------------------------------

TICKETS = '[tickets]\ntemplates = "templates"\n'


async def test_templates_come_change_and_go(folder: Path) -> None:
    tickets, templates = folder / "tickets.jsonl", folder / "templates"
    plain = backends(desk="tickets.jsonl")

    def subject(number: int) -> str:
        found: str = written(tickets)[number]["subject"]
        return found

    async with FakeAmi() as pbx, daemon(folder, text(pbx, more=plain)) as ctid:
        await ctid.until("pbx_attached")
        session = await pbx.session(0)
        templates.mkdir()
        (templates / "subject.j2").write_text("first {{ line.name }}")
        for number, (config, template) in enumerate(
            (
                (TICKETS + plain, None),
                (TICKETS + plain, "second {{ line.name }}"),
                (plain, None),
            )
        ):
            if template is not None:
                (templates / "subject.j2").write_text(template)
            await reload(ctid, text(pbx, more=config), number + 1)
            play(session, "direct_noanswer", number)
            await until(lambda n=number: len(written(tickets)) == n + 1)  # type: ignore[misc]
        line = written(tickets)[0]["draft"]["line"]["name"]
        assert [subject(0), subject(1)] == [f"first {line}", f"second {line}"]
        assert subject(2).startswith(f"[{line}] ")
        assert await ctid.stop() == 0


def spoil(folder: Path) -> str:
    """Templates with a mistake in the second row of one; what is said of it."""
    templates = folder / "templates"
    templates.mkdir(exist_ok=True)
    (templates / "body.j2").write_text("Call\n{{ caller.nmae }}\n")
    return f"{templates}/body.j2:2: 'caller.nmae' is undefined; did you mean `caller.name`?"


async def test_a_bad_template_refuses_a_reload_with_file_and_row(folder: Path) -> None:
    tickets = folder / "tickets.jsonl"
    plain = backends(desk="tickets.jsonl")
    async with FakeAmi() as pbx, daemon(folder, text(pbx, more=plain)) as ctid:
        await ctid.until("pbx_attached")
        said = spoil(folder)
        ctid.config.write_text(text(pbx, more=TICKETS + backends(desk="elsewhere.jsonl")))
        ctid.signal(signal.SIGHUP)
        assert (await ctid.until("not_reloaded"))["why"].startswith(said)
        status, answer = await ctid.ask("POST", "/v1/reload")
        assert (status, answer["error"].startswith(said)) == (409, True)
        # nothing of it is in force, and tickets are made as before
        play(await pbx.session(0), "direct_noanswer", 0)
        await until(lambda: len(written(tickets)) == 1)
        assert not (folder / "elsewhere.jsonl").exists()
        assert ctid.logged("reloaded") == []
        assert await ctid.stop() == 0


async def test_a_bad_template_refuses_the_start_with_file_and_row(folder: Path) -> None:
    said = spoil(folder)
    async with FakeAmi() as pbx:
        (folder / "secret").write_text("x")
        (folder / "secret").chmod(0o600)
        config = folder / "ctid.toml"
        config.write_text(text(pbx, more=TICKETS + backends(desk="tickets.jsonl")))
        for name in ("run", "check-config"):
            code, out, err = await command(name, "--config", str(config))
            assert code == 2
            assert said in out + err
        assert pbx.sessions == []
    assert not (folder / "ctid.sqlite3").exists()
