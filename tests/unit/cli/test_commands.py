"""Which commands there are, and what is read in for one."""

import subprocess
import sys

import pytest
import typer

from ctid.cli import app
from ctid.cli.commands import NAMES

_OTHERS = """
import sys
from ctid.cli import app
try:
    app(["roster", "--help"])
except SystemExit:
    pass
print(sorted({"ctid.cli.demo", "ctid.app", "aiohttp"} & set(sys.modules)))
"""


@pytest.mark.parametrize("name", NAMES)
def test_each_name_is_a_command_with_its_purpose(name: str) -> None:
    group = typer.main.get_command(app)
    command = group.get_command(typer.Context(group), name)  # type: ignore[attr-defined]
    assert command.get_short_help_str()


def test_a_command_does_not_read_in_the_others() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _OTHERS], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stdout
