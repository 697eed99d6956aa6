"""`ctid missed`: the list that somebody works through, and closing an entry of it."""

import asyncio
import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from ctid.cli.missed import FIELDS
from ctid.store.migrate import upgrade
from tests.integration.cli import desk
from tests.integration.cli.conftest import Ctid
from tests.terminal import on_terminal


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return desk.configured(tmp_path_factory.mktemp("desk"))


def listed(ctid: Ctid, config: Path, *arguments: str) -> list[dict[str, Any]]:
    done = ctid("missed", "list", "--config", config, "--format", "json", *arguments)
    assert (done.exit_code, done.stderr) == (0, "")
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def test_due_first_and_who_gave_no_number_apart(ctid: Ctid, config: Path) -> None:
    done, far = ctid("missed", "list", "--config", config), "2100-01-01 09:00"
    assert (done.exit_code, done.stderr) == (0, "")
    assert [" ".join(line.split()) for line in done.stdout.splitlines()] == [
        "due state caller name customer line call ticket missed last",
        "2025-01-01 09:00 overdue 13800138000 王小明 Example Ltd. 8001 1.1 3 2025-01-01 09:00",
        "2025-01-01 09:01 overdue 13800138001 Twice Example Ltd. 8001 1.2 1 2025-01-01 09:00",
        "2025-01-01 09:02 overdue 13800138002 Twice Example Ltd. 8001 1.2 1 2025-01-01 09:00",
        f"{far} open 02161234567 {desk.LONG_NAME} Example Ltd. 8002 1.3 1 2025-01-01 09:00",
        f"{far} attempted 13900139000 =2+3 Example Ltd. 8001 1.4 4711 1 2025-01-01 09:00",
        "2100-01-01 09:01 open 02187654321 Later 8001 1.5 1 2025-01-01 09:00",
        "",
        "without a number to call back:",
        "",
        "missed name line call",
        "2025-01-01 09:00 8001 1.6",
    ]


def test_programs_get_every_field(ctid: Ctid, config: Path) -> None:
    rows = listed(ctid, config)
    assert [row["uniqueid"] for row in rows] == ["1.1", "1.2", "1.2", "1.3", "1.4", "1.5", "1.6"]
    assert rows[0] == {
        "pbx": "lab",
        "uniqueid": "1.1",
        "line": "8001",
        "number": "+8613800138000",
        "shown": "13800138000",
        "name": "王小明",
        "state": "open",
        "misses": [
            {
                "pbx": "lab",
                "uniqueid": f"1.1{n or ''}",
                "at": f"2025-01-01T01:00:0{n}.000000Z",
                "outcome": "missed",
                "reason": "no_answer",
            }
            for n in range(3)
        ],
        "due_at": "2025-01-01T01:00:00.000000Z",
        "overdue": True,
        "attempted_at": None,
        "settled_at": None,
        "settled_by": None,
        "why": None,
        "customer": "Example Ltd.",
        "tickets": [],  # a file has no ids of its own
    }
    assert rows[4]["tickets"] == [
        {"backend": "old", "ticket": "4711", "url": "https://old.example.org/4711"}
    ]
    assert (rows[5]["customer"], rows[5]["tickets"]) == (None, [])
    lines = ctid("missed", "list", "--config", config, "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == rows
    text = ctid("missed", "list", "--config", config, "--format", "csv").stdout
    cells = list(csv.DictReader(io.StringIO(text)))
    assert tuple(cells[0]) == FIELDS == tuple(rows[0])
    assert [cell["uniqueid"] for cell in cells] == [row["uniqueid"] for row in rows]
    assert cells[4]["name"] == "'=2+3"  # no formula
    assert json.loads(cells[0]["misses"]) == rows[0]["misses"]


def test_all_has_the_settled_ones_last_the_newest_of_them_first(ctid: Ctid, config: Path) -> None:
    rows = listed(ctid, config, "--all")
    assert [row["uniqueid"] for row in rows[-3:]] == ["1.6", "1.8", "1.7"]
    assert [row["state"] for row in rows[-2:]] == ["closed", "reached"]
    assert not any(row["overdue"] for row in rows[-2:])


def test_a_line_and_a_limit(ctid: Ctid, config: Path) -> None:
    assert [row["uniqueid"] for row in listed(ctid, config, "--line", "8002")] == ["1.3"]
    assert [row["uniqueid"] for row in listed(ctid, config, "--limit", "2")] == ["1.1", "1.2"]
    assert len(listed(ctid, config, "--limit", "0")) == 7
    done = ctid("missed", "list", "--config", config, "--limit", "2")
    assert done.stderr == "ctid: only 2 are shown; --limit 0 shows all\n"
    assert ctid("missed", "list", "--config", config, "--limit", "7").stderr == ""


@pytest.mark.parametrize(
    ("arguments", "shown", "said"),
    [
        ((), "", "ctid: nobody has to be called back\n"),
        (("--all",), "", "ctid: nobody was missed\n"),
        (("--format", "json"), "[]\n", ""),
        (("--format", "jsonl"), "", ""),
        (("--format", "csv"), ",".join(FIELDS) + "\n", ""),
    ],
)
def test_nobody(
    ctid: Ctid, tmp_path: Path, arguments: tuple[str, ...], shown: str, said: str
) -> None:
    asyncio.run(upgrade(str(tmp_path / "ctid.sqlite3")))
    config = tmp_path / "ctid.toml"
    config.write_text(desk.CONFIG)
    done = ctid("missed", "list", "--config", config, *arguments)
    assert (done.exit_code, done.stdout, done.stderr) == (0, shown, said)


def on(width: int, config: Path, *arguments: str) -> list[str]:
    command = [sys.executable, "-m", "ctid", *arguments, "--config", str(config)]
    return on_terminal(width, lambda out: subprocess.run(command, stdout=out, check=True))


def test_eighty_columns_show_name_and_number_whole(config: Path) -> None:
    lines = on(80, config, "missed", "list")
    assert max(map(len, lines)) <= 80
    assert lines[:8] == [
        "due              state     caller      name                     line call ticket",
        "2025-01-01 09:00 overdue   13800138000 王小明                   8001 1.1",
        "2025-01-01 09:01 overdue   13800138001 Twice                    8001 1.2",
        "2025-01-01 09:02 overdue   13800138002 Twice                    8001 1.2",
        "2100-01-01 09:00 open      02161234567 Alexandra                8002 1.3",
        "                                       Schneider-Hoffmann von",
        "                                       der Mühle",
        "2100-01-01 09:00 attempted 13900139000 =2+3                     8001 1.4  4711",
    ]
    assert "not shown: customer, missed, last; a wider terminal or --format csv shows them" in lines


def test_without_contacts_and_ids_there_are_no_columns_for_them(config: Path) -> None:
    """Also where the terminal would be wide enough."""
    (heading, *_) = on(200, config, "missed", "list", "--line", "8002")
    assert heading.split() == [
        "due",
        "state",
        "caller",
        "name",
        "customer",
        "line",
        "call",
        "missed",
        "last",
    ]


@pytest.mark.parametrize("width", [40, 60])
def test_a_narrow_terminal_has_who_and_by_when(config: Path, width: int) -> None:
    lines = on(width, config, "missed", "list", "--line", "8002")
    whole = " ".join(" ".join(lines).split())
    assert "02161234567" in whole
    assert all(word in whole for word in desk.LONG_NAME.split())
    if width == 60:
        assert max(map(len, lines)) <= width


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("list", "--line", "8003"), "ctid: --line 8003: no such line; there are: 8001, 8002\n"),
        (("list", "--limit", "-1"), "ctid: --limit: must be greater than or equal to 0\n"),
        (("list", "--format", "xml"), "ctid: --format: 'xml' is not one of table, "),
        (("close", "1.1"), "ctid: missing option '--why'"),
        (("close", "--why", "x"), "ctid: missing argument 'CALL'"),
        (("close", "1.1", "--why", " "), "ctid: --why is empty: say why nobody has to call\n"),
    ],
)
def test_wrong_options_are_one_line(
    ctid: Ctid, config: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = ctid("missed", *arguments, "--config", config)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(said)
    assert len(done.stderr.splitlines()) == 1


def test_without_a_daemon_nothing_is_closed(ctid: Ctid, config: Path) -> None:
    done: Result = ctid("missed", "close", "1.1", "--why", "x", "--config", config)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        f"ctid: {config.parent}/control.sock: no daemon answers there; "
        "is ctid running (systemctl status ctid)?\n"
    )


def test_without_a_database_it_says_what_makes_one(ctid: Ctid, tmp_path: Path) -> None:
    config = tmp_path / "ctid.toml"
    config.write_text(desk.CONFIG)
    done = ctid("missed", "list", "--config", config)
    assert done.exit_code == 1
    assert done.stderr.endswith("there is none yet; `ctid run` makes it: start that first\n")
