"""Missed calls to return: who still waits for a call back, by DOMAIN's definition.

Pure: calls go in, and the time where one has to go on for a while; the entries that changed come
out. What is open is given at the start. Times are those of the calls' own PBXs.
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
    """Follows calls.

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
        # calls to somebody who waits, connected, but not for long enough yet
        self._under_way: dict[tuple[str, str], Record] = {}

    def restore(self, entries: Iterable[ToReturn], calls: Iterable[Record]) -> None:
        """Take up the open entries of the last run, and the calls that went on when it ended."""
        for entry in entries:
            if entry.is_open:
                self._keep(entry)
        self.receive(calls)

    def open_entries(self) -> list[ToReturn]:
        """Everybody who can be reached and was not, in no order."""
        return [entry for lines in self._open.values() for entry in lines.values()]

    def calls_under_way(self) -> list[Record]:
        """Those by which somebody will be reached if they go on for long enough."""
        return list(self._under_way.values())

    def receive(self, records: Iterable[Record]) -> list[ToReturn]:
        """Take records as they were committed, those of a call together; what changed by them.

        The same call may come again: nothing changes then.
        """
        changed: dict[tuple[str, str], ToReturn] = {}
        for _, of_call in groupby(records, lambda record: (record.pbx, record.uniqueid)):
            for entry in self._call(list(of_call)):
                changed[entry.pbx, entry.uniqueid] = entry
        return list(changed.values())

    def next_timer(self, pbx: str) -> float | None:
        """When `handle_timer` has something to do, by the clock of this PBX."""
        return min((self._long_at(call) for call in self._of(pbx)), default=None)

    def handle_timer(self, pbx: str, now: float) -> list[ToReturn]:
        """What changes by calls of this PBX that go on; `now` is what its clock shows.

        To be called after all that the PBX told up to then, and only while it is in sight.
        """
        changed = []
        for call in self._of(pbx):
            if self._long_at(call) <= now:
                del self._under_way[call.pbx, call.uniqueid]
                changed += self._called_back(call)
        return changed

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
            answered = [visit for visit in visits if _is_answered(visit)]
            if answered:
                return self._reached_by_answer(answered)
            missed = [visit for visit in visits if _is_missed(visit)]
            return self._missed(missed[-1]) if missed and not call.open else []
        self._under_way.pop((call.pbx, call.uniqueid), None)
        if not call.did:
            return []
        if not call.open:
            return self._called(call)
        if call.answered_at is not None and self._may_be_open(call.did):
            self._under_way[call.pbx, call.uniqueid] = call
        return []

    def _of(self, pbx: str) -> list[Record]:
        return [call for call in self._under_way.values() if call.pbx == pbx]

    def _long_at(self, call: Record) -> float:
        return (call.answered_at or 0.0) + self._connected_seconds

    def _may_be_open(self, seen: str) -> bool:
        """Whether there may be entries of a number as it was seen; quickly."""
        return _tail(seen) in self._tails

    def _entries(self, seen: str | None) -> list[ToReturn]:
        """Those of a number as it was seen."""
        if not seen or not self._may_be_open(seen):
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
        """An outbound call has ended."""
        if _connected(call) >= self._connected_seconds:
            return self._called_back(call)
        began = _began_at(call)
        changed = []
        for entry in self._missed_before(call):
            if began is not None and (entry.attempted_at is None or began > entry.attempted_at):
                attempted = entry._replace(state=ReturnState.ATTEMPTED, attempted_at=began)
                self._keep(attempted)
                changed.append(attempted)
        return changed

    def _called_back(self, call: Record) -> list[ToReturn]:
        """Its agent has spoken with whom they called."""
        return [
            self._reached(entry, call.answered_at, call.agent, "called back")
            for entry in self._missed_before(call)
        ]

    def _missed_before(self, call: Record) -> list[ToReturn]:
        """The entries of whom an outbound call is to, if it began after they were missed."""
        began = _began_at(call)
        return [
            entry
            for entry in self._entries(call.did)
            if began is not None and began > entry.misses[-1].at
        ]

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


def _is_answered(visit: Record) -> bool:
    """Of an extension it is said only at the end whether it counts: it may be the line's agent."""
    if visit.open and visit.direction is not Direction.INTERNAL:
        return visit.answered_at is not None
    return visit.outcome is Outcome.ANSWERED


def _began_at(call: Record) -> float | None:
    return call.started_at or call.answered_at or call.ended_at


def _connected(call: Record) -> float:
    """Seconds for which an outbound call was connected, as far as is known."""
    if call.answered_at is None or call.ended_at is None:
        return 0.0
    return call.ended_at - call.answered_at
