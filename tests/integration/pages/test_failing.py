"""A channel that fails, a bad address, a store that cannot be written, a fault of ours."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from ctid.domain.alerts import Page, Route
from ctid.outbound.port import Reason
from ctid.store.pages import PageState
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from tests.integration.pages.paging import Desk
from tests.integration.pages.test_worker import BOTH, to
from tests.waiting import until


@pytest.fixture
def desk(store: Store, reader: Reader) -> Desk:
    return Desk(store, reader)


def at(number: int, address: str | None) -> Page:
    return to(number, Route("robot", address), Route("mail"))


@asynccontextmanager
async def locked(path: Path) -> AsyncIterator[None]:
    """Another program keeps ctid from writing."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


async def test_what_arrived_while_the_store_could_not_be_written_is_not_sent_again(
    sqlite_url: str, sqlite_path: Path
) -> None:
    async with (
        await Store.open(sqlite_url, busy_timeout_seconds=0.1) as store,
        await Reader.open(sqlite_url) as reader,
    ):
        desk = Desk(store, reader)
        robot = desk.phones["robot"]
        robot.gate.clear()
        await desk.want(to(1), to(2))
        async with desk.working(robot={}):
            await until(lambda: robot.under_way == 2)
            async with locked(sqlite_path):
                robot.gate.set()
                await until(lambda: desk.workers["robot"].counts.delivered == 2)
                # a turn looks at the clock when it begins, and twice when it has failed
                failed = desk.clock.readings + 3
                await until(lambda: desk.clock.readings >= failed)
            await desk.settled(PageState.DELIVERED, 1, 2)
    assert [message.key for message in robot.began] == ["1-0", "2-0"]


async def test_failing_is_told_once_and_when_it_is_over(desk: Desk) -> None:
    robot = desk.phones["robot"]
    robot.down = Reason.UNREACHABLE
    await desk.want(*map(to, range(5)))
    with capture_logs() as lines:
        async with desk.working(robot={}):
            await until(lambda: desk.workers["robot"].counts.attempts["unreachable"] == 5)
            assert desk.workers["robot"].counts.failing is Reason.UNREACHABLE
            robot.down = None
            for n in range(5):
                await desk.seen(lambda row: row.attempts == 1, n)
            desk.pass_time(5.0)
            await desk.settled(PageState.DELIVERED, *range(5))
    told = [line["event"] for line in lines if line["event"].startswith("pages_")]
    assert told == ["pages_failing", "pages_recovered"]
    assert desk.workers["robot"].counts.failing is None


async def test_one_bad_address_is_no_failure_of_the_channel(desk: Desk) -> None:
    robot = desk.phones["robot"]
    with capture_logs() as lines:
        async with desk.working(**BOTH):
            counts = desk.workers["robot"].counts
            # whoever it is, and however often
            for number in range(1, 4):
                robot.faults = [Reason.REJECTED]
                await desk.want(at(number, "a"))
                await desk.settled(PageState.DELIVERED, number)
                assert counts.failing is None
            # others are reached between
            await desk.want(at(4, "b"))
            await desk.settled(PageState.DELIVERED, 4)
            robot.faults = [Reason.REJECTED]
            await desk.want(at(5, "b"))
            await desk.settled(PageState.DELIVERED, 5)
            assert counts.failing is None
            # but nobody is reached any more
            robot.faults = [Reason.REJECTED]
            await desk.want(at(6, "a"))
            await desk.settled(PageState.DELIVERED, 6)
            assert counts.failing is Reason.REJECTED
            await desk.want(at(7, "b"))
            await desk.settled(PageState.DELIVERED, 7)
            assert counts.failing is None
    assert robot.keys == ["4-0", "7-0"]
    assert desk.phones["mail"].keys == [f"{number}-0" for number in (1, 2, 3, 5, 6)]
    told = [line["event"] for line in lines if line["event"].startswith("pages_")]
    assert told == ["pages_failing", "pages_recovered"]


async def test_one_page_that_is_not_wanted_is_no_failure_of_the_channel(desk: Desk) -> None:
    robot = desk.phones["robot"]
    robot.faults = [Reason.REJECTED] * 3
    async with desk.working(**BOTH):
        counts = desk.workers["robot"].counts
        await desk.want(at(1, None), replace(at(1, None), seq=1))
        await desk.settled(PageState.DELIVERED, 1)
        assert counts.failing is None
        await desk.want(at(2, None))
        await desk.settled(PageState.DELIVERED, 2)
        assert counts.failing is Reason.REJECTED


async def test_a_fault_of_ours_does_not_end_the_worker(desk: Desk) -> None:
    class BrokenError(Exception):
        pass

    robot, faults = desk.phones["robot"], [BrokenError()]
    passing = robot.send

    async def failing(message: Any) -> None:
        if faults:
            raise faults.pop()
        await passing(message)

    robot.send = failing  # type: ignore[method-assign]
    await desk.want(to(1))
    async with desk.working(robot={}):
        row = await desk.seen(lambda row: row.attempts == 1)
        assert row.detail == "a fault of ctid: BrokenError; see its log"
        desk.pass_time(2.0)
        await desk.settled(PageState.DELIVERED)
