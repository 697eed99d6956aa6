"""What the line watch takes up after a restart: on every line, what happened since the last answer.

With the calls of those who went without one come their other visits: they may have been answered
on another line.

Raises StoreUnavailable.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Double,
    Select,
    and_,
    bindparam,
    func,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.domain.lines_known import LastAnswer
from ctid.domain.records import Gap, Outcome, Record
from ctid.domain.returns import ReturnState, ToReturn
from ctid.store import rows
from ctid.store.queries import Reader
from ctid.store.schema import record, to_return

_C: Final = record.c
_BACK_SECONDS: Final = 31 * 86_400.0
"""What was missed longer ago than this is nothing to page about any more."""
_OVERLAP_SECONDS: Final = 86_400.0
"""A caller who still waits when another is answered was offered at most so long before."""
_GAPS_BACK_SECONDS: Final = 86_400.0
_GAPS_BACK_MOST_SECONDS: Final = 40 * 86_400.0
_MOST_RECORDS: Final = 5_000
_LINES_AT_ONCE: Final = 20
_CALLS_AT_ONCE: Final = 500
# Who came later is not always answered later, and not of every answer the wait is known.
_LATEST_CAME: Final = 200
_LAST_ANSWERED: Final = 3
_UNSEEN: Final = _C.offered_at.is_(None)
# When the caller of a record came, as far as is known: whoever was there before ctid saw the PBX
# has no `offered_at`. Each is a place in the index of figures.
_CAME: Final[Sequence[tuple[ColumnElement[Any], list[ColumnElement[bool]]]]] = (
    (_C.offered_at, []),
    (_C.started_at, [_UNSEEN]),
    (_C.ended_at, [_UNSEEN, _C.started_at.is_(None)]),
)
_UNANSWERED: Final = (Outcome.MISSED.value, Outcome.OVERFLOWED.value, Outcome.LOST.value)


@dataclass(frozen=True, slots=True)
class SinceLastAnswer:
    """Of all lines together; `last_answers` by line."""

    records: list[Record] = field(default_factory=list)
    last_answers: dict[str, LastAnswer] = field(default_factory=dict)
    settled: list[ToReturn] = field(default_factory=list)

    def latest(self) -> dict[str, float]:
        """The latest time that each PBX has told of these calls, by its clock."""
        found: dict[str, float] = {}
        told = [(answer.pbx, answer.at) for answer in self.last_answers.values()]
        told += [
            (one.pbx, at)
            for one in self.records
            if (at := one.ended_at or _some_time(one)) is not None
        ]
        for pbx, at in told:
            found[pbx] = max(at, found.get(pbx, at))
        return found


async def since_last_answer(reader: Reader, lines: Sequence[str], now: float) -> SinceLastAnswer:
    """Read it, for these lines; `now` is Unix seconds."""
    found = SinceLastAnswer()
    async with reader.transaction() as connection:
        still_open = select(record).where(_C.open, _C.line.in_(lines))
        found.records.extend(
            rows.record_from({**row}) for row in (await connection.execute(still_open)).mappings()
        )
        for some in _parts(lines):
            found.last_answers.update(await _last_answers(connection, some, now))
        for some in _parts(lines):
            answered = found.last_answers
            closed = {n: answered[n].at if n in answered else now - _BACK_SECONDS for n in some}
            found.records.extend(await _unanswered(connection, closed))
        found.records.extend(await _answered_elsewhere(connection, found.records))
        found.settled.extend(await _settled(connection, found.records))
    # those of a call together, as they are decided
    found.records.sort(key=lambda each: (each.pbx, each.uniqueid, each.ordinal))
    return found


async def gaps_since(
    reader: Reader, pbxs: Iterable[str], found: SinceLastAnswer, now: float
) -> list[Gap]:
    """When these PBXs were not seen since the oldest of those calls came, and on the last day."""
    came = [at for at in map(_some_time, found.records) if at is not None]
    back_to = max(min([*came, now - _GAPS_BACK_SECONDS]), now - _GAPS_BACK_MOST_SECONDS)
    return [gap for pbx in pbxs for gap in await reader.gaps(pbx, back_to, now)]


def _parts(lines: Sequence[str]) -> Iterator[Sequence[str]]:
    """So many lines as one statement asks for."""
    for start in range(0, len(lines), _LINES_AT_ONCE):
        yield lines[start : start + _LINES_AT_ONCE]


class _OfLine(Protocol):
    """What is asked of the line with this number, of those whose `came` is known."""

    def __call__(
        self, number: int, came: ColumnElement[Any], known: Sequence[ColumnElement[bool]]
    ) -> Select[Any]: ...


def _of_each(of_line: _OfLine) -> CompoundSelect[Any]:
    """One statement out of that of every line, each with its own order and limit."""
    each = [
        select(of_line(number, came, known).subquery())
        for number in range(_LINES_AT_ONCE)
        for came, known in _CAME
    ]
    return union_all(*each)


def _given(lines: Iterable[tuple[str, float]]) -> dict[str, str | float | None]:
    """The parameters of such a statement: of each line its name and a time."""
    given: dict[str, str | float | None] = {}
    of_none: tuple[str | None, float] = (None, 0.0)  # there is no such line
    for number, (line, at) in enumerate([*lines, *[of_none] * _LINES_AT_ONCE][:_LINES_AT_ONCE]):
        given |= {f"line_{number}": line, f"at_{number}": at}
    return given


def _answers_of(
    number: int, came: ColumnElement[Any], known: Sequence[ColumnElement[bool]]
) -> Select[Any]:
    here = [_C.line == bindparam(f"line_{number}"), _C.outcome == Outcome.ANSWERED.value, *known]
    answered_at = came + func.coalesce(_C.wait_seconds, 0.0)
    # out of the index of figures alone
    latest = (
        select(_C.pbx, _C.uniqueid, answered_at.label("answered_at"))
        .where(*here, came > bindparam(f"at_{number}"))
        .order_by(came.desc())
        .limit(_LATEST_CAME)
        .subquery()
    )
    last = select(latest).order_by(latest.c.answered_at.desc()).limit(_LAST_ANSWERED).subquery()
    return (
        select(_C.line, _C.answered_at, came.label("came_at"), _C.agent, _C.pbx)
        .join(last, and_(_C.pbx == last.c.pbx, _C.uniqueid == last.c.uniqueid))
        .where(*here)
    )


def _unanswered_of(
    number: int, came: ColumnElement[Any], known: Sequence[ColumnElement[bool]]
) -> Select[Any]:
    closed_at = bindparam(f"at_{number}", type_=Double)
    return (
        select(record)
        .where(
            _C.line == bindparam(f"line_{number}"),
            came > closed_at - _OVERLAP_SECONDS,
            _C.outcome.in_(_UNANSWERED),
            or_(_C.ended_at.is_(None), _C.ended_at > closed_at),
            _C.open.is_(False),
            *known,
        )
        .order_by(came.desc())
        .limit(_MOST_RECORDS)
    )


# Put together once: a thousand lines would take a second of every start otherwise.
_LAST_ANSWERS: Final = _of_each(_answers_of)
_ALL_UNANSWERED: Final = _of_each(_unanswered_of)


async def _last_answers(
    connection: AsyncConnection, lines: Sequence[str], now: float
) -> dict[str, LastAnswer]:
    """When each line was answered last, and by whom; those that were not are not in there."""
    given = _given((line, now - _BACK_SECONDS) for line in lines)
    found: dict[str, LastAnswer] = {}
    for line, answered_at, came_at, agent, pbx in await connection.execute(_LAST_ANSWERS, given):
        at = came_at if answered_at is None else answered_at
        if line not in found or at > found[line].at:
            found[line] = LastAnswer(at, agent, pbx)
    return found


async def _unanswered(connection: AsyncConnection, closed_at: Mapping[str, float]) -> list[Record]:
    """Who came to each line and went without an answer since it was closed, at these times."""
    answer = await connection.execute(_ALL_UNANSWERED, _given(closed_at.items()))
    return [rows.record_from({**row}) for row in answer.mappings()]


async def _answered_elsewhere(
    connection: AsyncConnection, records: Sequence[Record]
) -> list[Record]:
    """Visits to other lines on which the callers of these were answered in the same call."""
    calls: dict[str, list[str]] = {}
    for pbx, uniqueid in {(each.pbx, each.uniqueid) for each in records if not each.open}:
        calls.setdefault(pbx, []).append(uniqueid)
    found: list[Record] = []
    for pbx, uniqueids in calls.items():
        for start in range(0, len(uniqueids), _CALLS_AT_ONCE):
            query = select(record).where(
                _C.pbx == pbx,
                _C.uniqueid.in_(uniqueids[start : start + _CALLS_AT_ONCE]),
                _C.outcome == Outcome.ANSWERED.value,
            )
            answer = await connection.execute(query)
            found.extend(rows.record_from({**row}) for row in answer.mappings())
    return found


async def _settled(connection: AsyncConnection, records: Sequence[Record]) -> list[ToReturn]:
    came = [_some_time(each) for each in records]
    first = min((at for at in came if at is not None), default=None)
    if first is None:
        return []
    over = (ReturnState.REACHED.value, ReturnState.CLOSED.value)
    query = select(to_return).where(
        and_(to_return.c.state.in_(over), to_return.c.settled_at >= first)
    )
    return [rows.return_from({**row}) for row in (await connection.execute(query)).mappings()]


def _some_time(of: Record) -> float | None:
    known = (of.offered_at, of.started_at, of.ended_at)
    return next((at for at in known if at is not None), None)
