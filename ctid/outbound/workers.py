"""One worker for each table of the configuration, and beside it one that a reload has ended.

What that one is sending when its table changes cannot be taken back, nor asked about: it is let
finish, while the new worker already begins with what is due.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, Protocol, Self, TypeVar

from ctid.config.backends import Backend
from ctid.config.broker import Broker
from ctid.config.channels import Channel

_TOGETHER_SECONDS: Final = 1.0
"""So long a reload waits: most of what is under way ends within it."""
_CLOSE_SECONDS: Final = 5.0
"""So long the end of ctid waits."""


class Worker(Protocol):
    """Works in `run`, from its begin until `stop`."""

    def wake(self) -> None:
        """Something new may be due."""

    def hurry(self) -> None:
        """Somebody mended something: do not wait for the end of a pause."""

    def stop(self, seconds: float | None = None) -> None:
        """Begin nothing new; `run` returns once what is under way has ended and is settled.

        It has `seconds` for that, None: as long as it takes.
        """

    def follow(self, before: Self) -> None:
        """Leave alone what the one before it is still sending, and count on where that counts."""

    async def run(self) -> None: ...


_T = TypeVar("_T", bound=Backend | Channel)
_W = TypeVar("_W", bound=Worker)


@dataclass(frozen=True, slots=True)
class _Running(Generic[_T, _W]):
    table: _T
    worker: _W
    task: asyncio.Task[None]


class Workers(Generic[_T, _W]):
    """The workers that `make` gives, each a task of `tasks` with `title` in its name."""

    def __init__(self, tasks: asyncio.TaskGroup, title: str, make: Callable[[_T], _W]) -> None:
        self._tasks = tasks
        self._title = title
        self._make = make
        self._running: dict[str, _Running[_T, _W]] = {}
        # the newest of each name, also where there is none now
        self._last: dict[str, _W] = {}
        self._finishing: list[_Running[_T, _W]] = []
        self._closed = False

    def __iter__(self) -> Iterator[tuple[str, _W]]:
        return iter([(name, running.worker) for name, running in self._running.items()])

    def get(self, name: str) -> _W | None:
        """Who begins what is due by this name."""
        return self._running[name].worker if name in self._running else None

    def finishing(self) -> set[str]:
        """The names by which something may still be under way from before."""
        return {running.table.name for running in self._finishing}

    def open(self, tables: Iterable[_T]) -> None:
        """Begin to work for every table for which nobody works yet."""
        if self._closed:
            return  # a reload that was given up comes to its end only now
        for table in tables:
            if table.name not in self._running:
                self._start(table)

    async def end(self, tables: Iterable[_T], *, all_of_them: bool = False) -> None:
        """End those that none of these tables is for; what they send may take a moment longer."""
        wanted = {table.name: table.comparable() for table in tables}
        ending = [
            self._running.pop(name)
            for name, running in list(self._running.items())
            if all_of_them or wanted.get(name) != running.table.comparable()
        ]
        for running in ending:
            running.worker.stop()
            self._finishing.append(running)
            self._tasks.create_task(self._see_off(running), name=f"end of {self._title}")
        if ending:
            await asyncio.wait([running.task for running in ending], timeout=_TOGETHER_SECONDS)

    async def close(self) -> None:
        """Work no more; returns when what was under way has ended, or takes too long."""
        self._closed = True
        running = [*self._running.values(), *self._finishing]
        self._running.clear()
        for each in running:
            each.worker.stop(_CLOSE_SECONDS)
        if running:
            await asyncio.wait([each.task for each in running])

    # -- inside -----------------------------------------------------------------------------------

    def _start(self, table: _T) -> None:
        worker = self._make(table)
        if table.name in self._last:
            worker.follow(self._last[table.name])
        self._last[table.name] = worker
        # at a broker two of one client id would push each other out
        first = [
            running.task
            for running in self._finishing
            if _is_of_a_broker(table) and running.table.name == table.name
        ]
        task = self._tasks.create_task(
            self._run_after(first, worker), name=f"{self._title} {table.name}"
        )
        self._running[table.name] = _Running(table, worker, task)

    async def _run_after(self, first: list[asyncio.Task[None]], worker: _W) -> None:
        if first:
            await asyncio.wait(first)
        await worker.run()

    async def _see_off(self, ending: _Running[_T, _W]) -> None:
        await asyncio.wait([ending.task])
        self._finishing.remove(ending)
        # what that one could not send, or is newer than what it sent, is due by now
        for running in self._running.values():
            running.worker.wake()


def _is_of_a_broker(table: object) -> bool:
    return isinstance(table, Broker)
