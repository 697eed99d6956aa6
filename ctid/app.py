"""The daemon, put together: configuration, store, pipeline and one connection per PBX."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import structlog

from ctid import __version__, control, last_run, systemd
from ctid.ack_pages import AckPages
from ctid.alert_desk import AlertDesk
from ctid.alert_routes import alert_routes, api_routes
from ctid.by_hand import ByHand
from ctid.collector import calm_the_collector
from ctid.committer import Alarm, Clocks, Deciding, Feed
from ctid.config import Config
from ctid.config.serving import Serving
from ctid.domain.batch import Batch
from ctid.domain.policy import Decided
from ctid.domain.records import Gap, Record
from ctid.housekeeping import Housekeeping
from ctid.machines import Machines
from ctid.outbound.alarm import Alarms, WebhookAlarm
from ctid.outbound.heartbeat import Heartbeat
from ctid.outbound.rates import Keeper, answer_rates
from ctid.outbound.reading import PageReading, Rates, TicketReading, Waiting
from ctid.outbound.tally import Tally
from ctid.overview import Beside, Overview
from ctid.paging import Paging
from ctid.pbxs import Pbxs
from ctid.pipeline import Pipeline
from ctid.reload import Reloader, expected
from ctid.store import db, migrate
from ctid.store.alert_queries import page_backlogs
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from ctid.store.tickets import backlogs, count_returns
from ctid.tickets import Tickets
from ctid.watchdog import Watchdog
from ctid.web import socket_path
from ctid.web.api import ApiServer
from ctid.web.control import ControlServer, Route, SocketError
from ctid.web.listener import Listener
from ctid.web.server import MetricsServer

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
    with db.only_one(db.parse(config.store.url)), contextlib.ExitStack() as stack:
        listeners = Listeners(_listener(stack, config.metrics), _listener(stack, config.api))
        reloads = Reloads(load, hup) if load is not None else None
        return await record(config, stop, listeners=listeners, reloads=reloads)


def _listener(stack: contextlib.ExitStack, settings: Serving) -> Listener | None:
    if settings.address is None:
        return None
    listener = Listener(settings)
    stack.enter_context(listener.socket)
    return listener


@dataclass(frozen=True, slots=True)
class Listeners:
    """Where Prometheus and where programs ask; None: nowhere."""

    metrics: Listener | None = None
    api: Listener | None = None

    def renew(self) -> None:
        """Read certificates and keys again. Raises ServeError."""
        for listener in (self.metrics, self.api):
            if listener is not None:
                listener.renew()


NOWHERE = Listeners()


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
    last = await last_run.read(url, [table.name for table in config.pbx])
    backup_at = await last_run.backup_at(url)
    tally = Tally(time.time)
    tally.expect(*expected(config))
    async with await Store.open(url) as store, asyncio.TaskGroup() as tasks:
        tickets = Tickets(config, store, tasks)
        await tickets.begin()
        paging = Paging(config, store, tasks, _CLOCKS)
        await paging.begin(last)
        alarm = _alarm(config, tasks, paging)
        feeds = _all(
            tally.feed,
            tickets.feed,
            paging.feed,
            lambda batch: machines.feed(batch),  # noqa: PLW0108 - made below
            feed,
        )
        deciding = Deciding(_of_records(tickets, paging), _of_gaps(paging))
        pipeline = _pipeline(config, store, alarm, feeds, deciding)
        last_run.take_up(pipeline, last)
        writing = tasks.create_task(pipeline.run(), name="pipeline")
        pbxs = Pbxs(pipeline, tasks)
        for table in config.pbx:
            pbxs.open(table)
        rates: Keeper[Rates] = Keeper(lambda: _rates(overview.config), {})
        waiting: Keeper[Waiting | None] = Keeper(lambda: _waiting(url), None)
        overview = Overview(
            config,
            pipeline,
            pbxs,
            tally,
            beside=Beside(
                rates.current,
                lambda: TicketReading(tickets.counts(), waiting.current()),
                paging.reading,
                lambda: _pages(paging, waiting.current()),
                lambda: dict(heartbeat.counts),
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
            reloads.load,
            pipeline,
            pbxs,
            overview,
            tally,
            watchdog,
            listeners.renew,
            (tickets, paging, machines),
        )
        side = [
            tasks.create_task(watchdog.run(), name="watchdog"),
            tasks.create_task(housekeeping.run(), name="housekeeping"),
            tasks.create_task(heartbeat.run(), name="heartbeat"),
            tasks.create_task(rates.run(), name="rates"),
            tasks.create_task(waiting.run(), name="waiting"),
            tasks.create_task(_reload_when(reloads.asked, reloader), name="reload"),
        ]
        routes = [
            *control.routes(overview, reloader.reload, housekeeping),
            *control.by_hand_routes(
                ByHand(tickets, pipeline, store, time.time, paging.watching.settled)
            ),
            *alert_routes(desk, time.time),
        ]
        tickets.open()
        paging.open(pipeline, pbxs)
        machines.open()
        log.info("started", version=__version__, pbx=[table.name for table in config.pbx])
        async with (
            _metrics(config, listeners.metrics, overview),
            _api(listeners.api, desk, paging, store, overview),
            _control(config, routes),
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


async def _rates(config: Config) -> Rates:
    lines = [line.name for line in config.line]
    async with await Reader.open(config.store.url) as reader:
        return await answer_rates(reader, lines, config.timezone, time.time())


def _pages(paging: Paging, waiting: Waiting | None) -> PageReading:
    return PageReading(paging.counts(), None if waiting is None else waiting.pages)


async def _waiting(url: str) -> Waiting:
    async with await Reader.open(url) as reader:
        returns = await count_returns(reader, time.time())
        return Waiting(await backlogs(reader), returns, await page_backlogs(reader))


async def _reload_when(asked: asyncio.Event, reloader: Reloader) -> None:
    while True:
        await asked.wait()
        asked.clear()
        await reloader.reload()


@contextlib.asynccontextmanager
async def _metrics(
    config: Config, listener: Listener | None, overview: Overview
) -> AsyncIterator[None]:
    if listener is None:
        yield
        return
    async with MetricsServer(
        listener,
        config.metrics.token,
        read=overview.read,
        troubles=overview.troubles,
        waited_for=overview.waited_for,
    ):
        yield


@contextlib.asynccontextmanager
async def _api(
    listener: Listener | None, desk: AlertDesk, paging: Paging, store: Store, overview: Overview
) -> AsyncIterator[None]:
    if listener is None:
        yield
        return

    def reader() -> Reader:
        return Reader(store.database)

    def config() -> Config:
        return overview.config

    pages = AckPages(desk, reader, paging.links.secret, config, time.time)
    async with ApiServer(
        listener,
        lambda: overview.config.api_token,
        api_routes(desk, reader, time.time),
        pages.routes(),
    ):
        yield


@contextlib.asynccontextmanager
async def _control(config: Config, routes: list[Route]) -> AsyncIterator[None]:
    """Calls are recorded also where nobody can ask about them."""
    path = socket_path.of_daemon(config, os.environ)
    async with contextlib.AsyncExitStack() as stack:
        try:
            server = ControlServer(path, routes)
            await stack.enter_async_context(server)
        except SocketError as error:
            log.warning("no_control_socket", why=str(error))
        yield


def _alarm(config: Config, tasks: asyncio.TaskGroup, paging: Paging) -> Alarm:
    if not config.alert.webhook:
        return paging.alarm
    return Alarms(paging.alarm, WebhookAlarm(config.alert.webhook, tasks))


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
