"""A connection under test, with everything it delivered."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from ctid.ami.connection import Connection, Pace
from ctid.config import Pbx, Secret
from ctid.domain import events as ev
from ctid.sim.server import SimulatedPbx
from tests.integration.ami.fake_server import SECRET, FakeAmi, Watch


def pbx(server: FakeAmi | SimulatedPbx, *, secret: str = SECRET, **settings: object) -> Pbx:
    values: dict[str, object] = {
        "name": "main",
        "host": "127.0.0.1",
        "port": server.port,
        "connect_timeout_seconds": 5.0,
        "ping_interval_seconds": 60.0,
        **settings,
    }
    return Pbx.model_validate(values).model_copy(update={"secret": Secret(secret)})


class Watched:
    """What `deliver` got, and the connection itself."""

    def __init__(self) -> None:
        self.watch = Watch()
        self.batches: list[list[ev.Event]] = []
        self.started: list[str | None] = []
        self._connection: Connection | None = None

    @property
    def connection(self) -> Connection:
        assert self._connection is not None
        return self._connection

    @property
    def events(self) -> list[ev.Event]:
        return [event for batch in self.batches for event in batch]

    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.events]

    def deliver(self, events: list[ev.Event]) -> None:
        self.batches.append(events)
        self.watch.changed()

    async def until(self, kind: type[ev.Event], times: int = 1) -> None:
        await self.watch.until(
            lambda: sum(isinstance(event, kind) for event in self.events) >= times
        )

    def watching(self, connection: Connection) -> None:
        self._connection = connection


@asynccontextmanager
async def watched(
    config: Pbx,
    *,
    started: str | None = None,
    max_queued: int = 10_000,
    fraction: Callable[[], float] = lambda: 0.0,
    deliver: Callable[[list[ev.Event]], None] | None = None,
    pace: Pace | None = None,
) -> AsyncIterator[Watched]:
    """Run a connection that comes again at once; close it at the end."""
    seen = Watched()
    connection = Connection(
        config,
        deliver or seen.deliver,
        started=started,
        on_started=seen.started.append,
        clock=lambda: 1000.0,
        fraction=fraction,
        pace=pace or Pace(),
        max_queued=max_queued,
    )
    seen.watching(connection)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(connection.run())
        try:
            yield seen
        finally:
            await connection.close()
