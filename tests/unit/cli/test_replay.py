"""`ctid replay` as it is typed."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.truth import CAPTURES

LAB = CAPTURES / "lab.toml"


def ctid(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ctid", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_one_object_a_line() -> None:
    done = ctid("replay", CAPTURES / "overflow_answered.ami", "--config", LAB, "--format", "jsonl")
    first, second = map(json.loads, done.stdout.splitlines())
    assert (done.returncode, done.stderr) == (0, "")
    assert (first["line"], first["outcome"], first["reason"]) == (
        "ova",
        "overflowed",
        "queue_timeout",
    )
    assert (second["line"], second["outcome"], second["agent"]) == ("ovb", "answered", "102")


def test_several_files_are_one_pbxs_connections(tmp_path: Path) -> None:
    after = tmp_path / "after.ami.gz"
    after.write_bytes(gzip.compress((CAPTURES / "ami_cut.after.ami").read_bytes()))
    done = ctid("replay", CAPTURES / "ami_cut.ami", after, "--config", LAB)
    outcomes = [json.loads(line)["outcome"] for line in done.stdout.splitlines()]
    assert sorted(outcomes) == ["answered", "answered", "answered", "missed", "not_offered"]


def test_calls_that_are_still_open_come_last_and_have_no_outcome() -> None:
    done = ctid("replay", CAPTURES / "ami_cut.ami", "--config", LAB)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 5
    assert {row["outcome"] for row in rows} == {None}
    assert {row["ended_at"] for row in rows} == {None}


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "no such file"), (b"\0\1\2" * 999, "holds no AMI event"), (b"", "holds no AMI event")],
)
def test_what_cannot_be_replayed_is_one_line(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    stream = tmp_path / "stream.ami"
    if content is not None:
        stream.write_bytes(content)
    done = ctid("replay", stream, "--config", LAB)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"ctid: {stream}: ")
    assert words in line


def test_wrong_use_is_2() -> None:
    nothing = ctid("replay", CAPTURES / "direct_busy.ami", "--config", "nosuch.toml")
    assert (nothing.returncode, len(nothing.stderr.splitlines())) == (2, 1)
    other = ctid("replay", CAPTURES / "direct_busy.ami", "--config", LAB, "--pbx", "paris")
    assert (other.returncode, other.stderr) == (
        2,
        f"ctid: --pbx paris: no such [[pbx]] in {LAB}; there are: lab\n",
    )


def test_a_folder_is_one_line_with_a_remedy() -> None:
    done = ctid("replay", CAPTURES, "--config", LAB)
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr == f"ctid: {CAPTURES}: is a folder; name the streams in it: {CAPTURES}/*.ami\n"
    )
