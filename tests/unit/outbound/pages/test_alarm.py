"""The page that needs no disk, where something of ours is wrong."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from structlog.testing import capture_logs

from ctid.domain.alerts import Page, PageEvent, Route
from ctid.domain.escalation import Plan
from ctid.domain.roster import Person, Role, Roster
from ctid.outbound.pages.alarm import PagingAlarm
from ctid.outbound.pages.port import Message
from ctid.outbound.port import Finding
from tests.paged import message
from tests.unit.domain.watching import BEGIN, Names
from tests.waiting import until


@dataclass
class Robot:
    """A channel, that may be closed already."""

    is_closed: bool = False
    sent: list[PageEvent] = field(default_factory=list)

    async def send(self, message: Message) -> None:
        if self.is_closed:
            raise RuntimeError("Session is closed")
        self.sent += [page.event for page in message.pages]

    async def check(self) -> list[Finding]:
        return []

    async def close(self) -> None:
        """Nothing is open."""


def render(pages: Sequence[Page], address: str | None, now: float) -> Message:
    return message(*pages, address=address)


async def test_a_fault_in_one_channel_leaves_the_next_and_the_daemon_alone() -> None:
    robots = {"closed": Robot(is_closed=True), "im": Robot()}
    people = [Person("li", "Li", (Route("closed"), Route("im")))]
    roster = Names({Role.FIRST_LINE: people})
    async with asyncio.TaskGroup() as tasks:
        alarm = PagingAlarm(
            tasks,
            plan=Plan(),
            roster=lambda: roster,
            channels=robots.get,
            render=render,
            unanswered=list,
            clock=lambda: BEGIN,
        )
        with capture_logs() as logs:
            alarm.store_failing("disk full", BEGIN)
            await until(lambda: not alarm.is_sending)
    assert robots["im"].sent == [PageEvent.FIRING]
    assert [entry["event"] for entry in logs] == ["page_fault"]


async def test_a_fault_of_the_roster_is_told_and_survived() -> None:
    robot, faults, seconds = Robot(), ["no roster", "no roster"], count()

    def roster() -> Roster:
        if faults:
            raise RuntimeError(faults.pop())
        return Names({Role.FIRST_LINE: [Person("li", "Li", (Route("im"),))]})

    async def soon(_seconds: float) -> None:
        await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        alarm = PagingAlarm(
            tasks,
            plan=Plan(),
            roster=roster,
            channels={"im": robot}.get,
            render=render,
            unanswered=list,
            clock=lambda: BEGIN + next(seconds),
            wait=soon,
        )
        with capture_logs() as logs:
            alarm.store_failing("disk full", BEGIN)
            running = tasks.create_task(alarm.run())
            await until(lambda: bool(robot.sent))
            running.cancel()
    assert [entry["event"] for entry in logs] == ["paging_fault", "paging_fault"]
    assert robot.sent == [PageEvent.FIRING]
