"""The life of alerts: warned, firing, acknowledged, resolved, and the pages that belong to it.

Pure: what holds or does not hold any more comes in, alerts and pages that have to be written come
out of `drain`. What was decided before a restart is given to `restore`. All times are Unix seconds.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Final

from ctid.domain import escalation
from ctid.domain.alert_times import at_first_step, begins_by_our_clock, fired_at, put_off, shifted
from ctid.domain.alerts import (
    Acknowledged,
    Alert,
    Ending,
    Firing,
    Kind,
    Page,
    PageEvent,
    Recipient,
    Resolved,
    Silence,
    State,
    Warned,
)
from ctid.domain.conditions import (
    AlertKey,
    Condition,
    Describe,
    DutyAt,
    Fault,
    always,
    condition_of,
    raise_it,
)
from ctid.domain.escalation import Plan
from ctid.domain.forgetting import Number, alert_without
from ctid.domain.roster import Roster
from ctid.domain.silencing import Silences
from ctid.domain.told import NOTHING_TOLD, Told

FAULT_SECONDS: Final = 10.0
"""So long after a fault of ours in an alert or line it is looked at again."""


class NoSuchAlertError(Exception):
    """It cannot be done; the message says why, in one line."""


class Alerting:
    """All alerts of a daemon. `roster` gives the one in force, `duty_at` when a line has duty next.

    What is raised in the steps of one alert is told to `fault`, and the others go on.
    """

    def __init__(
        self,
        plan: Plan,
        roster: Callable[[], Roster],
        describe: Describe,
        fault: Fault = raise_it,
        duty_at: DutyAt = always,
    ) -> None:
        self._duty_at = duty_at
        self._plan = plan
        self._roster = roster
        self._describe = describe
        self._open: dict[AlertKey, Alert] = {}
        self.silences = Silences()
        # what a person ended while it went on, by since when: not an alert again
        self._dismissed: dict[AlertKey, float] = {}
        self._fault = fault
        # when those are looked at again in which something was raised
        self._faulty: dict[int, float] = {}
        self._highest = 0
        self.down: tuple[float, float] | None = None
        """When no daemon ran, just before this one."""
        self._changed: dict[int, Alert] = {}
        self._pages: list[Page] = []

    # -- start, and other configurations ----------------------------------------------------------

    def restore(
        self,
        alerts: Iterable[Alert],
        silences: Iterable[Silence],
        numbers: tuple[int, int],
    ) -> None:
        """Take up what the last daemon committed.

        `alerts` are the open ones and those that a person ended lately; `numbers` the highest of
        an alert and of a silence.
        """
        for alert in alerts:
            if not isinstance(alert.state, Resolved):
                self._open[alert.key] = alert
            elif alert.state.ending is Ending.BY_PERSON:
                self._dismissed[alert.key] = alert.since
        self._highest, silence = numbers
        self.silences.restore(silences, silence)

    def use(self, plan: Plan) -> None:
        """Go on by another configuration; alerts stay at the step they are at."""
        self._plan = plan

    def shift(self, seconds: float) -> None:
        """The daemon's clock was set: what is open stays as old as it was."""
        for alert in self.open_alerts():
            self._keep(shifted(alert, seconds))
        if self.down is not None:
            self.down = (self.down[0] + seconds, self.down[1] + seconds)
        self._dismissed = {
            key: at + seconds if begins_by_our_clock(key[0]) else at
            for key, at in self._dismissed.items()
        }
        self._faulty.clear()

    # -- what is wrong ----------------------------------------------------------------------------

    def open_alerts(self) -> list[Alert]:
        """All that are not over, in order of their numbers."""
        return sorted(self._open.values(), key=lambda alert: alert.number)

    def next_number(self) -> int:
        """What the next alert will be known by."""
        return self._highest + 1

    def forget(self, number: Number) -> None:
        """Know a telephone number no more, in whatever is open."""
        for alert in list(self._open.values()):
            left = alert_without(alert, number)
            if left is not alert:
                self._keep(left)

    def tells_of(self, line: str | None, kinds: Collection[Kind]) -> bool:
        """Whether somebody is told of such an alert of the line by what has to be written."""
        return any(page.alert.line == line and page.alert.kind in kinds for page in self._pages)

    def open_of(self, kind: Kind) -> list[Alert]:
        """Those of one kind, in no order."""
        return [alert for alert in self._open.values() if alert.kind is kind]

    def about(self, key: AlertKey) -> Alert | None:
        """The open alert about this, if there is one."""
        return self._open.get(key)

    def open_alert(self, key: AlertKey) -> Alert:
        """The alert about this, which has to be open."""
        return self._open[key]

    def due_by(self, until: float) -> list[Alert]:
        """Those of which somebody will be told by then."""
        return [
            alert
            for alert in self._open.values()
            if (due := self._due_at(alert)) is not None and due <= until
        ]

    def warn(self, condition: Condition, now: float) -> None:
        """Half of the limit is over. Whoever was told, or has ended it, is not told again."""
        if condition.key in self._open or self._is_dismissed(condition):
            return
        alert = self._new(condition, Warned(now), now)
        if not self.is_silenced(alert, now):
            alert = self._page(alert, PageEvent.WARNING, self._at_first(alert, now), now, now)
        self._keep(alert)

    def fire(self, condition: Condition, now: float) -> None:
        """The limit is over: page, unless that was done already; at a limit ahead only then."""
        known = self._open.get(condition.key)
        if known is not None and not isinstance(known.state, Warned):
            return
        if known is None and self._is_dismissed(condition):
            return
        ahead = max(0.0, condition.limit_at - now)
        state = Firing(now, 0, condition.limit_at, held_seconds=ahead)
        if known is None:
            alert = self._new(condition, state, now)
        else:
            alert = replace(known, state=state, limit_at=condition.limit_at)
        self._keep(alert)
        self._take_steps(alert, now)

    def correct(self, condition: Condition, now: float) -> None:
        """The open alert about this began at another time than it seemed; nobody is told of it."""
        alert = self._open.get(condition.key)
        since, limit_at = condition.since, condition.limit_at
        if alert is not None and (alert.since, alert.limit_at) != (since, limit_at):
            subject = self._describe(condition, now)
            self._keep(replace(alert, since=since, limit_at=limit_at, subject=subject))

    def end(self, key: AlertKey, now: float, ending: Ending, by: str | None = None) -> None:
        """It holds no more; tell everybody who was told."""
        self._dismissed.pop(key, None)
        alert = self._open.get(key)
        if alert is not None:
            self._resolve(alert, now, ending, by, None)

    def prove(self, condition: Condition, whom: Iterable[Recipient], now: float) -> Alert:
        """Send one page to each of these, and nothing after it: a test of the channels alone."""
        alert = self._new(condition, Resolved(now, now, Ending.TEST_OVER), now)
        return self._tell_once(alert, whom)

    def fire_and_end(self, condition: Condition, now: float) -> None:
        """It held, and is over already: tell the first step, once."""
        alert = self._new(condition, Resolved(now, now, Ending.RECOVERED), now)
        self._tell_once(alert, [] if self.is_silenced(alert, now) else self._at_first(alert, now))

    def _tell_once(self, alert: Alert, whom: Iterable[Recipient]) -> Alert:
        now = alert.state.at
        alert = self._page(alert, PageEvent.FIRING, whom, alert.limit_at, now)
        self._changed[alert.number] = alert
        return alert

    # -- what people do ---------------------------------------------------------------------------

    def acknowledge(self, number: int, now: float, by: str, why: str | None = None) -> Alert:
        """Somebody takes care. Raises NoSuchAlertError."""
        alert = self._find(number)
        if isinstance(alert.state, Acknowledged):
            return alert
        if not isinstance(alert.state, Firing):
            raise NoSuchAlertError(
                f"alert {number} only warns so far: it can be acknowledged once it fires, "
                "or resolved with a reason"
            )
        alert = replace(alert, state=Acknowledged(alert.state.at, now, by, why))
        others = [one for one in alert.paged if one.name != by]
        alert = self._page(alert, PageEvent.ACKNOWLEDGED, others, now, now)
        self._keep(alert)
        return alert

    def resolve(self, number: int, now: float, by: str, why: str) -> Alert:
        """Somebody says that it is over. Raises NoSuchAlertError."""
        alert = self._find(number)
        self._dismissed[alert.key] = alert.since
        return self._resolve(alert, now, Ending.BY_PERSON, by, why)

    def unsilence(self, number: int, now: float) -> Silence:
        """End a silence now. Raises NoSuchAlertError."""
        ended = self.silences.end(number, now)
        if ended is None:
            raise NoSuchAlertError(
                f"no silence {number} is in force; `ctid alerts list` shows them"
            )
        early = now - ended.held_until
        for alert in self.open_alerts():
            # only those that this silence has put off
            if isinstance(alert.state, Firing) and alert.state.next_at == ended.held_until:
                self._keep(replace(alert, state=put_off(alert.state, early)))
        return ended.silence

    def is_silenced(self, alert: Alert, now: float) -> bool:
        """Whether nobody is paged about it now."""
        return self.silences.about(alert, now) is not None

    # -- time -------------------------------------------------------------------------------------

    def next_timer(self) -> float | None:
        """When `handle_timer` has something to do."""
        return min(
            (due for alert in self._open.values() if (due := self._due_at(alert)) is not None),
            default=None,
        )

    def handle_timer(self, now: float) -> None:
        """Take the steps that are due."""
        for alert in self.due_by(now):
            self._take_steps(alert, now)
        self.silences.drop_ended(now)

    def seek(self, now: float) -> None:
        """Look whether somebody is there now where no step had anybody of the roster."""
        for alert in self.open_alerts():
            if escalation.begins_anew(alert, self._plan, self._roster(), now):
                self._take_steps(alert, now)

    def drain(self) -> Told:
        """Take out what has to be written."""
        told = Told(tuple(self._changed.values()), tuple(self._pages), self.silences.drain())
        self._changed, self._pages = {}, []
        return told if any(told) else NOTHING_TOLD

    # -- inside -----------------------------------------------------------------------------------

    def _due_at(self, alert: Alert) -> float | None:
        """When its next step is, None: it has none."""
        if not isinstance(alert.state, Firing):
            return None
        return max(alert.state.next_at, self._faulty.get(alert.number, alert.state.next_at))

    def _take_steps(self, alert: Alert, now: float) -> None:
        """All steps that are due; or none, and again later, where that raises something."""
        before = len(self._pages)
        try:
            self._keep(self._escalate(alert, now))
            self._faulty.pop(alert.number, None)
        except Exception as error:  # noqa: BLE001 - told; one alert must not hold back the others
            del self._pages[before:]
            self._fault(alert.kind, alert.line, error)
            self._faulty[alert.number] = now + FAULT_SECONDS

    def _escalate(self, alert: Alert, now: float) -> Alert:
        """All steps that are due, one after the other; one that has nobody is not waited for."""
        if anew := escalation.begins_anew(alert, self._plan, self._roster(), now):
            alert = at_first_step(alert, now)
        told_now: set[str] = set()
        while isinstance(state := alert.state, Firing) and state.next_at <= now:
            steps = self._plan.steps_of(alert.kind)
            until = self._held_until(alert, state.step, len(steps), now)
            if until > now:
                return replace(alert, state=put_off(state, until - state.next_at))
            repeat_at = now + self._plan.repeat_seconds_of(alert.kind)
            if state.step >= len(steps):
                alert = replace(alert, state=replace(state, next_at=repeat_at))
                whom = escalation.again(alert, self._plan, self._roster(), now)
                return self._page(alert, PageEvent.REPEAT, whom, state.next_at, now)
            whom = escalation.people(steps[state.step], self._roster(), alert.line, now)
            following = state.step + 1
            if following >= len(steps):
                next_at = repeat_at
            elif not whom:
                next_at = state.next_at
            else:
                after = self._plan.after_seconds(alert.kind, following)
                next_at = max(state.next_at, state.at + state.held_seconds + after)
            alert = replace(alert, state=replace(state, step=following, next_at=next_at))
            # those that hear of every alert have, if it begins anew
            whom = [*whom, *(() if state.step or anew else self._plan.told)]
            # of several steps that are due now each person gets one page
            newly = [one for one in whom if one.name not in told_now]
            told_now |= {one.name for one in newly}
            alert = self._page(alert, PageEvent.FIRING, newly, state.next_at, now)
        return alert

    def _held_until(self, alert: Alert, step: int, steps: int, now: float) -> float:
        """Until when a silence, or the line's hours, keep a step away; now: nothing does."""
        silence = self.silences.about(alert, now)
        if silence is not None:
            return silence.ends_at
        return escalation.held_until(alert, step, steps, self._duty_at(alert.line, now), now)

    def _at_first(self, alert: Alert, now: float) -> list[Recipient]:
        """Who is on duty of the first step that has anybody, and the channels told of all."""
        there = escalation.first_there(self._plan.steps, self._roster(), alert.line, now)
        return [*there, *self._plan.told]

    def _page(
        self,
        alert: Alert,
        event: PageEvent,
        whom: Iterable[Recipient],
        due_at: float,
        now: float,
    ) -> Alert:
        """Decide a page to each of them; the alert as it stands then."""
        recipients = escalation.each_once(whom)
        if not recipients:
            return alert
        if event not in (PageEvent.FIRING, PageEvent.WARNING):
            recipients = escalation.by_ways_of_today(recipients, self._roster(), alert.line)
        down = self.down if self.down and self.down[0] <= due_at < self.down[1] else None
        subject = self._describe(condition_of(alert), now)
        first = alert.pages
        alert = replace(
            alert,
            subject=subject,
            paged=escalation.joined(alert.paged, recipients),
            pages=first + len(recipients),
        )
        self._pages += [
            Page(seq, alert, event, one, due_at, now, down)
            for seq, one in enumerate(recipients, first)
        ]
        return alert

    def _resolve(
        self, alert: Alert, now: float, ending: Ending, by: str | None, why: str | None
    ) -> Alert:
        alert = replace(alert, state=Resolved(fired_at(alert.state), now, ending, by, why))
        alert = self._page(alert, PageEvent.RESOLVED, alert.paged, now, now)
        del self._open[alert.key]
        self._faulty.pop(alert.number, None)
        self._changed[alert.number] = alert
        return alert

    def _new(self, condition: Condition, state: State, now: float) -> Alert:
        self._highest += 1
        kind, line, about, since, limit_at = condition
        subject = self._describe(condition, now)
        return Alert(self._highest, kind, line, about, since, limit_at, state, subject)

    def _keep(self, alert: Alert) -> None:
        self._open[alert.key] = alert
        self._changed[alert.number] = alert

    def _find(self, number: int) -> Alert:
        for alert in self._open.values():
            if alert.number == number:
                return alert
        raise NoSuchAlertError(f"no alert {number} is open; `ctid alerts list` shows them")

    def _is_dismissed(self, condition: Condition) -> bool:
        return self._dismissed.get(condition.key) == condition.since
