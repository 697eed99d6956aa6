"""The line watch: what happens on every line, and since when something is wrong there.

Pure. Records, gaps and observations come in; alerts and pages come out of `drain`. All times are
Unix seconds of the daemon; `skew` is by how much a PBX's clock is ahead of that.
"""

import heapq
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from ctid.domain import subjects
from ctid.domain.alerting import FAULT_SECONDS, Alerting
from ctid.domain.alerts import Alert, Ending, Incident, Kind, Recipient, Subject, Test
from ctid.domain.conditions import Condition, Fault, raise_it
from ctid.domain.downtime import Downtime, blind_meanwhile
from ctid.domain.duty import is_on_duty
from ctid.domain.escalation import Plan
from ctid.domain.forgetting import Number
from ctid.domain.limits import limit_at
from ctid.domain.line_conditions import LineConditions
from ctid.domain.lines_known import NO_PAST, LineRules, Lines, Past
from ctid.domain.presence import Presence
from ctid.domain.records import Gap, Record
from ctid.domain.returns import ToReturn
from ctid.domain.roster import Roster
from ctid.domain.told import Told

TEST_SECONDS: Final = 600.0
"""How long a test lasts that nobody acknowledges."""
_NO_PERIODS: Final[Mapping[tuple[str | None, str | None], float]] = {}


class LineNow(NamedTuple):
    """The clock of a line: open `since`, None while it is closed; it fires at `limit_at`."""

    line: str
    on_duty: bool
    since: float | None
    limit_at: float | None
    waiting: int


class Observed(NamedTuple):
    """Something that was found wrong elsewhere: a rate, a destination, a roster, a calendar.

    Nobody is paged about it before `quiet_until`.
    """

    line: str | None
    about: str | None
    since: float
    subject: Subject
    quiet_until: float = 0.0


class Watch:
    """All lines of a daemon. `roster` gives the one in force.

    What is raised about one line or alert is told to `fault`, and the others go on.
    """

    def __init__(
        self,
        lines: Iterable[LineRules],
        plan: Plan,
        roster: Callable[[], Roster],
        fault: Fault = raise_it,
    ) -> None:
        self._lines = Lines(lines)
        self._observed: dict[tuple[Kind, str | None, str | None], Observed] = {}
        # when something becomes due on a line; the heap may hold what is no longer so
        self._due: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []
        self._begun = False
        self._fault = fault
        self.alerting = Alerting(plan, roster, self._describe, fault, self._lines.duty_at)
        self._conditions = LineConditions(self._lines, self.alerting)

    # -- start, and other configurations ----------------------------------------------------------

    def restore(self, past: Past, gaps: Iterable[Gap], down: Downtime | None = None) -> None:
        """Take up what the last daemon committed; `begin` then finds what is due."""
        self._lines.restore_gaps(gaps)
        self._lines.restore(past)
        if down is not None and down.set_back:
            self._lines.set_back(down.set_back, down.until, down.cause)
            self.alerting.shift(-down.set_back)
        self.alerting.down = None if down is None else (down.began_at, down.until)

    def begin(self, now: float) -> None:
        """Look at every line: what became due while nobody watched is decided now.

        Before this nothing is: what the PBX has to tell of the time before may change it.
        """
        is_first, self._begun = not self._begun, True
        self._evaluate_all(now)
        for alert in self.alerting.open_alerts():
            if alert.line is not None and alert.line not in self._lines:
                self.alerting.end(alert.key, now, Ending.TAKEN_OUT)
        self.alerting.handle_timer(now)
        if is_first and self.alerting.down is not None and not self._lines.open_gaps:
            for condition in blind_meanwhile(self._lines, self.alerting.down):
                if not self.alerting.tells_of(condition.line, (Kind.UNANSWERED, Kind.BLIND)):
                    self.alerting.fire_and_end(condition, now)

    def to_restore(self, lines: Iterable[LineRules]) -> list[str]:
        """Those whose past has to be read to go on by this configuration."""
        return self._lines.to_restore(lines)

    def use(
        self,
        lines: Iterable[LineRules],
        plan: Plan,
        now: float,
        gone: Collection[str] = (),
        past: Past = NO_PAST,
    ) -> None:
        """Go on by another configuration; the PBXs of these names are `gone` from it.

        `past` is that of the lines `to_restore`, where it could be read.
        """
        self._lines.use(lines, gone)
        self._lines.restore(past)
        self.alerting.use(plan)
        if self._begun:
            self.begin(now)

    def shift(self, seconds: float, now: float) -> None:
        """The daemon's clock was set by so much: nothing is older or younger for it."""
        self._lines.shift(seconds)
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
        for name in self._lines.receive(records, settled, skew):
            self._evaluate(name, now)

    def gap(self, gap: Gap, now: float) -> None:
        """A PBX went out of sight, or is back."""
        self._lines.gap(gap, now)
        self._evaluate_all(now)

    def observe(
        self,
        kind: Kind,
        found: Sequence[Observed],
        now: float,
        *,
        begun: Mapping[tuple[str | None, str | None], float] = _NO_PERIODS,
    ) -> None:
        """All that is wrong of this kind now; what is missing is well again.

        `begun` is since when the period of a (line, about) runs: what was wrong in an earlier one
        is over with that, and not well again.
        """
        for alert in self.alerting.open_of(kind):
            if alert.since < begun.get((alert.line, alert.about), alert.since):
                self.alerting.end(alert.key, now, Ending.PERIOD_OVER)
        before = {key for key in self._observed if key[0] is kind}
        before |= {alert.key for alert in self.alerting.open_of(kind)}
        after = {(kind, each.line, each.about): each for each in found}
        self._observed |= after
        for key in before - after.keys():
            self._observed.pop(key, None)
            self.alerting.end(key, now, Ending.RECOVERED)
        for key, each in after.items():
            self.alerting.fire(Condition(*key, each.since, max(now, each.quiet_until)), now)

    def present(self, found: Mapping[str, Presence]) -> None:
        """What the PBX answered about these lines."""
        self._lines.presence |= found

    def forget(self, number: Number) -> None:
        """Know a telephone number no more: who waits and who was missed has none then."""
        self._lines.forget(number)
        self.alerting.forget(number)

    # -- what people do ---------------------------------------------------------------------------

    def resolve(self, number: int, now: float, by: str, why: str) -> Alert:
        """Somebody says that an alert is over; of a line's clock too. Raises NoSuchAlertError."""
        alert = self.alerting.resolve(number, now, by, why)
        if alert.kind is Kind.UNANSWERED and alert.line is not None and alert.line in self._lines:
            self._lines.close(alert.line, now)
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
                self.alerting.end(alert.key, now, Ending.TEST_OVER)
        self.alerting.handle_timer(now)

    def soon(self, until: float) -> set[str]:
        """The lines about which somebody will be told by then: the PBX is asked beforehand."""
        told = {alert.line for alert in self.alerting.due_by(until) if alert.line is not None}
        due = {name for name, at in self._due.items() if at <= until}
        return due | (told & self._lines.rules.keys())

    def drain(self) -> Told:
        """Take out what has to be written."""
        return self.alerting.drain()

    def open_lines(self) -> set[str]:
        """The lines whose clock is open."""
        return {
            name for name, clock in self._lines.clocks.items() if clock.reading.since is not None
        }

    def unanswered_seconds(self, now: float) -> dict[str, float]:
        """What the clock of each line shows; 0 where it is closed."""
        return {
            name: 0.0
            if clock.reading.since is None
            else self._lines.seconds(name, clock.reading.since, now)
            for name, clock in self._lines.clocks.items()
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
            for name, line in self._lines.rules.items()
            for reading in (self._lines.reading(name),)
        ]

    # -- lines ------------------------------------------------------------------------------------

    def _evaluate_all(self, now: float) -> None:
        for name in self._lines.rules:
            self._evaluate(name, now)

    def _evaluate(self, name: str, now: float) -> None:
        if not self._begun:
            return
        try:
            dues = self._conditions.evaluate(name, now)
        except Exception as error:  # noqa: BLE001 - told; one line must not hold back the others
            self._fault(None, name, error)
            dues = [now + FAULT_SECONDS]
        if dues:
            self._due[name] = min(dues)
            heapq.heappush(self._heap, (self._due[name], name))
        else:
            self._due.pop(name, None)

    def _describe(self, condition: Condition, now: float) -> Subject:
        name = condition.line
        if name is not None and name in self._lines:
            if condition.kind is Kind.UNANSWERED:
                return subjects.unanswered(self._lines, name, condition.since, now)
            if condition.kind is Kind.LONGEST_WAIT:
                return subjects.longest_wait(self._lines, name, condition.since, now)
        if condition.kind is Kind.BLIND:
            return subjects.blind(self._lines, name, condition.since)
        observed = self._observed.get(condition.key)
        if observed is not None:
            return observed.subject
        # of an alert of the last daemon that was not observed anew
        return self.alerting.open_alert(condition.key).subject
