"""How long an event waits while Prometheus scrapes: `python -m tests.benchmarks.metrics`.

A PBX in a process of its own sends recorded calls with the time of their sending; a third process
scrapes without a pause. The delay of an event is from that time to its delivery to the
pipeline, with 200 lines and all their series.
"""

import asyncio
import logging
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from ctid import logs
from ctid.ami.client import Client
from ctid.ami.decode import Decoder
from ctid.collector import calm_the_collector
from ctid.committer import Clocks
from ctid.config import Config, LineTable, Metrics, Store
from ctid.outbound.alarm import NoAlarm
from ctid.outbound.tally import Tally
from ctid.overview import Overview
from ctid.pbxs import Pbxs
from ctid.pipeline import Pipeline
from ctid.store import migrate
from ctid.store.recorder import Store as Recorder
from ctid.web.listener import Listener
from ctid.web.server import MetricsServer
from tests import lab

LINES = 200
ALLOWED_MS = 20.0
_RATE = 20.0


async def measure(port: int, folder: Path, *, scraped: bool) -> tuple[list[float], list[float]]:
    """Delays of all events, and how long each scrape took, milliseconds."""
    logs.set_up(human=False, level=logging.ERROR)
    calm_the_collector()
    database = folder / "bench.sqlite3"
    await migrate.upgrade(str(database))
    config = _config(database)
    client = Client(Decoder(), time.time, max_queued=1_000_000)
    delays: list[float] = []
    tally = Tally(time.time)
    tally.expect([lab.PBX], [line.name for line in config.line], ["102"])
    listener = Listener(config.metrics)
    scraper, took = None, b""
    async with await Recorder.open(str(database)) as store, asyncio.TaskGroup() as tasks:
        clocks = Clocks(time.time, time.monotonic)
        pipeline = Pipeline(
            {lab.PBX: lab.directory()},
            store,
            clocks,
            commit_delay=0.05,
            alarm=NoAlarm(),
            feed=tally.feed,
        )
        writing = tasks.create_task(pipeline.run())
        overview = Overview(config, pipeline, Pbxs(pipeline, tasks), tally)
        with listener.socket:
            async with MetricsServer(
                listener,
                None,
                read=overview.read,
                troubles=overview.troubles,
                waited_for=overview.waited_for,
            ):
                if scraped:
                    scraper = await asyncio.create_subprocess_exec(
                        *(sys.executable, "-m", "tests.benchmarks.metrics"),
                        *("scrape", str(listener.socket.getsockname()[1])),
                        stdout=asyncio.subprocess.PIPE,
                    )
                await client.open("127.0.0.1", port, None, None)
                while client.ended is None:
                    await client.wake.wait()
                    client.wake.clear()
                    events = client.take()
                    now = time.time()
                    delays += [(now - event.at) * 1000 for event in events]
                    pipeline.deliver(lab.PBX, events)
                if scraper is not None:
                    scraper.terminate()
                    took, _ = await scraper.communicate()
        pipeline.stop()
        await writing
    return delays, [float(line) for line in took.split()]


def _config(database: Path) -> Config:
    names = [line.name for line in lab.directory().lines]
    names += [f"line{number}" for number in range(LINES - len(names))]
    return Config(
        store=Store(url=str(database)),
        metrics=Metrics(listen="127.0.0.1:0"),
        line=tuple(LineTable(name=name, queues=(name,)) for name in names),
    )


def scrape(port: int) -> None:
    """One after the other, until terminated; prints the milliseconds of each."""
    while True:
        began = time.perf_counter()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as page:
            page.read()
        print((time.perf_counter() - began) * 1000, flush=True)


def run(seconds: float, *, scraped: bool) -> tuple[list[float], list[float]]:
    command = [sys.executable, "-m", "tests.benchmarks.latency", "pbx", str(_RATE), str(seconds)]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            return asyncio.run(measure(port, Path(folder), scraped=scraped))
        finally:
            process.terminate()


def main(seconds: float) -> None:
    print(f"delay of an event while scraped without a pause, {LINES} lines, milliseconds")
    quiet, _ = run(seconds, scraped=False)
    busy, scrapes = run(seconds, scraped=True)
    print(f"{len(scrapes)} scrapes, {median(scrapes):.0f} ms each (median)")
    print(f"{'':12}{'events':>8}{'p50':>8}{'p99':>8}{'p99.9':>8}{'most':>8}")
    for name, delays in (("not scraped", quiet), ("scraped", busy)):
        figures = "".join(f"{_share(delays, share):8.2f}" for share in (0.5, 0.99, 0.999, 1.0))
        print(f"{name:12}{len(delays):8}{figures}")
    late = sum(delay > ALLOWED_MS for delay in busy)
    print(f"{late} of {len(busy)} events waited longer than {ALLOWED_MS:g} ms while scraped")
    print("the 100 longest:", " ".join(f"{delay:.1f}" for delay in sorted(busy)[-100:]))


def _share(delays: Sequence[float], share: float) -> float:
    return sorted(delays)[max(0, round(len(delays) * share) - 1)]


if __name__ == "__main__":
    if sys.argv[1:2] == ["scrape"]:
        scrape(int(sys.argv[2]))
    else:
        main(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0)
