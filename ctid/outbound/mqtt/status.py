"""Whether ctid is there, as anybody at a broker sees it.

One connection of its own says so for as long as ctid runs: with those that carry drafts, pages and
commands, each of which may end, be refused or be lost alone, the last will of one would say
`offline` while ctid lives.
"""

import asyncio
import contextlib
from collections.abc import Iterable

from ctid.config.broker import Broker
from ctid.outbound.mqtt import topics
from ctid.outbound.mqtt.access import open_access
from ctid.outbound.mqtt.connection import USUAL_PAUSES, Connection, Pauses
from ctid.outbound.port import DeliveryError


class Status:
    """Runs as a task until it is cancelled; then it says `offline` and logs off.

    Its client id is `ctid-SITE`, which those of tables, `ctid-SITE-NAME`, never are.
    """

    def __init__(self, table: Broker, site: str, pauses: Pauses = USUAL_PAUSES) -> None:
        self._seconds = table.timeout_seconds
        self._connection = Connection(
            lambda: open_access(table, f"ctid-{site}"),
            status=topics.STATUS.at(site),
            pauses=pauses,
        )

    async def run(self) -> None:
        try:
            with contextlib.suppress(DeliveryError):  # it is told by the log, and tried again
                await self._connection.client(self._seconds)
            await asyncio.Event().wait()
        finally:
            await self._connection.close()


class Statuses:
    """One of them at each broker to which tables lead; each is a task of `tasks`."""

    def __init__(self, tasks: asyncio.TaskGroup, site: str, pauses: Pauses = USUAL_PAUSES) -> None:
        self._tasks = tasks
        self._site = site
        self._pauses = pauses
        # by host and port: how to get in, and who is there
        self._running: dict[tuple[str, int], tuple[object, asyncio.Task[None]]] = {}

    def open(self, tables: Iterable[Broker]) -> None:
        """Begin at brokers where nobody is yet; of several tables for one the first counts."""
        for where, table in _by_place(tables).items():
            if where not in self._running:
                running = Status(table, self._site, self._pauses).run()
                task = self._tasks.create_task(running, name=f"status at {where[0]}")
                self._running[where] = table.way_in(), task

    async def use(self, tables: Iterable[Broker]) -> None:
        """Go on with other tables; where the way in is the same, nobody sees ctid go."""
        wanted = _by_place(tables)
        await self._end(
            where
            for where, (way, _) in self._running.items()
            if where not in wanted or wanted[where].way_in() != way
        )
        self.open(wanted.values())

    async def close(self) -> None:
        """Say `offline` everywhere."""
        await self._end(self._running)

    async def _end(self, places: Iterable[tuple[str, int]]) -> None:
        ending = [self._running.pop(where)[1] for where in list(places)]
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending)


def _by_place(tables: Iterable[Broker]) -> dict[tuple[str, int], Broker]:
    found: dict[tuple[str, int], Broker] = {}
    for table in tables:
        found.setdefault((table.host, table.port), table)
    return found
