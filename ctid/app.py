"""The daemon, put together: configuration, store, pipeline and one connection per PBX."""

import asyncio
import gc
import signal
import time
from dataclasses import dataclass
from functools import partial

import structlog

from ctid import __version__, housekeeping, systemd
from ctid.ami.connection import Connection
from ctid.config import Config, Pbx
from ctid.domain.records import Gap, OpenCall, Seen
from ctid.outbound.alarm import NoAlarm, WebhookAlarm
from ctid.pipeline import Alarm, Clocks, Pipeline
from ctid.store import db, migrate
from ctid.store.queries import Reader
from ctid.store.recorder import Store

log = structlog.get_logger("ctid")


async def serve(config: Config) -> bool:
    """Run until SIGTERM or SIGINT, then end in order. False: not everything could be written.

    Raises StoreUnavailable where the database cannot even be prepared.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    url = config.store.url
    calm_the_collector()
    with db.only_one(db.parse(url)):
        return await _serve(config, url, stop)


async def _serve(config: Config, url: str, stop: asyncio.Event) -> bool:
    await migrate.upgrade(url)
    last = await _last_run(config)
    async with await Store.open(url) as store, asyncio.TaskGroup() as tasks:
        alarm = _alarm(config, tasks)
        pipeline = _pipeline(config, store, alarm)
        for name, run in last.items():
            pipeline.restore(name, run.open_calls, run.seen, run.gap)
        writing = tasks.create_task(pipeline.run(), name="pipeline")
        keeping = tasks.create_task(housekeeping.run(store, config, time.time), name="housekeeping")
        connections = [_connection(table, pipeline, last[table.name]) for table in config.pbx]
        reading = [tasks.create_task(connection.run()) for connection in connections]
        log.info("started", version=__version__, pbx=[table.name for table in config.pbx])
        systemd.notify("READY=1")
        await stop.wait()
        systemd.notify("STOPPING=1")
        log.info("stopping")
        for connection in connections:
            await connection.close()
        await asyncio.gather(*reading)
        keeping.cancel()
        pipeline.stop()
        await writing
        alarm.close()
    log.info("stopped")
    return not pipeline.unwritten


def calm_the_collector() -> None:
    """Collect garbage rarely: nothing here is cyclic, and open calls are many and live for long.

    With Python's own thresholds a twelfth of all time goes into looking at them again and again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


def _alarm(config: Config, tasks: asyncio.TaskGroup) -> Alarm:
    return WebhookAlarm(config.alert.webhook, tasks) if config.alert.webhook else NoAlarm()


def _pipeline(config: Config, store: Store, alarm: Alarm) -> Pipeline:
    directories = {table.name: config.directory(table.name) for table in config.pbx}
    clocks = Clocks(time.time, time.monotonic)
    delay = config.store.commit_delay_ms / 1000
    return Pipeline(directories, store, clocks, commit_delay=delay, alarm=alarm)


def _connection(pbx: Pbx, pipeline: Pipeline, last: "_LastRun") -> Connection:
    return Connection(
        pbx,
        partial(pipeline.deliver, pbx.name),
        started=last.seen.started if last.seen else None,
        on_started=partial(pipeline.pbx_started, pbx.name),
    )


@dataclass(frozen=True, slots=True)
class _LastRun:
    """What the last daemon left of one PBX."""

    open_calls: list[OpenCall]
    seen: Seen | None
    gap: Gap | None


async def _last_run(config: Config) -> dict[str, _LastRun]:
    found: dict[str, _LastRun] = {}
    async with await Reader.open(config.store.url) as reader:
        for table in config.pbx:
            calls = await reader.open_calls(table.name)
            gaps = await reader.open_gaps(table.name)
            seen = await reader.seen(table.name)
            found[table.name] = _LastRun(calls, seen, gaps[0] if gaps else None)
            if calls:
                log.info("restored", pbx=table.name, open_calls=len(calls))
    return found
