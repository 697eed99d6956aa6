"""docs/cli.md names every command and option, and nothing else."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from ctid.cli import app
from ctid.cli.commands import NAMES

PAGE = (Path(__file__).parents[3] / "docs/cli.md").read_text()
GROUP: Any = typer.main.get_command(app)
TOP: dict[str, Any] = {name: GROUP.get_command(None, name) for name in NAMES}
COMMANDS: dict[str, Any] = {
    f"{name} {sub}" if sub else name: command
    for name, group in TOP.items()
    for sub, command in getattr(group, "commands", {"": group}).items()
}


def section(name: str) -> str:
    return PAGE.partition(f"\n## `ctid {name}`\n")[2].partition("\n## ")[0]


def words(command: Any) -> set[str]:
    """The options of a command, and the names of its arguments."""
    return {
        word
        for parameter in command.params
        if not getattr(parameter, "hidden", False)
        for word in (
            [*parameter.opts, *parameter.secondary_opts]
            if parameter.param_type_name == "option"
            else [parameter.metavar]
        )
    }


def test_every_command_has_its_section_and_no_other_has() -> None:
    assert set(re.findall(r"^## `ctid ([a-z -]+)`$", PAGE, re.MULTILINE)) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_section_names_all_options_of_its_command_and_no_others(name: str) -> None:
    rows = re.findall(r"^\| (`[-A-Z].*?) \| ", section(name), re.MULTILINE)
    told = {word for row in rows for word in re.findall(r"`([^`.]+)(?:[.]{3})?`", row)}
    assert told == words(COMMANDS[name]) - {"--help"}


def test_no_option_is_named_that_no_command_has() -> None:
    known = words(GROUP).union(*map(words, COMMANDS.values())) | {"--help"}
    assert set(re.findall(r"`(?:[^`]* )?(--[a-z][a-z-]*)", PAGE)) <= known
