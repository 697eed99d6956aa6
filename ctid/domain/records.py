"""What ctid keeps about calls: the rows that the tracker gives and the store writes.

The words are those of docs/definitions.md. All times are Unix seconds in UTC (float, microseconds
matter), all durations seconds. `None` always means "not known" or "did not happen", never zero.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Direction(StrEnum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


class Outcome(StrEnum):
    ANSWERED = "answered"
    MISSED = "missed"
    OVERFLOWED = "overflowed"
    NOT_OFFERED = "not_offered"
    LOST = "lost"
    EXCLUDED = "excluded"


class Reason(StrEnum):
    """Why an offer has its outcome; also the value of a metric label."""

    # of a miss or an overflow, in the order of precedence
    VOICEMAIL = "voicemail"
    CALLER_HANGUP = "caller_hangup"
    QUEUE_TIMEOUT = "queue_timeout"
    QUEUE_FULL = "queue_full"
    NO_AGENTS = "no_agents"
    KEY_EXIT = "key_exit"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    BUSY = "busy"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"
    UNKNOWN = "unknown"
    # of not_offered
    AFTER_HOURS = "after_hours"
    IVR_HANGUP = "ivr_hangup"
    TURNED_AWAY = "turned_away"
    # of excluded
    OWN_AGENT = "own_agent"
    TEST = "test"
    BLOCKED = "blocked"
    FAX = "fax"


class RingResult(StrEnum):
    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    REJECTED = "rejected"
    UNAVAILABLE = "unavailable"
    FORWARDED = "forwarded"
    CANCELLED = "cancelled"


class EndedBy(StrEnum):
    CALLER = "caller"
    AGENT = "agent"
    SYSTEM = "system"
    RESTART = "restart"


class GapCause(StrEnum):
    """Why a PBX was not seen for a while."""

    CONNECTION_LOST = "connection_lost"
    PING_TIMEOUT = "ping_timeout"
    PBX_RESTARTED = "pbx_restarted"
    LOGIN_REFUSED = "login_refused"
    UNREACHABLE = "unreachable"
    OVERRUN = "overrun"
    DAEMON_DOWN = "daemon_down"
    CLOCK_SET_BACK = "clock_set_back"
    """The daemon did not run, for how long nobody knows: clocks were set back. Never stored."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """One hand-over of the caller.

    `kind` is `blind`, `attended` or `redirect`; `by` the agent who did it, `to` the number or agent
    it went to, `at` Unix seconds.
    """

    kind: str
    by: str | None
    to: str | None
    at: float


class Ring(NamedTuple):
    """One try to reach one agent. `rang_at` is None where the phone never rang."""

    agent: str
    channel: str
    began_at: float
    rang_at: float | None
    ended_at: float | None
    result: RingResult | None


class Record(NamedTuple):
    """One call's visit to one line, or one call that visited none (`line` None).

    Key: (pbx, uniqueid, ordinal). `outcome` is None while the call is open and where there is no
    line. `because` says in words which event decided the outcome.
    """

    pbx: str
    uniqueid: str
    ordinal: int
    linkedid: str
    direction: Direction
    line: str | None
    transferred: bool
    caller_number: str | None
    caller_name: str | None
    did: str | None
    started_at: float | None
    offered_at: float | None
    answered_at: float | None
    ended_at: float | None
    outcome: Outcome | None
    reason: Reason | None
    agent: str | None
    final_agent: str | None
    agents_rung: tuple[str, ...]
    rings: tuple[Ring, ...]
    transfers: tuple[Transfer, ...]
    wait_seconds: float | None
    ring_seconds: float | None
    talk_seconds: float | None
    hold_seconds: float | None
    ended_by: EndedBy | None
    recording: str | None
    survey: str | None
    open: bool
    because: str


class Fact(NamedTuple):
    """Something that happened in a call and was decided then; the material of `ctid explain`.

    Key: (pbx, uniqueid, seq), seq counting from 0 within the call. `kind` is a fixed word
    (`offer_opened`, `ring_began`, `answered` ...), `data` a few words or numbers for the reader.
    """

    pbx: str
    uniqueid: str
    seq: int
    at: float
    kind: str
    because: str
    data: dict[str, str | float | None]


class OpenCall(NamedTuple):
    """A call that is still in the tracker's memory, as JSON text that `Tracker.restore` reads.

    `state` None: the call has left memory, the row goes.
    """

    pbx: str
    uniqueid: str
    state: str | None


@dataclass(frozen=True, slots=True)
class Gap:
    """An interval in which a PBX was not seen; open while `ended_at` is None.

    Key: (pbx, began_at).
    """

    pbx: str
    began_at: float
    ended_at: float | None
    cause: GapCause


@dataclass(frozen=True, slots=True)
class Seen:
    """Until when a PBX was seen, and its start time (from CoreStatus) to know it again by."""

    pbx: str
    seen_until: float
    started: str | None
