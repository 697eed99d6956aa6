"""`ctid check-config`: everything that is wrong in a configuration, at once."""

from pathlib import Path

import typer

from ctid.cli.common import DEFAULT_CONFIG, ConfigFile, load_config


def check_config(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Say everything that is wrong in a configuration; nothing is started."""
    loaded = load_config(Path(config), read_secrets=True)
    lines = len(loaded.line)
    pbxs = len(loaded.pbx)
    typer.echo(f"{config}: good ({pbxs} PBX, {lines} lines)")
