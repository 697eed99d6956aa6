"""The state of a call: what the tracker remembers about it while it is open.

Every class here is plain data that `to_json`/`from_json` carry to the store and back, so that a
restart of the daemon loses nothing.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

import orjson

from ctid.domain.channels import Leg
from ctid.domain.records import Direction, EndedBy, Outcome, Reason, RingResult, Transfer


class AttemptKind(StrEnum):
    DIAL = "dial"
    QUEUE = "queue"
    FOLLOW_ME = "follow_me"
    CONFERENCE = "conference"


@dataclass(slots=True)
class Attempt:
    """A Dial, Queue, FollowMe or ConfBridge that the caller's channel runs.

    `why` is how it ended; None while it runs, or where it ended with an answer.
    """

    kind: AttemptKind
    began_at: float
    queue: str = ""
    ended_at: float | None = None
    why: Reason | None = None
    abandoned: bool = False


@dataclass(slots=True)
class RingState:
    """One try to reach one agent. `attempt` counts the attempts of the visit."""

    uniqueid: str
    agent: str
    channel: str
    outside: bool
    attempt: int
    began_at: float
    rang_at: float | None = None
    ended_at: float | None = None
    status: str = ""
    result: RingResult | None = None


@dataclass(slots=True)
class Visit:
    """One call's visit to one line: before its first attempt, while it is offered, and after."""

    ordinal: int
    line: str | None
    transferred: bool = False
    offered: bool = False
    offered_at: float | None = None
    answered: bool = False
    answered_at: float | None = None
    ended_at: float | None = None
    outcome: Outcome | None = None
    reason: Reason | None = None
    because: str = ""
    agent: str | None = None
    final_agent: str | None = None
    # Who ended the conversation after which the call went on to another line.
    left_by: EndedBy | None = None
    talk: float = 0.0
    hold: float = 0.0
    voicemail: bool = False
    attempts: int = 0
    attempt: Attempt | None = None
    rings: list[RingState] = field(default_factory=list)
    # False where part of it fell into a gap: the figure is then unknown, not short.
    talk_known: bool = True
    ring_known: bool = True
    wait_known: bool = True
    # It may have been answered, and left again, while the PBX was not seen.
    doubtful: bool = False
    # It was up while the PBX was not seen: whether somebody was tried then is not known.
    unseen: bool = False


@dataclass(slots=True)
class Conversation:
    """Who the caller is connected with now, and how the last connection ended."""

    peer: str = ""
    since: float | None = None
    holding: bool = False
    last_peer: str = ""
    broke_at: float | None = None
    broken_by: EndedBy | None = None
    # The agent went to ask somebody else and left the caller waiting.
    consulting: bool = False


@dataclass(slots=True)
class Call:
    """One contact of one caller with the PBX, known by the uniqueid of the caller's channel."""

    uniqueid: str
    linkedid: str
    direction: Direction
    caller_number: str
    caller_name: str
    did: str
    # Of a call that one of our own extensions placed: its agent and interface, else empty.
    agent: str
    interface: str
    member_of: list[str]
    started_at: float | None
    visits: list[Visit] = field(default_factory=list)
    current: int = 0
    conversation: Conversation = field(default_factory=Conversation)
    transfers: list[Transfer] = field(default_factory=list)
    parked: bool = False
    handed_over: bool = False
    pending_queue: str = ""
    # Where the dialplan stood at the last attempt: only another number or context is another line.
    tried_exten: str = ""
    tried_context: str = ""
    last_app: str = ""
    last_app_call: str = ""
    closed_context: bool = False
    recording: str = ""
    survey: str = ""
    shut_down: bool = False
    # It ended in a gap: when, and by whom, nobody saw.
    end_unknown: bool = False
    hung_up_at: float | None = None
    asked_to_hang_up_at: float | None = None
    # When the call is settled at the latest, although some of its channels are still there.
    settle_at: float | None = None
    settled: bool = False
    facts: int = 0
    # Its channels that are still up, by uniqueid.
    legs: dict[str, Leg] = field(default_factory=dict)
    # Its rings by channel: an index, made anew when the call is read back.
    _rings: dict[str, RingState] = field(default_factory=dict)

    @property
    def visit(self) -> Visit:
        return self.visits[self.current]

    def ring(self, uniqueid: str) -> RingState | None:
        """The ring of this channel, in whichever visit it began."""
        return self._rings.get(uniqueid)

    def add_ring(self, ring: RingState) -> None:
        self.visit.rings.append(ring)
        self._rings[ring.uniqueid] = ring

    def index_rings(self) -> None:
        self._rings = {ring.uniqueid: ring for visit in self.visits for ring in visit.rings}


def to_json(call: Call) -> str:
    """The whole call as one JSON text; orjson leaves out what begins with an underscore."""
    return orjson.dumps(call).decode()


def leg_to_json(leg: Leg) -> str:
    """A channel that belongs to no call yet."""
    return orjson.dumps({"leg": leg}).decode()


class SavedStateError(ValueError):
    """A saved call that this version cannot read."""


def from_json(text: str) -> Call | Leg:
    """What `to_json` or `leg_to_json` wrote, also of another version.

    Fields that this version does not know are left out, those it lacks get their defaults. Raises
    SavedStateError where that is not enough.
    """
    try:
        raw: dict[str, Any] = orjson.loads(text)
        return _known(Leg, raw["leg"]) if "leg" in raw else _call(raw)
    except (TypeError, KeyError, ValueError) as error:
        raise SavedStateError(str(error)) from None


_T = TypeVar("_T")


def _known(kind: type[_T], raw: dict[str, Any]) -> _T:
    known: tuple[str, ...] = kind.__slots__  # type: ignore[attr-defined]
    return kind(**{name: value for name, value in raw.items() if name in known})


def _call(raw: dict[str, Any]) -> Call:
    raw["direction"] = Direction(raw["direction"])
    raw["visits"] = [_visit(visit) for visit in raw["visits"]]
    raw["conversation"] = _conversation(raw["conversation"])
    raw["transfers"] = [Transfer(**transfer) for transfer in raw["transfers"]]
    raw["legs"] = {uniqueid: _known(Leg, leg) for uniqueid, leg in raw["legs"].items()}
    call = _known(Call, raw)
    call.index_rings()
    return call


def _visit(raw: dict[str, Any]) -> Visit:
    raw["outcome"] = Outcome(raw["outcome"]) if raw["outcome"] else None
    raw["reason"] = Reason(raw["reason"]) if raw["reason"] else None
    raw["left_by"] = EndedBy(raw["left_by"]) if raw.get("left_by") else None
    raw["rings"] = [_ring(ring) for ring in raw["rings"]]
    if raw["attempt"]:
        attempt = raw["attempt"]
        attempt["kind"] = AttemptKind(attempt["kind"])
        attempt["why"] = Reason(attempt["why"]) if attempt["why"] else None
        raw["attempt"] = _known(Attempt, attempt)
    return _known(Visit, raw)


def _ring(raw: dict[str, Any]) -> RingState:
    raw["result"] = RingResult(raw["result"]) if raw["result"] else None
    return _known(RingState, raw)


def _conversation(raw: dict[str, Any]) -> Conversation:
    raw["broken_by"] = EndedBy(raw["broken_by"]) if raw["broken_by"] else None
    return _known(Conversation, raw)
