"""What the line watch takes up after a restart: on every line, what happened since the last answer.

Raises StoreUnavailable.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.domain.records import Outcome, Record
from ctid.domain.returns import ReturnState, ToReturn
from ctid.domain.watch import LastAnswer
from ctid.store import rows
from ctid.store.queries import Reader
from ctid.store.schema import record, to_return

_C: Final = record.c
_BACK_SECONDS: Final = 31 * 86_400.0
"""What was missed longer ago than this is nothing to page about any more."""
_OVERLAP_SECONDS: Final = 86_400.0
"""A caller who still waits when another is answered was offered at most so long before."""
_MOST_RECORDS: Final = 5_000
_LATEST_ANSWERS: Final = 20  # offered later is not always answered later
_UNANSWERED: Final = (Outcome.MISSED.value, Outcome.OVERFLOWED.value, Outcome.LOST.value)


@dataclass(frozen=True, slots=True)
class SinceLastAnswer:
    """Of all lines together; `last_answers` by line."""

    records: list[Record] = field(default_factory=list)
    last_answers: dict[str, LastAnswer] = field(default_factory=dict)
    settled: list[ToReturn] = field(default_factory=list)


async def since_last_answer(reader: Reader, lines: Sequence[str], now: float) -> SinceLastAnswer:
    """Read it, for these lines; `now` is Unix seconds."""
    found = SinceLastAnswer()
    async with reader.transaction() as connection:
        still_open = select(record).where(_C.open, _C.line.in_(lines))
        found.records.extend(
            rows.record_from({**row}) for row in (await connection.execute(still_open)).mappings()
        )
        for line in lines:
            last = await _last_answer(connection, line, now)
            if last is not None:
                found.last_answers[line] = last
            closed_at = now - _BACK_SECONDS if last is None else last.at
            found.records.extend(await _unanswered(connection, line, closed_at))
        found.settled.extend(await _settled(connection, found.records))
    # those of a call together, as they are decided
    found.records.sort(key=lambda each: (each.pbx, each.uniqueid, each.ordinal))
    return found


async def _last_answer(connection: AsyncConnection, line: str, now: float) -> LastAnswer | None:
    query = (
        select(_C.answered_at, _C.offered_at, _C.agent, _C.pbx)
        .where(
            _C.line == line,
            _C.offered_at > now - _BACK_SECONDS,
            _C.outcome == Outcome.ANSWERED.value,
        )
        .order_by(_C.offered_at.desc())
        .limit(_LATEST_ANSWERS)
    )
    answers = [
        LastAnswer(offered if answered is None else answered, agent, pbx)
        for answered, offered, agent, pbx in await connection.execute(query)
    ]
    return max(answers, key=lambda answer: answer.at, default=None)


async def _unanswered(connection: AsyncConnection, line: str, closed_at: float) -> list[Record]:
    query = (
        select(record)
        .where(
            _C.line == line,
            _C.offered_at > closed_at - _OVERLAP_SECONDS,
            _C.outcome.in_(_UNANSWERED),
            or_(_C.ended_at.is_(None), _C.ended_at > closed_at),
            _C.open.is_(False),
        )
        .order_by(_C.offered_at.desc())
        .limit(_MOST_RECORDS)
    )
    return [rows.record_from({**row}) for row in (await connection.execute(query)).mappings()]


async def _settled(connection: AsyncConnection, records: Sequence[Record]) -> list[ToReturn]:
    first = min((each.offered_at for each in records if each.offered_at is not None), default=None)
    if first is None:
        return []
    over = (ReturnState.REACHED.value, ReturnState.CLOSED.value)
    query = select(to_return).where(
        and_(to_return.c.state.in_(over), to_return.c.settled_at >= first)
    )
    return [rows.return_from({**row}) for row in (await connection.execute(query)).mappings()]
