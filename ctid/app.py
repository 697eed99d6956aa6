"""The daemon, put together: configuration, store, pipeline and one connection per PBX."""

import asyncio
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from ctid import __version__, control, last_run, systemd
from ctid.alert_desk import AlertDesk
from ctid.alert_routes import alert_routes
from ctid.by_hand import ByHand
from ctid.collector import calm_the_collector
from ctid.committer import Alarm, Clocks, Deciding, Feed
from ctid.config import Config
from ctid.domain.batch import Batch
from ctid.domain.policy import Decided
from ctid.domain.records import Gap, Record
from ctid.housekeeping import Housekeeping
from ctid.kept import Kept
from ctid.machines import Machines
from ctid.outbound.alarm import Alarms, WebhookAlarm
from ctid.outbound.heartbeat import Heartbeat
from ctid.outbound.loads import File, Loads
from ctid.outbound.reading import PageReading, TicketReading
from ctid.outbound.tally import Tally
from ctid.overview import Beside, Overview
from ctid.paging import Paging
from ctid.pbxs import Pbxs
from ctid.pipeline import Pipeline
from ctid.reload import Reloader, Sources, expected
from ctid.servers import NOWHERE, Listeners, listening, serving
from ctid.store import db, migrate
from ctid.store.address import database_at
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from ctid.tickets import Tickets
from ctid.watchdog import Watchdog

log = structlog.get_logger("ctid")

_CLOCKS = Clocks(time.time, time.monotonic)


async def serve(config: Config, *, load: Callable[[], Config] | None = None) -> bool:
    """Run until SIGTERM or SIGINT, then end in order. False: not everything could be written.

    `load` reads the configuration again, on SIGHUP; it raises ConfigError. Raises ServeError where
    the address of the metrics cannot be had, StoreUnavailable where the database cannot even be
    prepared.
    """
    stop, hup = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, hup.set)
    calm_the_collector()
    with db.only_one(database_at(config.store.url)), listening(config) as listeners:
        reloads = Reloads(load, hup) if load is not None else None
        return await record(config, stop, listeners=listeners, reloads=reloads)


@dataclass(frozen=True, slots=True)
class Reloads:
    """Where a new configuration comes from, and the event that asks for it."""

    load: Callable[[], Config]
    asked: asyncio.Event


async def record(
    config: Config,
    stop: asyncio.Event,
    *,
    feed: Feed | None = None,
    listeners: Listeners = NOWHERE,
    reloads: Reloads | None = None,
) -> bool:
    """Attach to every PBX and record its calls until `stop`. False, and raises, as `serve`.

    `feed` is told of every batch that was committed. Without `listeners` there are no metrics and
    no API, without `reloads` the configuration stays as it is.
    """
    url = config.store.url
    await migrate.upgrade(url)
    reloads = reloads or Reloads(lambda: config, asyncio.Event())
    last, backup_at = await asyncio.gather(
        last_run.read(url, [table.name for table in config.pbx]), last_run.backup_at(url)
    )
    tally = Tally(time.time)
    tally.expect(*expected(config))
    async with await Store.open(url) as store, asyncio.TaskGroup() as tasks:
        loads = Loads(time.time, [File.CONFIG])
        tickets = Tickets(config, store, tasks, loads)
        await tickets.begin()
        paging = Paging(config, store, tasks, _CLOCKS, loads)
        await paging.begin(last)
        alarm = _alarm(config, tasks, paging)
        feeds = _all(
            tally.feed,
            tickets.feed,
            paging.feed,
            lambda batch: machines.feed(batch),  # noqa: PLW0108 - made below
            feed,
        )
        pipeline = _pipeline(config, store, alarm, feeds, deciding(tickets, paging))
        last_run.take_up(pipeline, last)
        writing = tasks.create_task(pipeline.run(), name="pipeline")
        pbxs = Pbxs(pipeline, tasks)
        pbxs.open_all(config.pbx)
        kept = Kept(url, lambda: overview.config)
        overview = Overview(
            config,
            pipeline,
            pbxs,
            tally,
            beside=Beside(
                kept.rates.current,
                lambda: TicketReading(tickets.counts(), kept.waiting.current()),
                paging.reading,
                lambda: _pages(paging, kept),
                lambda: dict(heartbeat.counts),
                loads.all,
            ),
        )
        heartbeat = Heartbeat(config.heartbeat, overview.troubles)
        overview.backup_at = backup_at
        watchdog = Watchdog(overview)
        housekeeping = Housekeeping(store, lambda: overview.config, time.time, tickets.policy.drop)
        desk = AlertDesk(
            paging.watching,
            pipeline,
            time.time,
            lambda: [line.name for line in overview.config.line],
        )
        machines = Machines(
            config,
            tasks,
            paging.watching.watch,
            desk,
            in_sight=pipeline.all_in_sight,
            render=paging.render,
        )
        reloader = Reloader(
            Sources(reloads.load, listeners.renew, loads),
            pipeline,
            pbxs,
            overview,
            tally,
            watchdog,
            (tickets, paging, machines),
        )
        side = [
            tasks.create_task(watchdog.run(), name="watchdog"),
            tasks.create_task(housekeeping.run(), name="housekeeping"),
            tasks.create_task(heartbeat.run(), name="heartbeat"),
            tasks.create_task(kept.run(), name="kept"),
            tasks.create_task(_reload_when(reloads.asked, reloader), name="reload"),
        ]
        routes = [
            *control.routes(overview, reloader.reload, housekeeping),
            *control.by_hand_routes(ByHand(tickets, paging.watching, pipeline, store, time.time)),
            *alert_routes(desk, time.time),
        ]
        tickets.open()
        paging.open(pipeline, pbxs)
        machines.open()
        log.info("started", version=__version__, pbx=[table.name for table in config.pbx])
        async with serving(
            listeners,
            overview,
            desk,
            lambda: Reader(store.database),
            paging.links.secret,
            routes,
        ):
            await stop.wait()
            systemd.notify("STOPPING=1")
            log.info("stopping")
            await reloader.close()
        for task in side:
            task.cancel()
        # before the PBXs go out of sight: that is not to be told
        paging.stop_watching()
        await pbxs.close(list(pbxs.connections))
        pipeline.stop()
        await writing
        await tickets.close()
        await paging.close()
        await machines.close()
        alarm.close()
    log.info("stopped")
    return not pipeline.unwritten


def _pages(paging: Paging, kept: Kept) -> PageReading:
    waiting = kept.waiting.current()
    return PageReading(paging.counts(), None if waiting is None else waiting.pages)


async def _reload_when(asked: asyncio.Event, reloader: Reloader) -> None:
    while True:
        await asked.wait()
        asked.clear()
        await reloader.reload()


def _alarm(config: Config, tasks: asyncio.TaskGroup, paging: Paging) -> Alarm:
    if not config.alert.webhook:
        return paging.alarm
    return Alarms(paging.alarm, WebhookAlarm(config.alert.webhook, tasks))


def deciding(tickets: Tickets, paging: Paging) -> Deciding:
    """What follows from what happens, put together out of both."""
    return Deciding(
        _of_records(tickets, paging),
        _of_gaps(paging),
        tickets.policy.next_timer,
        _of_time(tickets, paging),
    )


def _of_records(tickets: Tickets, paging: Paging) -> Callable[[Sequence[Record], float], Decided]:
    """What follows from records: who has to be called back, which ticket, and who is told."""

    def decide(records: Sequence[Record], now: float) -> Decided:
        decided = tickets.decide(records, now)
        told = paging.watching.records(records, decided.returns)
        return Decided(decided.returns, decided.wanted, told.alerts, told.pages, told.silences)

    return decide


def _of_gaps(paging: Paging) -> Callable[[Gap], Decided]:
    def decide(gap: Gap) -> Decided:
        told = paging.watching.gap(gap)
        return Decided(alerts=told.alerts, pages=told.pages, silences=told.silences)

    return decide


def _of_time(tickets: Tickets, paging: Paging) -> Callable[[str, float, float], Decided]:
    """What follows from a call-back that goes on: its ticket, and the alert that is over by it."""

    def decide(pbx: str, pbx_now: float, now: float) -> Decided:
        decided = tickets.handle_timer(pbx, pbx_now, now)
        told = paging.watching.reached(pbx, decided.returns)
        return Decided(decided.returns, decided.wanted, told.alerts, told.pages, told.silences)

    return decide


def _all(*feeds: Feed | None) -> Feed:
    told = [feed for feed in feeds if feed is not None]

    def feed(batch: Batch) -> None:
        for each in told:
            each(batch)

    return feed


def _pipeline(config: Config, store: Store, alarm: Alarm, feed: Feed, decide: Deciding) -> Pipeline:
    directories = {table.name: config.directory(table.name) for table in config.pbx}
    delay = config.store.commit_delay_ms / 1000
    return Pipeline(
        directories,
        store,
        _CLOCKS,
        commit_delay=delay,
        alarm=alarm,
        feed=feed,
        decide=decide,
    )
