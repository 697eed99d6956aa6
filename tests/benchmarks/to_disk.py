"""Clients from the socket to committed records, each run in a process of its own.

`python -m tests.benchmarks.to_disk CLIENT PORT CALLS` reads to the end of the stream, sees that
every call is on disk, and prints what it took as JSON. All write to SQLite with WAL and FULL.
"""

import asyncio
import json
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import panoramisk

from ctid import logs
from ctid.ami.client import Client
from ctid.ami.decode import Decoder
from ctid.collector import calm_the_collector
from ctid.committer import Clocks, Deciding
from ctid.domain.numbers import Numbering, normalizer
from ctid.domain.policy import Policy, Rules
from ctid.domain.returns import Returns
from ctid.outbound.alarm import NoAlarm
from ctid.pipeline import Pipeline
from ctid.store import migrate
from ctid.store.recorder import Store
from tests import lab
from tests.benchmarks.server import GO

CLOCKS = Clocks(time.time, time.monotonic)


async def ctid(port: int, database: Path, begin: Callable[[], None]) -> None:
    """Everything that `ctid run` does with the bytes: records, rings, facts, open calls, misses."""
    logs.set_up(human=False)
    calm_the_collector()
    await migrate.upgrade(str(database))
    client = Client(Decoder(), time.time, max_queued=10_000_000)
    async with await Store.open(str(database)) as store, asyncio.TaskGroup() as tasks:
        where = {lab.PBX: lab.directory()}
        normalize = normalizer(Numbering())
        returns = Returns(normalize, lambda _, at: at + 3600)
        pipeline = Pipeline(
            where,
            store,
            CLOCKS,
            commit_delay=0.05,
            alarm=NoAlarm(),
            decide=Deciding(Policy(Rules(), returns, normalize).receive),
        )
        writing = tasks.create_task(pipeline.run())
        await client.open("127.0.0.1", port, None, None)
        begin()
        client.protocol.transport.write(GO)
        while client.ended is None:
            await client.wake.wait()
            client.wake.clear()
            pipeline.deliver(lab.PBX, client.take())
        pipeline.stop()
        await writing


async def stock(port: int, database: Path, begin: Callable[[], None]) -> None:
    """Panoramisk as it comes; one plain row and one commit for every call that ends."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(
        "CREATE TABLE record (uniqueid TEXT PRIMARY KEY, caller TEXT, did TEXT, began REAL,"
        " answered REAL, ended REAL, open INTEGER)"
    )
    calls: dict[str, dict[str, Any]] = {}
    ended = asyncio.Event()
    manager = panoramisk.Manager(
        host="127.0.0.1",
        port=port,
        on_disconnect=lambda _manager, _error: ended.set(),
        reconnect_timeout=3600,
        loop=asyncio.get_running_loop(),
    )

    def take(_manager: object, event: Any) -> None:
        if event.event == "Newchannel" and event.uniqueid == event.linkedid:
            calls[event.uniqueid] = {"event": event, "answered": None}
        elif event.event == "BridgeEnter" and event.linkedid in calls:
            calls[event.linkedid]["answered"] = float(event.timestamp)
        elif event.event == "Hangup" and event.uniqueid in calls:
            call = calls.pop(event.uniqueid)
            first = call["event"]
            row = (
                event.uniqueid,
                first.calleridnum,
                first.exten,
                float(first.timestamp),
                call["answered"],
                float(event.timestamp),
            )
            connection.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?, 0)", row)

    manager.register_event("*", take)
    await manager.connect()
    begin()
    manager.protocol.transport.write(GO)
    await ended.wait()
    manager.close()
    connection.close()


CLIENTS: dict[str, Callable[[int, Path, Callable[[], None]], Awaitable[None]]] = {
    "ctid": ctid,
    "panoramisk, a commit per call": stock,
}


def on_disk(database: Path) -> int:
    """How many ended calls the database holds."""
    connection = sqlite3.connect(database)
    query = "SELECT count(DISTINCT uniqueid) FROM record WHERE open = 0"
    ((found,),) = connection.execute(query)
    connection.close()
    return int(found)


class Stopwatch:
    """Wall and CPU time of this process, from `begin` on."""

    def begin(self) -> None:
        self.usage = resource.getrusage(resource.RUSAGE_SELF)
        self.began = time.perf_counter()

    def read(self) -> dict[str, float]:
        seconds = time.perf_counter() - self.began
        usage = resource.getrusage(resource.RUSAGE_SELF)
        cpu = usage.ru_utime + usage.ru_stime - self.usage.ru_utime - self.usage.ru_stime
        return {"seconds": seconds, "cpu": cpu, "kib": peak_kib()}


def peak_kib() -> int:
    """The most memory this process ever had; ru_maxrss would count its parent's, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


async def _main(name: str, port: int, calls: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "bench.sqlite3"
        watch = Stopwatch()
        await CLIENTS[name](port, database, watch.begin)
        result = watch.read()
        found = on_disk(database)
    if found != calls:
        sys.exit(f"{name}: {found} of {calls} calls are on disk")
    print(json.dumps(result))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
