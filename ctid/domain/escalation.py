"""Who is told of an alert, and when: steps by role, and what follows when nobody is there."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ctid.domain.alerts import Alert, Firing, Kind, Recipient, RosterGap
from ctid.domain.roster import EVERYONE, Person, Role, Roster, recipient

TEST_STEP_SECONDS: Final = 60.0
"""Between two steps of a test: the whole chain is walked while somebody watches."""


@dataclass(frozen=True, slots=True)
class Step:
    """So long after the alert fired, those who have one of these roles then are paged.

    `to` holds words of Role, or EVERYONE.
    """

    after_seconds: float
    to: tuple[str, ...]


DEFAULT_STEPS = (
    Step(0.0, (Role.FIRST_LINE,)),
    Step(300.0, (Role.DUTY_LEAD,)),
    Step(900.0, (Role.PROJECT_MANAGER,)),
    Step(1800.0, (EVERYONE,)),
)


CAN_WAIT: Final = frozenset({Kind.CALENDAR_ENDING})
"""What has to be mended within weeks: those of the first step are reminded each week."""
OF_DUTY_HOURS: Final = frozenset(
    {Kind.UNANSWERED, Kind.LONGEST_WAIT, Kind.BLIND, Kind.ANSWER_RATE, Kind.ROSTER_GAP}
)
"""About what is wrong in a line's duty hours nobody is paged again out of them."""
NOT_URGENT: Final = frozenset({Kind.ANSWER_RATE, Kind.ROSTER_GAP})
"""Of these not even the first page comes out of them."""
WEEK_SECONDS: Final = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How alerts are escalated.

    `steps` in order of time. After the last one all who were paged are paged again every
    `repeat_seconds`. `told` are channels that hear of every alert from its beginning.
    """

    steps: tuple[Step, ...] = DEFAULT_STEPS
    repeat_seconds: float = 900.0
    told: tuple[Recipient, ...] = ()

    def steps_of(self, kind: Kind) -> tuple[Step, ...]:
        """The steps of an alert of this kind; of what can wait only the first."""
        return self.steps[:1] if kind in CAN_WAIT else self.steps

    def repeat_seconds_of(self, kind: Kind) -> float:
        """How long after the last step, and then again, those who were paged are paged again."""
        return WEEK_SECONDS if kind in CAN_WAIT else self.repeat_seconds

    def after_seconds(self, kind: Kind, step: int) -> float:
        """How long after an alert fired a step comes; of a test all of them come soon."""
        if kind is Kind.TEST:
            return step * TEST_STEP_SECONDS
        return self.steps[step].after_seconds


def held_until(alert: Alert, step: int, steps: int, duty_at: float, now: float) -> float:
    """Until when nobody is told of a step: until `duty_at`, the line's next duty hours, or `now`.

    Who is paged for the first time is not kept waiting after the steps.
    """
    if step >= steps:
        return duty_at if alert.kind in OF_DUTY_HOURS and alert.paged else now
    if step or alert.kind not in NOT_URGENT:
        return now
    # there are no duty hours before the gap: it cannot wait for them
    is_late = isinstance(alert.subject, RosterGap) and alert.subject.begins_at <= duty_at
    return now if is_late else duty_at


def begins_anew(alert: Alert, plan: Plan, roster: Roster, now: float) -> bool:
    """Whether no step had anybody of the roster when its time came, and somebody is there now."""
    steps = plan.steps_of(alert.kind)
    return (
        isinstance(alert.state, Firing)
        and alert.state.step >= len(steps)
        and all(one.role is None for one in alert.paged)
        and bool(first_there(steps, roster, alert.line, now))
    )


def again(alert: Alert, plan: Plan, roster: Roster, now: float) -> list[Recipient]:
    """Who is paged again after the last step: who was, and who has come on duty since."""
    whom = [one for one in alert.paged if one.role is not None]
    for step in plan.steps_of(alert.kind):
        whom += people(step, roster, alert.line, now)
    # where there is no roster, the channels are all that can rouse anybody
    return whom or list(alert.paged)


def people(step: Step, roster: Roster, line: str | None, at: float) -> list[Recipient]:
    """Those of a step, each once, in the order of its words; without those who have no channel."""
    found: dict[str, Recipient] = {}
    for word in step.to:
        for person in _those_of(word, roster, line, at):
            if person.routes:
                found.setdefault(person.id, recipient(person, word))
    return list(found.values())


def _those_of(word: str, roster: Roster, line: str | None, at: float) -> Iterable[Person]:
    return roster.everyone(line) if word == EVERYONE else roster.on_duty(Role(word), line, at)


def first_there(
    steps: Iterable[Step], roster: Roster, line: str | None, at: float
) -> list[Recipient]:
    """Who is on duty of the first step that has anybody."""
    found = (people(step, roster, line, at) for step in steps)
    return next((whom for whom in found if whom), [])


def empty_roles(plan: Plan, roster: Roster, line: str | None, at: float) -> list[str]:
    """The roles of the steps by which nobody is paged then, each once."""
    roles = dict.fromkeys(word for step in plan.steps for word in step.to if word != EVERYONE)
    return [role for role in roles if not people(Step(0.0, (role,)), roster, line, at)]


def why_nobody(plan: Plan, roster: Roster, kind: Kind, line: str | None, at: float) -> str | None:
    """Why an alert that fires then pages nobody, in words; None: there is somebody to page."""
    if plan.told:
        return None
    steps = plan.steps_of(kind)
    if first_there(steps, roster, line, at):
        return None
    roles = list(dict.fromkeys(word for step in steps for word in step.to))
    there = {person.name for role in roles for person in _those_of(role, roster, line, at)}
    if there:
        found = f"the roster has no channel for {', '.join(sorted(there))}"
    elif any(roster.everyone(line)):
        found = f"nobody is on duty as {', '.join(roles)}"
    else:
        found = "there is nobody on a roster"
    return f"{found}, and [alert] channels names none"


def each_once(whom: Iterable[Recipient]) -> list[Recipient]:
    """The first of each name."""
    found: dict[str, Recipient] = {}
    for one in whom:
        found.setdefault(one.name, one)
    return list(found.values())


def joined(before: Iterable[Recipient], newer: Iterable[Recipient]) -> tuple[Recipient, ...]:
    """Both, each name once, as it is newer."""
    return tuple(({one.name: one for one in before} | {one.name: one for one in newer}).values())


def by_ways_of_today(whom: list[Recipient], roster: Roster, line: str | None) -> list[Recipient]:
    """The same people, as the roster has them now: an address may have been corrected."""
    known = {person.name: person for person in roster.everyone(line)}
    return [
        one._replace(routes=known[one.name].routes)
        if one.role is not None and one.name in known and known[one.name].routes
        else one
        for one in whom
    ]
