"""What `check-backend` and `check-channel` share: picking a table by name, and showing findings."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Protocol, TypeVar

import typer

from ctid.cli.common import fail
from ctid.cli.table import Format, show
from ctid.cli.wrapping import plain, terminal_width, wrapped
from ctid.config.problems import did_you_mean
from ctid.outbound.port import Finding


class Form(StrEnum):
    TABLE = "table"
    JSON = "json"


FormOption = Annotated[Form, typer.Option("--format", help="For people, or for programs.")]


class Named(Protocol):
    """A table with a name."""

    @property
    def name(self) -> str: ...


_T = TypeVar("_T", bound=Named)


def named(tables: Iterable[_T], name: str, path: Path, what: str, example: str) -> _T:
    """The table of this name; ends the command where none is. `what` they are, such as `channel`.

    `example` is a table that could be there.
    """
    found = {table.name: table for table in tables}
    if name not in found:
        if not found:
            fail(f"{path}: there is no {what}: add a table such as {example}", 2)
        hint = did_you_mean(name, found) or f"there are: {', '.join(found)}"
        fail(f"{name}: no such {what} in {path}; {hint}", 2)
    return found[name]


def tell(findings: list[Finding], form: Form) -> None:
    """Show them; ends the command with 1 if something is not well."""
    if form is Form.JSON:
        show(map(asdict, findings), [], Format.JSON)
    else:
        for line in _lines(findings, terminal_width()):
            typer.echo(line)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def _lines(findings: list[Finding], width: int | None) -> Iterator[str]:
    for finding in findings:
        head = f"{'ok' if finding.ok else 'not ok':6}  "
        yield from wrapped(head, plain(finding.what), width)
        if finding.remedy:
            yield from wrapped(" " * len(head) + "-> ", finding.remedy, width)
