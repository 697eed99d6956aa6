"""Which local days are summarised, and the rows of table `summary`."""

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.domain.days import midnight
from ctid.domain.kpi import AgentCounts, Counts
from ctid.domain.tally import Hours, Key, Scope
from ctid.store.schema import summary_day

AGENTS: Final = "agents"
"""The scope of the rows that hold figures of agents; their name is the line."""

Agents = dict[str, dict[str, AgentCounts]]


class Span(StrEnum):
    """How much time a row of `summary` is about."""

    DAY = "day"
    MONTH = "month"


class DayState(NamedTuple):
    """A row of `summary_day`: up to date if what was `counted` is the newest of its `changes`."""

    day: str
    began_at: float
    ended_at: float
    changes: int
    counted: int
    frozen: bool

    def is_current(self, zone: str) -> bool:
        """Whether its summary holds. A day in another time zone has other hours."""
        if self.frozen:
            return True
        same_day = self.began_at == midnight(date.fromisoformat(self.day), zone)
        return self.counted == self.changes and same_day


async def states(connection: AsyncConnection, first: date, last: date) -> dict[date, DayState]:
    """Give what is known of the days from the first to the last."""
    c = summary_day.c
    query = select(summary_day).where(c.day >= first.isoformat(), c.day <= last.isoformat())
    found = (DayState(*row) for row in await connection.execute(query))
    return {date.fromisoformat(state.day): state for state in found}


def counts_row(span: Span, began_on: date, key: Key, hours: Hours) -> dict[str, Any]:
    """Give a row of `summary` for a line, a specialty or the desk."""
    by_hour = {str(hour): counts.to_json() for hour, counts in sorted(hours.by_hour.items())}
    return {
        "span": span.value,
        "began_on": began_on.isoformat(),
        "scope": key[0].value,
        "name": key[1],
        "total": orjson.dumps(hours.total().to_json()).decode(),
        "hours": orjson.dumps(by_hour).decode(),
    }


def agents_row(
    span: Span, began_on: date, line: str, agents: Mapping[str, AgentCounts]
) -> dict[str, Any]:
    """Give a row of `summary` for the agents of a line."""
    by_agent = {
        agent: [n.rings, n.answered, n.no_answer, n.talk_seconds] for agent, n in agents.items()
    }
    return {
        "span": span.value,
        "began_on": began_on.isoformat(),
        "scope": AGENTS,
        "name": line,
        "total": orjson.dumps(by_agent).decode(),
        "hours": "{}",
    }


def hours_from(hours: str) -> Hours:
    """Read the column `hours`."""
    found = orjson.loads(hours).items()
    return Hours({int(hour): Counts.from_json(counts) for hour, counts in found})


def add_agents(to: Agents, line: str, total: str) -> None:
    """Add the column `total` of a row of agents."""
    merge_agents(to, line, {a: AgentCounts(*n) for a, n in orjson.loads(total).items()})


def merge_agents(to: Agents, line: str, agents: Mapping[str, AgentCounts]) -> None:
    """Add what was counted elsewhere."""
    by_agent = to.setdefault(line, {})
    for agent, numbers in agents.items():
        by_agent.setdefault(agent, AgentCounts()).add(numbers)


def merge_hours(to: dict[Key, Hours], rows: Iterable[tuple[str, str, str]]) -> None:
    """Add rows of scope, name and `hours`."""
    for scope, name, hours in rows:
        to.setdefault((Scope(scope), name), Hours()).add(hours_from(hours))


def within(column: ColumnElement[str], days: Iterable[date]) -> ColumnElement[bool]:
    """Restrict a column to some days."""
    return column.in_([day.isoformat() for day in days])
