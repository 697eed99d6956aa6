"""What the demo shows, out of the records that were committed."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from ctid.demo.pages import Said
from ctid.domain.alerts import PageEvent
from ctid.domain.kpi import RUNG
from ctid.domain.lines import Line
from ctid.domain.records import Outcome, Record

# Visits that ended and are still shown.
KEPT = 100


@dataclass(slots=True)
class Figures:
    """A line's ended offers by outcome."""

    line: Line
    outcomes: Counter[Outcome] = field(default_factory=Counter)

    @property
    def rung(self) -> int:
        return sum(self.outcomes[outcome] for outcome in RUNG)

    @property
    def rate(self) -> float | None:
        """Answered / rung, between 0 and 1; None: no calls."""
        return self.outcomes[Outcome.ANSWERED] / self.rung if self.rung else None


class Step(StrEnum):
    """What became of a visit that is worth telling."""

    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"


class Told(NamedTuple):
    """One step of a visit, `at` Unix seconds. `figures`: its line's after an end, else None."""

    at: float
    step: Step
    record: Record
    figures: tuple[int, int] | None


Key = tuple[str, int]


class Board:
    """Every visit to a line, and the figures of each line.

    `calls` counts the calls that have ended, with a line or without; `alerts` how often a line was
    unanswered for too long; `said` is the newest page.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        self.figures = {line.name: Figures(line) for line in lines}
        self.visits: dict[Key, Record] = {}
        self.alerts = 0
        self.said: Said | None = None
        self._ended: set[str] = set()
        self._told: dict[Key, set[Step]] = {}

    @property
    def calls(self) -> int:
        return len(self._ended)

    @property
    def open(self) -> list[Record]:
        return [record for record in self.visits.values() if record.open]

    def ringing(self, line: str) -> int:
        """Callers who wait for an answer on this line now."""
        return sum(record.line == line and is_ringing(record) for record in self.open)

    def hear(self, said: Said) -> None:
        """Somebody is told something."""
        self.alerts += said.event is PageEvent.FIRING
        self.said = said

    def take(self, records: Iterable[Record]) -> list[Told]:
        """Follow one commit; what is new, in order of time."""
        told: list[Told] = []
        for record in records:
            if not record.open:
                self._ended.add(record.uniqueid)
            if record.line in self.figures:
                told += self._steps(record)
        self._forget()
        return sorted(told, key=lambda step: step.at)

    def _steps(self, record: Record) -> list[Told]:
        key = (record.uniqueid, record.ordinal)
        self.visits[key] = record
        before = self._told.setdefault(key, set())
        reached = {
            Step.RINGING: record.offered_at,
            Step.ANSWERED: record.answered_at,
            Step.ENDED: None if record.open else record.ended_at or record.started_at or 0.0,
        }
        told = []
        for step, at in reached.items():
            if at is not None and step not in before:
                before.add(step)
                told.append(Told(at, step, record, self._count(record, step)))
        return told

    def _count(self, record: Record, step: Step) -> tuple[int, int] | None:
        if step is not Step.ENDED or record.line is None or record.outcome is None:
            return None
        figures = self.figures[record.line]
        figures.outcomes[record.outcome] += 1
        return figures.outcomes[Outcome.ANSWERED], figures.rung

    def _forget(self) -> None:
        over = [key for key, record in self.visits.items() if not record.open]
        for key in over[:-KEPT]:
            del self.visits[key]
            del self._told[key]


def is_ringing(record: Record) -> bool:
    """Whether the caller still waits for an answer here."""
    return (
        record.open
        and record.offered_at is not None
        and record.answered_at is None
        and record.outcome is None
    )
