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


def test_several_lines_and_outcomes_are_any_of_them(ctid: Ctid, recorded: Path) -> None:
    everything = found(ctid, recorded)
    lines, outcomes = ("8001", "ova", "ovb"), ("missed", "overflowed")
    wanted = [row for row in everything if row["line"] in lines and row["outcome"] in outcomes]
    assert {row["outcome"] for row in wanted} == set(outcomes)
    assert len({row["line"] for row in wanted}) > 1
    options = [word for line in lines for word in ("--line", line)]
    options += [word for outcome in outcomes for word in ("--outcome", outcome)]
    assert found(ctid, recorded, *options) == wanted
    assert found(ctid, recorded, *options, "--limit", "2") == wanted[:2]


def test_a_line_is_known_by_its_records_alone(ctid: Ctid, recorded: Path, tmp_path: Path) -> None:
    config = tmp_path / "ctid.toml"
    config.write_text(f'[store]\nurl = "{recorded.parent}/ctid.sqlite3"\n')
    rows = found(ctid, config, "--line", "ova")
    assert [row["line"] for row in rows] == ["ova"]
    report = ctid("report", "--config", config, "--line", "ova", "--from", "2026-11-23")
    assert (report.exit_code, report.stderr) == (0, "")
    assert "ova" in report.stdout
    done = ctid("calls", "--config", config, "--line", "ovc")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("ctid: --line ovc: no such line; there are: 8001, ")
    assert done.stderr.count("\n") == 1


def test_who_rings_now_and_who_waits_have_the_words_of_status(ctid: Ctid, recorded: Path) -> None:
    rows = {row["uniqueid"]: row for row in found(ctid, recorded, "--open")}
    done = ctid("calls", "--config", recorded, "--open")
    for line in done.stdout.splitlines()[1:]:
        row = rows[line.split()[-1]]
        if row["answered_at"] is None and row["offered_at"] is not None:
            now = [ring for ring in row["rings"] if ring["rang_at"] and not ring["to"]]
            assert ("ringing now" if now else "waiting now") in line


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
    assert heading.split() == (
        "time line caller outcome reason agent wait s talk s call".split()  # noqa: SIM905
    )
    assert row.split() == [
        *("2026-11-24", "05:16:40", "ova", "13800000001", "overflowed", "queue_timeout"),
        *("2.0", "0.0", "1795468600.31"),
    ]
    assert row.index("2.0") == heading.index("wait s") + 3


def test_csv_has_the_fields_of_json_and_local_times(ctid: Ctid, recorded: Path) -> None:
    done = ctid("calls", "--config", recorded, "--line", "ovb", "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(done.stdout, newline=""))
    assert tuple(row) == FIELDS
    assert row["offered_at"] == "2026-11-24T05:16:42.562+08:00"
    assert row["started_at"] == "2026-11-24T05:16:40.055+08:00"
    (ring,) = json.loads(row["rings"])
    assert (ring["agent"], ring["to"]) == ("102", "2026-11-24T05:16:43.573+08:00")
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
    assert line == (
        f"ctid: database {tmp_path / 'none.sqlite3'}: there is none yet; "
        "`ctid run` makes it: start that first"
    )
    for command in (("report",), ("explain", "1.1"), ("backup", tmp_path / "copy")):
        assert ctid_process(*command, "--config", config).stderr == f"{line}\n"
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
