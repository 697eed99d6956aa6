"""ctid, put together as `ctid.app` does it, for whom no time passes but the story's.

Left out are the connections to PBXs and all that looks at the clock by itself: a story says what
the PBX tells and what time it is, and `settle` lets everything happen that follows from it.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping

from ctid import last_run
from ctid.alert_desk import AlertDesk
from ctid.app import deciding
from ctid.by_hand import ByHand
from ctid.committer import Clocks
from ctid.config import Config
from ctid.domain import events as ev
from ctid.domain.presence import Presence, Seat
from ctid.outbound.loads import Loads
from ctid.paging import Paging
from ctid.pipeline import Pipeline
from ctid.store import pages
from ctid.store import tickets as stored
from ctid.store.errors import StoreUnavailable
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from ctid.tickets import Tickets
from tests.waiting import until

_ASKED_AHEAD_SECONDS = 2.0


class Daemon:
    """One run of it. `seats` are who could answer, by line, as the PBX says when it is asked."""

    store: Store
    pipeline: Pipeline
    paging: Paging
    tickets: Tickets
    desk: AlertDesk
    by_hand: ByHand

    def __init__(
        self, config: Config, clocks: Clocks, seats: Mapping[str, tuple[Seat, ...]]
    ) -> None:
        self.config = config
        self._clocks = clocks
        self._seats = seats
        self._is_up = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    # -- its life ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Be up: what was committed is taken up, nothing is decided yet."""
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._run(), name="daemon")
        up = loop.create_task(self._is_up.wait(), name="up")
        await asyncio.wait({self._task, up}, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        if self._task.done():
            await self._task

    async def kill(self) -> None:
        """End without a farewell, as by SIGKILL: what is not on disk is lost."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        config, clocks = self.config, self._clocks
        last = await last_run.read(config.store.url, [table.name for table in config.pbx])
        async with (
            await Store.open(config.store.url, busy_timeout_seconds=0.1) as store,
            asyncio.TaskGroup() as tasks,
        ):
            self.store = store
            loads = Loads(clocks.wall)
            self.tickets = Tickets(config, store, tasks, loads)
            await self.tickets.begin()
            self.paging = Paging(config, store, tasks, clocks, loads)
            await self.paging.begin(last)
            self.pipeline = Pipeline(
                {table.name: config.directory(table.name) for table in config.pbx},
                store,
                clocks,
                commit_delay=0.0,
                alarm=self.paging.alarm,
                feed=self.paging.feed,
                decide=deciding(self.tickets, self.paging),
            )
            last_run.take_up(self.pipeline, last)
            tasks.create_task(self.pipeline.run(), name="pipeline")
            self.paging.deliver()
            self.paging.watching.connect(self.pipeline)
            self.desk = AlertDesk(self.paging.watching, self.pipeline, clocks.wall, self._lines)
            self.by_hand = ByHand(
                self.tickets, self.paging.watching, self.pipeline, store, clocks.wall
            )
            self._is_up.set()
            await asyncio.Event().wait()

    def _lines(self) -> Iterable[str]:
        return [line.name for line in self.config.line]

    # -- what happens -----------------------------------------------------------------------------

    async def begin(self) -> None:
        """The PBXs had their time to tell what happened meanwhile."""
        await self._write()
        self._present(self._lines())
        self.paging.watching.begin()

    async def take(self, pbx: str, told: list[ev.Event]) -> None:
        """What the PBX tells, and all that follows from it now."""
        if told:
            self.pipeline.deliver(pbx, told)
        await self.settle()

    async def settle(self) -> None:
        """Let everything happen that is due now; returns when nothing is under way any more."""
        self.pipeline.tick()
        now = self._clocks.wall()
        self._present(self.paging.watching.watch.soon(now + _ASKED_AHEAD_SECONDS))
        self.paging.watching.turn()
        self.paging.alarm.handle_timer()
        await self._write()
        due = await self._page_due()
        if due is not None and due <= self._clocks.wall():
            for table in self.config.channels.all():
                self.paging.wake(table.name)
        await until(lambda: self.paging.is_idle)

    async def observe(self) -> None:
        """Look at what no call tells of, as ctid does every 15 seconds."""
        with contextlib.suppress(StoreUnavailable):
            await self.paging.observe()
            await self.paging.test_weekly()
        await self.settle()

    async def next_due(self) -> float | None:
        """When something is due next."""
        dues = [self.paging.watching.watch.next_timer(), self.paging.alarm.next_timer()]
        dues.append(await self._page_due())
        if self.pipeline.all_in_sight():
            for table in self.config.pbx:
                due = self.tickets.policy.next_timer(table.name)
                dues.append(None if due is None else due - self.pipeline.skew(table.name))
        return min((due for due in dues if due is not None), default=None)

    async def _page_due(self) -> float | None:
        with contextlib.suppress(StoreUnavailable):
            # of every channel, as none is known
            return await self.store.transaction(
                lambda connection: pages.next_due(connection, "", known=())
            )
        return None

    async def ticket_stages(self) -> list[str]:
        """What the tickets that were decided say of their calls, in no order."""
        async with Reader(self.store.database) as reader:
            found = await stored.deliveries(reader)
        return [delivery.stage.value for delivery in found]

    async def use(self, config: Config) -> None:
        """Go on by another configuration."""
        self.config = config
        await self.tickets.use(config)
        await self.paging.use(config)
        for table in config.pbx:
            self.pipeline.watch(table.name, config.directory(table.name))
        await self.settle()

    async def _write(self) -> None:
        with contextlib.suppress(StoreUnavailable):
            await self.pipeline.written()

    def _present(self, lines: Iterable[str]) -> None:
        now = self._clocks.wall()
        self.paging.watching.watch.present(
            {line: Presence(line, now, self._seats[line]) for line in lines if line in self._seats}
        )
