"""The line watch: what happens on every line, and since when something is wrong there.

Pure. Records, gaps and observations come in; alerts and pages come out of `drain`. All times are
Unix seconds of the daemon; `skew` is by how much a PBX's clock is ahead of that.
"""

import heapq
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final, NamedTuple

from ctid.domain.advice import advise
from ctid.domain.alerting import Alerting, Condition, Told
from ctid.domain.alerts import (
    Advice,
    Alert,
    Blind,
    BlindTime,
    Caller,
    Ending,
    Incident,
    Kind,
    LongestWait,
    Recipient,
    Subject,
    Test,
    Unanswered,
)
from ctid.domain.duty import Duty, after_on_duty, is_on_duty, seconds_on_duty
from ctid.domain.escalation import Plan
from ctid.domain.forgetting import Number
from ctid.domain.limits import limit_at, warning_at
from ctid.domain.presence import Presence
from ctid.domain.records import Gap, Record
from ctid.domain.returns import ReturnState, ToReturn
from ctid.domain.roster import Roster
from ctid.domain.unanswered import Clock, Fate, Offer, offer_of

_CALLERS_NAMED: Final = 10
_GAPS_KEPT: Final = 200
_PRESENCE_FRESH_SECONDS: Final = 30.0
TEST_SECONDS: Final = 600.0
"""How long a test lasts that nobody acknowledges."""


@dataclass(frozen=True, slots=True)
class LineRules:
    """One line: its duty hours and limits, all in seconds of duty."""

    name: str
    duty: Duty | None
    zone: str
    warning_seconds: float = 600.0
    limit_seconds: float = 900.0
    longest_wait_seconds: float = 900.0
    blind_seconds: float = 120.0
    short_abandon_seconds: float = 5.0


class LineNow(NamedTuple):
    """The clock of a line: open `since`, None while it is closed; it fires at `limit_at`."""

    line: str
    on_duty: bool
    since: float | None
    limit_at: float | None
    waiting: int


class Observed(NamedTuple):
    """Something that was found wrong elsewhere: a rate, a destination, a roster, a calendar."""

    line: str | None
    about: str | None
    since: float
    subject: Subject


class LastAnswer(NamedTuple):
    """The last answer on a line, by the clock of its PBX; `by` is the agent."""

    at: float
    by: str | None
    pbx: str


class Watch:
    """All lines of a daemon. `roster` gives the one in force."""

    def __init__(
        self, lines: Iterable[LineRules], plan: Plan, roster: Callable[[], Roster]
    ) -> None:
        self._lines = {line.name: line for line in lines}
        self._clocks = {name: Clock() for name in self._lines}
        self._gaps: dict[tuple[str, float], Gap] = {}
        self._observed: dict[tuple[Kind, str | None, str | None], Observed] = {}
        self._presence: dict[str, Presence] = {}
        # when a person closed the clock of a line
        self._closed: dict[str, float] = {}
        # when something becomes due on a line; the heap may hold what is no longer so
        self._due: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []
        self._begun = False
        self.alerting = Alerting(plan, roster, self._describe)

    # -- start, and other configurations ----------------------------------------------------------

    def restore(
        self,
        records: Iterable[Record],
        settled: Iterable[ToReturn],
        last_answers: Mapping[str, LastAnswer],
        closings: Mapping[str, float],
        gaps: Iterable[Gap],
        skews: Mapping[str, float] | None = None,
    ) -> None:
        """Take up what the last daemon committed; `handle_timer` then finds what is due.

        `last_answers` and `closings` (by a person) are by line; `records` those since. `skews` are
        by how much the clock of each PBX is ahead.
        """
        skews = skews or {}
        for name, (at, by, pbx) in last_answers.items():
            if name in self._clocks:
                self._clocks[name].answered_before(at - skews.get(pbx, 0.0), by)
        for name, at in closings.items():
            if name in self._clocks:
                self._closed[name] = at
                self._clocks[name].close(at)
        # what was heard meanwhile is newer: a gap that was open then may be over
        self._gaps = {(gap.pbx, gap.began_at): gap for gap in gaps} | self._gaps
        for pbx, of_pbx in groupby(records, lambda record: record.pbx):
            self._take(of_pbx, [], skews.get(pbx, 0.0))
        for entry in settled:
            self._settle(entry, skews.get(entry.pbx, 0.0))
        for clock in self._clocks.values():
            clock.compute()

    def begin(self, now: float) -> None:
        """Look at every line: what became due while nobody watched is decided now.

        Before this nothing is: what the PBX has to tell of the time before may change it.
        """
        self._begun = True
        for name in self._lines:
            self._evaluate(name, now)
        for alert in self.alerting.open_alerts():
            if alert.line is not None and alert.line not in self._lines:
                self.alerting.end(_key(alert), now, Ending.TAKEN_OUT)
        self.alerting.handle_timer(now)

    def use(
        self, lines: Iterable[LineRules], plan: Plan, now: float, gone: Collection[str] = ()
    ) -> None:
        """Go on by another configuration; the PBXs of these names are `gone` from it."""
        self._let_go(gone)
        self._lines = {line.name: line for line in lines}
        self._clocks = {name: self._clocks.get(name) or Clock() for name in self._lines}
        self.alerting.use(plan)
        if self._begun:
            self.begin(now)

    def _let_go(self, pbxs: Collection[str]) -> None:
        """Nobody will ever tell that these are back, nor that their callers have gone."""
        self._gaps = {key: gap for key, gap in self._gaps.items() if gap.pbx not in pbxs}
        for clock in self._clocks.values():
            waiting = [offer.key for offer in clock.offers() if offer.fate is Fate.WAITING]
            for key in waiting:
                if key[0] in pbxs:
                    clock.take_out(key)
            clock.compute()

    def shift(self, seconds: float, now: float) -> None:
        """The daemon's clock was set by so much: nothing is older or younger for it."""
        for clock in self._clocks.values():
            clock.shift(seconds)
        self._gaps = {
            (gap.pbx, gap.began_at): gap
            for gap in (_shifted(gap, seconds) for gap in self._gaps.values())
        }
        self._closed = {name: at + seconds for name, at in self._closed.items()}
        self.alerting.shift(seconds)
        self._heap.clear()
        self._due.clear()
        if self._begun:
            self.begin(now)

    # -- in ---------------------------------------------------------------------------------------

    def receive(
        self,
        records: Iterable[Record],
        settled: Iterable[ToReturn],
        now: float,
        *,
        skew: float = 0.0,
    ) -> None:
        """Take records as they were drained, and callers who were reached meanwhile."""
        for name in self._take(records, settled, skew):
            self._clocks[name].compute()
            self._evaluate(name, now)

    def gap(self, gap: Gap, now: float) -> None:
        """A PBX went out of sight, or is back."""
        self._gaps[gap.pbx, gap.began_at] = gap
        while len(self._gaps) > _GAPS_KEPT:
            del self._gaps[next(iter(self._gaps))]
        for name in self._lines:
            self._evaluate(name, now)

    def observe(self, kind: Kind, found: Sequence[Observed], now: float) -> None:
        """All that is wrong of this kind now; what is missing is well again."""
        before = {key for key in self._observed if key[0] is kind}
        before |= {_key(alert) for alert in self.alerting.open_of(kind)}
        after = {(kind, each.line, each.about): each for each in found}
        self._observed |= after
        for key in before - after.keys():
            self._observed.pop(key, None)
            self.alerting.end(key, now, Ending.RECOVERED)
        for key, each in after.items():
            self.alerting.fire(Condition(*key, each.since, now), now)

    def present(self, found: Mapping[str, Presence]) -> None:
        """What the PBX answered about these lines."""
        self._presence |= found

    def forget(self, number: Number) -> None:
        """Know a telephone number no more: who waits and who was missed has none then."""
        for clock in self._clocks.values():
            for offer in clock.offers():
                if number.are_in(offer.number):
                    clock.put(replace(offer, number=None))
            clock.compute()
        self.alerting.forget(number)

    # -- what people do ---------------------------------------------------------------------------

    def resolve(self, number: int, now: float, by: str, why: str) -> Alert:
        """Somebody says that an alert is over; of a line's clock too. Raises NoSuchAlertError."""
        alert = self.alerting.resolve(number, now, by, why)
        if alert.kind is Kind.UNANSWERED and alert.line in self._clocks:
            clock = self._clocks[alert.line]
            self._closed[alert.line] = now
            clock.close(now)
            clock.compute()
            self._evaluate(alert.line, now)
        return alert

    def incident(self, line: str | None, title: str, by: str, now: float) -> Alert:
        """Somebody reports something that no line tells of."""
        return self._opened(Kind.INCIDENT, line, Incident(title, by), now)

    def test(self, line: str | None, by: str, now: float) -> Alert:
        """Walk the chain of a line on purpose."""
        return self._opened(Kind.TEST, line, Test(by), now)

    def prove(self, whom: Iterable[Recipient], by: str, now: float) -> Alert:
        """Try channels, each with one page; nothing follows from it."""
        condition = Condition(Kind.TEST, None, str(self.alerting.next_number()), now, now)
        self._observed[condition.key] = Observed(None, condition.about, now, Test(by))
        try:
            return self.alerting.prove(condition, whom, now)
        finally:
            del self._observed[condition.key]

    def _opened(self, kind: Kind, line: str | None, subject: Subject, now: float) -> Alert:
        # each is one of its own, also two in one instant
        about = str(self.alerting.next_number())
        key = (kind, line, about)
        self._observed[key] = Observed(line, about, now, subject)
        try:
            self.alerting.fire(Condition(*key, now, now), now)
        finally:
            del self._observed[key]  # from now on the alert has it
        return self.alerting.open_alert(key)

    # -- out, and time ----------------------------------------------------------------------------

    def next_timer(self) -> float | None:
        """When `handle_timer` has something to do."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        tests = [alert.since + TEST_SECONDS for alert in self.alerting.open_of(Kind.TEST)]
        dues = [self.alerting.next_timer(), self._heap[0][0] if self._heap else None, *tests]
        return min((due for due in dues if due is not None), default=None)

    def handle_timer(self, now: float) -> None:
        """Decide what is due."""
        while self._heap and self._heap[0][0] <= now:
            due, name = heapq.heappop(self._heap)
            if self._due.get(name) == due:
                del self._due[name]
                self._evaluate(name, now)
        for alert in self.alerting.open_of(Kind.TEST):
            if alert.since + TEST_SECONDS <= now:
                self.alerting.end(_key(alert), now, Ending.TEST_OVER)
        self.alerting.handle_timer(now)

    def soon(self, until: float) -> set[str]:
        """The lines about which somebody will be told by then: the PBX is asked beforehand."""
        lines = {name for name, due in self._due.items() if due <= until}
        return lines | {
            alert.line for alert in self.alerting.due_by(until) if alert.line in self._lines
        }

    def drain(self) -> Told:
        """Take out what has to be written."""
        return self.alerting.drain()

    def open_lines(self) -> set[str]:
        """The lines whose clock is open."""
        return {name for name, clock in self._clocks.items() if clock.reading.since is not None}

    def unanswered_seconds(self, now: float) -> dict[str, float]:
        """What the clock of each line shows; 0 where it is closed."""
        return {
            name: 0.0
            if clock.reading.since is None
            else seconds_on_duty(
                self._lines[name].duty, clock.reading.since, now, self._lines[name].zone
            )
            for name, clock in self._clocks.items()
        }

    def lines_now(self, now: float) -> list[LineNow]:
        """How the clock of each line stands."""
        return [
            LineNow(
                name,
                is_on_duty(line.duty, now, line.zone),
                reading.since,
                None
                if reading.since is None
                else limit_at(line.duty, line.zone, reading.since, line.limit_seconds),
                len(reading.waiting),
            )
            for name, line in self._lines.items()
            for reading in (self._clocks[name].reading,)
        ]

    # -- records ----------------------------------------------------------------------------------

    def _take(
        self, records: Iterable[Record], settled: Iterable[ToReturn], skew: float
    ) -> set[str]:
        """Put what changed into the clocks; the lines that have to be computed again."""
        touched: set[str] = set()
        for _, of_call in groupby(records, lambda record: (record.pbx, record.uniqueid)):
            visits = list(of_call)
            answered = [v.answered_at for v in visits if v.answered_at is not None]
            reached_at = min(answered, default=None)
            for record in visits:
                if record.line in self._clocks:
                    self._put(record, reached_at, skew)
                    touched.add(record.line)
        for entry in settled:
            touched |= self._settle(entry, skew)
        return touched

    def _put(self, record: Record, reached_at: float | None, skew: float) -> None:
        line = self._lines[record.line or ""]
        clock = self._clocks[line.name]
        key = (record.pbx, record.uniqueid, record.ordinal)
        known = clock.known(key)

        def counts(at: float) -> bool:
            # the PBX's own time decides about duty, as it does in the figures
            return known.counts if known is not None else is_on_duty(line.duty, at, line.zone)

        offer = offer_of(record, line.short_abandon_seconds, counts=counts)
        if offer is None:
            clock.take_out(key)
            return
        left_at = None if offer.left_at is None else offer.left_at - skew
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
                reached_at=_earlier(
                    None if known is None else known.reached_at,
                    None if reached_at is None else reached_at - skew,
                ),
                agent=offer.agent,
                rings=offer.rings,
            )
        )

    def _settle(self, entry: ToReturn, skew: float) -> set[str]:
        if entry.is_open or entry.settled_at is None:
            return set()
        # the PBX tells when somebody was reached; by the daemon's clock a person says so
        by_pbx = entry.state is ReturnState.REACHED
        return self._reached(entry, entry.settled_at - skew if by_pbx else entry.settled_at)

    def _reached(self, entry: ToReturn, at: float) -> set[str]:
        """Everybody who is meant by this entry was reached; on every line they tried."""
        calls = {miss[:2] for miss in entry.misses}
        touched = set()
        for name, clock in self._clocks.items():
            if clock.reading.since is None:
                continue
            for offer in clock.reading.offers:
                if offer.key[:2] in calls and offer.reached_at is None:
                    clock.put(offer.reached(at))
                    touched.add(name)
        return touched

    # -- lines ------------------------------------------------------------------------------------

    def _evaluate(self, name: str, now: float) -> None:
        if not self._begun:
            return
        dues = [
            *self._evaluate_clock(name, now),
            *self._evaluate_wait(name, now),
            *self._evaluate_sight(name, now),
        ]
        if dues:
            self._due[name] = min(dues)
            heapq.heappush(self._heap, (self._due[name], name))
        else:
            self._due.pop(name, None)

    def _evaluate_clock(self, name: str, now: float) -> list[float]:
        line, reading = self._lines[name], self._clocks[name].reading
        key = (Kind.UNANSWERED, name, None)
        alert = self.alerting.about(key)
        answered_at = reading.last_answer_at
        if alert is not None and answered_at is not None and answered_at > alert.since:
            self.alerting.end(key, now, Ending.ANSWERED, reading.last_answer_by)
            alert = None
        if reading.since is None:
            if alert is not None:
                was_reached = any(
                    offer.reached_at is not None for offer in self._clocks[name].offers()
                )
                self.alerting.end(key, now, Ending.REACHED if was_reached else Ending.TAKEN_OUT)
            return []
        fires_at = limit_at(line.duty, line.zone, reading.since, line.limit_seconds)
        warns_at = warning_at(line.duty, line.zone, reading.since, line.warning_seconds)
        condition = Condition(*key, reading.since, fires_at)
        if now >= fires_at:
            self.alerting.fire(condition, now)
            return []
        if now >= warns_at:
            self.alerting.warn(condition, now)
            return [fires_at]
        if alert is not None:
            self.alerting.end(key, now, Ending.TAKEN_OUT)
        return [warns_at]

    def _evaluate_wait(self, name: str, now: float) -> list[float]:
        """One caller waits while others are served; if nobody is, the clock says so already."""
        line, reading = self._lines[name], self._clocks[name].reading
        key = (Kind.LONGEST_WAIT, name, None)
        waiting = [offer for offer in reading.waiting if offer.counts]
        oldest = min(waiting, key=lambda offer: offer.at, default=None)
        alert = self.alerting.about(key)
        if alert is not None and (oldest is None or oldest.at != alert.since):
            self.alerting.end(key, now, Ending.LEFT)
        if oldest is None:
            return []
        # whoever closed the clock knows of those who waited then
        known_at = max(oldest.at, self._closed.get(name, oldest.at))
        if reading.since is not None and reading.since <= known_at:
            return []
        fires_at = self._after(line, oldest.at, line.longest_wait_seconds)
        if now < fires_at:
            return [fires_at]
        self.alerting.fire(Condition(*key, oldest.at, fires_at), now)
        return []

    def _evaluate_sight(self, name: str, now: float) -> list[float]:
        line = self._lines[name]
        key = (Kind.BLIND, name, None)
        open_gaps = [gap for gap in self._gaps.values() if gap.ended_at is None]
        if not open_gaps:
            self.alerting.end(key, now, Ending.RECOVERED)
            return []
        since = min(gap.began_at for gap in open_gaps)
        fires_at = self._after(line, since, line.blind_seconds)
        if now < fires_at:
            return [fires_at]
        self.alerting.fire(Condition(*key, since, fires_at), now)
        return []

    def _after(self, line: LineRules, since: float, seconds: float) -> float:
        return after_on_duty(line.duty, since, seconds, line.zone)

    # -- what is said -----------------------------------------------------------------------------

    def _describe(self, condition: Condition, now: float) -> Subject:
        name = condition.line
        if condition.kind is Kind.UNANSWERED and name in self._clocks:
            return self._unanswered(name, condition.since, now)
        if condition.kind is Kind.LONGEST_WAIT and name in self._clocks:
            return self._longest_wait(name, condition.since, now)
        if condition.kind is Kind.BLIND:
            waiting = len(self._clocks[name].reading.waiting) if name in self._clocks else 0
            gaps = [gap for gap in self._gaps.values() if gap.ended_at is None]
            return Blind(tuple(map(_blind, gaps)), waiting)
        observed = self._observed.get(condition.key)
        if observed is not None:
            return observed.subject
        # of an alert of the last daemon that was not observed anew
        return self.alerting.open_alert(condition.key).subject

    def _unanswered(self, name: str, since: float, now: float) -> Unanswered:
        line, clock = self._lines[name], self._clocks[name]
        reading = clock.reading
        answered_at = reading.last_answer_at
        is_over = reading.since is None or (answered_at is not None and answered_at > since)
        # who was missed has still to be called back
        offers = clock.before.offers if is_over else reading.offers
        waiting = sorted((offer.at, offer.number or "") for offer in reading.waiting)
        missed = [o for o in offers if o.fate is Fate.MISSED and o.reached_at is None]
        missed.sort(key=lambda offer: offer.at)
        advice, agents = self._advice(name, [*reading.waiting, *missed], now)
        return Unanswered(
            since=since,
            seconds=seconds_on_duty(line.duty, since, now, line.zone),
            waiting=tuple(Caller(number or None, at) for at, number in waiting[:_CALLERS_NAMED]),
            missed=tuple(Caller(offer.number, offer.at) for offer in missed[:_CALLERS_NAMED]),
            missed_count=len(missed),
            lost_count=sum(offer.fate is Fate.LOST for offer in offers),
            last_answer_at=reading.last_answer_at,
            last_answer_by=reading.last_answer_by,
            blind=tuple(
                _blind(gap)
                for gap in self._gaps.values()
                if gap.ended_at is None or gap.ended_at > max(since, gap.began_at)
            ),
            advice=advice,
            agents=agents,
            waiting_count=len(waiting),
        )

    def _longest_wait(self, name: str, since: float, now: float) -> LongestWait:
        waiting = self._clocks[name].reading.waiting
        oldest = min(waiting, key=lambda offer: abs(offer.at - since), default=None)
        number = None if oldest is None else oldest.number
        advice, agents = self._advice(name, [] if oldest is None else [oldest], now)
        return LongestWait(Caller(number, since), len(waiting), advice, agents)

    def _advice(
        self, name: str, offers: Iterable[Offer], now: float
    ) -> tuple[tuple[Advice, ...], tuple[str, ...]]:
        presence = self._presence.get(name)
        if presence is not None and now - presence.asked_at > _PRESENCE_FRESH_SECONDS:
            presence = None
        return advise(presence, [ring for offer in offers for ring in offer.rings])


def _key(alert: Alert) -> tuple[Kind, str | None, str | None]:
    return alert.kind, alert.line, alert.about


def _blind(gap: Gap) -> BlindTime:
    return BlindTime(gap.pbx, gap.began_at, gap.ended_at, gap.cause.value)


def _earlier(one: float | None, other: float | None) -> float | None:
    found = [at for at in (one, other) if at is not None]
    return min(found, default=None)


def _shifted(gap: Gap, seconds: float) -> Gap:
    ended_at = None if gap.ended_at is None else gap.ended_at + seconds
    return Gap(gap.pbx, gap.began_at + seconds, ended_at, gap.cause)
