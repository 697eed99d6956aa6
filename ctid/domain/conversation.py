"""With whom the caller is connected: the first answer, talk, hold, and who ended it.

The bridge decides, never DialEnd and never a channel that is Up: an IVR, voicemail and a phone that
was picked up without accepting are Up as well.
"""

from ctid.domain.calls import Call, Visit
from ctid.domain.channels import UP, Leg, Mirror
from ctid.domain.records import Direction, EndedBy

# While a Local channel is optimised away the caller is in no bridge for 1 to 3 ms.
_SWAP_SECONDS = 0.1


def humans(mirror: Mirror, call: Call, caller: Leg) -> list[Leg]:
    """Who can be heard by the caller and may answer: no machine, no other customer."""
    if not caller.bridge:
        return []
    return [
        leg
        for leg in mirror.connected(caller)
        if not leg.local and leg.state == UP and _may_answer(leg, call)
    ]


def _may_answer(leg: Leg, call: Call) -> bool:
    if leg.dialled or not leg.outside or leg.agent:
        return True
    # A customer's own channel: no agent for another customer, but the other end of an agent's call.
    return call.direction is not Direction.INBOUND and call.visit.line is None


def connect(call: Call, peer: Leg, caller: Leg, now: float) -> bool:
    """The caller hears a human. True where it is the first answer of this visit."""
    talk = call.conversation
    visit = call.visit
    if talk.broke_at is not None:
        _close_break(call, visit, peer, now)
    talk.peer = talk.last_peer = peer.uniqueid
    talk.since = now
    talk.holding = caller.held or peer.held
    talk.broke_at = None
    talk.broken_by = None
    talk.consulting = False
    call.parked = False
    call.handed_over = False
    visit.final_agent = peer.agent or None
    if visit.answered:
        return False
    visit.answered = True
    if not visit.doubtful:
        visit.answered_at = now
        visit.agent = peer.agent or None
    return True


def change_peer(call: Call, peer: Leg, caller: Leg, now: float) -> None:
    """Another human took over without a moment of silence between."""
    accrue(call, now)
    talk = call.conversation
    talk.peer = talk.last_peer = peer.uniqueid
    talk.holding = caller.held or peer.held
    call.visit.final_agent = peer.agent or None


def _close_break(call: Call, visit: Visit, peer: Leg, now: float) -> None:
    talk = call.conversation
    silence = now - (talk.broke_at or now)
    if talk.consulting:
        visit.hold += silence
    elif silence <= _SWAP_SECONDS and peer.uniqueid == talk.last_peer:
        visit.talk += silence


def disconnect(call: Call, peer: Leg | None, now: float) -> None:
    """The caller hears no human any more."""
    accrue(call, now)
    talk = call.conversation
    talk.peer = ""
    talk.since = None
    talk.holding = False
    talk.broke_at = now
    if call.asked_to_hang_up_at is not None:
        talk.broken_by = EndedBy.CALLER
    elif peer is not None and peer.asked_to_hang_up_at is not None:
        talk.broken_by = EndedBy.AGENT
    else:
        talk.broken_by = None


def accrue(call: Call, now: float) -> None:
    """Add the running interval to talk or hold, and begin the next one now."""
    talk = call.conversation
    if talk.since is None:
        return
    seconds = max(0.0, now - talk.since)
    if talk.holding:
        call.visit.hold += seconds
    else:
        call.visit.talk += seconds
    talk.since = now


def hold_changed(call: Call, peer: Leg | None, caller: Leg, now: float) -> None:
    """Hold or Unhold on either side."""
    talk = call.conversation
    if talk.since is None:
        return
    holding = caller.held or (peer is not None and peer.held)
    if holding != talk.holding:
        accrue(call, now)
        talk.holding = holding


def agent_went_elsewhere(call: Call, caller: Leg) -> None:
    """The agent entered another bridge: asks somebody else while the caller waits on hold."""
    talk = call.conversation
    if talk.broke_at is not None and caller.bridge and not call.parked:
        talk.consulting = True


def caller_gone(call: Call, now: float) -> None:
    """The caller's channel is gone: the last interval ends."""
    talk = call.conversation
    if talk.since is not None:
        disconnect(call, call.legs.get(talk.peer), now)
    if talk.consulting and talk.broke_at is not None:
        call.visit.hold += max(0.0, now - talk.broke_at)
        talk.consulting = False
        talk.broken_by = None


def ended_by(call: Call) -> EndedBy:
    """Who ended the last human conversation; without one, or where it was handed over, the call."""
    if call.shut_down:
        return EndedBy.RESTART
    broken_by = call.conversation.broken_by
    if call.visit.answered and broken_by is not None and not call.handed_over:
        return broken_by
    if call.asked_to_hang_up_at is not None:
        return EndedBy.CALLER
    return EndedBy.SYSTEM
