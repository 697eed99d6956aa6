"""What was committed, as plain counters: the feed in, numbers that only grow out.

A record counts once: when it is first committed as finished. A later correction of it changes
nothing here, since a counter that went back would look like a restart. To know corrections, the
keys of the last finished records are kept.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Hashable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from ctid.domain.batch import Batch
from ctid.domain.kpi import RUNG
from ctid.domain.records import Direction, Gap, GapCause, Outcome, Reason, Record, RingResult
from ctid.domain.returns import ReturnState

_K = TypeVar("_K", bound=Hashable)

REMEMBERED = 20_000
OTHER = "other"

# The service level's 20 s and the 5 s of a short abandon are edges, so that both can be computed.
WAIT_SECONDS = (5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0)
RING_SECONDS = (5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0)
TALK_SECONDS = (3.0, 15.0, 30.0, 60.0, 120.0, 180.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0)
REACH_SECONDS = (300.0, 900.0, 1800.0, 3600.0, 7200.0, 14_400.0, 28_800.0, 86_400.0, 259_200.0)
LAG_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)

_MISSED = (
    Reason.VOICEMAIL,
    Reason.CALLER_HANGUP,
    Reason.QUEUE_TIMEOUT,
    Reason.QUEUE_FULL,
    Reason.NO_AGENTS,
    Reason.KEY_EXIT,
    Reason.NO_ANSWER,
    Reason.REJECTED,
    Reason.BUSY,
    Reason.UNAVAILABLE,
    Reason.FAILED,
    Reason.UNKNOWN,
)
REASONS: dict[Outcome, tuple[Reason | None, ...]] = {
    Outcome.ANSWERED: (None,),
    Outcome.MISSED: _MISSED,
    Outcome.OVERFLOWED: _MISSED,
    Outcome.NOT_OFFERED: (Reason.AFTER_HOURS, Reason.IVR_HANGUP, Reason.TURNED_AWAY),
    Outcome.LOST: (None,),
    Outcome.EXCLUDED: (Reason.OWN_AGENT, Reason.TEST, Reason.BLOCKED, Reason.FAX),
}


@dataclass(slots=True)
class Histogram:
    """Values by upper edge (inclusive), the last count is of those above all edges."""

    edges: tuple[float, ...]
    counts: list[int] = field(default_factory=list)
    sum: float = 0.0

    def __post_init__(self) -> None:
        self.counts = self.counts or [0] * (len(self.edges) + 1)

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.edges, value)] += 1
        self.sum += value

    def copy(self) -> "Histogram":
        return Histogram(self.edges, self.counts.copy(), self.sum)


@dataclass(slots=True)
class Counts:
    """The numbers; keys are label values. Lines, agents and PBXs are those configured, so bounded.

    `calls` by line, outcome and reason (empty: none), `without_line` by direction, `rings` by
    agent and result, `waits` by line and outcome, `gaps` by PBX and cause.
    """

    calls: dict[tuple[str, str, str], int] = field(default_factory=dict)
    without_line: dict[str, int] = field(default_factory=dict)
    rings: dict[tuple[str, str], int] = field(default_factory=dict)
    gaps: dict[tuple[str, str], int] = field(default_factory=dict)
    waits: dict[tuple[str, str], Histogram] = field(default_factory=dict)
    ring_times: dict[str, Histogram] = field(default_factory=dict)
    talks: dict[str, Histogram] = field(default_factory=dict)
    lags: dict[str, Histogram] = field(default_factory=dict)
    reaches: dict[str, Histogram] = field(default_factory=dict)

    def copy(self) -> "Counts":
        """For another thread to read."""
        return Counts(
            self.calls.copy(),
            self.without_line.copy(),
            self.rings.copy(),
            self.gaps.copy(),
            _copies(self.waits),
            _copies(self.ring_times),
            _copies(self.talks),
            _copies(self.lags),
            _copies(self.reaches),
        )


def _copies(histograms: dict[_K, Histogram]) -> dict[_K, Histogram]:
    return {key: histogram.copy() for key, histogram in histograms.items()}


class Tally:
    """Counts every batch that it is fed. `wall` gives Unix seconds."""

    def __init__(self, wall: Callable[[], float], *, remembered: int = REMEMBERED) -> None:
        self._wall = wall
        self._remembered = remembered
        self._counted: dict[tuple[str, str, int], None] = {}
        self._last_gap: dict[str, float] = {}
        self._agents: frozenset[str] = frozenset()
        self.counts = Counts()

    def expect(self, pbxs: Iterable[str], lines: Iterable[str], agents: Collection[str]) -> None:
        """Begin the series of what is configured at zero; what was counted before stays."""
        counts = self.counts
        self._agents = frozenset(agents)
        for pbx in pbxs:
            counts.lags.setdefault(pbx, Histogram(LAG_SECONDS))
            for cause in GapCause:
                counts.gaps.setdefault((pbx, cause), 0)
        for line in lines:
            self._expect_line(line)
        for agent in (*self._agents, OTHER):
            for result in RingResult:
                counts.rings.setdefault((agent, result), 0)
        for direction in Direction:
            counts.without_line.setdefault(direction, 0)

    def _expect_line(self, line: str) -> None:
        counts = self.counts
        for outcome, reasons in REASONS.items():
            for reason in reasons:
                counts.calls.setdefault((line, outcome, reason or ""), 0)
        for outcome in RUNG:
            counts.waits.setdefault((line, outcome), Histogram(WAIT_SECONDS))
        counts.ring_times.setdefault(line, Histogram(RING_SECONDS))
        counts.talks.setdefault(line, Histogram(TALK_SECONDS))
        counts.reaches.setdefault(line, Histogram(REACH_SECONDS))

    def feed(self, batch: Batch) -> None:
        """Take what was committed."""
        for record in batch.records:
            if not record.open and self._is_new(record):
                self._count(record)
        for gap in batch.gaps:
            self._count_gap(gap)
        for entry in batch.returns:
            if entry.state is ReturnState.REACHED and entry.settled_at is not None:
                reach = self.counts.reaches.get(entry.line)
                if reach is not None:
                    reach.add(max(0.0, entry.settled_at - entry.misses[0].at))

    def _is_new(self, record: Record) -> bool:
        key = (record.pbx, record.uniqueid, record.ordinal)
        if key in self._counted:
            return False
        self._counted[key] = None
        if len(self._counted) > self._remembered:
            del self._counted[next(iter(self._counted))]
        return True

    def _count(self, record: Record) -> None:
        counts = self.counts
        if record.ended_at is not None and record.pbx in counts.lags:
            # the PBX's clock may be ahead of ours
            counts.lags[record.pbx].add(max(0.0, self._wall() - record.ended_at))
        for ring in record.rings:
            if ring.result is not None:
                agent = ring.agent if ring.agent in self._agents else OTHER
                counts.rings[agent, ring.result] += 1
        if record.line is None:
            counts.without_line[record.direction] += 1
            return
        line, outcome = record.line, record.outcome
        if line not in counts.talks or outcome is None:
            return  # of a line that was configured by an earlier daemon only
        key = (line, outcome, record.reason or "")
        counts.calls[key] = counts.calls.get(key, 0) + 1
        if outcome in RUNG:
            _add(counts.waits[line, outcome], record.wait_seconds)
            _add(counts.ring_times[line], record.ring_seconds)
        if outcome is Outcome.ANSWERED:
            _add(counts.talks[line], record.talk_seconds)

    def _count_gap(self, gap: Gap) -> None:
        if self._last_gap.get(gap.pbx) == gap.began_at:
            return  # its end
        self._last_gap[gap.pbx] = gap.began_at
        key = (gap.pbx, gap.cause)
        self.counts.gaps[key] = self.counts.gaps.get(key, 0) + 1


def _add(histogram: Histogram, value: float | None) -> None:
    if value is not None:
        histogram.add(value)
