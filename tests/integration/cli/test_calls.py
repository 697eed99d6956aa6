"""`ctid calls` over the records of real streams."""

import csv
import io
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ctid.output import FIELDS
from tests.integration.cli.conftest import Ctid


def found(ctid: Ctid, config: Path, *arguments: str) -> list[dict[str, Any]]:
    done = ctid("calls", "--config", config, "--format", "jsonl", "--limit", "0", *arguments)
    assert (done.exit_code, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_everything_newest_first(ctid: Ctid, recorded: Path) -> None:
    rows = found(ctid, recorded)
    assert len(rows) > 60
    ids = [float(row["uniqueid"]) for row in rows]
    assert [int(number) for number in ids] == sorted(map(int, ids), reverse=True)
    assert all(tuple(row) == FIELDS for row in rows)


def test_what_is_asked_for_is_given_and_nothing_else(ctid: Ctid, recorded: Path) -> None:
    everything = found(ctid, recorded)
    for option, value, field in (
        ("--line", "8001", "line"),
        ("--outcome", "missed", "outcome"),
        ("--reason", "queue_timeout", "reason"),
        ("--direction", "internal", "direction"),
        ("--number", "13800000001", "caller_number"),
    ):
        wanted = [row for row in everything if row[field] == value]
        assert found(ctid, recorded, option, value) == wanted, option
        assert 0 < len(wanted) < len(everything), option


def test_an_agent_is_found_whether_he_answered_was_rung_or_spoke_last(
    ctid: Ctid, recorded: Path
) -> None:
    wanted = [
        row["uniqueid"]
        for row in found(ctid, recorded)
        if "102" in (row["agent"], row["final_agent"], *row["agents_rung"])
    ]
    assert [row["uniqueid"] for row in found(ctid, recorded, "--agent", "102")] == wanted
    assert wanted


def test_the_last_digits_of_a_number(ctid: Ctid, recorded: Path) -> None:
    for since in ((), ("--from", "2026-11-23")):
        rows = found(ctid, recorded, "--number", "*0001", *since)
        assert {row["caller_number"][-4:] for row in rows} == {"0001"}
    assert found(ctid, recorded, "--number", "0001") == []


def test_times_are_local_and_a_day_alone_is_a_whole_day(ctid: Ctid, recorded: Path) -> None:
    everything = found(ctid, recorded)
    assert found(ctid, recorded, "--from", "2026-11-24", "--to", "2026-11-24") == everything
    assert found(ctid, recorded, "--to", "2026-11-24T00:00") == []
    split = "2026-11-24T04:00"
    before = found(ctid, recorded, "--to", split)
    after = found(ctid, recorded, "--from", split)
    assert after + before == everything
    assert before
    assert after == found(ctid, recorded, "--from", "2026-11-23T20:00Z")


def test_a_limit_gives_the_newest(ctid: Ctid, recorded: Path) -> None:
    assert found(ctid, recorded, "--limit", "3") == found(ctid, recorded)[:3]


def test_calls_that_go_on(ctid: Ctid, recorded: Path) -> None:
    rows = found(ctid, recorded, "--open")
    assert rows
    assert {row["outcome"] for row in rows} == {None}


def test_a_table_for_people(ctid: Ctid, recorded: Path) -> None:
    done = ctid("calls", "--config", recorded, "--line", "ova")
    heading, row = done.stdout.splitlines()
    assert heading.split() == "time line caller outcome reason agent wait talk call".split()  # noqa: SIM905
    assert row.split() == [
        *("2026-11-24", "05:16:40", "ova", "13800000001", "overflowed", "queue_timeout"),
        *("2.0", "0.0", "1795468600.31"),
    ]
    assert row.index("2.0") == heading.index("wait") + 1


def test_csv_has_the_fields_of_json_and_local_times(ctid: Ctid, recorded: Path) -> None:
    done = ctid("calls", "--config", recorded, "--line", "ovb", "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(done.stdout, newline=""))
    assert tuple(row) == FIELDS
    assert row["offered_at"] == "2026-11-24T05:16:42.562+08:00"
    assert json.loads(row["rings"])[0]["agent"] == "102"
    assert row["reason"] == ""


def test_nothing_found_is_no_failure(ctid: Ctid, recorded: Path) -> None:
    done = ctid("calls", "--config", recorded, "--number", "1")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "ctid: no such call is recorded\n"
    assert ctid("calls", "--config", recorded, "--number", "1", "--format", "json").stdout == "[]\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from", "yesterday"), "--from: 'yesterday' is no time: write 2026-11-25,"),
        (("--to", "25.11.2026"), "--to: '25.11.2026' is no time"),
        (("--from", "2026-11-25T25:00"), "is no time"),
        (("--from", "2026-11-25", "--to", "2026-11-24"), "is not before"),
        (("--today", "--from", "2026-11-25"), "--today already says"),
        (("--number", "*1"), "at least 3 digits"),
        (("--number", "*12x45"), "at least 3 digits"),
        (("--outcome", "mist"), "--outcome"),
        (("--limit", "-1"), "--limit"),
        (("--format", "xml"), "--format"),
    ],
)
def test_wrong_use_is_2_and_says_what(
    ctid: Ctid, recorded: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = ctid("calls", "--config", recorded, *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def ctid_process(*arguments: str | Path, **settings: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ctid", *map(str, arguments)]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, **settings)


def test_a_missing_database_and_a_newer_one_are_one_line(tmp_path: Path) -> None:
    config = tmp_path / "ctid.toml"
    config.write_text('[store]\nurl = "none.sqlite3"\n')
    missing = ctid_process("calls", "--config", config)
    assert missing.returncode == 1
    (line,) = missing.stderr.splitlines()
    assert line.startswith(f"ctid: database {tmp_path / 'none.sqlite3'}: ")
    with sqlite3.connect(tmp_path / "none.sqlite3") as database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("INSERT INTO alembic_version VALUES ('9999')")
    database.close()
    newer = ctid_process("calls", "--config", config)
    assert newer.returncode == 1
    (line,) = newer.stderr.splitlines()
    assert "install the newer ctid" in line


def test_a_reader_that_has_seen_enough_and_a_full_disk(recorded: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = ctid_process("calls", "-c", recorded, "--limit", "0", stdout=writing)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")
    with Path("/dev/full").open("w") as full:
        done = ctid_process("calls", "-c", recorded, stdout=full)
    assert done.returncode == 1
    assert done.stderr == "ctid: cannot write the output: No space left on device\n"


def test_bytes_that_are_no_text_are_one_line(recorded: Path) -> None:
    for arguments in (("calls", "--number"), ("calls", "--agent"), ("explain",)):
        done = ctid_process(*arguments, os.fsdecode(b"1\xff2"), "--config", recorded)
        assert done.returncode == 2
        assert done.stderr.startswith("ctid: what was asked for is not UTF-8 text")
        assert len(done.stderr.splitlines()) == 1
