"""The ticket draft of a call: what the telephone knows, as one versioned document.

Pure. The document is what is stored, what the JSON Schema in docs/ describes, and what templates
are rendered from. All times are Unix seconds in UTC, all durations seconds; None is "not known" or
"did not happen".
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ctid.domain.records import Direction, EndedBy, Outcome, Reason
from ctid.domain.returns import ReturnState

VERSION: Final = 1
"""Of the document's shape; it grows when a field changes its meaning or goes."""


class Stage(StrEnum):
    """Where the call is, for whoever reads the ticket."""

    TALKING = "talking"
    """Answered, and not over yet."""
    ENDED = "ended"
    """Over, and nobody has to call back."""
    TO_RETURN = "to_return"
    """Missed: somebody has to call back by `due_at`."""
    RETURNED = "returned"
    """Missed, and settled since: reached, or closed by somebody."""


class Priority(StrEnum):
    """Suggested, by rules that docs/tickets.md tells: 一般, 重要, 紧急."""

    NORMAL = "normal"
    IMPORTANT = "important"
    URGENT = "urgent"


@dataclass(frozen=True, slots=True)
class Contact:
    """Who calls, as the contact directory knows it. `line` is the one that they usually call."""

    customer: str
    site: str | None = None
    vip: bool = False
    line: str | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """`number` is as it arrived, `e164` the same in one form; both None for an anonymous caller."""

    number: str | None
    e164: str | None
    name: str | None
    contact: Contact | None


@dataclass(frozen=True, slots=True)
class LineName:
    """The line that the ticket is for."""

    name: str
    title: str
    specialty: str


@dataclass(frozen=True, slots=True)
class VisitPart:
    """The call's visit to one line, in the words of the record."""

    line: str
    outcome: Outcome | None
    reason: Reason | None
    offered_at: float | None
    answered_at: float | None
    ended_at: float | None
    wait_seconds: float | None
    ring_seconds: float | None
    talk_seconds: float | None
    hold_seconds: float | None
    ended_by: EndedBy | None
    agent: str | None
    final_agent: str | None
    agents_rung: tuple[str, ...]
    transferred: bool


@dataclass(frozen=True, slots=True)
class TransferPart:
    """One hand-over of the caller."""

    kind: str
    by: str | None
    to: str | None
    at: float


@dataclass(frozen=True, slots=True)
class AttemptPart:
    """One of the calls of a caller who was missed: the ticket is about all of them."""

    pbx: str
    uniqueid: str
    at: float
    outcome: Outcome
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class ReturnPart:
    """How the call-back stands; `due_at` is when somebody has to have called."""

    state: ReturnState
    due_at: float
    attempted_at: float | None
    settled_at: float | None
    settled_by: str | None
    why: str | None


@dataclass(frozen=True, slots=True)
class ToFill:
    """What only the consultant can find out; always empty here."""

    need: str | None = None
    time_limit: str | None = None
    environment: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """One ticket. `key` names it for ever: the same call never has another.

    `visits` are those of the call that the ticket is about last, oldest first; `outcome` and
    `reason` are those of the visit to `line`. `attempts` holds at least one entry where the caller
    was missed. `link` leads to the call, None where no address is configured.
    """

    key: str
    site: str
    stage: Stage
    pbx: str
    uniqueid: str
    linkedid: str
    direction: Direction
    did: str | None
    line: LineName
    caller: Caller
    outcome: Outcome | None
    reason: Reason | None
    started_at: float | None
    answered_at: float | None
    ended_at: float | None
    agent: str | None
    visits: tuple[VisitPart, ...]
    transfers: tuple[TransferPart, ...]
    attempts: tuple[AttemptPart, ...]
    call_back: ReturnPart | None
    recording: str | None
    link: str | None
    priority: Priority
    due_at: float | None
    to_fill: ToFill = ToFill()
    version: int = VERSION
