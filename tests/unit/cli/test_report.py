"""`ctid report` as it is typed."""

import asyncio
import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from ctid.domain.batch import Batch
from ctid.domain.records import Outcome, Reason, Seen
from ctid.report.rows import duration, notes, percent
from ctid.store.migrate import upgrade
from ctid.store.recorder import Store
from tests.integration.store import samples

DAY = "2025-10-09"  # UTC, of samples.BEGAN
PERIOD = ("--from", DAY, "--to", DAY)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    path = folder / "ctid.toml"
    path.write_text(
        f'[store]\nurl = "{folder}/ctid.sqlite3"\n'
        '[[pbx]]\nname = "main"\nsecret_file = "none"\n'
        '[[line]]\nname = "network"\nqueues = ["a"]\n[[line]]\nname = "idle"\nqueues = ["b"]\n'
    )

    async def fill() -> None:
        await upgrade(str(folder / "ctid.sqlite3"))
        missed = samples.missed(2)._replace(line="network", reason=Reason.NO_ANSWER)
        short = samples.answered(3)._replace(talk_seconds=1.0)
        away = samples.missed(4)._replace(
            line="network", outcome=Outcome.NOT_OFFERED, reason=Reason.AFTER_HOURS
        )
        records = (samples.answered(1), missed, short, away)
        async with await Store.open(str(folder / "ctid.sqlite3")) as store:
            seen = Seen("main", samples.BEGAN + 3600, None)
            await store.commit(Batch(records=records, seen=(seen,)))

    asyncio.run(fill())
    return path


def ctid(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ctid", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def report(config: Path, *arguments: str) -> str:
    done = ctid("report", "--config", config, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_table_names_both_rates_and_the_coverage(config: Path) -> None:
    text = report(config, *PERIOD)
    for words in ("raw rate", "adjusted rate", "66.6 %", "33.3 %", "1 no_answer", "1 after_hours"):
        assert words in text
    assert "coverage" in text
    (idle,) = [line for line in text.splitlines() if "idle" in line]
    assert "no calls" in idle
    assert " %" not in idle.rpartition("no calls")[0]


def test_notes_say_only_what_applies(config: Path) -> None:
    notes = report(config, *PERIOD).rpartition("\n\n")[2].splitlines()
    assert notes == [
        "coverage: recorded since 2025-10-09 08:53:21 only",
        (
            "adjusted rate: without calls outside duty hours and callers who gave up within 5 s; "
            "answers of less than 3 s do not count"
        ),
    ]
    hours = report(config, *PERIOD, "--by", "hour", "--line", "idle")
    assert hours.startswith(f"idle, {DAY} to {DAY}, UTC\n hour  rung ")
    assert "adjusted rate:" not in hours


def test_a_call_on_two_lines_is_told_where_the_sums_differ() -> None:
    def row(scope: str, rung: int) -> dict[str, object]:
        return {"scope": scope, "rung": rung, "answer_rate": 1.0, "adjusted_rate": 1.0}

    twice = [row("line", 2), row("line", 1), row("desk", 2)]
    assert notes(twice, 5.0) == [
        "a call that rang on several lines counts on each, and once in all lines"
    ]
    assert notes([row("line", 2), row("desk", 2)], 5.0) == []


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (2 / 3, "66.6 %"),
        (0.7496, "74.9 %"),
        (0.9996, "99.9 %"),
        (0.29, "29.0 %"),
        (0.575, "57.5 %"),
        (1.0, "100.0 %"),
        (0.0, "0.0 %"),
    ],
)
def test_a_share_is_cut_not_rounded(share: float, words: str) -> None:
    assert percent(share) == words


def test_rows_for_programs_are_the_same_in_each_format(config: Path) -> None:
    rows = json.loads(report(config, *PERIOD, "--format", "json"))
    lines = report(config, *PERIOD, "--format", "jsonl").splitlines()
    assert [json.loads(line) for line in lines] == rows
    found = list(csv.DictReader(io.StringIO(report(config, *PERIOD, "--format", "csv"))))
    assert [row["rung"] for row in found] == [str(row["rung"]) for row in rows]
    network = next(row for row in rows if row["name"] == "network")
    assert (network["rung"], network["answered"], network["short_answers"]) == (3, 2, 1)
    assert network["reasons"] == {"missed": {"no_answer": 1}, "not_offered": {"after_hours": 1}}
    idle = next(row for row in rows if row["name"] == "idle")
    assert (idle["answer_rate"], idle["adjusted_rate"], idle["asa_seconds"]) == (None, None, None)


def test_by_day_hour_and_agent(config: Path) -> None:
    days = json.loads(report(config, *PERIOD, "--by", "day", "--format", "json"))
    assert [(row["day"], row["rung"]) for row in days] == [(DAY, 3)]
    hours = json.loads(report(config, *PERIOD, "--by", "hour", "--format", "json"))
    assert [row["rung"] for row in hours] == [0] * 8 + [3] + [0] * 15
    agents = json.loads(report(config, *PERIOD, "--by", "agent", "--format", "json"))
    assert [(row["agent"], row["rings"], row["answered"]) for row in agents] == [
        ("Li Si", 2, 2),
        ("Zhang San", 2, 0),
    ]


def test_without_a_row_the_first_row_still_names_the_fields(config: Path) -> None:
    empty = ("--from", "2020-01-01", "--to", "2020-01-02", "--by", "agent", "--format", "csv")
    assert report(config, *empty) == "agent,rings,answered,rona,talk_seconds,coverage\n"


def test_closed_outputs_are_no_traceback(config: Path) -> None:
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        command = f'exec "$@" {closed}'
        argv = [sys.executable, "-m", "ctid", "report", "--config", str(config)]
        done = subprocess.run(
            ["sh", "-c", command, "sh", *argv], capture_output=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")


def test_today_is_one_day(config: Path) -> None:
    rows = json.loads(report(config, "--today", "--by", "day", "--format", "json"))
    (last,) = json.loads(report(config, "--by", "day", "--format", "json"))[-1:]
    assert [row["day"] for row in rows] == [last["day"]]


def test_one_line_alone(config: Path) -> None:
    rows = json.loads(report(config, *PERIOD, "--line", "network", "--format", "json"))
    assert [row["name"] for row in rows] == ["network"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from", "yesterday"), "--from yesterday: no day; write it like 2026-11-25"),
        (("--from", "2026-02-01", "--to", "2026-01-01"), "give the earlier day first"),
        (("--from", "2099-01-01"), "--from 2099-01-01: has not begun; today is 20"),
        (("--to", "2099-01-31"), "--to 2099-01-31: has not begun; today is 20"),
        (("--from", "9999-12-31"), "--from 9999-12-31: not between 2000-01-01 and 2099-12-31"),
        (("--from", "0001-01-01"), "--from 0001-01-01: not between 2000-01-01 and 2099-12-31"),
        (("--today", "--to", "2026-11-25"), "--today already says from when to when"),
        (("--line", "netwrok"), "--line netwrok: no such line; there are: idle, network"),
    ],
)
def test_wrong_use_is_said_in_one_line(
    config: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = ctid("report", "--config", config, *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_missing_database_is_said_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "ctid.toml"
    path.write_text(f'[store]\nurl = "{tmp_path}/none.sqlite3"\n')
    done = ctid("report", "--config", path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "none.sqlite3" in done.stderr


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(7.94, "7.9 s"), (59.96, "1:00 min"), (185, "3:05 min"), (3753.2, "1:02:33 h")],
)
def test_durations_are_readable(seconds: float, words: str) -> None:
    assert duration(seconds) == words
