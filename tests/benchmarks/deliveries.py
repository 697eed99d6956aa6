"""A backlog of ticket drafts to a fast system, and what a dead one costs the recording of calls.

`python -m tests.benchmarks.deliveries` measures both. The system is a webhook in a process of its
own that answers at once and counts the keys it was given.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final

from aiohttp import web

from ctid import logs
from ctid.ami.client import Client
from ctid.ami.decode import Decoder
from ctid.collector import calm_the_collector
from ctid.committer import Deciding
from ctid.config import Config
from ctid.config.backends import WebhookBackend
from ctid.domain.batch import Batch
from ctid.domain.policy import Wanted
from ctid.outbound.alarm import NoAlarm
from ctid.outbound.loads import Loads
from ctid.pipeline import Pipeline
from ctid.store import migrate, tickets
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from ctid.tickets import Tickets
from tests import lab
from tests.benchmarks.runner import Candidate, measure, medians, spread
from tests.benchmarks.server import GO, serving
from tests.benchmarks.streams import stream
from tests.benchmarks.to_disk import CLOCKS, Stopwatch, on_disk, peak_kib
from tests.drafts import draft

CONCURRENCY: Final = 8
DEAD_PORT: Final = 1
FULL: Final = ("queue_answered", "queue_abandon", "direct_answered", "direct_cancel")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.deliveries")
    parser.add_argument("--drafts", type=int, default=10_000)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    logs.set_up(human=False)
    with system() as port:
        asyncio.run(backlog(given.drafts, port))
        print()
        recording(given.calls, given.runs, port)


@contextmanager
def system() -> Iterator[int]:
    """Gives the port of a webhook that answers at once."""
    command = [sys.executable, "-m", "tests.benchmarks.deliveries_system"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def config(port: int | None, url: str) -> Config:
    table = WebhookBackend(
        url=f"http://127.0.0.1:{port}/", concurrency=CONCURRENCY, timeout_seconds=5.0
    )
    lines = [{"name": line.name} for line in lab.directory().lines]
    return Config.model_validate(
        {"store": {"url": url}, "line": tuple(lines), "webhook": () if port is None else (table,)}
    )


async def backlog(drafts: int, port: int) -> None:
    """All drafts are decided before the worker begins; memory is read all along the way."""
    with tempfile.TemporaryDirectory() as folder:
        url = str(Path(folder) / "bench.sqlite3")
        await migrate.upgrade(url)
        async with await Store.open(url) as store, await Reader.open(url) as reader:
            for first in range(0, drafts, 500):
                wanted = (
                    Wanted("webhook", draft(key=f"bench:{n}", uniqueid=str(n)), time.time())
                    for n in range(first, min(first + 500, drafts))
                )
                await store.commit(Batch(wanted=tuple(wanted)))
            calm_the_collector()
            async with asyncio.TaskGroup() as tasks:
                here = Tickets(config(port, url), store, tasks, Loads(time.time))
                began, before = time.perf_counter(), rss_kib()
                here.open()
                memory = []
                while here.counts()["webhook"].delivered < drafts:
                    memory.append(rss_kib())
                    await asyncio.sleep(0.2)
                seconds = time.perf_counter() - began
                await here.close()
            ((_, left),) = (await tickets.backlogs(reader)).items()
    if left.by_state != {"delivered": drafts}:
        sys.exit(f"not everything was delivered: {left}")
    found = memory[len(memory) // 10 :]
    print(f"backlog: {drafts} drafts, {CONCURRENCY} at once, SQLite with WAL and FULL")
    print(f"{drafts / seconds:.0f} drafts a second, in {seconds:.1f} s")
    print(f"memory in MiB: {before / 1024:.0f} before, then {_mib(found)},", end=" ")
    print(f"at most {peak_kib() / 1024:.0f}")


def _mib(found: list[int]) -> str:
    steps = [found[n * (len(found) - 1) // 5] / 1024 for n in range(6)]
    return " ".join(f"{step:.0f}" for step in steps)


def rss_kib() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def recording(calls: int, runs: int, port: int) -> None:
    """From the socket to committed records, with drafts for a live, a dead, and no system."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stream.ami"
        path.write_bytes(stream(FULL, calls, every=0.05))
        with serving(path) as pbx:
            module = "tests.benchmarks.deliveries_client"
            candidates = [
                Candidate(name, (module, str(pbx), str(calls), str(to)))
                for name, to in (("live system", port), ("dead system", DEAD_PORT), ("none", 0))
            ]
            results = measure(candidates, runs)
    print(f"recording: {calls} calls, {runs} runs, interleaved")
    print(f"{'tickets go to':16}{'seconds':>10}{'CPU s':>8}{'delivered':>11}  seconds of all runs")
    for name, found in results.items():
        row = medians(found)
        print(
            f"{name:16}{row['seconds']:10.2f}{row['cpu']:8.2f}{row['delivered']:11.0f}"
            f"  {spread(found, 'seconds')}"
        )
    dead, none, live = (
        median(result["cpu"] for result in results[name])
        for name in ("dead system", "none", "live system")
    )
    print(
        f"a dead system costs {dead / live:.2f} x the CPU of a live one, {dead / none:.2f} x none"
    )


async def record(port: int, calls: int, to: int) -> dict[str, float]:
    """One client, for `deliveries_client`."""
    calm_the_collector()
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "bench.sqlite3"
        await migrate.upgrade(str(database))
        client = Client(Decoder(), time.time, max_queued=10_000_000)
        watch = Stopwatch()
        async with await Store.open(str(database)) as store, asyncio.TaskGroup() as tasks:
            here = Tickets(config(to or None, str(database)), store, tasks, Loads(time.time))
            pipeline = Pipeline(
                {lab.PBX: lab.directory()},
                store,
                CLOCKS,
                commit_delay=0.05,
                alarm=NoAlarm(),
                feed=here.feed,
                decide=Deciding(here.decide),
            )
            writing = tasks.create_task(pipeline.run())
            here.open()
            await client.open("127.0.0.1", port, None, None)
            watch.begin()
            client.protocol.transport.write(GO)
            while client.ended is None:
                await client.wake.wait()
                client.wake.clear()
                pipeline.deliver(lab.PBX, client.take())
            pipeline.stop()
            await writing
            result = watch.read()
            delivered = sum(counts.delivered for counts in here.counts().values())
            await here.close()
        found = on_disk(database)
    if found != calls:
        sys.exit(f"{found} of {calls} calls are on disk")
    return {**result, "delivered": delivered}


def serve() -> None:
    """The system, for `deliveries_system`."""
    keys: set[str] = set()

    async def take(request: web.Request) -> web.Response:
        await request.read()
        keys.add(request.headers["Idempotency-Key"])
        return web.json_response({"ticket_id": str(len(keys))}, status=201)

    async def run() -> None:
        app = web.Application()
        app.router.add_post("/", take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()

    asyncio.run(run())


if __name__ == "__main__":
    main()
