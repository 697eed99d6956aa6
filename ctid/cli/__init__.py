"""The commands a person types; a file per command."""

import io
import os
import sys

import typer

from ctid import __version__
from ctid.cli.commands import Commands

app = typer.Typer(
    name="ctid",
    help="Records every call of an Asterisk PBX's hotlines.",
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"ctid {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Say which ctid this is."
    ),
) -> None:
    """Record every call of an Asterisk PBX's hotlines."""
    del version  # its callback has answered it
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(2)


def main() -> None:
    """Run the command line; ends the process with 0, 1 (failed) or 2 (wrong use)."""
    # who closed these wants to see nothing
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        # names of people and files may hold what the terminal's character set does not
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        app()
    except BrokenPipeError:
        # who reads our output has seen enough
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        # nothing else of a command's own may end so: its output could not be written
        sys.stderr.write(f"ctid: cannot write the output: {error.strerror}\n")
        sys.exit(1)
