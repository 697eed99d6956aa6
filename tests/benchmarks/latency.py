"""From the PBX to the commit: how long a finished call takes to be on disk, at a steady rate.

`python -m tests.benchmarks.latency CALLS_PER_SECOND SECONDS` starts a PBX in a process of its own
that writes recorded calls with the time of their sending, and prints the delay of each call from
its Hangup event's time to the end of the commit that holds its record, in milliseconds.
"""

import asyncio
import heapq
import json
import logging
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ctid import logs
from ctid.ami.client import Client
from ctid.ami.decode import Decoder
from ctid.committer import Clocks
from ctid.domain.batch import Batch
from ctid.outbound.alarm import NoAlarm
from ctid.pipeline import Pipeline
from ctid.sim.template import GREETING, Template
from ctid.store import migrate
from ctid.store.recorder import Store
from tests import lab
from tests.benchmarks.streams import recorded

NAMES = ("queue_answered", "queue_abandon", "direct_answered", "direct_cancel", "direct_busy")


class Timed:
    """A store that notes when the commit of each ended call returned."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.delays: list[float] = []

    async def commit(self, batch: Batch) -> None:
        await self._store.commit(batch)
        now = time.time()
        self.delays += [
            (now - record.ended_at) * 1000
            for record in batch.records
            if not record.open and record.ended_at is not None
        ]


async def measure(port: int, database: Path) -> list[float]:
    logs.set_up(human=False, level=logging.WARNING)
    await migrate.upgrade(str(database))
    client = Client(Decoder(), time.time, max_queued=1_000_000)
    async with await Store.open(str(database)) as store, asyncio.TaskGroup() as tasks:
        timed = Timed(store)
        clocks = Clocks(time.time, time.monotonic)
        where = {lab.PBX: lab.directory()}
        pipeline = Pipeline(where, timed, clocks, commit_delay=0.05, alarm=NoAlarm())
        writing = tasks.create_task(pipeline.run())
        await client.open("127.0.0.1", port, None, None)
        while client.ended is None:
            await client.wake.wait()
            client.wake.clear()
            pipeline.deliver(lab.PBX, client.take())
        pipeline.stop()
        await writing
    return timed.delays


async def pbx(rate: float, seconds: float) -> None:
    """Serve one client with calls that happen now."""

    async def send(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING)
        templates = [Template(recorded(name)) for name in NAMES]
        begin = time.time() + 0.2
        calls = (
            templates[number % len(templates)].copy(number, begin + number / rate)
            for number in range(int(rate * seconds))
        )
        for at, _, block in heapq.merge(*calls):
            wait = at - time.time()
            if wait > 0:
                await writer.drain()
                await asyncio.sleep(wait)
            writer.write(block + b"\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(send, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


def main(rate: float, seconds: float) -> list[float]:
    """The delays of all calls, milliseconds, in order of their commits."""
    command = [sys.executable, "-m", "tests.benchmarks.latency", "pbx", str(rate), str(seconds)]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            return asyncio.run(measure(port, Path(folder) / "bench.sqlite3"))
        finally:
            process.terminate()


if __name__ == "__main__":
    if sys.argv[1] == "pbx":
        asyncio.run(pbx(float(sys.argv[2]), float(sys.argv[3])))
    else:
        print(json.dumps(main(float(sys.argv[1]), float(sys.argv[2]))))
