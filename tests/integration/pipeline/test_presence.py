"""All PBXs asked at once: one desk on two of them, one of which is not there."""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from ctid.committer import Clocks
from ctid.config import Config
from ctid.domain.batch import Batch
from ctid.domain.lines import Line
from ctid.domain.presence import PhoneState
from ctid.outbound.alarm import NoAlarm
from ctid.pbxs import Pbxs
from ctid.pipeline import Pipeline
from ctid.sim.server import SimulatedPbx
from ctid.sim.template import Member, Template
from tests.integration.ami.watched import pbx
from tests.truth import CAPTURES
from tests.waiting import until

SECRET = "made-up"
CALL = Template((CAPTURES / "direct_answered.ami").read_bytes())
NONE: frozenset[str] = frozenset()
NETWORK, SAP = Member("net", "", "PJSIP/1", "PJSIP/1"), Member("sap", "", "PJSIP/2", "PJSIP/2")
IDLE, UNREGISTERED = PhoneState.IDLE, PhoneState.UNREGISTERED


class Store:
    async def commit(self, batch: Batch) -> None:
        """Nothing is kept."""


def line(name: str, *queues: str, agents: tuple[str, ...] = ()) -> Line:
    return Line(name, "", "", frozenset(queues), (), NONE, frozenset(agents), None, "UTC", 0.75)


LINES = (line("net", "net"), line("sap", "sap"), line("direct", agents=("PJSIP/3",)))


@asynccontextmanager
async def running(*servers: SimulatedPbx) -> AsyncIterator[Pbxs]:
    """The daemon's connections to these, named a, b ..."""
    async with AsyncExitStack() as stack:
        for server in servers:
            await stack.enter_async_context(server)
        settings = [
            pbx(server, secret=SECRET, name=name)
            for name, server in zip("ab", servers, strict=False)
        ]
        config = Config(pbx=tuple(settings))
        pipeline = Pipeline(
            {table.name: config.directory(table.name) for table in settings},
            Store(),
            Clocks(time.time, time.monotonic),
            commit_delay=0.0,
            alarm=NoAlarm(),
        )
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        pbxs = Pbxs(pipeline, tasks)
        writing = tasks.create_task(pipeline.run())
        for table in settings:
            pbxs.open(table)
        try:
            await until(lambda: all(c.counts.attached for c in pbxs.connections.values()))
            yield pbxs
        finally:
            await pbxs.close(list(pbxs.connections))
            pipeline.stop()
            await writing


def simulated(*members: Member) -> SimulatedPbx:
    made = SimulatedPbx(SECRET, {"it": CALL}, clock=lambda: CALL.begin, speed=math.inf)
    made.log_in(*members)
    return made


async def phones(pbxs: Pbxs) -> dict[str, list[PhoneState]]:
    found = await pbxs.presence(LINES, {}, 5.0)
    return {name: [seat.phone for seat in one.seats] for name, one in found.items()}


async def test_each_line_is_told_of_by_the_pbx_that_has_it() -> None:
    one, two = simulated(NETWORK), simulated(SAP)
    two.unplug("PJSIP/2")
    async with running(one, two) as pbxs:
        assert await phones(pbxs) == {"net": [IDLE], "sap": [UNREGISTERED], "direct": [IDLE]}


async def test_nothing_is_said_of_a_line_whose_pbx_is_not_there() -> None:
    one, two = simulated(NETWORK), simulated(SAP)
    async with running(one, two) as pbxs:
        await pbxs.close(["b"])
        assert await phones(pbxs) == {"net": [IDLE], "direct": [IDLE]}
        await pbxs.close(["a"])
        assert await phones(pbxs) == {}
