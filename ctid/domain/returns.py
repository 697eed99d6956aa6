"""Missed calls to return: who still waits for a call back, by DOMAIN's definition.

Pure: the ended calls go in, the entries that changed come out; what is open is given at the start.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple

from ctid.domain.records import Direction, Outcome, Reason, Record

_MOST_MISSES: Final = 1000
_MISSES_KEPT: Final = 500
"""A machine that calls each minute for a year must not make its entry, which is written with each
call, grow for ever: once there are so many, the oldest are forgotten, many at a time."""

_TAIL: Final = 4
_TAIL_SEARCHED: Final = 12  # with blanks and dashes between

CONNECTED_SECONDS: Final = 10.0
"""An outbound call that was connected for less may have been answered by a voicemail."""


class ReturnState(StrEnum):
    OPEN = "open"
    ATTEMPTED = "attempted"
    REACHED = "reached"
    CLOSED = "closed"


class Miss(NamedTuple):
    """One call that was not answered. `at`: when it was offered, or came (Unix seconds)."""

    pbx: str
    uniqueid: str
    at: float
    outcome: Outcome
    reason: Reason | None


class ToReturn(NamedTuple):
    """One caller who was missed on one line, once or several times.

    Key: (pbx, uniqueid) of the first miss. `number` is normalised, None for a caller who cannot be
    called back; `shown` is as it arrived. `due_at`: when somebody has to have called. Once it is
    settled (reached or closed), `settled_at`, `settled_by` and `why` tell how.
    """

    pbx: str
    uniqueid: str
    line: str
    number: str | None
    shown: str | None
    name: str | None
    state: ReturnState
    misses: tuple[Miss, ...]
    due_at: float
    attempted_at: float | None = None
    settled_at: float | None = None
    settled_by: str | None = None
    why: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody has still to be reached."""
        return self.state in (ReturnState.OPEN, ReturnState.ATTEMPTED)


Due = Callable[[str, float], float]


class Returns:
    """Follows ended calls.

    `normalize` makes numbers comparable, None where there is none; `due(line, at)` tells by when
    who was missed then has to be called back.
    """

    def __init__(
        self,
        normalize: Callable[[str], str | None],
        due: Due,
        *,
        connected_seconds: float = CONNECTED_SECONDS,
    ) -> None:
        self._normalize = normalize
        self._due = due
        self._connected_seconds = connected_seconds
        # by number, by line; anonymous callers cannot be reached: nothing ever changes about them
        self._open: dict[str, dict[str, ToReturn]] = {}
        # how many of these numbers end so: most calls are of nobody who waits, and to know that
        # must not cost as much as to understand their numbers
        self._tails: Counter[str] = Counter()

    def restore(self, entries: Iterable[ToReturn]) -> None:
        """Take up the open entries of the last run."""
        for entry in entries:
            if entry.is_open:
                self._keep(entry)

    def open_entries(self) -> list[ToReturn]:
        """Everybody who can be reached and was not, in no order."""
        return [entry for lines in self._open.values() for entry in lines.values()]

    def receive(self, records: Iterable[Record]) -> list[ToReturn]:
        """Take records as they were committed, those of a call together; what changed by them.

        The same call may come again: nothing changes then.
        """
        changed: dict[tuple[str, str], ToReturn] = {}
        for _, of_call in groupby(records, lambda record: (record.pbx, record.uniqueid)):
            for entry in self._call(list(of_call)):
                changed[entry.pbx, entry.uniqueid] = entry
        return list(changed.values())

    def close(self, entry: ToReturn, at: float, by: str, why: str) -> ToReturn:
        """Somebody says that nobody has to be called. `entry` may be older than what is known."""
        latest = self._known(entry) or entry
        closed = latest._replace(state=ReturnState.CLOSED, settled_at=at, settled_by=by, why=why)
        self._settle(closed)
        return closed

    def change(self, to: Callable[[ToReturn], ToReturn]) -> list[ToReturn]:
        """Put what `to` gives in the place of every open entry; those settled by it."""
        settled = []
        for entry in self.open_entries():
            new = to(entry)
            if new.is_open:
                self._keep(new)
            else:
                self._settle(entry)
                settled.append(new)
        return settled

    def drop(self, before: float) -> None:
        """Know no more of callers whose last miss was before this time (Unix seconds)."""
        for entry in self.open_entries():
            if entry.misses[-1].at < before:
                self._settle(entry)

    def _call(self, visits: Sequence[Record]) -> list[ToReturn]:
        call = visits[0]
        if call.direction is Direction.INBOUND or call.line is not None:
            answered = [visit for visit in visits if visit.outcome is Outcome.ANSWERED]
            if answered:
                return self._reached_by_answer(answered)
            missed = [visit for visit in visits if _is_missed(visit)]
            return self._missed(missed[-1]) if missed and not call.open else []
        if not call.open and call.did:
            return self._called(call)
        return []

    def _entries(self, seen: str | None) -> list[ToReturn]:
        """Those of a number as it was seen."""
        if not seen or _tail(seen) not in self._tails:
            return []
        number = self._normalize(seen)
        return list(self._open.get(number, {}).values()) if number else []

    def _reached_by_answer(self, visits: Sequence[Record]) -> list[ToReturn]:
        """Somebody answered the caller, on each of these visits."""
        answers = [(visit.answered_at or visit.ended_at, visit) for visit in visits]
        # not always the order of the visits: a transfer may lead back to the first line
        known = sorted(((at, visit) for at, visit in answers if at is not None), key=itemgetter(0))
        changed = []
        for entry in self._entries(visits[0].caller_number):
            answer = next((one for one in known if one[0] > entry.misses[-1].at), None)
            if answer is not None:
                at, visit = answer
                why = f"called again, answered on line {visit.line}"
                changed.append(self._reached(entry, at, visit.agent, why))
        return changed

    def _called(self, call: Record) -> list[ToReturn]:
        began = call.started_at or call.answered_at or call.ended_at
        changed = []
        for entry in self._entries(call.did):
            if began is None or began <= entry.misses[-1].at:
                continue
            if _connected(call) >= self._connected_seconds:
                changed.append(self._reached(entry, call.answered_at, call.agent, "called back"))
            elif entry.attempted_at is None or began > entry.attempted_at:
                attempted = entry._replace(state=ReturnState.ATTEMPTED, attempted_at=began)
                self._keep(attempted)
                changed.append(attempted)
        return changed

    def _missed(self, visit: Record) -> list[ToReturn]:
        at = visit.offered_at or visit.started_at or visit.ended_at
        if at is None or visit.line is None or visit.outcome is None:
            return []
        miss = Miss(visit.pbx, visit.uniqueid, at, visit.outcome, visit.reason)
        number = self._normalize(visit.caller_number or "")
        known = self._open.get(number, {}).get(visit.line) if number else None
        if known is None:
            entry = ToReturn(
                visit.pbx,
                visit.uniqueid,
                visit.line,
                number,
                visit.caller_number,
                visit.caller_name,
                ReturnState.OPEN,
                (miss,),
                self._due(visit.line, at),
            )
        elif any(miss[:2] == other[:2] for other in known.misses):
            return []
        else:
            kept = known.misses
            if len(kept) >= _MOST_MISSES:
                kept = kept[-_MISSES_KEPT:]
            # whoever calls again has to be called again
            entry = known._replace(state=ReturnState.OPEN, misses=(*kept, miss))
        self._keep(entry)
        return [entry]

    def _reached(self, entry: ToReturn, at: float | None, by: str | None, why: str) -> ToReturn:
        reached = entry._replace(state=ReturnState.REACHED, settled_at=at, settled_by=by, why=why)
        self._settle(reached)
        return reached

    def _keep(self, entry: ToReturn) -> None:
        if entry.number is None:
            return
        if entry.number not in self._open:
            self._open[entry.number] = {}
            self._tails[_tail(entry.number)] += 1
        self._open[entry.number][entry.line] = entry

    def _known(self, entry: ToReturn) -> ToReturn | None:
        """The same entry as it stands here; None: it is not open (any more), or anonymous."""
        known = self._open.get(entry.number or "", {}).get(entry.line)
        return known if known is not None and known[:2] == entry[:2] else None

    def _settle(self, entry: ToReturn) -> None:
        number = entry.number
        if number is None or self._known(entry) is None:
            return
        del self._open[number][entry.line]
        if not self._open[number]:
            del self._open[number]
            tail = _tail(number)
            self._tails[tail] -= 1
            if not self._tails[tail]:
                del self._tails[tail]


def _tail(number: str) -> str:
    """The last digits, which are the same in every spelling of one number."""
    return "".join(char for char in number[-_TAIL_SEARCHED:] if char.isdigit())[-_TAIL:]


def _is_missed(visit: Record) -> bool:
    if visit.outcome is Outcome.NOT_OFFERED:
        return visit.reason is Reason.AFTER_HOURS
    return visit.outcome in (Outcome.MISSED, Outcome.OVERFLOWED)


def _connected(call: Record) -> float:
    """Seconds for which an outbound call was connected, as far as is known."""
    if call.answered_at is None or call.ended_at is None:
        return 0.0
    return call.ended_at - call.answered_at
