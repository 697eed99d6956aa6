"""`ctid check-config`: everything that is wrong in a configuration, at once."""

from pathlib import Path
from typing import Annotated

import typer

from ctid.cli.common import DEFAULT_CONFIG, ConfigFile, load_config


def check_config(
    *,
    secrets: Annotated[
        bool,
        typer.Option(help="Read the secrets, too; credentials are only there for the service."),
    ] = True,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Say everything that is wrong in a configuration."""
    loaded = load_config(Path(config), read_secrets=secrets)
    if not loaded.line:
        typer.echo(f"ctid: warning: {config}: no [[line]], so no call is a hotline's", err=True)
    lines, pbxs = len(loaded.line), len(loaded.pbx)
    what = f"{pbxs} {'PBX' if pbxs == 1 else 'PBXs'}, {lines} {'line' if lines == 1 else 'lines'}"
    typer.echo(f"{config}: good ({what})")
