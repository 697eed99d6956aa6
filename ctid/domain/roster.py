"""The roster: who has which role on which line, when."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ctid.domain.alerts import Recipient, Route


class Role(StrEnum):
    """What somebody is called for; the words of escalation steps."""

    FIRST_LINE = "first_line"
    SECOND_LINE = "second_line"
    DUTY_LEAD = "duty_lead"
    PROJECT_MANAGER = "project_manager"


EVERYONE = "everyone"
"""In a step: all people of the roster that have any role on the line, whenever."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with their ways to be reached, the first tried first. `id` is a short name."""

    id: str
    name: str
    routes: tuple[Route, ...]
    language: str | None = None


class Roster(Protocol):
    """Answers who is there. Nothing in it changes; a changed file makes a new one."""

    def on_duty(self, role: Role, line: str | None, at: float) -> Iterable[Person]:
        """Who has this role on this line then, substitutions applied. `line` None: on any line."""
        ...

    def everyone(self, line: str | None) -> Iterable[Person]:
        """All who ever have a role on this line (None: on any)."""
        ...


@dataclass(frozen=True, slots=True)
class Empty:
    """Nobody, ever: there is no roster."""

    def on_duty(self, role: Role, line: str | None, at: float) -> Iterable[Person]:  # noqa: ARG002
        return ()

    def everyone(self, line: str | None) -> Iterable[Person]:  # noqa: ARG002
        return ()


def recipient(person: Person, role: str) -> Recipient:
    """The person as somebody to be paged for this role."""
    return Recipient(person.name, role, person.routes, person.language)
