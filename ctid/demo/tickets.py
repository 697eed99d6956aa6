"""The tickets that the demo has written, and whether more are on their way."""

import json
from pathlib import Path
from typing import NamedTuple

from ctid.domain.drafts import Stage
from ctid.store.outbox import OutboxState
from ctid.store.queries import Reader
from ctid.store.tickets import backlogs


class Written(NamedTuple):
    """How many tickets are in the file, and how many of them ask to call back."""

    tickets: int
    to_return: int


def written(path: Path) -> Written:
    """Count a file of the `file` backend; a ticket has as many lines as revisions."""
    stages: dict[str, str] = {}
    if path.exists():
        with path.open(encoding="utf-8") as file:
            for line in file:
                draft = json.loads(line)["draft"]
                stages[draft["key"]] = draft["stage"]
    return Written(len(stages), sum(stage == Stage.TO_RETURN for stage in stages.values()))


async def all_delivered(reader: Reader) -> bool:
    """Whether no draft waits. Raises StoreUnavailable."""
    found = await backlogs(reader)
    return not any(backlog.by_state.get(OutboxState.PENDING) for backlog in found.values())
