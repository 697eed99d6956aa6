"""What systemd is told when a part of the daemon stands still, and when only the world does."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ctid.committer import Clocks
from ctid.config import Config
from ctid.domain.batch import Batch
from ctid.outbound.alarm import NoAlarm
from ctid.outbound.tally import Tally
from ctid.overview import STUCK_SECONDS, Overview
from ctid.pbxs import Pbxs
from ctid.pipeline import Pipeline
from ctid.store.errors import StoreReason, StoreUnavailable
from ctid.watchdog import Watchdog
from tests.integration.ami.fake_server import FakeAmi
from tests.integration.ami.watched import pbx
from tests.waiting import until

TEN_SECONDS = {"WATCHDOG_USEC": "10000000"}


class Store:
    """Fails, hangs or writes, as it is told."""

    def __init__(self) -> None:
        self.error: StoreUnavailable | None = None
        self.free = asyncio.Event()
        self.free.set()

    async def commit(self, batch: Batch) -> None:  # noqa: ARG002 - the protocol has it
        await self.free.wait()
        if self.error is not None:
            raise self.error


class Parts:
    """A daemon's parts; `later` lets the watchdog believe that so many seconds went by."""

    def __init__(self, server: FakeAmi, tasks: asyncio.TaskGroup) -> None:
        settings = pbx(server)
        config = Config(pbx=(settings,))
        self.store = Store()
        self.pipeline = Pipeline(
            {"main": config.directory("main")},
            self.store,
            Clocks(time.time, time.monotonic),
            commit_delay=0.0,
            alarm=NoAlarm(),
        )
        self.pbxs = Pbxs(self.pipeline, tasks)
        self.pbxs.open(settings)
        self.later = 0.0
        self.overview = Overview(
            config,
            self.pipeline,
            self.pbxs,
            Tally(time.time),
            monotonic=lambda: time.monotonic() + self.later,
        )
        self.told: list[str] = []
        self.watchdog = Watchdog(self.overview, notify=self.told.append, environ=TEN_SECONDS)

    def fed(self) -> bool:
        """Whether a look now gives a sign of life."""
        self.told.clear()
        self.watchdog.look()
        return "WATCHDOG=1" in self.told


@asynccontextmanager
async def parts() -> AsyncIterator[Parts]:
    async with FakeAmi() as server, asyncio.TaskGroup() as tasks:
        made = Parts(server, tasks)
        writing = tasks.create_task(made.pipeline.run())
        try:
            yield made
        finally:
            made.store.free.set()
            made.store.error = None
            await made.pbxs.close(["main"])
            made.pipeline.stop()
            await writing


async def test_fed_while_all_goes_on() -> None:
    async with parts() as made:
        await until(lambda: made.pbxs.connections["main"].counts.attached == 1)
        assert made.fed()
        assert made.overview.troubles() == []


async def test_a_commit_that_hangs_is_no_sign_of_life() -> None:
    async with parts() as made:
        made.store.free.clear()
        await until(lambda: made.pipeline.committer.committing_since is not None)
        assert made.fed()
        made.later = STUCK_SECONDS + 1
        assert not made.fed()
        assert any(line.startswith("store: a commit has") for line in made.overview.troubles())


async def test_timers_that_stand_still_are_none() -> None:
    async with parts() as made:
        await until(lambda: made.pbxs.connections["main"].counts.attached == 1)
        made.later = STUCK_SECONDS + 1
        assert not made.fed()
        assert [line.partition(":")[0] for line in made.overview.stuck()] == ["timers"]


async def test_a_reader_that_takes_nothing_is_none() -> None:
    async with parts() as made:
        await until(lambda: made.pbxs.connections["main"].counts.attached == 1)
        made.later = 60.0 + 5.0 + STUCK_SECONDS + 1
        assert "reader of main" in [line.partition(":")[0] for line in made.overview.stuck()]


async def test_a_full_disk_is_no_reason_to_restart() -> None:
    async with parts() as made:
        made.store.error = StoreUnavailable(StoreReason.FULL, "database x: full; free space")
        await until(lambda: made.pipeline.committer.health.store_error is not None)
        assert made.fed()
        assert made.overview.troubles() == ["store: database x: full; free space"]
        assert made.overview.summary().startswith("cannot write: database x")


async def test_without_a_watchdog_nobody_is_fed() -> None:
    async with parts() as made:
        for environ in ({}, {"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "1"}):
            told: list[str] = []
            Watchdog(made.overview, notify=told.append, environ=environ).look()
            assert told != []
            assert "WATCHDOG=1" not in told
