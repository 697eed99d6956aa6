"""What is known of the lines: their clocks, the gaps in sight, and who could answer.

Pure. Records, gaps and answers of the PBX come in; nothing is decided here. All times are Unix
seconds of the daemon; `skew` is by how much a PBX's clock is ahead of that.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Final, NamedTuple

from ctid.domain.duty import Duty, after_on_duty, is_on_duty, seconds_on_duty
from ctid.domain.forgetting import Number
from ctid.domain.presence import Presence
from ctid.domain.records import Gap, GapCause, Record
from ctid.domain.returns import ReturnState, ToReturn
from ctid.domain.unanswered import Clock, Fate, Offer, Reading, answered_at, earlier, offer_of

_GAPS_KEPT: Final = 200


@dataclass(frozen=True, slots=True)
class LineRules:
    """One line: its duty hours and limits, all in seconds of duty.

    `excluded` tells by a caller's number, as it arrived, who counts nowhere.
    """

    name: str
    duty: Duty | None
    zone: str
    warning_seconds: float = 600.0
    limit_seconds: float = 900.0
    longest_wait_seconds: float = 900.0
    blind_seconds: float = 120.0
    short_abandon_seconds: float = 5.0
    excluded: Callable[[str], bool] = lambda _: False


class LastAnswer(NamedTuple):
    """The last answer on a line, by the clock of its PBX; `by` is the agent."""

    at: float
    by: str | None
    pbx: str


@dataclass(frozen=True, slots=True)
class Past:
    """What was committed about some `lines`: all that matters for their clocks.

    `last_answers` and `closings` (by a person) are by line, `records` those since, of a call
    together, `settled` the callers of these who were reached. `skews` are by how much the clock of
    each PBX is ahead.
    """

    lines: Collection[str] = ()
    records: Sequence[Record] = ()
    settled: Sequence[ToReturn] = ()
    last_answers: Mapping[str, LastAnswer] = field(default_factory=dict)
    closings: Mapping[str, float] = field(default_factory=dict)
    skews: Mapping[str, float] = field(default_factory=dict)


NO_PAST: Final = Past()


class Lines:
    """All lines of a daemon, by name."""

    def __init__(self, rules: Iterable[LineRules]) -> None:
        self.rules = {line.name: line for line in rules}
        self.clocks = {name: Clock() for name in self.rules}
        self.presence: dict[str, Presence] = {}
        # when a person closed the clock of a line
        self.closed: dict[str, float] = {}
        self._gaps: dict[tuple[str, float], Gap] = {}

    def __contains__(self, name: str | None) -> bool:
        """Whether there is such a line."""
        return name in self.rules

    def reading(self, name: str) -> Reading:
        """What the clock of a line shows."""
        return self.clocks[name].reading

    @property
    def gaps(self) -> list[Gap]:
        """The newest ones, in the order in which they were told."""
        return list(self._gaps.values())

    @property
    def open_gaps(self) -> list[Gap]:
        """Those that go on: a PBX is out of sight."""
        return [gap for gap in self._gaps.values() if gap.ended_at is None]

    def seconds(self, name: str, since: float, now: float) -> float:
        """How much duty lies between the two."""
        line = self.rules[name]
        return seconds_on_duty(line.duty, since, now, line.zone)

    def duty_at(self, name: str | None, at: float) -> float:
        """From when on a line has duty hours: then, or later; as if always where there is none."""
        if name is None or name not in self.rules:
            return at
        line = self.rules[name]
        return after_on_duty(line.duty, at, 0.0, line.zone)

    # -- start, and other configurations ----------------------------------------------------------

    def restore(self, past: Past) -> None:
        """Let the clocks of some lines go on by what was committed, and by nothing else."""
        for name in past.lines:
            if name in self.clocks:
                self._begin_anew(name, past)
        for pbx, of_pbx in groupby(past.records, lambda record: record.pbx):
            self._put_all(of_pbx, past.skews.get(pbx, 0.0), past.lines)
        for entry in past.settled:
            self._settle(entry, past.skews.get(entry.pbx, 0.0))
        for clock in self.clocks.values():
            clock.compute()

    def _begin_anew(self, name: str, past: Past) -> None:
        clock = self.clocks[name]
        clock.begin_anew()
        if name in past.last_answers:
            at, by, pbx = past.last_answers[name]
            clock.answered_before(at - past.skews.get(pbx, 0.0), by)
        if name in past.closings:
            # what is known here is newer, and by the clock as it is now
            self.closed.setdefault(name, past.closings[name])
        if name in self.closed:
            clock.close(self.closed[name])

    def restore_gaps(self, gaps: Iterable[Gap]) -> None:
        """Take up the gaps that the last daemon knew."""
        in_order = sorted(gaps, key=lambda gap: gap.began_at)[-_GAPS_KEPT:]
        # what was heard meanwhile is newer: a gap that was open then may be over
        self._gaps = {(gap.pbx, gap.began_at): gap for gap in in_order} | self._gaps

    def to_restore(self, rules: Iterable[LineRules]) -> list[str]:
        """The lines whose past is not known, or would be another one, by these rules."""
        known = {name: _clock_rules(line) for name, line in self.rules.items()}
        return [line.name for line in rules if _clock_rules(line) != known.get(line.name)]

    def use(self, rules: Iterable[LineRules], gone: Collection[str]) -> None:
        """Go on by another configuration; the PBXs of these names are `gone` from it."""
        self._let_go(gone)
        self.rules = {line.name: line for line in rules}
        self.clocks = {name: self.clocks.get(name) or Clock() for name in self.rules}

    def _let_go(self, pbxs: Collection[str]) -> None:
        """Nobody will ever tell that these are back, nor that their callers have gone."""
        self._gaps = {key: gap for key, gap in self._gaps.items() if gap.pbx not in pbxs}
        for clock in self.clocks.values():
            waiting = [offer.key for offer in clock.offers() if offer.fate is Fate.WAITING]
            for key in waiting:
                if key[0] in pbxs:
                    clock.take_out(key)
            clock.compute()

    def shift(self, seconds: float) -> None:
        """The daemon's clock was set by so much: nothing is older or younger for it."""
        for clock in self.clocks.values():
            clock.shift(seconds)
        self._gaps = {
            (gap.pbx, gap.began_at): gap
            for gap in (_shifted(gap, seconds) for gap in self._gaps.values())
        }
        self.closed = {name: at + seconds for name, at in self.closed.items()}

    def set_back(self, seconds: float, now: float, cause: GapCause) -> None:
        """The daemon's clock was set back by so much while it did not run; less than 0: forward.

        A gap that was closed only now, by the clock as it is now, ends now.
        """
        self.shift(-seconds)
        for key, gap in self._gaps.items():
            ended_at = gap.ended_at
            if ended_at is not None and (
                ended_at > now or ended_at == gap.began_at > now - seconds
            ):
                self._gaps[key] = replace(gap, ended_at=now, cause=cause)

    # -- in ---------------------------------------------------------------------------------------

    def receive(
        self, records: Iterable[Record], settled: Iterable[ToReturn], skew: float
    ) -> set[str]:
        """Take records as they were drained, and callers who were reached; the lines concerned."""
        touched = self._put_all(records, skew, self.clocks)
        for entry in settled:
            touched |= self._settle(entry, skew)
        for name in touched:
            self.clocks[name].compute()
        return touched

    def gap(self, gap: Gap, now: float) -> None:
        """A PBX went out of sight, or is back."""
        known = next((one for one in self.open_gaps if one.pbx == gap.pbx), gap)
        if gap.ended_at is not None and known.began_at != gap.began_at:
            # the clock was set meanwhile: it began then, as the clock goes now
            gap = replace(known, ended_at=max(now, known.began_at))
        self._gaps[gap.pbx, gap.began_at] = gap
        while len(self._gaps) > _GAPS_KEPT:
            del self._gaps[next(iter(self._gaps))]

    def close(self, name: str, at: float) -> None:
        """A person says that it is over."""
        self.closed[name] = at
        self.clocks[name].close(at)
        self.clocks[name].compute()

    def forget(self, number: Number) -> None:
        """Know a telephone number no more: who waits and who was missed has none then."""
        for clock in self.clocks.values():
            for offer in clock.offers():
                if number.are_in(offer.number):
                    clock.put(replace(offer, number=None))
            clock.compute()

    # -- inside -----------------------------------------------------------------------------------

    def _put_all(self, records: Iterable[Record], skew: float, lines: Collection[str]) -> set[str]:
        """Put what changed into the clocks of lines; those that have to be computed again."""
        touched: set[str] = set()
        for _, of_call in groupby(records, lambda record: (record.pbx, record.uniqueid)):
            visits = list(of_call)
            answered = [at for at in map(answered_at, visits) if at is not None]
            reached_at = min(answered, default=None)
            for record in visits:
                if record.line in lines and record.line in self.clocks:
                    self._put(record, reached_at, skew)
                    touched.add(record.line)
        return touched

    def _put(self, record: Record, reached_at: float | None, skew: float) -> None:
        line = self.rules[record.line or ""]
        clock = self.clocks[line.name]
        key = (record.pbx, record.uniqueid, record.ordinal)
        known = clock.known(key)

        def counts(at: float) -> bool:
            # the PBX's own time decides about duty, as it does in the figures
            return known.counts if known is not None else is_on_duty(line.duty, at, line.zone)

        offer = offer_of(record, line.short_abandon_seconds, counts=counts)
        if offer is not None and offer.fate is Fate.ANSWERED and line.excluded(offer.number or ""):
            offer = None  # the record says so only at the end: no alert may be over before that
        if offer is None:
            clock.take_out(key)
            return
        left_at = None if offer.left_at is None else offer.left_at - skew
        if offer.fate is Fate.LOST and record.ended_at is None:
            left_at = self._lost_sight(record.pbx, offer.at - skew, is_known=known is not None)
        if known is not None and known.left_at is not None and known.fate is offer.fate:
            left_at = known.left_at
        clock.put(
            Offer(
                key=key,
                at=offer.at - skew if known is None else known.at,
                number=offer.number,
                counts=offer.counts,
                fate=offer.fate,
                is_final=offer.is_final,
                left_at=left_at,
                reached_at=earlier(
                    None if known is None else known.reached_at,
                    None if reached_at is None else reached_at - skew,
                ),
                agent=offer.agent,
                rings=offer.rings,
            )
        )

    def _lost_sight(self, pbx: str, since: float, *, is_known: bool) -> float:
        """Until when a caller waited for sure of whom nobody knows when they left.

        While it is followed that is the last gap; of what is read nobody knows in which one it was:
        the first.
        """
        begins = sorted(gap.began_at for gap in self._gaps.values() if gap.pbx == pbx)
        after = [begin for begin in begins if begin >= since] or [since]
        return after[-1] if is_known else after[0]

    def _settle(self, entry: ToReturn, skew: float) -> set[str]:
        if entry.is_open or entry.settled_at is None:
            return set()
        # the PBX tells when somebody was reached; by the daemon's clock a person says so
        by_pbx = entry.state is ReturnState.REACHED
        return self._reached(entry, entry.settled_at - skew if by_pbx else entry.settled_at)

    def _reached(self, entry: ToReturn, at: float) -> set[str]:
        """Everybody who is meant by this entry was reached; on every line they tried.

        Also where the clock is closed: the answer that closed it may yet be taken out.
        """
        calls = {miss[:2] for miss in entry.misses}
        touched = set()
        for name, clock in self.clocks.items():
            for offer in clock.offers():
                if offer.key[:2] in calls:
                    clock.put(offer.reached(at))
                    touched.add(name)
        return touched


def _clock_rules(line: LineRules) -> tuple[Duty | None, str, float]:
    """What decides which offers a clock counts."""
    return line.duty, line.zone, line.short_abandon_seconds


def _shifted(gap: Gap, seconds: float) -> Gap:
    ended_at = None if gap.ended_at is None else gap.ended_at + seconds
    return Gap(gap.pbx, gap.began_at + seconds, ended_at, gap.cause)
