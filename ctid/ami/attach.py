"""After the login: ask what is going on, while events already come."""

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

from ctid.ami import actions
from ctid.ami.client import Client, ConnectionEndedError
from ctid.ami.replies import Reply
from ctid.ami.snapshot import SnapshotCollector
from ctid.domain import events as ev
from ctid.domain.catchup import reconcile
from ctid.domain.channels import DIALLED_APPS
from ctid.domain.days import EARLIEST, LATEST

# Asking each channel for its times takes one action each.
MAX_ASKED = 200


@dataclass(frozen=True, slots=True)
class Attachment:
    """What the PBX told. `started` names its process; `refused` are actions it would not do."""

    snapshot: ev.Snapshot | None
    started: str | None
    refused: tuple[str, ...]

    @property
    def channel_count(self) -> int | None:
        return len(self.snapshot.channels) if self.snapshot is not None else None

    def events(self, kept: list[ev.Event]) -> Iterable[ev.Event]:
        """The snapshot, and behind it what came meanwhile.

        FullyBooted goes first: its uptime tells of a restart where CoreStatus may not be asked.
        """
        if self.snapshot is None:
            return kept
        booted = [event for event in kept if isinstance(event, ev.FullyBooted)]
        others = [event for event in kept if not isinstance(event, ev.FullyBooted)]
        return [*booted, reconcile(self.snapshot, others), *others]


async def attach(client: Client, seconds: float) -> Attachment | None:
    """Ask; None if the lists did not come in `seconds`. Raises ConnectionEndedError.

    The times of the channels are asked behind that, and done without where they do not come.
    """
    collector = SnapshotCollector()
    try:
        async with asyncio.timeout(seconds):
            started, refused = await _ask_lists(client, collector)
    except TimeoutError:
        return None
    client.lists_are_complete()
    if actions.LISTS[0][0]["Action"] in refused:
        return Attachment(None, started, refused)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await _ask_times(client, collector)
    return Attachment(collector.snapshot(collector.listed_at or 0.0), started, refused)


async def _ask_lists(
    client: Client, collector: SnapshotCollector
) -> tuple[str | None, tuple[str, ...]]:
    status = client.request(actions.CORE_STATUS)
    asked = [(client.request(action), action, end) for action, end in actions.LISTS]
    refused: list[str] = []
    for answer, action, end in asked:
        if not (await answer).success:
            collector.refuse(end)
            refused.append(action["Action"])
    while not collector.is_complete:
        for reply in _listed(client):
            collector.add(reply)
        if not collector.is_complete:
            if client.ended is not None:
                raise ConnectionEndedError
            await client.wake.wait()
            client.wake.clear()
    return (await status).process_start, tuple(refused)


def _listed(client: Client) -> list[Reply]:
    replies, client.listed = client.listed, []
    return replies


async def _ask_times(client: Client, collector: SnapshotCollector) -> None:
    """When agents answered and callers came, from the PBX's own CDR."""
    channels = list(collector.channels.values())
    agents = [row for row in channels if row.application in DIALLED_APPS and row.bridge]
    callers = [row for row in channels if row.application not in DIALLED_APPS]
    if len(agents) + len(callers) > MAX_ASKED:
        callers = []
    asked = [
        (answers, row.channel.uniqueid, client.request(actions.getvar(row.channel.name, variable)))
        for rows, answers, variable in (
            (agents[:MAX_ASKED], collector.answered, "CDR(answer,u)"),
            (callers, collector.started, "CDR(start,u)"),
        )
        for row in rows
        if row.channel.name.isprintable()
    ]
    for times, uniqueid, answer in asked:
        when = _time((await answer).value)
        if when is not None:
            times[uniqueid] = when


def _time(value: str) -> float | None:
    try:
        when = float(value)
    except ValueError:
        return None
    return when if EARLIEST <= when < LATEST else None
