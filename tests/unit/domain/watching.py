"""A watch that is played a story: calls, time, people; and what it says."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ctid.domain.alerts import Alert, Page, PageEvent, Route
from ctid.domain.conditions import Fault, raise_it
from ctid.domain.duty import Duty, parse
from ctid.domain.escalation import Plan
from ctid.domain.lines_known import LineRules
from ctid.domain.records import Gap, GapCause, Outcome, Record
from ctid.domain.returns import Miss, ReturnState, ToReturn
from ctid.domain.roster import EVERYONE, Person, Role, Roster
from ctid.domain.told import Told
from ctid.domain.watch import Watch
from tests.unit.domain.missed_calls import record

BEGIN = 1_780_272_000.0
"""Monday, 2026-06-01 00:00 UTC."""
TEST_NUMBER = "13899999999"
"""Who calls with it counts nowhere."""
MINUTE = 60.0
HOUR = 3600.0


def person(name: str, *channels: str) -> Person:
    return Person(name.lower(), name, tuple(Route(channel) for channel in channels or ("im",)))


@dataclass
class Names:
    """A roster: who has which role, at any time; can be changed in the midst of a story."""

    roles: dict[Role, list[Person]] = field(default_factory=dict)

    def on_duty(self, role: Role, line: str | None, at: float) -> Iterable[Person]:  # noqa: ARG002
        return self.roles.get(role, [])

    def everyone(self, line: str | None) -> Iterable[Person]:  # noqa: ARG002
        return [one for people in self.roles.values() for one in people]

    def changes(self, line: str | None, begin: float, end: float) -> Iterable[float]:  # noqa: ARG002
        return ()


class Story:
    """Time, calls and people; `said` is what was told since it was last asked."""

    def __init__(
        self,
        *,
        duty: str | None = None,
        zone: str = "UTC",
        lines: Iterable[str] = ("network",),
        plan: Plan | None = None,
        begin: float = BEGIN,
        fault: Fault = raise_it,
    ) -> None:
        self.now = begin
        self.begin = begin
        self.names = Names(
            {
                Role.FIRST_LINE: [person("Li")],
                Role.DUTY_LEAD: [person("Wang")],
                Role.PROJECT_MANAGER: [person("Chen")],
            }
        )
        hours: Duty | None = None if duty is None else parse([duty])
        self.rules = [LineRules(name, hours, zone, excluded=TEST_NUMBER.__eq__) for name in lines]
        self.plan = plan or Plan()
        self.watch = Watch(self.rules, self.plan, self.roster, fault)
        self.watch.begin(self.now)
        self.told: list[Told] = []
        self.pages: list[Page] = []
        self._calls: dict[str, Record] = {}

    def roster(self) -> Roster:
        return self.names

    # -- what happens -----------------------------------------------------------------------------

    def call(self, name: str, line: str = "network", **given: Any) -> None:
        """Somebody is offered to the line, and waits."""
        fields = {"uniqueid": name, "line": line, "outcome": None, "reason": None, "open": True}
        self._take(record(self.now, **(fields | {"ended_at": None} | given)))

    def answer(self, name: str, agent: str = "Zhao") -> None:
        self._take(self._calls[name]._replace(answered_at=self.now, agent=agent))

    def miss(self, name: str, **given: Any) -> None:
        """The caller leaves, or is sent away, unanswered."""
        call = self._calls[name]
        waited = self.now - (call.offered_at or 0.0)
        fields: dict[str, Any] = {
            "outcome": Outcome.MISSED,
            "ended_at": self.now,
            "wait_seconds": waited,
        }
        self._take(call._replace(**(fields | {"open": False} | given)))

    def end(self, name: str, **given: Any) -> None:
        call = self._calls[name]
        fields: dict[str, Any] = {"outcome": Outcome.ANSWERED, "ended_at": self.now, "open": False}
        self._take(call._replace(**(fields | given)))

    def missed_call(self, name: str, line: str = "network", after: float = 30.0) -> None:
        """Somebody calls and is missed."""
        self.call(name, line)
        self.advance(after)
        self.miss(name)

    def reach(self, *names: str) -> None:
        """Somebody calls those back who were missed, with success."""
        self.watch.receive([], self.reached(*names), self.now)
        self._drain()

    def reached(self, *names: str) -> list[ToReturn]:
        """What the watch is told of that."""
        calls = [self._calls[name] for name in names]
        return [
            ToReturn(
                call.pbx,
                call.uniqueid,
                call.line or "",
                call.caller_number,
                call.caller_number,
                None,
                ReturnState.REACHED,
                (Miss(call.pbx, call.uniqueid, self.begin, Outcome.MISSED, None),),
                self.now + HOUR,
                settled_at=self.now,
            )
            for call in calls
        ]

    def _take(self, made: Record) -> None:
        self._calls[made.uniqueid] = made
        self.watch.receive([made], [], self.now)
        self._drain()

    def gap(self, began_at: float, ended_at: float | None, pbx: str = "main") -> None:
        self.watch.gap(Gap(pbx, began_at, ended_at, GapCause.CONNECTION_LOST), self.now)
        self._drain()

    def advance(self, seconds: float) -> None:
        """Let time pass; every timer runs when it is due."""
        until = self.now + seconds
        while (due := self.watch.next_timer()) is not None and due <= until:
            self.now = max(self.now, due)
            self.watch.handle_timer(self.now)
            self._drain()
        self.now = until

    def _drain(self) -> None:
        told = self.watch.drain()
        self.told.append(told)
        self.pages += told.pages

    # -- what was said ----------------------------------------------------------------------------

    def said(self) -> list[str]:
        """`event name` for each page since it was last asked, in order."""
        self._drain()
        said = [f"{page.event.value} {page.recipient.name}" for page in self.pages]
        self.pages.clear()
        return said

    def minutes(self) -> float:
        return (self.now - self.begin) / MINUTE

    def alert(self) -> int:
        """The number of the only open alert."""
        return self.open_alert().number

    def open_alert(self) -> Alert:
        """The only open alert."""
        (alert,) = self.watch.alerting.open_alerts()
        return alert

    def states(self) -> list[str]:
        return [type(alert.state).__name__ for alert in self.watch.alerting.open_alerts()]


__all__ = [
    "BEGIN",
    "EVERYONE",
    "HOUR",
    "MINUTE",
    "TEST_NUMBER",
    "Names",
    "PageEvent",
    "Story",
    "person",
]
