"""One scenario of `paging` from its beginning to its end, and what came of it."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from tests import waiting
from tests.benchmarks.paging_pbx import busy_lines, waiting_lines
from tests.benchmarks.paging_processes import (
    SECRET,
    Arrival,
    Pbx,
    log_of,
    receiver,
    simulated,
    start,
)

LIMIT_SECONDS: Final = 3.0
WARNING_SECONDS: Final = 1.2
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
        close = [line.replace(": ", ":") for line in lines]
        # that alerts fire is what is played
        usual = ('"level":"info"', '"event":"alert_')
        return [line for line in close if not any(word in line for word in usual)]

    def again(self) -> list[str]:
        """Keys that came more than once: who knows keys has each page once."""
        return [key for key, times in Counter(p.key for p in self.arrivals).items() if times > 1]


async def run(scenario: Scenario, folder: Path) -> Result:
    """Play a scenario to its end. Raises TimeoutError where something does not come."""
    arguments = [scenario.lines, scenario.rate, scenario.before, scenario.after]
    async with receiver() as (port, arrivals), simulated(arguments) as pbx:
        config, database = _configure(folder, scenario, port, pbx.port), folder / "ctid.sqlite3"
        daemon = await start(config)
        try:
            await _until(lambda: "pbx_attached" in log_of(folder))
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
                starts = log_of(folder).count("pbx_attached")
                daemon = await start(config)
                await _until(lambda: log_of(folder).count("pbx_attached") > starts)
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
        result.log = log_of(folder)
        return result


async def _until(condition: Callable[[], bool]) -> None:
    await waiting.until(condition, _LATEST_SECONDS)


async def _moment(scenario: Scenario, pbx: "Pbx", arrivals: Sequence[Arrival]) -> None:
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
    secret.write_text(SECRET)
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


def _cpu_seconds(pid: int) -> float:
    """What a process has used so far, user and system."""
    numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")


def _on_disk(database: Path, *, ended: bool = False) -> set[str]:
    """The calls on disk, by uniqueid: all, or those that ended."""
    query = "SELECT DISTINCT uniqueid FROM record" + (" WHERE open = 0" if ended else "")
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return {uniqueid for (uniqueid,) in connection.execute(query)}
