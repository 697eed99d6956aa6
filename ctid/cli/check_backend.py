"""`ctid check-backend`: whether a ticket system can be reached, and lets ctid do its work."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from ctid import logs
from ctid.cli.common import DEFAULT_CONFIG, ConfigFile, load_config
from ctid.cli.examined import Form, FormOption, named, tell
from ctid.config import Config
from ctid.config.backends import Backend
from ctid.outbound.port import Finding
from ctid.outbound.tickets import open_backend


def check_backend(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its `name` in the configuration.")],
    *,
    form: FormOption = Form.TABLE,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Say whether a ticket system would take drafts."""
    loaded = load_config(Path(config), read_secrets=True)
    table = named(loaded.backends(), name, config, "ticket system", "[[webhook]]")
    with logs.silent():
        found = asyncio.run(_findings(table, loaded))
    tell(found, form)


async def _findings(table: Backend, config: Config) -> list[Finding]:
    backend = open_backend(table, config.site, config.timezone, config.zones())
    try:
        return await backend.check()
    finally:
        await backend.close()
