"""`ctid demo`: calls to look at, without a PBX."""

import asyncio
import io
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Annotated, TextIO

import structlog
import typer

from ctid import logs
from ctid.cli.common import fail

log = structlog.get_logger("ctid")

_SECONDS = 60.0


class _FailedError(Exception):
    """The text is the one line for the operator."""


def demo(
    *,
    seconds: Annotated[
        float | None,
        typer.Option(
            min=5, max=3600, metavar="SECONDS", help="How many seconds calls come; 60 if not given."
        ),
    ] = None,
    hold: Annotated[bool, typer.Option("--hold", help="Go on until Ctrl-C.")] = False,
    speed: Annotated[float, typer.Option(min=0.1, max=100, hidden=True)] = 1.0,
) -> None:
    """Show ctid at work in front of a simulated PBX.

    Needs no PBX and no configuration, and leaves nothing behind. Ctrl-C ends it.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # a terminal that has no Chinese characters shows question marks
        sys.stdout.reconfigure(errors="replace")
    if hold and seconds is not None:
        fail("--hold goes on until Ctrl-C, --seconds ends by itself: give one of them", 2)
    folder: Path | None = None
    try:
        folder, journal = _temporary()
        with journal:
            _show(folder, journal, None if hold else seconds or _SECONDS, speed)
        sys.stdout.flush()  # who has seen enough is met here, not behind the last line
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        typer.echo("stopped before it began")
    except _FailedError as error:
        folder = None  # its log is in there
        fail(str(error))
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _temporary() -> tuple[Path, TextIO]:
    """A folder of our own, and in it the file for the log."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="ctid-demo-"))
        return folder, (folder / "demo.log").open("w", encoding="utf-8")
    except OSError as error:
        fail(f"cannot make a temporary folder: {error.strerror}; set TMPDIR to one with room")


def _show(folder: Path, journal: TextIO, seconds: float | None, speed: float) -> None:
    # imported here: the other commands need neither the network nor a database
    from rich.console import Console  # noqa: PLC0415

    from ctid.demo import session, show  # noqa: PLC0415

    console = Console()
    drawn = console.is_terminal and not console.is_dumb_terminal
    where = show.Screen(console, seconds) if drawn else show.Lines(console)
    logs.set_up(human=False, to=journal)
    plan = session.Plan(seconds=seconds, speed=speed)
    try:
        board, written = asyncio.run(session.run(folder, plan, where))
    except OSError:
        raise
    except Exception as error:
        log.exception("demo_failed")
        raise _FailedError(f"the demo failed: {error}; its log: {journal.name}") from None
    # who pressed Ctrl-C twice still gets the summary
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    show.summary(console, board, written)
