"""A thousand lines that nobody answers cross their limit together: when do people know?

`python -m tests.benchmarks.paging` runs the daemon, a PBX and a webhook, each a process of its own.
A caller waits on every line, answered calls on other lines go on beside it all. Measured is from
the limit of each line (its caller's time in the queue by the PBX's clock, and 3 s) to the first
byte of its page at the webhook. Scenarios end the daemon with SIGKILL and start it again at once.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests import waiting
from tests.benchmarks.paging_pbx import busy_lines, waiting_lines

LIMIT_SECONDS: Final = 3.0
WARNING_SECONDS: Final = 1.2
_SECRET: Final = "benchmark"
_LATEST_SECONDS: Final = 60.0
_KILL_AFTER_SECONDS: Final = 1.0
_KILL_AT_PAGES: Final = 300
_SHIFTS: Final = 50

_CONFIG: Final = """
[store]
url = "{folder}/ctid.sqlite3"
[metrics]
listen = "127.0.0.1:0"
[alert]
limit_minutes = {limit}
warning_minutes = {warning}
channels = {told}
[[channels.webhook]]
name = "desk"
url = "http://127.0.0.1:{receiver}/"
per_minute = 0
[[pbx]]
name = "sim"
port = {pbx}
secret_file = "secret"
trunks = ["PJSIP/trunk"]
inbound_contexts = ["from-trunk"]
"""


class Scenario(NamedTuple):
    """`kill`: when the daemon is killed, `before` the limit or with pages `under way`.

    `rate` calls a second go on from so many seconds `before` the waiting callers come to so many
    `after`.
    """

    name: str
    lines: int = 1000
    rate: float = 50.0
    roster: bool = False
    kill: str = ""
    before: float = 5.0
    after: float = 12.0


SCENARIOS: Final = (
    Scenario("told channel"),
    Scenario("roster of 50 shifts", roster=True),
    Scenario("killed before the limit", kill="before"),
    Scenario("killed among the pages", kill="under way"),
)


class Arrival(NamedTuple):
    """One page as it came in; `at` is of the first byte of its request."""

    at: float
    key: str
    event: str
    line: str
    recipient: str
    decided_at: float


@dataclass(slots=True)
class Result:
    """What became of one run; times are Unix seconds.

    `busy` is the CPU time of the daemon, seconds, between the first limit and the last page.
    `unseen` are calls of which nothing was on disk at the kill, and that had ended before the
    daemon was back.
    """

    scenario: Scenario
    offered: dict[str, float]
    arrivals: list[Arrival]
    calls: int = 0
    recorded: int = 0
    unseen: int = 0
    busy: float | None = None
    killed_at: float | None = None
    ready_at: float | None = None
    log: str = field(default="", repr=False)

    def firing(self) -> list[Arrival]:
        """The pages that say that nobody answers, each once, as they came first."""
        found: dict[str, Arrival] = {}
        for page in self.arrivals:
            if page.event == "firing" and page.line in self.offered:
                found.setdefault(page.key, page)
        return list(found.values())

    def lateness(self) -> list[float]:
        """Seconds from each line's limit to its page, in order of arrival."""
        return [page.at - self.offered[page.line] - LIMIT_SECONDS for page in self.firing()]

    def undecided(self) -> list[float]:
        """Seconds from each line's limit to the decision to tell somebody."""
        return [page.decided_at - self.offered[page.line] - LIMIT_SECONDS for page in self.firing()]

    def missing(self) -> set[str]:
        """Lines of which nobody was told."""
        return self.offered.keys() - {page.line for page in self.firing()}

    def doubled(self) -> list[str]:
        """Lines of which somebody was told by two pages: other keys, the same words."""
        told = Counter((page.line, page.recipient) for page in self.firing())
        return [line for (line, _), times in told.items() if times > 1]

    def troubles(self) -> list[str]:
        """What the daemon warned of."""
        lines = self.log.splitlines()
        return [line for line in lines if '"level":"info"' not in line.replace(": ", ":")]

    def again(self) -> list[str]:
        """Keys that came more than once: who knows keys has each page once."""
        return [key for key, times in Counter(p.key for p in self.arrivals).items() if times > 1]


async def run(scenario: Scenario, folder: Path) -> Result:
    """Play a scenario to its end. Raises TimeoutError where something does not come."""
    async with _receiver() as (receiver, arrivals), _pbx(scenario) as pbx:
        config, database = _configure(folder, scenario, receiver, pbx.port), folder / "ctid.sqlite3"
        daemon = await _start(config)
        try:
            await _until(lambda: "pbx_attached" in _log(folder))
            pbx.go()
            await _until(lambda: len(pbx.offered) == scenario.lines)
            killed_at = ready_at = None
            written: set[str] = set()
            if scenario.kill:
                await _moment(scenario, pbx, arrivals)
                daemon.kill()
                killed_at = time.time()
                await daemon.wait()
                written = _on_disk(database)
                starts = _log(folder).count("pbx_attached")
                daemon = await _start(config)
                await _until(lambda: _log(folder).count("pbx_attached") > starts)
                ready_at = time.time()
            result = Result(scenario, pbx.offered, arrivals)
            result.killed_at, result.ready_at = killed_at, ready_at
            limit_at = min(pbx.offered.values()) + LIMIT_SECONDS
            await asyncio.sleep(max(0.0, limit_at - time.time()))
            before = _cpu_seconds(daemon.pid)
            with contextlib.suppress(TimeoutError):
                await waiting.until(lambda: not result.missing(), _LATEST_SECONDS)
            result.busy = _cpu_seconds(daemon.pid) - before
            await _until(lambda: pbx.answered is not None)
            result.calls = pbx.answered or 0
            await asyncio.sleep(2.0)  # for whatever comes twice
            result.unseen = pbx.unseen(written, ready_at)
            with contextlib.suppress(TimeoutError):
                await waiting.until(
                    lambda: (
                        pbx.among(_on_disk(database, ended=True)) >= result.calls - result.unseen
                    )
                )
            daemon.send_signal(signal.SIGTERM)
            await daemon.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                daemon.kill()
        result.recorded = pbx.among(_on_disk(database, ended=True))
        result.log = _log(folder)
        return result


async def _until(condition: Callable[[], bool]) -> None:
    await waiting.until(condition, _LATEST_SECONDS)


async def _moment(scenario: Scenario, pbx: "_Pbx", arrivals: Sequence[Arrival]) -> None:
    """Return when it is time to kill the daemon."""
    if scenario.kill == "before":
        at = min(pbx.offered.values()) + _KILL_AFTER_SECONDS
        await asyncio.sleep(max(0.0, at - time.time()))
    else:
        share = _KILL_AT_PAGES * scenario.lines // 1000
        await _until(lambda: sum(page.event == "firing" for page in arrivals) >= share)


def _configure(folder: Path, scenario: Scenario, receiver: int, pbx: int) -> Path:
    waits = waiting_lines(scenario.lines)
    text = _CONFIG.format(
        folder=folder,
        limit=LIMIT_SECONDS / 60,
        warning=WARNING_SECONDS / 60,
        told=[] if scenario.roster else ["desk"],
        receiver=receiver,
        pbx=pbx,
    )
    if scenario.roster:
        text += '[roster]\nfile = "roster.toml"\n'
        (folder / "roster.toml").write_text(_roster(waits))
    for line in waits:
        text += f'[[line]]\nname = "{line}"\nqueues = ["{line}"]\n'
    for line in busy_lines():
        text += f'[[line]]\nname = "{line}"\nqueues = ["{line}"]\n'
        text += "limit_minutes = 15\nwarning_minutes = 10\n"
    path, secret = folder / "ctid.toml", folder / "secret"
    path.write_text(text)
    secret.touch(mode=0o600)
    secret.write_text(_SECRET)
    return path


def _roster(lines: Sequence[str]) -> str:
    """Shifts by day and by night, each for a part of the lines."""
    parts = _SHIFTS // 2
    text = "".join(
        f'[[person]]\nid = "p{number}"\nname = "Person {number}"\nchannels = ["desk"]\n'
        for number in range(_SHIFTS)
    )
    for number in range(_SHIFTS):
        own = [*lines[number % parts :: parts], *busy_lines()]
        hours = "08:00-20:00" if number < parts else "20:00-08:00"
        text += f'[[shift]]\nrole = "first_line"\nhours = ["{hours}"]\n'
        text += f'people = ["p{number}"]\nlines = {own}\n'
    return text


# -- the processes --------------------------------------------------------------------------------


async def _start(config: Path) -> asyncio.subprocess.Process:
    # as it is where ctid is installed: compiled once, not at every start
    environment = os.environ | {"PYTHONPYCACHEPREFIX": str(config.parent / "compiled")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with (config.parent / "log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *_python("ctid", "run", "--config", str(config)), stderr=log, env=environment
        )


def _python(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", *arguments)


def _log(folder: Path) -> str:
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
async def _receiver() -> AsyncIterator[tuple[int, list[Arrival]]]:
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


class _Pbx:
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
async def _pbx(scenario: Scenario) -> AsyncIterator[_Pbx]:
    arguments = [scenario.lines, scenario.rate, scenario.before, scenario.after]
    async with _child("tests.benchmarks.paging_pbx", _SECRET, *map(str, arguments)) as child:
        pbx = _Pbx(child)
        async with _reading(child, pbx.take) as port:
            pbx.port = port
            yield pbx


def _cpu_seconds(pid: int) -> float:
    """What a process has used so far, user and system."""
    numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")


def _on_disk(database: Path, *, ended: bool = False) -> set[str]:
    """The calls on disk, by uniqueid: all, or those that ended."""
    query = "SELECT DISTINCT uniqueid FROM record" + (" WHERE open = 0" if ended else "")
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return {uniqueid for (uniqueid,) in connection.execute(query)}


# -- what is printed ------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.paging")
    parser.add_argument("--lines", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=50.0, help="answered calls a second")
    parser.add_argument("--only", type=int, help="the number of one scenario, from 1")
    given = parser.parse_args()
    chosen = SCENARIOS if given.only is None else SCENARIOS[given.only - 1 : given.only]
    for scenario in chosen:
        with tempfile.TemporaryDirectory() as folder:
            asked = scenario._replace(lines=given.lines, rate=given.rate)
            _print(asyncio.run(run(asked, Path(folder))))


def _print(result: Result) -> None:
    scenario, late = result.scenario, result.lateness()
    load = os.getloadavg()[0]
    print(
        f"{scenario.name}: {scenario.lines} lines, {scenario.rate:g} calls/s beside them; "
        f"load {load:.1f} on {os.cpu_count()} cores"
    )
    print(f"  from the limit to the page, seconds: {_shares(late)}")
    print(f"  from the limit to its decision: {_shares(result.undecided())}")
    print(f"  CPU of the daemon meanwhile, seconds: {result.busy}")
    if result.killed_at is not None and result.ready_at is not None:
        since = result.killed_at - min(result.offered.values())
        down = result.ready_at - result.killed_at
        print(f"  killed {since:.2f} s after the first caller came, attached again in {down:.2f} s")
        waited = [
            page.at - max(result.offered[page.line] + LIMIT_SECONDS, result.ready_at)
            for page in result.firing()
            if page.at > result.ready_at
        ]
        print(f"  from the limit, or from being attached again: {_shares(waited)}")
    print(
        f"  missing {len(result.missing())}, twice {len(result.doubled())}, "
        f"sent again by the same key {len(result.again())}; "
        f"other pages {_others(result)}"
    )
    unseen = (
        f", {result.unseen} left no trace before the kill and ended before the start"
        if result.unseen
        else ""
    )
    print(f"  calls: {result.recorded} of {result.calls} recorded{unseen}")
    for line in result.troubles():
        print("  log:", line)
    print("  raw samples:", " ".join(f"{sample:.3f}" for sample in late), flush=True)


def _others(result: Result) -> str:
    others = Counter(page.event for page in result.arrivals if page.event != "firing")
    others["firing of another line"] = sum(
        page.event == "firing" and page.line not in result.offered for page in result.arrivals
    )
    return _words(others)


def _words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.items() if number) or "none"


def _shares(samples: Sequence[float]) -> str:
    if not samples:
        return "none"
    ordered = sorted(samples)
    at = {
        f"p{share * 100:g}": ordered[max(0, round(len(ordered) * share) - 1)]
        for share in (0.5, 0.9, 0.99)
    }
    at["max"] = ordered[-1]
    return ", ".join(f"{name} {seconds:.3f}" for name, seconds in at.items())


if __name__ == "__main__":
    main()
