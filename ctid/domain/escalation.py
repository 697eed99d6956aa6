"""Who is told of an alert, and when: steps by role, and what follows when nobody is there."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ctid.domain.alerts import Kind, Recipient
from ctid.domain.roster import EVERYONE, Role, Roster, recipient


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


def people(step: Step, roster: Roster, line: str | None, at: float) -> list[Recipient]:
    """Those of a step, each once, in the order of its words; without those who have no channel."""
    found: dict[str, Recipient] = {}
    for word in step.to:
        persons = (
            roster.everyone(line) if word == EVERYONE else roster.on_duty(Role(word), line, at)
        )
        for person in persons:
            if person.routes:
                found.setdefault(person.id, recipient(person, word))
    return list(found.values())


def each_once(whom: Iterable[Recipient]) -> list[Recipient]:
    """The first of each name."""
    found: dict[str, Recipient] = {}
    for one in whom:
        found.setdefault(one.name, one)
    return list(found.values())


def joined(before: Iterable[Recipient], newer: Iterable[Recipient]) -> tuple[Recipient, ...]:
    """Both, each name once, as it is newer."""
    return tuple(({one.name: one for one in before} | {one.name: one for one in newer}).values())
