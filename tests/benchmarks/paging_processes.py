"""The processes of `paging`: the daemon, the PBX, and the webhook."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

SECRET: Final = "benchmark"


class Arrival(NamedTuple):
    """One page as it came in; `at` is of the first byte of its request."""

    at: float
    key: str
    event: str
    line: str
    recipient: str
    decided_at: float


async def start(config: Path) -> asyncio.subprocess.Process:
    # as it is where ctid is installed: compiled once, not at every start
    environment = os.environ | {"PYTHONPYCACHEPREFIX": str(config.parent / "compiled")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with (config.parent / "log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *_python("ctid", "run", "--config", str(config)), stderr=log, env=environment
        )


def _python(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", *arguments)


def log_of(folder: Path) -> str:
    return (folder / "log").read_text()


@contextlib.asynccontextmanager
async def _child(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(*_python(*arguments), stdin=pipe, stdout=pipe)
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()


@contextlib.asynccontextmanager
async def _reading(
    child: asyncio.subprocess.Process, take: Callable[[bytes], None]
) -> AsyncIterator[int]:
    """Gives the port that a child prints first, and everything else to `take`."""
    assert child.stdout is not None
    out = child.stdout
    port = int(await out.readline())

    async def read() -> None:
        async for line in out:
            take(line)

    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(read())
        try:
            yield port
        finally:
            reading.cancel()


@contextlib.asynccontextmanager
async def receiver() -> AsyncIterator[tuple[int, list[Arrival]]]:
    arrivals: list[Arrival] = []

    def take(line: bytes) -> None:
        request: dict[str, Any] = json.loads(line)
        arrivals.extend(
            Arrival(
                request["at"],
                page["key"],
                page["event"],
                page["line"],
                page["recipient"],
                page["decided_at"],
            )
            for page in request["pages"]
        )

    async with (
        _child("tests.benchmarks.paging_receiver") as child,
        _reading(child, take) as port,
    ):
        yield port, arrivals


class Pbx:
    """The PBX's process: `offered` grows as callers come, `answered` is known at the end."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self._child = child
        self.port = 0
        self.offered: dict[str, float] = {}
        self.answered: int | None = None
        self._calls: dict[str, float] = {}

    def go(self) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(b"\n")

    def unseen(self, written: Collection[str], ready_at: float | None) -> int:
        """How many answered calls ended before the daemon was back without a trace on disk."""
        if ready_at is None:
            return 0
        return sum(went <= ready_at and call not in written for call, went in self._calls.items())

    def among(self, written: Collection[str]) -> int:
        """How many of the answered calls are among these."""
        return len(self._calls.keys() & written)

    def take(self, line: bytes) -> None:
        name, *values = line.decode().split()
        if name == "answered":
            self.answered = int(values[0])
        elif name == "call":
            self._calls[values[0]] = float(values[1])
        else:
            self.offered[name] = float(values[0])


@contextlib.asynccontextmanager
async def simulated(arguments: Sequence[float]) -> AsyncIterator[Pbx]:
    async with _child("tests.benchmarks.paging_pbx", SECRET, *map(str, arguments)) as child:
        pbx = Pbx(child)
        async with _reading(child, pbx.take) as port:
            pbx.port = port
            yield pbx
