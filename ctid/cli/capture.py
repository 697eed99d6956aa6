"""`ctid capture`: what a PBX sends, into a file for a bug report."""

import asyncio
import contextlib
import gzip
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Annotated, Self, cast

import typer

from ctid.ami.capture import capture as record
from ctid.ami.client import End
from ctid.ami.masking import Mask
from ctid.ami.recording import Recording
from ctid.ami.session import Failure
from ctid.cli.common import DEFAULT_CONFIG, ConfigFile, fail, load_config, pbx_named
from ctid.config import Config, Pbx

_MODE = 0o640
# A pattern that fixes fewer digits matches other people's numbers, too.
_FIXED_DIGITS = 5


def capture(
    *,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where to; .gz is packed. FILE.times beside it.")
    ],
    pbx: Annotated[str, typer.Option(help="Which [[pbx]]; the first one if not given.")] = "",
    seconds: Annotated[
        float | None,
        typer.Option(
            min=0.1, metavar="SECONDS", help="How many seconds; until Ctrl-C if not given."
        ),
    ] = None,
    mask: Annotated[
        bool, typer.Option("--mask", help="Make telephone numbers unreadable.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Write down what a PBX sends, for a bug report.

    Over a connection of its own, as `ctid replay` reads it.
    """
    loaded = load_config(Path(config), read_secrets=True)
    table = pbx_named(loaded, pbx, config)
    recording = Recording(Mask(_Keeper(loaded)) if mask else None)
    said = f"ctid: capturing {table.name} into {file}; Ctrl-C ends it"
    with _failing_in_words(file), _Files(file, overwrite=force) as files:
        began = time.monotonic()
        failure = asyncio.run(_run(table, recording, _announced(files, recording, said), seconds))
        files.close()
        if not recording.logged_in and failure is not None:
            files.remove()
            fail(f"{table.name}: {failure.why}")
        took = time.monotonic() - began
        done = f"{file}: {recording.blocks} blocks, {files.size} bytes in {took:.1f} s"
        if failure is not None:
            fail(f"{done}; then the connection ended: {failure.why}")
        typer.echo(done)


def _announced(files: "_Files", recording: Recording, said: str) -> Callable[[bytes], None]:
    """Write into the files; say so with the first that comes behind the login."""
    told = False

    def write(data: bytes) -> None:
        nonlocal told
        if recording.logged_in and not told:
            told = True
            typer.echo(said, err=True)
        files.write(data)

    return write


async def _run(
    pbx: Pbx, recording: Recording, write: Callable[[bytes], None], seconds: float | None
) -> Failure | None:
    if pbx.secret is None:
        raise ValueError("the configuration was loaded without secrets")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def interrupted() -> None:
        stop.set()
        if not recording.logged_in and task is not None:
            task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, interrupted)
    if seconds:
        loop.call_later(seconds, stop.set)
    try:
        return await record(pbx, pbx.secret, recording, write, stop)
    except asyncio.CancelledError:
        return Failure(End.CONNECTION_LOST, "stopped before the login was done")


class _Files:
    """The stream, and beside it when each piece came: lines of offset and Unix seconds.

    The times do not stand in the stream itself: a mark there could fall into an event that a
    caller's number has torn.
    """

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        self.size = 0
        self._paths: list[Path] = []
        self._open: list[IO[bytes]] = []
        self._overwrite = overwrite
        try:
            raw = self._create(path)
            self._times = self._create(path.with_name(f"{path.name}.times"))
        except OSError:
            self._abandon()
            self.remove()
            raise
        if path.suffix == ".gz":
            packed = gzip.GzipFile(filename="", mode="wb", fileobj=raw)
            self._stream = cast("IO[bytes]", packed)
            self._open.insert(0, self._stream)
        else:
            self._stream = raw

    def __enter__(self) -> Self:
        """Give the files themselves."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close what is still open; that something failed was said already."""
        self._abandon()

    def write(self, data: bytes) -> None:
        """Raises OSError."""
        if data:
            self._stream.write(data)
            self._times.write(f"{self.size} {time.time():.6f}\n".encode())
            self.size += len(data)

    def close(self) -> None:
        """Raises OSError: what was written last may only now fail."""
        while self._open:
            self._open.pop(0).close()

    def remove(self) -> None:
        for path in self._paths:
            with contextlib.suppress(OSError):
                path.unlink()

    def _abandon(self) -> None:
        while self._open:
            with contextlib.suppress(OSError):
                self._open.pop(0).close()

    def _create(self, path: Path) -> IO[bytes]:
        how = os.O_TRUNC if self._overwrite else os.O_EXCL
        handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC | how, _MODE)
        file = os.fdopen(handle, "wb")
        self._open.append(file)
        if not self._overwrite:
            os.fchmod(handle, _MODE)  # whatever the umask
            self._paths.append(path)
        return file


@contextlib.contextmanager
def _failing_in_words(file: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        name = error.filename or file
        fail(f"{name}: is there already; choose another file, or use --force")
    except OSError as error:
        fail(
            f"{file}: cannot be written: {error.strerror}; choose a file in a folder that this "
            "user may write to, on a disk with room"
        )


class _Keeper:
    """The lines' own numbers stay readable: everybody knows them, and a replay needs them."""

    def __init__(self, config: Config) -> None:
        self._dids = [
            did
            for line in config.line
            for did in line.dids
            if did.exact or sum(len(choice) == 1 for choice in did.choices) >= _FIXED_DIGITS
        ]

    def __call__(self, number: str) -> bool:
        return any(did.matches(number) for did in self._dids)
