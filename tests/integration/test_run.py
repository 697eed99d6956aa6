"""`ctid run` as a process of its own: how it starts, refuses and ends."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import waiting

CONFIG = """
[store]
url = "{url}"

[metrics]
listen = "127.0.0.1:0"

[[pbx]]
name = "lab"
port = 1
secret_file = "secret"

[[line]]
name = "a"
dids = ["8001"]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("s3cret\n")
    (tmp_path / "secret").chmod(0o600)
    path = tmp_path / "ctid.toml"
    path.write_text(CONFIG.format(url=tmp_path / "ctid.sqlite3"))
    return path


@contextmanager
def running(config: Path) -> Iterator[subprocess.Popen[str]]:
    """A daemon that has come as far as its first attempt to connect."""
    command = [sys.executable, "-m", "ctid", "run", "--config", str(config)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as daemon:
        try:
            assert daemon.stderr is not None
            for line in daemon.stderr:
                if "pbx_out_of_sight" in line:
                    break
            yield daemon
        finally:
            daemon.kill()


def run(config: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ctid", "run", "--config", str(config)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_sigterm_ends_it_in_order_and_the_gap_stays_open(config: Path) -> None:
    with running(config) as daemon:
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(10) == 0
    with sqlite3.connect(config.parent / "ctid.sqlite3") as database:
        rows = database.execute("SELECT pbx, ended_at, cause FROM gap").fetchall()
    database.close()
    assert rows == [("lab", None, "unreachable")]


def test_a_second_daemon_on_the_same_database_is_refused(config: Path) -> None:
    with running(config):
        second = run(config)
    assert second.returncode == 1
    (line,) = second.stderr.splitlines()
    assert line.startswith("ctid: database ")
    assert line.endswith("is in use by another ctid run; stop that one first")


def test_another_name_of_the_same_database_is_refused_too(config: Path) -> None:
    other = config.parent / "other"
    other.mkdir()
    (other / "ctid.sqlite3").symlink_to(config.parent / "ctid.sqlite3")
    by_link = config.with_name("by_link.toml")
    by_link.write_text(CONFIG.format(url=other / "ctid.sqlite3"))
    with running(config):
        second = run(by_link)
    assert second.returncode == 1
    assert "in use by another ctid run" in second.stderr


@pytest.mark.parametrize("stderr", ["/dev/full", "closed pipe", "none"])
def test_a_log_that_cannot_be_written_stops_nothing(config: Path, stderr: str) -> None:
    command = [sys.executable, "-m", "ctid", "run", "--config", str(config)]
    if stderr == "none":
        command = ["sh", "-c", 'exec "$@" 2>&-', "sh", *command]
    read, write = os.pipe()
    os.close(read)
    with (
        open("/dev/full" if stderr == "/dev/full" else os.devnull, "w") as sink,  # noqa: PTH123
        subprocess.Popen(command, stderr=write if stderr == "closed pipe" else sink) as daemon,
    ):
        os.close(write)
        database = config.parent / "ctid.sqlite3"
        asyncio.run(waiting.until(lambda: _has_a_gap(database)))
        assert daemon.poll() is None
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(10) == 0


def _has_a_gap(path: Path) -> bool:
    if not path.exists():
        return False
    try:
        with contextlib.closing(sqlite3.connect(path)) as database:
            return bool(database.execute("SELECT 1 FROM gap").fetchone())
    except sqlite3.OperationalError:
        return False  # there are no tables yet


def test_after_a_kill_the_next_one_starts(config: Path) -> None:
    with running(config) as first:
        first.kill()
        first.wait()
    with running(config) as second:
        second.send_signal(signal.SIGTERM)
        assert second.wait(10) == 0


def test_a_missing_folder_and_a_wrong_url_are_one_line(config: Path) -> None:
    config.write_text(CONFIG.format(url=config.parent / "nowhere" / "ctid.sqlite3"))
    missing = run(config)
    assert (missing.returncode, len(missing.stderr.splitlines())) == (1, 1)
    assert "create its folder" in missing.stderr
    config.write_text(CONFIG.format(url="sqlite://ctid.sqlite3"))
    wrong = run(config)
    assert (wrong.returncode, len(wrong.stderr.splitlines())) == (2, 1)
    assert "store.url: a slash is missing: write sqlite:////ctid.sqlite3" in wrong.stderr


def test_a_template_that_is_wrong_is_told_before_anything_begins(config: Path) -> None:
    text, templates = config.read_text(), config.parent / "templates"
    config.write_text(f'[tickets]\ntemplates = "templates"\n{text}[[file]]\npath = "t.jsonl"\n')
    (templates / "zh").mkdir(parents=True)
    (templates / "zh" / "a.body.j2").write_text("{{ caller.number }}\n{% if %}\n")
    wrong = run(config)
    assert (wrong.returncode, len(wrong.stderr.splitlines())) == (2, 1)
    assert wrong.stderr.startswith(f"ctid: {templates}/zh/a.body.j2:2: ")
    assert not (config.parent / "ctid.sqlite3").exists()
