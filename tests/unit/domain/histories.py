"""Random histories of calls, and what the definitions say of the clocks of their lines.

`Calls` is the truth: who came when, and what became of them. `since` says by that alone, and by
going through the facts in their order, since when nobody has answered on a line: it shares nothing
with the code that it checks. `records` are the same as the tracker gives them.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from ctid.domain.records import Direction, Outcome, Reason, Record
from tests.unit.domain.missed_calls import outbound, record

BEGIN: Final = 1_780_298_100.0
"""Monday, 2026-06-01 07:15 UTC."""
DUTY: Final = {"network": (), "server": ("08:00-09:00", "09:30-13:00")}
"""Of each line; none is round the clock."""
NUMBERS: Final = tuple(f"1381111000{digit}" for digit in range(6))
TEST_NUMBER: Final = "13899999999"
SHORT: Final = 5.0
CONNECTED: Final = 10.0


@dataclass
class Visit:
    """One offer. `left`: when they were missed, or lost; `how`: waiting, answered, missed, lost."""

    line: str
    offered: float
    how: str = "waiting"
    answered: float | None = None
    left: float | None = None
    hung_up: bool = False


@dataclass
class Call:
    """`who` is a customer, a test number, or an agent of the line itself."""

    name: str
    number: str | None
    who: str
    visits: list[Visit] = field(default_factory=list)
    is_over: bool = False
    closed: float | None = None


@dataclass
class CallBack:
    name: str
    number: str
    began: float
    ended: float | None = None


class Calls:
    """The truth up to `now`; `step` lets something happen, and gives the records of the call."""

    def __init__(self, seed: int) -> None:
        self.now = BEGIN
        self._random = random.Random(seed)
        self.calls: list[Call] = []
        self.backs: list[CallBack] = []
        self.closings: dict[str, list[float]] = {line: [] for line in DUTY}

    # -- what happens -----------------------------------------------------------------------------

    def pause(self) -> float:
        """How long nothing happens."""
        return float(self._random.choice((1, 2, 7, 30, 90, 240, 600)))

    def step(self) -> list[Record]:
        """Something happens now; what the tracker makes of that."""
        waiting = [call for call in self._open() if call.visits[-1].how == "waiting"]
        talking = [call for call in self._open() if call.visits[-1].how == "answered"]
        backs = [back for back in self.backs if back.ended is None]
        happens = self._random.random()
        if backs and happens < 0.2:
            back = self._random.choice(backs)
            back.ended = self.now
            return [_back_record(back, self.now)]
        if talking and happens < 0.45:
            return self._goes_on(self._random.choice(talking))
        if waiting and happens < 0.75:
            return self._ends_waiting(self._random.choice(waiting))
        if happens < 0.85 and (idle := self._idle_numbers()):
            number = self._random.choice(idle)
            self.backs.append(CallBack(f"back{len(self.backs)}", number, self.now))
            return [_back_record(self.backs[-1], self.now)]
        return self._begins()

    def _begins(self) -> list[Record]:
        number = self._random.choice((None, TEST_NUMBER, "101", *self._idle_numbers()))
        who = {TEST_NUMBER: "test", "101": "own"}.get(number or "", "customer")
        call = Call(f"call{len(self.calls)}", number, who)
        call.visits.append(Visit(self._random.choice(list(DUTY)), self.now))
        self.calls.append(call)
        return self.records(call)

    def _goes_on(self, call: Call) -> list[Record]:
        if self._random.random() < 0.2:
            self._visits_other(call)  # transferred
        else:
            call.is_over = True
        return self.records(call)

    def _ends_waiting(self, call: Call) -> list[Record]:
        visit = call.visits[-1]
        visit.how = self._random.choice(("answered", "answered", "missed", "missed", "lost"))
        if visit.how == "answered":
            visit.answered = self.now
            return self.records(call)
        visit.left = self.now
        if visit.how == "missed" and self._random.random() < 0.3:
            self._visits_other(call)  # overflowed
            return self.records(call)
        visit.hung_up = visit.how == "missed" and self._random.random() < 0.5
        call.is_over = True
        return self.records(call)

    def _visits_other(self, call: Call) -> None:
        (other,) = set(DUTY) - {call.visits[-1].line}
        call.visits.append(Visit(other, self.now))

    def _open(self) -> list[Call]:
        return [call for call in self.calls if not call.is_over]

    def _idle_numbers(self) -> list[str]:
        """Those of customers who are in no call: a caller has one telephone."""
        busy = {call.number for call in self._open()}
        busy |= {back.number for back in self.backs if back.ended is None}
        return [number for number in NUMBERS if number not in busy]

    # -- what the tracker tells -------------------------------------------------------------------

    def records(self, call: Call) -> list[Record]:
        """All visits of a call, as they stand now."""
        return [self._record(call, ordinal) for ordinal in range(len(call.visits))]

    def _record(self, call: Call, ordinal: int) -> Record:
        visit = call.visits[ordinal]
        fields: dict[str, Any] = {
            "uniqueid": call.name,
            "ordinal": ordinal,
            "line": visit.line,
            "caller_number": call.number,
            "direction": Direction.INTERNAL if call.who == "own" else Direction.INBOUND,
            "open": not call.is_over,
            "ended_at": visit.left,
            "outcome": None,
            "reason": None,
        }
        if visit.how == "answered":
            fields |= {"answered_at": visit.answered, "agent": "Li"}
            fields |= {"outcome": Outcome.ANSWERED, "ended_at": self.now} if call.is_over else {}
        if visit.how == "lost":
            fields |= {"outcome": Outcome.LOST}
        if visit.how == "missed" and visit.left is not None:
            is_last = visit is call.visits[-1]
            fields |= {"outcome": Outcome.MISSED if is_last else Outcome.OVERFLOWED}
            fields |= {"reason": Reason.CALLER_HANGUP if visit.hung_up else Reason.NO_ANSWER}
            fields |= {"wait_seconds": visit.left - visit.offered}
        if call.is_over and call.who != "customer" and visit.how != "lost":
            reason = Reason.TEST if call.who == "test" else Reason.OWN_AGENT
            fields |= {"outcome": Outcome.EXCLUDED, "reason": reason}
        return record(visit.offered, **fields)

    def calls_under_way(self) -> list[Record]:
        """Those that agents have placed and that go on."""
        return [_back_record(back, self.now) for back in self.backs if back.ended is None]

    # -- what the definitions say -----------------------------------------------------------------

    def since(self, line: str) -> float | None:
        """Since when the clock of a line is open; None: it is closed."""
        facts: list[tuple[float, str, Visit | None]] = []
        facts += [(at, "closed", None) for at in self.closings[line]]
        facts += [fact for call in self.calls for fact in self._facts(call, line)]
        since: float | None = None
        waiting: list[Visit] = []
        missed: list[Visit] = []
        reached: list[Visit] = []
        for at, what, visit in sorted(facts, key=lambda fact: fact[0]):
            if what in ("answered", "closed"):
                waiting = [one for one in waiting if one is not visit]
                missed = []
                since = at if waiting else None
            elif visit is None:
                continue
            elif what == "offered":
                waiting.append(visit)
                since = at if since is None else since
            else:
                waiting = [one for one in waiting if one is not visit or what == "reached"]
                missed += [visit] if what == "missed" and since is not None else []
                reached += [visit] if what == "reached" else []
                settled = [one for one in missed if one in reached]
                if visit in settled and settled == missed and not waiting:
                    since, missed = None, []
        return since

    def last_answer(self, line: str) -> float | None:
        """When somebody answered on a line last."""
        answers = [
            visit.answered
            for call in self.calls
            for visit in call.visits
            if visit.line == line and visit.answered is not None and not _is_out(call, visit)
        ]
        return max(answers, default=None)

    def _facts(self, call: Call, line: str) -> Iterator[tuple[float, str, Visit | None]]:
        for visit in call.visits:
            if visit.line != line or _is_out(call, visit):
                continue
            if visit.answered is not None and not _on_duty(line, visit.offered):
                yield visit.answered, "answered", visit
            if not _on_duty(line, visit.offered):
                continue
            yield visit.offered, "offered", visit
            if visit.answered is not None:
                yield visit.answered, "answered", visit
            if visit.left is not None:
                yield visit.left, visit.how, visit
            if visit.how == "missed" and (at := self._reached(call, visit)) is not None:
                yield at, "reached", visit

    def _reached(self, call: Call, visit: Visit) -> float | None:
        """Answered in the same call or a later one, called back, or closed by somebody."""
        times = [call.closed, *(one.answered for one in call.visits)]
        if call.number in NUMBERS and call.is_over:
            times += [
                one.answered
                for other in self.calls
                for one in other.visits
                if other.number == call.number and (one.answered or 0.0) > visit.offered
            ]
            times += [
                back.began
                for back in self.backs
                if back.number == call.number
                and back.began > visit.offered
                and (self.now if back.ended is None else back.ended) - back.began >= CONNECTED
            ]
        return min((at for at in times if at is not None), default=None)


def _is_out(call: Call, visit: Visit) -> bool:
    """Whether an offer counts nowhere: a short abandon, or one that is excluded."""
    if call.who == "test" and visit.answered is not None:
        return True
    if call.is_over and call.who != "customer":
        return visit.how != "lost"
    return visit.hung_up and visit.left is not None and visit.left - visit.offered < SHORT


def _on_duty(line: str, at: float) -> bool:
    return any(begin <= at < end for begin, end in _duty(line))


def seconds_on_duty(line: str, begin: float, end: float) -> float:
    """How much of that time is duty."""
    return sum(max(0.0, min(end, off) - max(begin, on)) for on, off in _duty(line))


def _duty(line: str) -> list[tuple[float, float]]:
    """Of the one day of a history."""
    spans = [hours.partition("-") for hours in DUTY[line]] or [("00:00", "-", "24:00")]
    return [(_at(begin), _at(end)) for begin, _, end in spans]


@cache
def _at(text: str) -> float:
    hours, _, minutes = text.partition(":")
    return BEGIN - BEGIN % 86_400.0 + 3600.0 * int(hours) + 60.0 * int(minutes)


def _back_record(back: CallBack, now: float) -> Record:
    began = back.began
    made = outbound(began, now - began, back.number)
    return made._replace(
        uniqueid=back.name,
        answered_at=began,
        open=back.ended is None,
        ended_at=back.ended,
    )
