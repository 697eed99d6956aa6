"""A channel changes while it sends: that goes on, beside what the new one begins."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ctid.config.channels import MqttChannel, WebhookChannel
from ctid.outbound.pages.worker import PageWorker
from ctid.outbound.port import Reason
from ctid.outbound.workers import Workers
from ctid.store.pages import PageState
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from tests.integration.pages.paging import Desk, Phone, render
from tests.integration.pages.test_worker import to
from tests.waiting import until

Table = WebhookChannel | MqttChannel


def webhook(name: str, port: int) -> WebhookChannel:
    """Another port is another table."""
    return WebhookChannel.model_validate({"name": name, "url": f"http://127.0.0.1:{port}"})


def broker(name: str, port: int) -> MqttChannel:
    return MqttChannel.model_validate({"name": name, "host": "127.0.0.1", "port": port})


class Changing:
    """Workers of tables that change; `phones` are those of each, by the table's name, in order."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.phones: dict[str, list[Phone]] = {}

    @asynccontextmanager
    async def working(self, *tables: Table) -> AsyncIterator[Workers[Table, PageWorker]]:
        async with asyncio.TaskGroup() as tasks:
            workers = Workers[Table, PageWorker](tasks, "pages by", self._made)
            workers.open(tables)
            self.desk.workers = dict(workers)
            yield workers
            await workers.close()

    async def change(self, workers: Workers[Table, PageWorker], *tables: Table) -> None:
        await workers.end(tables)
        workers.open(tables)
        self.desk.workers = dict(workers)

    def _made(self, table: Table) -> PageWorker:
        self.desk.phones[table.name] = Phone()
        self.desk.phones[table.name].gate.clear()
        self.phones.setdefault(table.name, []).append(self.desk.phones[table.name])
        return self.desk.worker(table.name)


@pytest.fixture
def changing(store: Store, reader: Reader) -> Changing:
    return Changing(Desk(store, reader))


async def test_what_is_being_sent_when_a_channel_changes_is_sent_once(changing: Changing) -> None:
    desk = changing.desk
    async with changing.working(webhook("robot", 1)) as workers:
        (old,) = changing.phones["robot"]
        await desk.want(to(1))
        await until(lambda: old.under_way == 1)
        await changing.change(workers, webhook("robot", 2))
        (_, new) = changing.phones["robot"]
        new.gate.set()
        await desk.want(to(2))
        await desk.settled(PageState.DELIVERED, 2)
        # also where its lease is over by the clock, and the one after the next has begun
        desk.pass_time(86_400.0)
        await desk.want(to(3))
        await desk.settled(PageState.DELIVERED, 3)
        await changing.change(workers, webhook("robot", 3))
        newest = changing.phones["robot"][2]
        newest.gate.set()
        await desk.want(to(4))
        await desk.settled(PageState.DELIVERED, 4)
        old.gate.set()
        await desk.settled(PageState.DELIVERED, 1)
        counts = desk.workers["robot"].counts
        assert counts.delivered == counts.attempts["delivered"] == 4
    assert [phone.keys for phone in changing.phones["robot"]] == [["1-0"], ["2-0", "3-0"], ["4-0"]]


async def test_what_fails_by_the_old_channel_is_tried_by_the_new_one(changing: Changing) -> None:
    desk = changing.desk
    async with changing.working(webhook("robot", 1)) as workers:
        (old,) = changing.phones["robot"]
        old.down = Reason.TIMEOUT
        await desk.want(to(1))
        await until(lambda: old.under_way == 1)
        await changing.change(workers, webhook("robot", 2))
        (_, new) = changing.phones["robot"]
        new.gate.set()
        old.gate.set()
        row = await desk.seen(lambda row: row.attempts == 1)
        assert row.next_at == desk.clock.now + 1.0
        desk.pass_time(2.0)
        await desk.settled(PageState.DELIVERED)
    assert (new.keys, old.keys) == (["1-0"], [])


async def test_what_is_being_sent_by_a_channel_that_is_taken_out_is_for_no_other(
    changing: Changing,
) -> None:
    desk = changing.desk
    async with changing.working(webhook("robot", 1), webhook("mail", 1)) as workers:
        (robot,), (mail,) = changing.phones["robot"], changing.phones["mail"]
        mail.gate.set()
        await desk.want(to(1))
        await until(lambda: robot.under_way == 1)
        await changing.change(workers, webhook("mail", 1))
        assert workers.finishing() == {"robot"}
        await desk.want(to(2, *to(1).recipient.routes, *to(1).recipient.routes))
        robot.gate.set()
        await desk.settled(PageState.DELIVERED, 1)
        await until(lambda: workers.finishing() == set())
    assert (robot.keys, mail.keys) == (["1-0"], [])


async def test_at_a_broker_the_new_one_begins_after_the_old_one(changing: Changing) -> None:
    desk = changing.desk
    async with changing.working(broker("robot", 1)) as workers:
        (old,) = changing.phones["robot"]
        await desk.want(to(1))
        await until(lambda: old.under_way == 1)
        await changing.change(workers, broker("robot", 2))
        (_, new) = changing.phones["robot"]
        new.gate.set()
        await desk.want(to(2))
        await asyncio.sleep(0)
        assert new.began == []
        old.gate.set()
        await desk.settled(PageState.DELIVERED, 1, 2)
    assert (old.keys, new.keys) == (["1-0"], ["2-0"])


async def test_what_is_sent_beside_the_outbox_is_let_finish_too(changing: Changing) -> None:
    desk = changing.desk
    async with changing.working(webhook("robot", 1)) as workers, asyncio.TaskGroup() as tasks:
        (old,) = changing.phones["robot"]
        worker = workers.get("robot")
        assert worker is not None
        tasks.create_task(worker.send(render([to(1)], None, desk.clock.now)))
        await until(lambda: old.under_way == 1)
        await changing.change(workers, webhook("robot", 2))
        assert (old.closed, workers.finishing()) == (False, {"robot"})
        old.gate.set()
        await until(lambda: old.closed)
    assert old.keys == ["1-0"]
    assert desk.phones["robot"].began == []


async def test_the_end_waits_for_nobody_for_long(changing: Changing) -> None:
    desk = changing.desk
    async with asyncio.timeout(15):
        async with changing.working(webhook("robot", 1)) as workers:
            (old,) = changing.phones["robot"]
            await desk.want(to(1), to(2))
            await until(lambda: old.under_way == 2)
            await changing.change(workers, webhook("robot", 2))
    rows = await desk.rows(1, 2)
    assert {row.state for row in rows} == {PageState.PENDING}
