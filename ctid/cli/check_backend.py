"""`ctid check-backend`: whether a ticket system can be reached, and lets ctid do its work."""

import asyncio
from collections.abc import Iterator
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ctid.cli.common import DEFAULT_CONFIG, ConfigFile, fail, load_config
from ctid.cli.table import Format, show
from ctid.cli.wrapping import plain, terminal_width, wrapped
from ctid.config import Config
from ctid.config.backends import Backend
from ctid.config.problems import did_you_mean
from ctid.outbound.port import Finding
from ctid.outbound.tickets import open_backend


class Form(StrEnum):
    TABLE = "table"
    JSON = "json"


def check_backend(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its `name` in the configuration.")],
    *,
    form: Annotated[
        Form, typer.Option("--format", help="For people, or for programs.")
    ] = Form.TABLE,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Say whether a ticket system would take drafts."""
    loaded = load_config(Path(config), read_secrets=True)
    table = _named(loaded, name, config)
    findings = asyncio.run(_findings(table, loaded))
    if form is Form.JSON:
        show(map(asdict, findings), [], Format.JSON)
    else:
        for line in _lines(findings, terminal_width()):
            typer.echo(line)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def _named(loaded: Config, name: str, path: Path) -> Backend:
    tables = {table.name: table for table in loaded.backends()}
    if name not in tables:
        if not tables:
            fail(f"{path}: there is no ticket system: add a table such as [[webhook]]", 2)
        hint = did_you_mean(name, tables) or f"there are: {', '.join(tables)}"
        fail(f"{name}: no such ticket system in {path}; {hint}", 2)
    return tables[name]


async def _findings(table: Backend, config: Config) -> list[Finding]:
    backend = open_backend(table, config.site, config.timezone, config.zones())
    try:
        return await backend.check()
    finally:
        await backend.close()


def _lines(findings: list[Finding], width: int | None) -> Iterator[str]:
    for finding in findings:
        head = f"{'ok' if finding.ok else 'not ok':6}  "
        yield from wrapped(head, plain(finding.what), width)
        if finding.remedy:
            yield from wrapped(" " * len(head) + "-> ", finding.remedy, width)
