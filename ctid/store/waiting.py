"""How many drafts or pages wait to be delivered, and since when."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import Column, func, select

from ctid.store.queries import Reader

_PENDING: Final = "pending"


class Waiting(NamedTuple):
    """So many, the oldest of them since `oldest_at` (Unix seconds); None: nothing waits."""

    number: int
    oldest_at: float | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """Of one backend or channel: how many by state, and when the oldest that waits was decided.

    When a page was due may be long before: then no daemon ran that could send it.
    """

    by_state: dict[str, int]
    oldest_at: float | None

    @property
    def waiting(self) -> Waiting:
        return Waiting(self.by_state.get(_PENDING, 0), self.oldest_at)


async def backlogs(reader: Reader, destination: Column[str]) -> dict[str, Backlog]:
    """Count the rows of a table by this column and their state."""
    table = destination.table.c
    # apart, so that the index is enough for the first: the rows of a year are large
    number = select(destination, table.state, func.count()).group_by(table.state, destination)
    oldest = (
        select(destination, func.min(table.decided_at))
        .where(table.state == _PENDING)
        .group_by(destination)
    )
    by_state: dict[str, dict[str, int]] = {}
    async with reader.transaction() as connection:
        for name, state, rows in await connection.execute(number):
            by_state.setdefault(name, {})[state] = rows
        waits = {row[0]: row[1] for row in await connection.execute(oldest)}
    return {name: Backlog(rows, waits.get(name)) for name, rows in by_state.items()}
