"""Wrong use is one line; the help fits into 80 columns."""

from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from ctid.cli import app
from ctid.cli.commands import NAMES


def ctid(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "80"})


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("calls", "--direction", "in"),
            "--direction: 'in' is not one of inbound, outbound, internal",
        ),
        (("report", "--by", "week"), "--by: 'week' is not one of line, day, hour, agent"),
        (("calls", "--format", "xml"), "--format: 'xml' is not one of table, json, jsonl, csv"),
        (("demo", "--seconds", "2"), "--seconds: must be greater than or equal to 5"),
        (("forget",), "missing argument 'NUMBER'; see ctid forget --help"),
        (("callz",), "no such command 'callz'. Did you mean 'calls'?"),
    ],
)
def test_wrong_use_is_one_line_and_2(arguments: tuple[str, ...], line: str) -> None:
    done = ctid(*arguments)
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", f"ctid: {line}\n")


def test_without_a_command_the_help_is_shown() -> None:
    done = ctid()
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == ctid("--help").stdout


def test_the_help_tells_every_command_in_a_row_of_its_own() -> None:
    rows = ctid("-h").stdout.partition("Commands:\n")[2].splitlines()
    assert len(rows) == len(NAMES)
    assert all(row.endswith(".") and not row.endswith("...") for row in rows)


def test_the_configuration_is_the_last_option_of_every_command() -> None:
    group: Any = typer.main.get_command(app)
    seen = 0
    for name in NAMES:
        if name == "demo" or hasattr(group.get_command(None, name), "commands"):
            continue
        rows = [row.split()[0] for row in ctid(name, "-h").stdout.splitlines() if row[:3] == "  -"]
        assert rows[-2:] == ["-c,", "-h,"], name
        seen += 1
    assert seen > 10
