"""`ctid doctor`: what is missing on the PBXs, and how to mend it."""

import asyncio
import time
from collections.abc import Collection, Iterator
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.cells import cell_len

from ctid.ami.examination import Examination, examine
from ctid.cli import diagnosis
from ctid.cli.common import DEFAULT_CONFIG, ConfigFile, load_config
from ctid.cli.diagnosis import DAYS, Finding, Mark
from ctid.cli.table import Format, show
from ctid.cli.wrapping import plain, terminal_width, wrapped
from ctid.config import Config, Pbx
from ctid.domain.seats import phones_of
from ctid.store.errors import StoreUnavailable
from ctid.store.queries import Reader

_NUMBERS = 20


class Form(StrEnum):
    TABLE = "table"
    JSON = "json"


def doctor(
    *,
    seconds: Annotated[
        float,
        typer.Option(min=0.0, metavar="SECONDS", help="How many seconds to listen for events."),
    ] = 5.0,
    form: Annotated[
        Form, typer.Option("--format", help="For people, or for programs.")
    ] = Form.TABLE,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Say what is missing on each PBX, and how to mend it."""
    loaded = load_config(Path(config), read_secrets=True)
    findings = asyncio.run(_findings(loaded, seconds))
    if form is Form.JSON:
        show(map(asdict, findings), [], Format.JSON)
    else:
        for line in _lines(findings, terminal_width()):
            typer.echo(line)
    if any(finding.mark is Mark.FAIL for finding in findings):
        raise typer.Exit(1)


async def _findings(config: Config, seconds: float) -> list[Finding]:
    phones = phones_of(config.lines(), config.agents)
    async with asyncio.TaskGroup() as tasks:
        asked = {pbx.name: tasks.create_task(_examined(pbx, seconds, phones)) for pbx in config.pbx}
    found = {name: task.result() for name, task in asked.items()}
    findings = [
        finding for pbx in config.pbx for finding in diagnosis.of_pbx(pbx, found[pbx.name], seconds)
    ]
    findings += diagnosis.of_queues(config, found)
    findings += diagnosis.of_presence(config, found)
    return findings + await _of_records(config)


async def _examined(pbx: Pbx, seconds: float, phones: Collection[str]) -> Examination:
    if pbx.secret is None:
        raise ValueError("the configuration was loaded without secrets")
    return await examine(pbx, pbx.secret, seconds, phones=phones)


async def _of_records(config: Config) -> list[Finding]:
    since = time.time() - DAYS * 86_400
    findings = []
    try:
        async with await Reader.open(config.store.url) as reader:
            for pbx in config.pbx:
                numbers = await reader.of_no_line(pbx.name, since, _NUMBERS)
                findings.append(diagnosis.of_strangers(pbx.name, numbers))
                agents = await reader.answered_outside(pbx.name, pbx.trunks, since)
                findings.append(diagnosis.of_mobiles(pbx.name, agents))
    except StoreUnavailable as error:
        findings.append(
            Finding(Mark.SKIP, "", "records", f"not looked at: {error}", "start `ctid run` first")
        )
    return findings


def _lines(findings: list[Finding], width: int | None) -> Iterator[str]:
    rows = [(finding, finding.pbx or "all", finding.check) for finding in findings]
    names = max((cell_len(name) for _, name, _ in rows), default=0)
    checks = max((cell_len(check) for _, _, check in rows), default=0)
    for finding, name, check in rows:
        head = f"{finding.mark:4}  {name}{' ' * (names - cell_len(name))}  {check:{checks}}  "
        yield from wrapped(head, plain(finding.found), width)
        if finding.mend:
            yield from wrapped(" " * cell_len(head) + "-> ", finding.mend, width)
