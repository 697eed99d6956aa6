"""What the last daemon left in the database about each PBX."""

from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from ctid.domain.records import Gap, OpenCall, Seen
from ctid.pipeline import Pipeline
from ctid.store.marks import BACKUP
from ctid.store.queries import Reader

log = structlog.get_logger("ctid")


@dataclass(frozen=True, slots=True)
class LastRun:
    """Of one PBX."""

    open_calls: list[OpenCall]
    seen: Seen | None
    gap: Gap | None


async def backup_at(url: str) -> float | None:
    """When the last backup was made. Raises StoreUnavailable."""
    async with await Reader.open(url) as reader:
        return await reader.mark(BACKUP)


async def read(url: str, pbxs: Iterable[str]) -> dict[str, LastRun]:
    """By name of the PBX. Raises StoreUnavailable."""
    found: dict[str, LastRun] = {}
    async with await Reader.open(url) as reader:
        for name in pbxs:
            calls = await reader.open_calls(name)
            gaps = await reader.open_gaps(name)
            seen = await reader.seen(name)
            found[name] = LastRun(calls, seen, gaps[0] if gaps else None)
    return found


def take_up(pipeline: Pipeline, runs: dict[str, LastRun]) -> None:
    """Let the pipeline go on where the last one ended."""
    for name, run in runs.items():
        pipeline.restore(name, run.open_calls, run.seen, run.gap)
        if run.open_calls:
            log.info("restored", pbx=name, open_calls=len(run.open_calls))
