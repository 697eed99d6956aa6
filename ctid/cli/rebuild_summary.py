"""`ctid rebuild-summary`: have the closed days counted anew."""

import typer

from ctid.cli.common import DEFAULT_CONFIG, ConfigFile, load_known
from ctid.cli.control import ask


def rebuild_summary(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Have the closed days counted anew.

    By the running daemon; after timezone, duty, specialty or [figures] changed.
    """
    ask(load_known(config), "POST", "/v1/rebuild-summary")
    typer.echo("the closed days are being counted anew; figures are right all the while")
