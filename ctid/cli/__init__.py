"""The commands a person types; a file per command."""

import io
import os
import sys

import typer

from ctid import __version__
from ctid.cli import (
    alerts,
    backup,
    calls,
    capture,
    check_backend,
    check_channel,
    check_config,
    demo,
    doctor,
    explain,
    forget,
    missed,
    outbox,
    rebuild_summary,
    replay,
    report,
    roster,
    run,
    status,
    usage,
)

app = typer.Typer(
    name="ctid",
    help="Records every call of an Asterisk PBX's hotlines.",
    cls=usage.Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("run")(run.run)
app.command("status")(status.status)
app.command("calls")(calls.calls)
app.command("report")(report.report)
app.add_typer(missed.app, name="missed", cls=usage.Group)
app.add_typer(alerts.app, name="alerts", cls=usage.Group)
app.add_typer(outbox.app, name="outbox", cls=usage.Group)
app.add_typer(roster.app, name="roster", cls=usage.Group)
app.command("explain")(explain.explain)
app.command("capture")(capture.capture)
app.command("replay")(replay.replay)
app.command("backup")(backup.backup)
app.command("forget")(forget.forget)
app.command("rebuild-summary")(rebuild_summary.rebuild_summary)
app.command("doctor")(doctor.doctor)
app.command("demo")(demo.demo)
app.command("check-config")(check_config.check_config)
app.command("check-backend")(check_backend.check_backend)
app.command("check-channel")(check_channel.check_channel)


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
