"""Who could answer a line right now, as its PBX says when it is asked, and what follows from it."""

from dataclasses import dataclass
from enum import StrEnum


class PhoneState(StrEnum):
    """A phone, by Asterisk's device state."""

    IDLE = "idle"
    RINGING = "ringing"
    TALKING = "talking"
    """In use, busy or on hold."""
    UNREGISTERED = "unregistered"
    """Unavailable: no contact."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Seat:
    """One place that may answer: a queue member or a configured agent.

    `logged_in` is false for an agent that is no member of any of the line's queues at the moment.
    """

    interface: str
    name: str
    phone: PhoneState
    paused: bool = False
    pause_reason: str | None = None
    logged_in: bool = True


@dataclass(frozen=True, slots=True)
class Presence:
    """All places of one line, asked at `asked_at` (Unix seconds). Empty: nobody is logged in."""

    line: str
    asked_at: float
    seats: tuple[Seat, ...]
