"""The demo tells the truth about what it plays, and ends well however it is ended."""

import asyncio
import math
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import IO, NamedTuple

import pytest
from rich.console import Console

from ctid import config
from ctid.demo import session
from ctid.demo.board import Board, Step, Told
from ctid.demo.pages import Said
from ctid.demo.session import Plan
from ctid.demo.show import Lines, summary
from ctid.domain.lines import Directory
from ctid.domain.records import Record
from ctid.sim import recordings
from ctid.sim.program import Call
from ctid.store.errors import StoreUnavailable
from ctid.store.queries import Reader, RecordFilter
from tests import truth, waiting

FAST = Plan(speed=math.inf)
CTID = [sys.executable, "-m", "ctid", "demo"]
COLUMNS = ("rung", "answered", "missed", "overflowed")


class Ran:
    """One run as fast as it goes: what was played, recorded and printed."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.plan = plan
        templates = {name: recordings.template(name) for name in recordings.names()}
        self.calls = list(plan.calls(templates))
        self.config = config.load(folder / "ctid.toml")
        self.directory = self.config.directory("demo")
        self.url = self.config.store.url
        self.file = StringIO()

    async def records(self) -> list[Record]:
        async with await Reader.open(self.url) as reader:
            return await reader.records(RecordFilter())


async def ran(folder: Path) -> tuple[Ran, Board, str]:
    file = StringIO()
    console = Console(file=file, width=80)
    board, written = await session.run(folder, FAST, Lines(console))
    summary(console, board, written)
    return Ran(folder, FAST), board, file.getvalue()


def expected(calls: list[Call], directory: Directory) -> list[truth.Expected]:
    """The truths of all streams that were played, on the demo's lines, with its agents' names."""
    rows = []
    for call in calls:
        for row in truth.expected(truth.load(call.name)):
            assert row.line is not None
            line = directory.line_of_queue(row.line) or directory.line_of_did(row.line)
            assert line is not None, row.line
            row.line = line.name
            row.agent, row.final_agent = named(row.agent), named(row.final_agent)
            row.agents_rung = {named(agent) or "" for agent in row.agents_rung}
            row.rung_optional = {named(agent) or "" for agent in row.rung_optional}
            row.caller = f"138{(int(row.caller[3:]) + call.number * 9_176_543) % 10**8:08}"
            rows.append(row)
    return rows


def named(agent: str | None) -> str | None:
    return {"101": "张三", "102": "李四", "103": "王五"}.get(agent or "", agent)


def printed(text: str) -> dict[str, tuple[list[str], str]]:
    """The summary's rows: the numbers of a line, and its rate."""
    table = text.partition("\nLine ")[2].partition("\n\n")[0].splitlines()[1:]
    rows = {}
    for row in table:
        found = re.fullmatch(r"(\S+ \w+) +(\d+) +(\d+) +(\d+) +(\d+) +(.+?) +75 % *(\w*) *", row)
        assert found, row
        rows[found[1]] = ([*found.groups()[1:5]], found[6])
    return rows


async def test_what_it_records_and_prints_is_the_truth_of_what_it_played(tmp_path: Path) -> None:
    run, board, text = await ran(tmp_path)
    wanted = expected(run.calls, run.directory)
    assert len(run.calls) > 25
    left = await run.records()
    assert not any(record.open for record in left)
    for want in wanted:
        same = [r for r in left if (r.caller_number, r.line) == (want.caller, want.line)]
        assert len(same) == 1, want
        left.remove(same[0])
        assert truth.differences(want, same[0]) == [], want
    assert left == []

    shown = printed(text)
    for line in run.directory.lines:
        outcomes = Counter(row.outcome for row in wanted if row.line == line.name)
        counted = [outcomes[name] for name in COLUMNS[1:]]
        rung, answered = sum(counted), outcomes["answered"]
        rate = f"{1000 * answered // rung / 10:.1f} %" if rung else "no calls"  # cut
        assert shown[line.title] == ([str(rung), *map(str, counted)], rate)
    assert len(shown) == len(run.directory.lines)
    unoffered = sum(row.outcome == "not_offered" for row in wanted)
    assert unoffered > 0
    assert f"; {board.calls} calls, {unoffered} not offered" in text


async def test_its_tickets_are_those_of_the_calls_that_it_played(tmp_path: Path) -> None:
    run, _, text = await ran(tmp_path)
    calls: dict[str, set[str]] = {}
    for row in expected(run.calls, run.directory):
        if row.outcome in COLUMNS:
            calls.setdefault(row.caller, set()).add(row.outcome)
    back = sum("answered" not in outcomes for outcomes in calls.values())
    assert 0 < back < len(calls)
    assert (f"\n{len(calls)} tickets written, {back} of them to call somebody back;") in text


async def test_every_step_is_told_on_a_line_of_its_own(tmp_path: Path) -> None:
    run, _, text = await ran(tmp_path)
    offered = [record for record in await run.records() if record.offered_at is not None]
    steps = Counter(re.findall(r"^\d\d:\d\d:\d\d  ([a-z]+) ", text, re.MULTILINE))
    assert steps["ringing"] == len(offered)
    answered = sum(record.answered_at is not None for record in offered)
    assert steps["answered"] == steps["ended"] == answered
    assert steps["missed"] + steps["overflowed"] == len(offered) - answered
    assert re.search(
        r"missed .*\[\d+ of \d+ answered, [\d.]+ %, target 75 %\]$", text, re.MULTILINE
    )


async def test_a_line_that_nobody_answers_is_paged_about_until_somebody_does(
    tmp_path: Path,
) -> None:
    class Watching(Lines):
        """Ends the demo with the first page that says that it is over."""

        def say(self, said: Said) -> None:
            super().say(said)
            if said.title.startswith("ANSWERED"):
                os.kill(os.getpid(), signal.SIGINT)

    file = StringIO()
    console = Console(file=file, width=80)
    board, written = await session.run(tmp_path, Plan(seconds=40.0), Watching(console))
    summary(console, board, written)
    paged = [line.split("  ")[1:] for line in file.getvalue().splitlines() if "ANSWERED" in line]
    assert [[part.strip() for part in parts if part] for parts in paged] == [
        ["warned", "WARNING, UNANSWERED 10 s: 打印 printing"],
        ["paged", "UNANSWERED 15 s: 打印 printing"],
        ["resolved", "ANSWERED by 王五: 打印 printing"],
    ]
    assert "\n  Do first: phones rang, nobody picked up: 张三, 李四, 王五. " in file.getvalue()
    assert "\n1 alert: nobody answered on a line for 15 s " in file.getvalue()


async def test_a_run_that_was_stopped_says_so_and_keeps_what_ended(tmp_path: Path) -> None:
    class Impatient(Lines):
        def tell(self, told: list[Told]) -> None:
            super().tell(told)
            if any(step.step is Step.ENDED for step in told):
                os.kill(os.getpid(), signal.SIGINT)

    file = StringIO()
    board, _ = await session.run(
        tmp_path, Plan(seconds=None, speed=20.0), Impatient(Console(file=file))
    )
    assert board.calls > 0
    with sqlite3.connect(tmp_path / "ctid.sqlite3") as database:
        (ended,) = database.execute("SELECT count(*) FROM record WHERE NOT open").fetchone()
    database.close()
    closed = [record for record in board.visits.values() if not record.open]
    assert ended == len(closed)


async def test_a_database_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "ctid.sqlite3").write_text("not a database")
    with pytest.raises(StoreUnavailable, match="database ") as caught:
        await session.run(tmp_path, FAST, Lines(Console(file=StringIO())))
    assert "\n" not in str(caught.value)


def test_the_command_ends_with_0_and_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [*CTID, "--seconds", "20", "--speed", "30"],
        env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"?? network" in done.stdout
    assert b"\x1b" not in done.stdout
    assert list(tmp_path.iterdir()) == []


class Started(NamedTuple):
    """A demo in a process of its own, and what it says."""

    process: subprocess.Popen[str]
    out: IO[str]
    errors: IO[str]


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[Started]:
    """It keeps its files below `folder`."""
    with subprocess.Popen(
        [*CTID, *arguments],
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        yield Started(process, process.stdout, process.stderr)


@pytest.mark.parametrize("after", ["", "simulated PBX", "ringing", "answered"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_order(after: str, number: signal.Signals, tmp_path: Path) -> None:
    with started(tmp_path, "--hold", "--speed", "5") as demo:
        if after:
            for line in demo.out:
                if after in line:
                    break
        else:
            asyncio.run(waiting.until(lambda: any(tmp_path.iterdir())))
        demo.process.send_signal(number)
        rest, errors = demo.out.read(), demo.errors.read()
        assert demo.process.wait(20) in ((0,) if after or number is signal.SIGINT else (0, -number))
    assert errors == ""
    if after:
        assert "Rate = answered / rung" in rest
        assert "ctid check-config\n" in rest
        assert list(tmp_path.iterdir()) == []


def test_a_daemon_beside_it_is_refused_its_database(tmp_path: Path) -> None:
    with started(tmp_path, "--hold", "--speed", "5") as demo:
        for line in demo.out:
            if "ringing" in line:
                break
        (folder,) = tmp_path.iterdir()
        done = subprocess.run(
            [*CTID[:-1], "run", "--config", str(folder / "ctid.toml")],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        demo.process.terminate()
        demo.out.read()
    assert done.returncode == 1
    assert "in use by another ctid run" in done.stderr


def test_who_has_seen_enough_is_no_failure_with_a_traceback(tmp_path: Path) -> None:
    with started(tmp_path, "--hold", "--speed", "30") as demo:
        demo.out.readline()
        demo.out.close()
        assert demo.errors.read() == ""
        assert demo.process.wait(20) == 1
    assert list(tmp_path.iterdir()) == []


def test_who_leaves_during_the_summary_leaves_nothing_behind(tmp_path: Path) -> None:
    with started(tmp_path, "--seconds", "5", "--speed", "30") as demo:
        for line in demo.out:
            if line.startswith("Line "):
                break
        demo.out.close()
        assert demo.errors.read() == ""
        assert demo.process.wait(20) in (0, 1)  # 0: all was written before
    assert list(tmp_path.iterdir()) == []


def test_the_commands_that_it_shows_can_be_typed(tmp_path: Path) -> None:
    with started(tmp_path, "--hold", "--speed", "5") as demo:
        shown = []
        for line in demo.out:
            if " --config " in line:
                shown.append(line)
            if "ringing" in line:
                break
        assert [command.partition(" ctid ")[2].split()[0] for command in shown] == [
            "status",
            "calls",
            "report",
            "missed",
            "alerts",
        ]
        for line in demo.out:
            if " missed " in line:
                break
        for command in shown:
            done = subprocess.run(
                shlex.split(command), capture_output=True, text=True, timeout=30, check=False
            )
            none = "ctid: no alert is open\n" if " alerts " in command else ""
            assert (done.returncode, done.stderr) in ((0, ""), (0, none))
            assert "network" in done.stdout or done.stderr
        demo.process.send_signal(signal.SIGINT)
        demo.out.read()
        assert demo.process.wait(20) == 0


def test_hold_and_seconds_contradict_each_other() -> None:
    done = subprocess.run([*CTID, "--hold", "--seconds", "9"], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.count(b"\n") == 1


def test_a_full_disk_behind_the_output_is_one_line(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*CTID, "--speed", "30"],
            env={**os.environ, "TMPDIR": str(tmp_path)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "ctid: cannot write the output: No space left on device\n"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(folder=str(file))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("ctid: cannot make a temporary folder: ")


# TMPDIR itself would be passed over for another folder
PROGRAM = """
import sys, tempfile
from ctid.cli import main
tempfile.tempdir = {folder!r}
sys.argv = ["ctid", "demo"]
main()
"""
