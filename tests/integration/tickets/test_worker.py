"""Drafts in the outbox reach the ticket system once, whatever happens on the way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from ctid.config.backends import FileBackend
from ctid.domain.batch import Batch
from ctid.domain.drafts import Draft, Stage
from ctid.domain.policy import Wanted
from ctid.outbound.port import UNCLEAR, Document, Reason
from ctid.outbound.worker import Worker
from ctid.outbound.workers import Workers
from ctid.store import tickets
from ctid.store.outbox import OutboxState
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from ctid.store.tickets import Delivery
from tests.drafts import document, draft
from tests.integration.tickets.memory import Memory
from tests.waiting import until


class Clock:
    """Unix seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Desk:
    """A store, a ticket system, and a worker between them."""

    def __init__(self, store: Store, reader: Reader, name: str = "there") -> None:
        self.store = store
        self.reader = reader
        self.name = name
        self.system = Memory()
        self.clock = Clock()

    async def want(self, *drafts: Draft) -> None:
        wanted = tuple(Wanted(self.name, each, self.clock.now) for each in drafts)
        await self.store.commit(Batch(wanted=wanted))

    def worker(self, **given: float) -> Worker:
        table = FileBackend.model_validate({"name": self.name, "path": "-", **given})

        def render(draft: Draft, revision: int, data: bytes, *, new: bool) -> Document:
            del data
            stage = draft.stage.value
            return document(draft, revision, body=f"new, {stage}" if new else stage)

        return Worker(table, self.system, self.store, render, clock=self.clock, jitter=lambda: 0.5)

    @asynccontextmanager
    async def working(self, **given: float) -> AsyncIterator[Worker]:
        worker = self.worker(**given)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(worker.run())
            yield worker
            worker.stop()

    async def rows(self) -> list[Delivery]:
        return await tickets.deliveries(self.reader, states=OutboxState)

    async def settled(self, state: OutboxState = OutboxState.DELIVERED, number: int = 1) -> None:
        async with asyncio.timeout(20):
            while [row.state for row in await self.rows()].count(state) < number:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def failed(self, reason: Reason) -> None:
        """Return when it is on disk that a draft failed for this reason."""
        async with asyncio.timeout(20):
            while reason.value not in [row.reason for row in await self.rows()]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def pass_time(self, worker: Worker, seconds: float) -> None:
        self.clock.now += seconds
        worker.wake()


@pytest.fixture
def desk(store: Store, reader: Reader) -> Desk:
    return Desk(store, reader)


def numbered(n: int) -> Draft:
    return draft(key=f"ctid:desk:main:{n}", uniqueid=str(n))


async def test_a_draft_is_delivered_with_the_id_and_link_of_its_ticket(desk: Desk) -> None:
    await desk.want(draft())
    async with desk.working() as worker:
        await desk.settled()
    (row,) = await desk.rows()
    assert (row.remote_id, row.url) == ("1", "http://tickets/1")
    assert (row.sent_revision, row.attempts, row.trying_revision) == (1, 0, None)
    assert worker.counts.delivered == 1


async def test_a_new_revision_updates_the_same_ticket(desk: Desk) -> None:
    await desk.want(draft(stage=Stage.TALKING))
    async with desk.working() as worker:
        await desk.settled()
        await desk.want(draft())
        worker.wake()
        await until(lambda: worker.counts.delivered == 2)
    assert desk.system.of(draft().key).bodies == ["new, talking", "ended"]


async def test_what_could_not_arrive_is_made_new_by_the_next_revision(desk: Desk) -> None:
    await desk.want(draft(stage=Stage.TALKING))
    desk.system.down = Reason.UNREACHABLE
    async with desk.working() as worker:
        await until(lambda: worker.counts.attempts[Reason.UNREACHABLE.value] == 1)
        await desk.want(draft())
        desk.system.down = None
        await desk.pass_time(worker, 400.0)
        await desk.settled()
    ticket = desk.system.of(draft().key)
    assert (ticket.revisions, ticket.bodies) == ([2], ["new, ended"])


async def test_the_same_draft_again_changes_nothing(desk: Desk) -> None:
    await desk.want(draft())
    async with desk.working() as worker:
        await desk.settled()
        before = await desk.rows()
        await desk.want(draft())
        worker.wake()
    assert await desk.rows() == before
    assert len(desk.system.requests) == 1


async def test_what_changes_while_it_is_sent_is_sent_after_it(desk: Desk) -> None:
    await desk.want(draft(stage=Stage.TALKING))
    desk.system.gate.clear()
    async with desk.working() as worker:
        await until(lambda: desk.system.under_way == 1)
        await desk.want(draft())
        desk.system.gate.set()
        await until(lambda: worker.counts.delivered == 2)
    assert desk.system.of(draft().key).revisions == [1, 2]


@pytest.mark.parametrize("carried_out", [True, False])
@pytest.mark.parametrize(
    "reason", [Reason.TIMEOUT, Reason.CUT_OFF, Reason.SERVER_ERROR, Reason.BAD_ANSWER]
)
async def test_after_an_unclear_answer_it_looks_before_it_creates_again(
    desk: Desk, reason: Reason, carried_out: bool
) -> None:
    await desk.want(draft())
    desk.system.faults = [(reason, carried_out)]
    async with desk.working(timeout_seconds=10.0) as worker:
        await until(lambda: worker.counts.attempts[reason.value] == 1)
        await desk.pass_time(worker, 19.0)
        assert len(desk.system.requests) == 1
        await desk.pass_time(worker, 2.0)
        await desk.settled()
    expected = ["create", "look_up"] if carried_out else ["create", "look_up", "create"]
    assert [request.split()[0] for request in desk.system.requests] == expected
    assert desk.system.of(draft().key).revisions == [1]


async def test_a_look_up_that_fails_leaves_it_unclear(desk: Desk) -> None:
    await desk.want(draft())
    desk.system.faults = [(Reason.TIMEOUT, True), (Reason.UNREACHABLE, False)]
    async with desk.working() as worker:
        await until(lambda: worker.counts.attempts[Reason.TIMEOUT.value] == 1)
        await desk.pass_time(worker, 60.0)
        await until(lambda: worker.counts.attempts[Reason.UNREACHABLE.value] == 1)
        await desk.pass_time(worker, 60.0)
        await desk.settled()
    asked = [request.split()[0] for request in desk.system.requests]
    assert asked == ["create", "look_up", "look_up"]


async def test_a_newer_revision_follows_what_was_found(desk: Desk) -> None:
    await desk.want(draft(stage=Stage.TALKING))
    desk.system.faults = [(Reason.CUT_OFF, True)]
    async with desk.working() as worker:
        await until(lambda: worker.counts.attempts[Reason.CUT_OFF.value] == 1)
        await desk.want(draft())
        await desk.pass_time(worker, 60.0)
        await desk.settled()
    assert desk.system.of(draft().key).revisions == [1, 2]


@pytest.mark.parametrize("carried_out", [True, False])
async def test_an_unclear_update_is_not_there_twice(desk: Desk, carried_out: bool) -> None:
    await desk.want(draft(stage=Stage.TALKING))
    async with desk.working() as worker:
        await desk.settled()
        desk.system.faults = [(Reason.TIMEOUT, carried_out)]
        await desk.want(draft())
        worker.wake()
        await until(lambda: worker.counts.attempts[Reason.TIMEOUT.value] == 1)
        await desk.pass_time(worker, 60.0)
        await until(lambda: worker.counts.delivered == 2)
    assert desk.system.of(draft().key).revisions == [1, 2]


async def test_what_was_under_way_when_ctid_died_is_looked_up(desk: Desk) -> None:
    await desk.want(draft())
    desk.system.gate.clear()
    worker = desk.worker()
    dying = asyncio.create_task(worker.run())  # noqa: TID251 - it is killed, not awaited
    await until(lambda: desk.system.under_way == 1)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    desk.system.gate.set()
    async with desk.working(timeout_seconds=10.0) as again:
        # the request may have left just before: as after any unclear answer it is given time
        await desk.pass_time(again, 44.0)
        assert len(desk.system.requests) == 1
        await desk.pass_time(again, 2.0)
        await desk.settled()
    assert [request.split()[0] for request in desk.system.requests] == [
        "create",
        "look_up",
        "create",
    ]


async def test_what_will_never_be_taken_is_dead_and_said(desk: Desk) -> None:
    await desk.want(numbered(1), numbered(2))
    desk.system.faults = [(Reason.REJECTED, False)]
    async with desk.working(concurrency=1) as worker:
        await desk.settled(OutboxState.DEAD)
        await desk.settled(OutboxState.DELIVERED)
    dead = next(row for row in await desk.rows() if row.state is OutboxState.DEAD)
    assert (dead.reason, dead.detail) == ("rejected", "as told")
    assert worker.counts.dead == 1
    assert worker.counts.failing is None


async def test_retry_and_drop(desk: Desk) -> None:
    await desk.want(numbered(1), numbered(2))
    desk.system.faults = [(Reason.REJECTED, False)] * 2
    async with desk.working() as worker:
        await desk.settled(OutboxState.DEAD, 2)
        now = desk.clock.now
        assert await tickets.retry(desk.store, [("there", "ctid:desk:main:1")], now) == 1
        dropped = await tickets.drop(desk.store, [("there", "ctid:desk:main:2")], now, "why")
        assert dropped == 1
        worker.wake()
        await desk.settled()
    assert desk.system.keys() == ["ctid:desk:main:1"]
    assert {row.state for row in await desk.rows()} == {
        OutboxState.DELIVERED,
        OutboxState.DROPPED,
    }


async def test_a_destination_that_is_down_is_probed_with_one_draft(desk: Desk) -> None:
    await desk.want(*map(numbered, range(50)))
    desk.system.down = Reason.UNREACHABLE
    async with desk.working(concurrency=8) as worker:
        await until(lambda: worker.counts.attempts[Reason.UNREACHABLE.value] == 8)
        for tries in range(9, 13):
            await desk.pass_time(worker, 400.0)
            await until(lambda tries=tries: len(desk.system.requests) == tries)  # type: ignore[misc]
        assert worker.counts.failing is Reason.UNREACHABLE
        desk.system.down = None
        await desk.pass_time(worker, 1000.0)
        await desk.settled(number=50)
    assert len(desk.system.tickets) == 50
    assert worker.counts.failing is None


async def test_a_destination_that_is_down_holds_back_no_other(desk: Desk) -> None:
    """Each has its own worker, and what waits for one is nothing to the other."""
    other = Desk(desk.store, desk.reader, "other")
    desk.system.down = Reason.UNREACHABLE
    drafts = [numbered(n) for n in range(20)]
    async with desk.working(concurrency=1) as stuck, other.working(concurrency=1) as worker:
        await desk.want(*drafts)
        stuck.wake()
        await until(lambda: stuck.counts.attempts["unreachable"] == 1)
        await other.want(*drafts)
        worker.wake()
        await until(lambda: worker.counts.delivered == len(drafts))
        assert stuck.counts.delivered == 0
    assert other.system.keys() == sorted(each.key for each in drafts)
    assert {row.state for row in await other.rows() if row.destination == "there"} == {
        OutboxState.PENDING
    }


async def test_what_is_misconfigured_is_told_once_and_when_it_is_over(desk: Desk) -> None:
    await desk.want(*map(numbered, range(3)))
    desk.system.faults = [(Reason.MISCONFIGURED, False)] * 3
    with capture_logs() as lines:
        async with desk.working() as worker:
            await until(lambda: worker.counts.attempts[Reason.MISCONFIGURED.value] == 3)
            assert worker.counts.failing is Reason.MISCONFIGURED
            await desk.pass_time(worker, 400.0)
            await desk.settled(number=3)
    told = [line["event"] for line in lines if line["event"].startswith("tickets_")]
    assert told == ["tickets_failing", "tickets_recovered"]
    assert worker.counts.failing is None


async def test_who_mended_something_does_not_wait_for_the_end_of_a_pause(desk: Desk) -> None:
    await desk.want(numbered(1))
    desk.system.down = Reason.UNREACHABLE
    async with desk.working(timeout_seconds=100.0) as worker:
        await desk.failed(Reason.UNREACHABLE)
        desk.system.down = None
        await tickets.retry(desk.store, [("there", "ctid:desk:main:1")], desk.clock.now)
        worker.hurry()
        await desk.settled()


async def test_one_draft_at_which_the_system_fails_holds_back_no_other(desk: Desk) -> None:
    await desk.want(numbered(1))
    desk.system.down = Reason.UNREACHABLE
    async with desk.working(timeout_seconds=10.0) as worker:
        for tries in range(1, 15):
            await until(lambda tries=tries: len(desk.system.requests) == tries)  # type: ignore[misc]
            await until(lambda: desk.system.under_way == 0)
            await desk.pass_time(worker, 500.0)
        await until(lambda: worker.counts.attempts[Reason.UNREACHABLE.value] == 15)
        desk.system.down = None
        await desk.want(numbered(2))
        await desk.pass_time(worker, 5.0)
        await until(lambda: desk.system.keys() == ["ctid:desk:main:2"])


async def test_the_patience_that_was_asked_for_is_kept(desk: Desk) -> None:
    await desk.want(draft())
    desk.system.faults, desk.system.retry_after = [(Reason.BUSY, False)], 120.0
    async with desk.working() as worker:
        await until(lambda: worker.counts.attempts["busy"] == 1)
        await desk.pass_time(worker, 119.0)
        assert len(desk.system.requests) == 1
        await desk.pass_time(worker, 2.0)
        await desk.settled()
    assert [request.split()[0] for request in desk.system.requests] == ["create", "create"]


async def test_no_more_at_once_than_allowed(desk: Desk) -> None:
    await desk.want(*map(numbered, range(30)))
    desk.system.gate.clear()
    async with desk.working(concurrency=3) as worker:
        await until(lambda: desk.system.under_way == 3)
        worker.wake()
        desk.system.gate.set()
        await desk.settled(number=30)
    assert desk.system.most_under_way == 3


async def test_no_more_in_a_minute_than_allowed(desk: Desk) -> None:
    await desk.want(*map(numbered, range(10)))
    async with desk.working(per_minute=4) as worker:
        await desk.settled(number=4)
        assert len(desk.system.requests) == 4
        await desk.pass_time(worker, 61.0)
        await desk.settled(number=8)
        assert len(desk.system.requests) == 8


async def test_a_stop_waits_for_what_is_under_way(desk: Desk) -> None:
    await desk.want(draft())
    desk.system.gate.clear()
    async with desk.working() as worker:
        await until(lambda: desk.system.under_way == 1)
        worker.stop()
        desk.system.gate.set()
    (row,) = await desk.rows()
    assert row.state is OutboxState.DELIVERED


async def test_what_is_being_sent_when_its_table_changes_is_sent_once(desk: Desk) -> None:
    systems = [Memory(), Memory()]
    systems[0].gate.clear()
    left = list(systems)

    def make(table: FileBackend) -> Worker:
        desk.system = left.pop(0)
        return desk.worker(concurrency=table.concurrency)

    def table(concurrency: int) -> FileBackend:
        return FileBackend.model_validate(
            {"name": desk.name, "path": "-", "concurrency": concurrency}
        )

    async with asyncio.TaskGroup() as tasks:
        workers = Workers[FileBackend, Worker](tasks, "tickets to", make)
        workers.open([table(1)])
        await desk.want(draft(stage=Stage.TALKING))
        await until(lambda: systems[0].under_way == 1)
        await workers.end([table(2)])
        workers.open([table(2)])
        ((_, new),) = workers
        # whatever the clock says of its lease
        desk.clock.now += 86_400.0
        await desk.want(draft(), numbered(1))
        new.wake()
        await desk.settled()
        systems[0].gate.set()
        await until(lambda: len(systems[1].requests) == 2)
        await workers.close()
    assert systems[0].requests == [f"create {draft().key}"]
    assert systems[1].requests == [f"create {numbered(1).key}", f"update {draft().key}"]


async def test_a_clock_set_forward_does_not_make_it_try_what_is_under_way(desk: Desk) -> None:
    await desk.want(draft())
    desk.system.gate.clear()
    async with desk.working() as worker:
        await until(lambda: desk.system.under_way == 1)
        await desk.pass_time(worker, 86_400.0)
        await desk.want(numbered(1))
        worker.wake()
        await until(lambda: desk.system.under_way == 2)
        desk.system.gate.set()
        await desk.settled(number=2)
    assert desk.system.requests == [f"create {draft().key}", f"create {numbered(1).key}"]


async def test_a_clock_set_back_delays_nothing(desk: Desk) -> None:
    await desk.want(draft())
    desk.system.down = Reason.UNREACHABLE
    async with desk.working(per_minute=1) as worker:
        await until(lambda: worker.counts.attempts[Reason.UNREACHABLE.value] == 1)
        desk.system.down = None
        await desk.pass_time(worker, -86_400.0)
        await desk.settled()


async def test_it_rests_while_all_it_may_do_is_under_way(desk: Desk) -> None:
    await desk.want(draft())
    desk.system.gate.clear()
    turns = 0
    looked_at = desk.clock

    def counting() -> float:
        nonlocal turns
        turns += 1
        return looked_at()

    desk.clock = counting  # type: ignore[assignment]
    worker = desk.worker(concurrency=1)
    desk.clock = looked_at
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.run())
        await until(lambda: desk.system.under_way == 1)
        for _ in range(100):
            await asyncio.sleep(0)
        before = turns
        for _ in range(1000):
            await asyncio.sleep(0)
        assert turns - before < 10
        desk.system.gate.set()
        worker.stop()


async def test_a_refused_look_up_is_still_unclear_when_it_is_tried_again(desk: Desk) -> None:
    await desk.want(draft())
    desk.system.faults = [(Reason.TIMEOUT, True), (Reason.REJECTED, False)]
    async with desk.working() as worker:
        await until(lambda: worker.counts.attempts[Reason.TIMEOUT.value] == 1)
        await desk.pass_time(worker, 60.0)
        await desk.settled(OutboxState.DEAD)
        await tickets.retry(desk.store, [("there", draft().key)], desk.clock.now)
        worker.wake()
        await desk.settled()
    assert desk.system.keys() == [draft().key]


async def test_retry_does_not_hurry_what_may_still_be_on_its_way(desk: Desk) -> None:
    await desk.want(numbered(1))
    desk.system.faults = [(Reason.TIMEOUT, False), (Reason.BUSY, False)]
    unclear = [reason.value for reason in UNCLEAR]
    async with desk.working(timeout_seconds=10.0) as worker:
        await until(lambda: worker.counts.attempts["timeout"] == 1)
        await desk.pass_time(worker, 15.0)
        await desk.want(numbered(2))
        worker.wake()
        await desk.failed(Reason.BUSY)
        chosen = [("there", numbered(n).key) for n in (1, 2)]
        assert await tickets.retry(desk.store, chosen, desk.clock.now, unclear) == 2
        due = {row.uniqueid: row.next_at - desk.clock.now for row in await desk.rows()}
        assert due == {"1": 5.0, "2": 0.0}
        both = (OutboxState.DEAD, OutboxState.PENDING)
        desk.clock.now += 1.0
        assert await tickets.retry_all(desk.store, "here", both, desk.clock.now, unclear) == 0
        assert await tickets.retry_all(desk.store, None, both[:1], desk.clock.now, unclear) == 0
        assert await tickets.retry_all(desk.store, None, both, desk.clock.now, unclear) == 2
        due = {row.uniqueid: row.next_at - desk.clock.now for row in await desk.rows()}
    assert due == {"1": 4.0, "2": 0.0}


async def test_what_arrived_while_it_was_dropped_is_not_sent_again(desk: Desk) -> None:
    await desk.want(draft())
    chosen = [("there", draft().key)]
    desk.system.gate.clear()
    async with desk.working() as worker:
        await until(lambda: desk.system.under_way == 1)
        await tickets.drop(desk.store, chosen, desk.clock.now, "why")
        desk.system.gate.set()
        await until(lambda: worker.counts.delivered == 1)
        worker.stop()
    async with desk.working() as worker:
        assert await tickets.retry(desk.store, chosen, desk.clock.now) == 1
        worker.wake()
        await desk.settled()
    assert desk.system.of(draft().key).revisions == [1]


async def test_an_id_that_is_no_text_is_no_reason_to_stop(desk: Desk) -> None:
    desk.system.id_of = lambda number: f"{number}\0\ud800"
    await desk.want(draft())
    async with desk.working():
        await desk.settled()
    (row,) = await desk.rows()
    assert row.remote_id == "1\ufffd?"


async def test_a_fault_of_ours_does_not_end_the_worker(desk: Desk) -> None:
    """A clock that fails once stands for whatever nobody thought of."""
    passing, failures = desk.clock, [OverflowError("no such time")]

    def failing() -> float:
        if failures:
            raise failures.pop()
        return passing()

    desk.clock = failing  # type: ignore[assignment]
    worker = desk.worker()
    desk.clock = passing
    await desk.want(draft())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.run())
        await until(lambda: not failures)
        worker.wake()
        await desk.settled()
        worker.stop()
