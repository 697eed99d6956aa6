"""Alerts, put together: the watch, the roster it asks, and a worker for each channel."""

import asyncio
import contextlib
import random
import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from ctid import observing
from ctid.committer import Clocks
from ctid.config import Config
from ctid.config.channels import Channel as ChannelTable
from ctid.config.watching import plan
from ctid.domain import weekly
from ctid.domain.alerts import Alert, Firing, Kind, Page, Recipient, Route
from ctid.domain.batch import Batch
from ctid.domain.drafts import LineName
from ctid.domain.presence import Presence
from ctid.domain.roster import Person, Roster
from ctid.last_run import LastRun
from ctid.outbound.loads import Loads
from ctid.outbound.pages.ages import Ages
from ctid.outbound.pages.alarm import PagingAlarm
from ctid.outbound.pages.channels import open_channel, origin_of
from ctid.outbound.pages.deliveries import PageDeliveries
from ctid.outbound.pages.port import Message
from ctid.outbound.pages.rendering import Pages
from ctid.outbound.pages.worker import PageWorker
from ctid.outbound.reading import AlertReading
from ctid.outbound.roster_file import RosterFile
from ctid.outbound.workers import Workers
from ctid.pbxs import Pbxs
from ctid.pipeline import Pipeline
from ctid.store import alert_queries, marks, tickets
from ctid.store.errors import StoreUnavailable
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from ctid.store.secrets import LINKS, kept_secret
from ctid.watching import Watching
from ctid.web.links import SECRET_BYTES, AckLinks

log = structlog.get_logger("ctid")

OBSERVE_SECONDS: Final = 15.0
_DISMISSED_SECONDS: Final = 31 * 86_400.0
"""So long a condition may go on that somebody resolved: the answer rate of a month."""


class Paging:
    """Decides who is told of what, and has it delivered.

    Every worker is a task of `tasks`; so is who looks at the clock and who follows the roster.
    `loads` tells how reading files went.
    """

    def __init__(
        self, config: Config, store: Store, tasks: asyncio.TaskGroup, clocks: Clocks, loads: Loads
    ) -> None:
        self._config = config
        self._store = store
        self._tasks = tasks
        self._clocks = clocks
        self._loads = loads
        self._roster = RosterFile(config, loads)
        self._following: asyncio.Task[None] | None = None
        self._side: list[asyncio.Task[None]] = []
        # what there was an alert about since its day or month began
        self._low: set[observing.RatePeriod] = set()
        self._ages = Ages(clocks.wall, clocks.monotonic)
        self._workers = Workers[ChannelTable, PageWorker](tasks, "pages by", self._worker)
        # only once `begin` has read the secret is there a link
        self.links = AckLinks(b"", None)
        self._pages = _pages(config, self._link)
        self.watching = Watching(config, self._on_roster, clocks)
        self.alarm = PagingAlarm(
            tasks,
            plan=plan(config),
            roster=self._on_roster,
            channels=self._workers.get,
            render=self.render,
            unanswered=self._unanswered,
            clock=clocks.wall,
        )

    async def begin(self, last: Mapping[str, LastRun]) -> None:
        """Take up what the last daemon committed. Raises StoreUnavailable."""
        await self._roster.refresh()
        fresh = secrets.token_bytes(SECRET_BYTES)
        secret = await kept_secret(self._store, LINKS, fresh)
        self.links = AckLinks(secret, self._config.alert.public_url)
        seen = {pbx: run.seen.seen_until for pbx, run in last.items() if run.seen is not None}
        now = self._clocks.wall()
        async with Reader(self._store.database) as reader:
            alerts = await alert_queries.open_alerts(reader)
            alerts += await alert_queries.resolved_by_people(reader, now - _DISMISSED_SECONDS)
            await self.watching.restore(
                reader,
                self._config,
                alerts,
                await alert_queries.silences(reader, now),
                (
                    await alert_queries.highest_number(reader),
                    await alert_queries.highest_silence(reader),
                ),
                seen,
            )

    def open(self, pipeline: Pipeline, pbxs: Pbxs) -> None:
        """Begin to watch, and to deliver."""
        self.deliver()
        self._follow()

        async def ask(lines: Collection[str]) -> Mapping[str, Presence]:
            config = self._config
            wanted = [line for line in config.lines() if line.name in lines]
            return await pbxs.presence(wanted, config.agents)

        self._side = [
            self._tasks.create_task(self.watching.run(pipeline, ask), name="watch"),
            self._tasks.create_task(self._observe(), name="observing"),
            self._tasks.create_task(self.alarm.run(), name="alarm"),
        ]

    def deliver(self) -> None:
        """Begin to deliver by every channel by which nobody delivers yet."""
        self._workers.open(self._config.channels.all())

    def _worker(self, table: ChannelTable) -> PageWorker:
        return PageWorker(
            table,
            open_channel(table, origin_of(self._config)),
            self._store,
            self.render,
            ages=self._ages,
            jitter=random.random,
            wake=self.wake,
            known=self._names,
        )

    def feed(self, batch: Batch) -> None:
        """A batch is on disk: its pages are due."""
        for name in {route.channel for page in batch.pages for route in page.recipient.routes[:1]}:
            self.wake(name)

    def wake(self, name: str) -> None:
        """Something may be due for this channel."""
        if (worker := self._workers.get(name)) is not None:
            worker.wake()

    @property
    def is_idle(self) -> bool:
        """Whether no page is under way, and none is about to be."""
        workers = all(worker.is_idle for _, worker in self._workers)
        return workers and not self._workers.finishing() and not self.alarm.is_sending

    async def refresh_roster(self) -> None:
        """Read the roster again now, if its file changed."""
        await self._roster.refresh()

    async def use(self, config: Config) -> None:
        """Go on by another configuration; a channel that changed is closed and opened anew."""
        self._config = config
        self.links = AckLinks(self.links.secret, config.alert.public_url)
        self._pages = _pages(config, self._link)
        self._roster = RosterFile(config, self._loads, self._roster.current())
        await self._roster.refresh()
        self._follow()
        self.alarm.use(plan(config))
        await self._workers.end(config.channels.all())
        for _, worker in self._workers:
            worker.hurry()
        self.deliver()
        with contextlib.suppress(StoreUnavailable):  # what failed is told by the committer
            async with Reader(self._store.database) as reader:
                lately = self._clocks.wall() - _DISMISSED_SECONDS
                people = await alert_queries.resolved_by_people(reader, lately)
                await self.watching.read(reader, config, people)
        self.watching.use(config)

    async def close(self) -> None:
        """Watch and deliver no more; returns when what was under way has ended."""
        self.stop_watching()
        if self._following is not None:
            self._following.cancel()
        self.alarm.close()
        await self._workers.close()

    def stop_watching(self) -> None:
        """Decide nothing more by the clock."""
        for task in self._side:
            task.cancel()

    def counts(self) -> dict[str, PageDeliveries]:
        """How deliveries went, by channel."""
        return {name: worker.counts.copy() for name, worker in self._workers}

    def reading(self) -> AlertReading:
        """What is wrong now, as numbers."""
        now = self._clocks.wall()
        watch = self.watching.watch
        alerts = watch.alerting.open_alerts()
        return AlertReading(
            watch.unanswered_seconds(now),
            Counter((alert.kind, type(alert.state).__name__.lower()) for alert in alerts),
            sum(watch.alerting.is_silenced(alert, now) for alert in alerts),
        )

    # -- inside -----------------------------------------------------------------------------------

    def _follow(self) -> None:
        if self._following is not None:
            self._following.cancel()
        self._following = self._tasks.create_task(self._roster.watch(), name="roster")

    def _names(self) -> Collection[str]:
        # what goes by a channel that was taken out, and may arrive yet, is for no other one
        return {table.name for table in self._config.channels.all()} | self._workers.finishing()

    def _on_roster(self) -> Roster:
        return self._roster.current()

    def render(self, pages: list[Page], address: str | None, now: float) -> Message:
        """Pages to one recipient as one message, by the configuration in force."""
        return self._pages.render(pages, address, now)

    def _link(self, page: Page) -> str | None:
        return self.links.link(page)

    def _unanswered(self) -> list[Alert]:
        alerting, now = self.watching.watch.alerting, self._clocks.wall()
        return [
            alert
            for alert in alerting.open_of(Kind.UNANSWERED)
            if isinstance(alert.state, Firing) and not alerting.is_silenced(alert, now)
        ]

    async def _observe(self) -> None:
        while True:
            await asyncio.sleep(OBSERVE_SECONDS)
            try:
                await self.observe()
                await self.test_weekly()
            except StoreUnavailable:
                pass  # the writer tells of it
            except Exception:
                # a fault of ours must not stop the recording of calls
                log.exception("observing_fault")

    async def observe(self) -> None:
        """Look at what no call tells of. Raises StoreUnavailable."""
        config, now = self._config, self._clocks.wall()
        alerting = self.watching.watch.alerting
        low = {
            observing.RatePeriod(alert.line, alert.about, alert.since)
            for alert in alerting.open_of(Kind.ANSWER_RATE)
        }
        self._low |= low
        async with Reader(self._store.database) as reader:
            rates = await observing.low_rates(reader, config, now, self._low - low)
            drafts = await tickets.backlogs(reader)
            pages = await alert_queries.pages_not_arrived(
                reader, self._names(), now - _DISMISSED_SECONDS
            )
        watching = self.watching
        begun = observing.periods(config, now)
        watching.observed(Kind.ANSWER_RATE, rates, begun)
        self._low = {low for low in self._low if begun.get(low[:2]) == low.since}
        waiting = {name: found.waiting for name, found in drafts.items()}
        stuck = observing.stuck(waiting, pages, config, now)
        watching.observed(Kind.DELIVERY_STUCK, stuck)
        # beside the loop: with many lines and shifts it takes long
        roster = self._roster.current()
        unstaffed = await asyncio.to_thread(observing.unstaffed, roster, config, now)
        watching.observed(Kind.ROSTER_GAP, unstaffed)
        ending = observing.ending(config.calendars(), config.timezone, now)
        watching.observed(Kind.CALENDAR_ENDING, ending)
        known = {alert.about for alert in alerting.open_of(Kind.NOT_RELOADED)}
        watching.observed(Kind.NOT_RELOADED, observing.not_reloaded(self._loads.all(), now, known))
        watching.change(lambda watch, at: watch.alerting.seek(at))

    async def test_weekly(self) -> None:
        """Try every channel, once after each moment of the plan. Raises StoreUnavailable."""
        config, now = self._config, self._clocks.wall()
        if not config.alert.weekly_test:
            return
        due = weekly.latest(config.alert.weekly_test, config.timezone, now)
        async with Reader(self._store.database) as reader:
            last = await reader.mark(marks.WEEKLY_TEST)
        if last is not None and last >= due:
            return
        await marks.set_mark(self._store, marks.WEEKLY_TEST, now)
        if last is None:
            return  # just installed: the first one comes when its time comes
        whom = channels_to_prove(
            [table.name for table in config.channels.all()],
            config.alert.channels,
            self._roster.current().everyone(None),
        )
        alert = self.watching.change(lambda watch, at: watch.prove(whom, "weekly_test", at))
        channels = [one.routes[0].channel for one in whom]
        log.info("weekly_test", alert=alert.number, channels=channels)


def channels_to_prove(
    names: Iterable[str], told: Collection[str], people: Iterable[Person]
) -> list[Recipient]:
    """For each channel one who is paged by it: a channel that is told, else the first person."""
    found: dict[str, Recipient] = {}
    for person in people:
        for route in person.routes:
            # by a name of its own: nobody is paged twice under one name
            name = f"{person.name} ({route.channel})"
            found.setdefault(route.channel, Recipient(name, None, (route,), person.language))
    for name in told:
        found[name] = Recipient(name, None, (Route(name),))
    return [found[name] for name in names if name in found]


def _pages(config: Config, link: Callable[[Page], str | None]) -> Pages:
    return Pages(
        config.site,
        ZoneInfo(config.timezone),
        {line.name: ZoneInfo(line.zone) for line in config.lines()},
        config.alert.language,
        {line.name: LineName(line.name, line.title, line.specialty) for line in config.lines()},
        link,
    )
