"""The commands that read, beside `ctid run`, during a real call to a real Asterisk."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab.daemon import Ctid
from lab.needs import need
from lab.play import Player, server
from lab.scenarios import TABLE

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(120)]


def ctid(config: Path, *arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "ctid", *map(str, arguments), "--config", str(config)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str], code: int = 0) -> str:
    out, err = process.communicate(timeout=30)
    assert process.returncode == code, err
    return out


def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("major", ["22", "16"])
def test_doctor_capture_explain_and_backup_beside_the_daemon(major: str, tmp_path: Path) -> None:
    need(major)
    pbx = server(major, tmp_path / "pbx")
    stream = tmp_path / "stream.ami"
    scenario = next(row for row in TABLE if row.name == "queue_ringall")
    try:
        pbx.start()
        with Ctid(tmp_path / "ctid", pbx.ports.ami) as daemon:
            config = daemon.config
            capture = ctid(config, "capture", stream)
            until(lambda: stream.is_file() and stream.stat().st_size > 0)
            doctor = ctid(config, "doctor", "--seconds", "12", "--format", "json")
            until(lambda: pbx.logins("ctid") == 3)  # the daemon and these two
            Player(pbx).play(scenario)
            (row,) = daemon.wait_records(1)
            findings: list[dict[str, Any]] = json.loads(said(doctor))
            capture.send_signal(signal.SIGINT)
            assert said(capture).startswith(f"{stream}: ")
            (replayed,) = map(json.loads, said(ctid(config, "replay", stream)).splitlines())
            told = said(ctid(config, "explain", row["uniqueid"]))
            said(ctid(config, "backup", tmp_path / "copy"))
            (listed,) = json.loads(said(ctid(config, "calls", "--format", "json")))
    finally:
        pbx.stop()
    marks = {finding["check"]: finding["mark"] for finding in findings}
    assert marks.pop("read") == "SKIP"  # a survey would be of class user
    assert marks.pop("presence") == "WARN"  # most of the lab's numbers are lines without agents
    assert set(marks.values()) == {"OK"}, findings
    (read,) = [finding for finding in findings if finding["check"] == "read"]
    assert "class user" in read["found"]  # and of the others only what was over when it attached
    assert "call" not in read["found"]
    assert f"Answered: the caller speaks with {row['agent']}." in told
    assert replayed == listed
    assert (listed["uniqueid"], listed["outcome"]) == (row["uniqueid"], "answered")
    assert b"Challenge" not in stream.read_bytes()
