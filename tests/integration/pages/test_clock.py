"""The clock is set while pages wait, or are under way."""

import pytest

from ctid.outbound.pages.ages import Ages
from ctid.outbound.port import Reason
from ctid.store.pages import PageState
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from tests.integration.pages.paging import Desk
from tests.integration.pages.test_worker import to
from tests.waiting import until


@pytest.fixture
def desk(store: Store, reader: Reader) -> Desk:
    return Desk(store, reader)


async def test_a_clock_set_forward_does_not_send_twice_what_is_under_way(desk: Desk) -> None:
    robot = desk.phones["robot"]
    robot.gate.clear()
    await desk.want(to(1))
    async with desk.working(robot={}):
        await until(lambda: robot.under_way == 1)
        desk.pass_time(86_400.0)
        await desk.want(to(2))
        await until(lambda: robot.under_way == 2)
        robot.gate.set()
        await desk.settled(PageState.DELIVERED, 1, 2)
    assert [message.key for message in robot.began] == ["1-0", "2-0"]


@pytest.mark.parametrize("step", [-86_400.0, -240.0])
async def test_a_clock_set_back_delays_nothing(desk: Desk, step: float) -> None:
    robot = desk.phones["robot"]
    robot.faults, robot.retry_after = [Reason.BUSY], 300.0
    await desk.want(to(1))
    async with desk.working(robot={"per_minute": 3}):
        await desk.seen(lambda row: row.attempts == 1)
        desk.set_clock(step)
        await desk.settled(PageState.DELIVERED, 1)
        # decided by the old clock
        await desk.want(to(2), to(3))
        await desk.settled(PageState.DELIVERED, 2, 3)


@pytest.mark.parametrize("step", [3660.0, -3660.0])
async def test_a_page_is_tried_for_an_hour_however_the_clock_is_set(
    desk: Desk, step: float
) -> None:
    robot = desk.phones["robot"]
    robot.down = Reason.UNREACHABLE
    await desk.want(to(1), to(2))
    async with desk.working(robot={}):
        for number in (1, 2):
            await desk.seen(lambda row: row.attempts == 1, number)
        began = desk.clock.now
        # while it waits
        desk.set_clock(step)
        desk.pass_time(2.0)
        row = await desk.seen(lambda row: row.attempts == 2)
        assert row.state is PageState.PENDING
        assert row.began_at == pytest.approx(began + step)
        # while it is under way
        await desk.seen(lambda row: row.attempts == 2, 2)
        robot.gate.clear()
        desk.pass_time(3.0)
        await until(lambda: robot.under_way == 2)
        desk.set_clock(step)
        robot.gate.set()
        for number in (1, 2):
            row = await desk.seen(lambda row: row.attempts == 3, number)
            assert row.state is PageState.PENDING
        # the hour is over
        desk.pass_time(3600.0)
        await desk.settled(PageState.FAILED, 1, 2)


async def test_the_next_daemon_knows_how_long_a_page_was_tried(desk: Desk) -> None:
    desk.phones["robot"].down = Reason.UNREACHABLE
    await desk.want(to(1))
    async with desk.working(robot={}):
        await desk.seen(lambda row: row.attempts == 1)
        desk.set_clock(-86_400.0)
        await desk.seen(lambda row: row.attempts == 2)
        desk.pass_time(1800.0)
        await desk.seen(lambda row: row.attempts == 3)
    desk.ages = Ages(desk.clock, lambda: desk.ticks)
    async with desk.working(robot={}):
        desk.pass_time(1700.0)
        await desk.seen(lambda row: row.attempts == 4)
        desk.pass_time(200.0)
        await desk.settled(PageState.FAILED, 1)
