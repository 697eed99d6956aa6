"""`ctid forget`: a caller's number leaves the records."""

from typing import Annotated

import typer

from ctid.cli.common import DEFAULT_CONFIG, ConfigFile, load_config
from ctid.cli.control import ask


def forget(
    number: Annotated[
        str, typer.Argument(metavar="NUMBER", help="The caller's number as it was recorded.")
    ],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Have the running daemon take a caller's number and name out of all ended calls."""
    loaded = load_config(config, read_secrets=False)
    answer = ask(loaded, "POST", "/v1/forget", {"number": number})
    typer.echo(f"forgotten in {answer['calls']} calls; backups still have it")
