"""Channels in memory that do what they are told, and a desk from whose store they are served."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from ctid.config.channels import WebhookChannel
from ctid.domain.alerts import Page
from ctid.domain.batch import Batch
from ctid.outbound.pages.ages import Ages
from ctid.outbound.pages.port import Message
from ctid.outbound.pages.worker import PageWorker
from ctid.outbound.port import DeliveryError, Finding, Reason
from ctid.store import alert_queries
from ctid.store.alert_queries import PageRow
from ctid.store.pages import PageState
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from ctid.store.schema import page
from tests.alerts import LIMIT, alert


class Clock:
    """Unix seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = LIMIT + 0.5
        self.readings = 0

    def __call__(self) -> float:
        self.readings += 1
        return self.now


@dataclass
class Phone:
    """`faults` are used up, one a message; `down` holds for all. While `gate` is clear they wait.

    `began` are all messages that were to be sent, `got` those that arrived.
    """

    faults: list[Reason] = field(default_factory=list)
    down: Reason | None = None
    retry_after: float | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    began: list[Message] = field(default_factory=list)
    got: list[Message] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    closed: bool = False

    def __post_init__(self) -> None:
        self.gate.set()

    @property
    def keys(self) -> list[str]:
        return [message.key for message in self.got]

    async def send(self, message: Message) -> None:
        self.began.append(message)
        reason = self.faults.pop(0) if self.faults else self.down
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self.gate.wait()
        finally:
            self.under_way -= 1
        if reason is not None:
            raise DeliveryError(reason, "as told", retry_after_seconds=self.retry_after)
        self.got.append(message)

    async def check(self) -> list[Finding]:
        return []

    async def close(self) -> None:
        self.closed = True


def render(pages: list[Page], address: str | None, now: float) -> Message:
    key = "+".join(page.key for page in pages)
    words = " ".join(f"{page.alert.line}:{page.event}" for page in pages)
    return Message(key, tuple(pages), words, words, (), b"{}", address)


class Desk:
    """A store, channels by name, and a worker for each of them."""

    def __init__(self, store: Store, reader: Reader) -> None:
        self.store = store
        self.reader = reader
        self.clock = Clock()
        self.ticks = 0.0  # seconds that went by, whatever the clock was set to
        self.ages = Ages(self.clock, lambda: self.ticks)
        self.phones = {"robot": Phone(), "mail": Phone()}
        self.workers: dict[str, PageWorker] = {}

    async def want(self, *pages: Page) -> None:
        alerts = {page.alert.number: alert(page.alert.number) for page in pages}
        await self.store.commit(Batch(alerts=tuple(alerts.values()), pages=pages))
        for worker in self.workers.values():
            worker.wake()

    def worker(self, name: str, **given: Any) -> PageWorker:
        table = WebhookChannel.model_validate({"name": name, "url": "http://127.0.0.1", **given})
        return PageWorker(
            table,
            self.phones[name],
            self.store,
            render,
            ages=self.ages,
            jitter=lambda: 0.5,
            wake=lambda other: self.workers[other].wake() if other in self.workers else None,
            known=lambda: self.phones,
        )

    @asynccontextmanager
    async def working(self, **given: dict[str, Any]) -> AsyncIterator[None]:
        """Workers for the channels that are named, each with what its table says."""
        async with AsyncExitStack() as stack:
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            self.workers = {name: self.worker(name, **table) for name, table in given.items()}
            for worker in self.workers.values():
                tasks.create_task(worker.run())
            yield
            for worker in self.workers.values():
                worker.stop()

    def pass_time(self, seconds: float) -> None:
        self.ticks += seconds
        self.set_clock(seconds)

    def set_clock(self, seconds: float) -> None:
        self.clock.now += seconds
        for worker in self.workers.values():
            worker.wake()

    async def rows(self, *numbers: int) -> list[PageRow]:
        found = [await alert_queries.pages_of(self.reader, number) for number in numbers or (1,)]
        return [row for rows in found for row in rows]

    async def row(self, number: int = 1) -> PageRow:
        (row,) = await self.rows(number)
        return row

    async def seen(self, condition: Callable[[PageRow], bool], number: int = 1) -> PageRow:
        """Wait until the row of an alert's only page is so."""
        async with asyncio.timeout(20):
            while not condition(row := await self.row(number)):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        return row

    async def settled(self, state: PageState, *numbers: int) -> None:
        """Wait until all pages of these alerts are so."""
        query = select(page.c.state).where(page.c.alert.in_(numbers or (1,))).distinct()
        found: set[str] = set()
        async with asyncio.timeout(20):
            while found != {state.value}:
                async with self.reader.transaction() as connection:
                    found = set((await connection.execute(query)).scalars())
