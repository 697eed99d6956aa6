"""ctid's clocks and alerts in a random history, compared with what the definitions say."""

import random
from collections.abc import Callable
from typing import Final

from ctid.domain.alerts import Alert, Firing, Kind, Resolved, Warned
from ctid.domain.duty import parse
from ctid.domain.escalation import Plan
from ctid.domain.lines_known import LineRules, Past
from ctid.domain.records import Record
from ctid.domain.returns import Returns, ToReturn
from ctid.domain.watch import Watch
from tests.unit.domain.histories import DUTY, TEST_NUMBER, Calls, seconds_on_duty
from tests.unit.domain.watching import Names

STEPS: Final = 60
RULES: Final = [
    LineRules(name, parse(list(hours)) if hours else None, "UTC", excluded=TEST_NUMBER.__eq__)
    for name, hours in DUTY.items()
]


class Ctid:
    """A watch and who has to be called back, and what of it is committed."""

    def __init__(self, now: float) -> None:
        self.records: dict[tuple[str, int], Record] = {}
        self.entries: dict[str, ToReturn] = {}
        self.alerts: dict[int, Alert] = {}
        self._begin(now)

    def _begin(self, now: float) -> None:
        self.returns = Returns(lambda number: number or None, lambda _, at: at)
        self.watch = Watch(RULES, Plan(), Names)
        self.watch.begin(now)

    def take(self, records: list[Record], now: float) -> None:
        self.records |= {(one.uniqueid, one.ordinal): one for one in records}
        self._settle(self.returns.receive(records), now, records)

    def until(self, now: float) -> None:
        """Let time pass; every timer runs when it is due."""
        while (due := self._next_due()) is not None and due <= now:
            self._settle(self.returns.handle_timer("main", due), due)
            self.watch.handle_timer(due)
            self._drain()

    def _next_due(self) -> float | None:
        dues = (self.returns.next_timer("main"), self.watch.next_timer())
        return min((due for due in dues if due is not None), default=None)

    def close(self, entry: ToReturn, now: float) -> None:
        self._settle([self.returns.close(entry, now, "Wang", "wrote a mail")], now)

    def resolve(self, alert: Alert, now: float) -> None:
        self.watch.resolve(alert.number, now, "Wang", "talked to them")
        self._drain()

    def _settle(
        self, entries: list[ToReturn], now: float, records: list[Record] | None = None
    ) -> None:
        self.entries |= {entry.uniqueid: entry for entry in entries}
        self.watch.receive(records or [], entries, now)
        self._drain()

    def _drain(self) -> None:
        self.alerts |= {alert.number: alert for alert in self.watch.drain().alerts}

    def unanswered(self, line: str) -> Alert | None:
        return self.watch.alerting.about((Kind.UNANSWERED, line, None))

    def restart(self, truth: Calls, past: Past) -> None:
        """Go on by what was committed."""
        self.watch = Watch(RULES, Plan(), Names)
        kept = [one for one in self.alerts.values() if not isinstance(one.state, Resolved)]
        self.watch.alerting.restore(kept, [], (max(self.alerts, default=0), 0))
        self.watch.restore(past, [])
        self.watch.begin(truth.now)
        self._drain()
        self.returns = Returns(lambda number: number or None, lambda _, at: at)
        self.returns.restore(self.entries.values(), truth.calls_under_way())


def states(line: str, since: float | None, now: float) -> set[type | None]:
    """How an alert may stand; it is left as it is where its mark comes within five seconds."""
    seconds = 0.0 if since is None else seconds_on_duty(line, since, now)
    return {
        Firing if after >= 900.0 else Warned if after >= 600.0 else None
        for after in (seconds, seconds + 5.0 if seconds else 0.0)
    }


def look(ctid: Ctid, truth: Calls) -> None:
    """Compare all that a line shows."""
    for line in DUTY:
        reading = ctid.watch._lines.reading(line)
        since = truth.since(line)
        assert reading.since == since, line
        assert reading.last_answer_at == truth.last_answer(line), line
        alert = ctid.unanswered(line)
        assert (None if alert is None else type(alert.state)) in states(line, since, truth.now)
        assert alert is None or alert.since == since, line


def whole_past(ctid: Ctid, truth: Calls) -> Past:
    """All that was committed, also what does not matter any more."""
    records = [ctid.records[key] for key in sorted(ctid.records)]
    return Past(list(DUTY), records, list(ctid.entries.values()), {}, closings(truth))


def closings(truth: Calls) -> dict[str, float]:
    """When a person closed the clock of a line last."""
    return {line: times[-1] for line, times in truth.closings.items() if times}


def play(seed: int, past: Callable[[Ctid, Calls], Past] = whole_past) -> None:
    """Play a history and compare after each step; `past` is what a restart finds."""
    truth, dice = Calls(seed), random.Random(-seed)
    ctid = Ctid(truth.now)
    for _ in range(STEPS):
        truth.now += truth.pause()
        ctid.until(truth.now)
        look(ctid, truth)
        truth.now += 1.0
        ctid.until(truth.now)
        happens = dice.random()
        to_return = [entry for entry in ctid.entries.values() if entry.is_open]
        alerts = [alert for line in DUTY if (alert := ctid.unanswered(line)) is not None]
        if happens < 0.1:
            ctid.restart(truth, past(ctid, truth))
        elif happens < 0.15 and to_return:
            entry = dice.choice(to_return)
            names = {miss.uniqueid for miss in entry.misses}
            for call in truth.calls:
                if call.name in names and call.closed is None:
                    call.closed = truth.now
            ctid.close(entry, truth.now)
        elif happens < 0.2 and alerts:
            alert = dice.choice(alerts)
            truth.closings[alert.line or ""].append(truth.now)
            ctid.resolve(alert, truth.now)
        else:
            ctid.take(truth.step(), truth.now)
        look(ctid, truth)
