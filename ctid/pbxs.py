"""The connections to all configured PBXs: opened, closed, and exchanged when a setting changes."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ctid.ami.connection import Connection
from ctid.config import Pbx
from ctid.domain import events as ev
from ctid.domain.lines import Line
from ctid.domain.presence import Presence
from ctid.domain.records import GapCause
from ctid.domain.seats import phones_of, presences
from ctid.pipeline import Pipeline

# What the pipeline uses, not the connection: a change of these needs no new login.
_DIRECTORY_KEYS = frozenset({"trunks", "inbound_contexts", "closed_contexts"})


@dataclass(frozen=True, slots=True)
class _Running:
    settings: Pbx
    connection: Connection
    task: asyncio.Task[None]


class Pbxs:
    """One connection per PBX, each in a task of `tasks`; all deliver to `pipeline`."""

    def __init__(self, pipeline: Pipeline, tasks: asyncio.TaskGroup) -> None:
        self._pipeline = pipeline
        self._tasks = tasks
        self._running: dict[str, _Running] = {}

    @property
    def connections(self) -> Mapping[str, Connection]:
        return {name: running.connection for name, running in self._running.items()}

    @property
    def settings(self) -> Mapping[str, Pbx]:
        return {name: running.settings for name, running in self._running.items()}

    def open(self, settings: Pbx) -> None:
        """Connect, and stay connected. The pipeline has to watch this PBX already."""
        name = settings.name
        connection = Connection(
            settings,
            partial(self._pipeline.deliver, name),
            started=self._pipeline.sights()[name].started,
            on_started=partial(self._pipeline.pbx_started, name),
        )
        task = self._tasks.create_task(connection.run(), name=f"connection {name}")
        self._running[name] = _Running(settings, connection, task)

    def open_all(self, tables: Iterable[Pbx]) -> None:
        """The same for several."""
        for settings in tables:
            self.open(settings)

    async def close(self, names: Iterable[str]) -> None:
        """Log off; returns when the connections have ended."""
        found = [self._running.pop(name) for name in names]
        for running in found:
            await running.connection.close()
        await asyncio.gather(*(running.task for running in found))

    async def presence(
        self, lines: Sequence[Line], names: Mapping[str, str], seconds: float = 1.5
    ) -> Mapping[str, Presence]:
        """Who could answer each of these lines now, by its name: all PBXs are asked at once.

        `names` maps interfaces and extensions to names of agents. A line that no PBX could tell
        of within `seconds` is not in there.
        """
        queues = frozenset[str]().union(*(line.queues for line in lines))
        phones = phones_of(lines, names)
        asked = (
            running.connection.ask_presence(queues, phones, seconds)
            for running in list(self._running.values())
        )
        answers = await asyncio.gather(*asked)
        return presences(lines, names, [answer for answer in answers if answer is not None])

    async def exchange(self, settings: Pbx) -> None:
        """Close and open anew with other settings; in between the PBX is out of sight."""
        name = settings.name
        await self.close([name])
        if self._pipeline.sights()[name].attached:
            gone = ev.Detached(time.time(), GapCause.CONNECTION_LOST)
            self._pipeline.deliver(name, [gone])
        self.open(settings)


def reconnects(old: Pbx, new: Pbx) -> bool:
    """Whether the change needs a new connection. Secrets are compared by what they are."""
    left = old.model_dump(exclude={*_DIRECTORY_KEYS, "secret"})
    right = new.model_dump(exclude={*_DIRECTORY_KEYS, "secret"})
    secrets = [one.secret.reveal() if one.secret else None for one in (old, new)]
    return left != right or secrets[0] != secrets[1]
