"""Bridges: who is connected with whom, holds, and what that means for the calls in them."""

from collections.abc import Iterable

from ctid.domain import conversation
from ctid.domain import events as ev
from ctid.domain.calls import Call
from ctid.domain.channels import Leg
from ctid.domain.records import RingResult
from ctid.domain.state import State


def entered(state: State, event: ev.BridgeEntered) -> None:
    leg = state.see(event.channel, event.at)
    if leg is None:
        return
    state.mirror.enter(leg, event.bridge, event.technology)
    call = state.call_of(leg)
    if call is not None:
        state.touch(call)
    elif not leg.call:
        state.stray(leg)
    _agent_elsewhere(state, leg)
    reconsider(state, (leg, *state.mirror.connected(leg)), event.at)


def left(state: State, event: ev.BridgeLeft) -> None:
    leg = state.see(event.channel, event.at, create=False)
    if leg is None or leg.bridge != event.bridge:
        return
    leave_bridge(state, leg, event.at)


def leave_bridge(state: State, leg: Leg, at: float) -> None:
    before = (leg, *state.mirror.connected(leg), *state.mirror.bridge_mates(leg))
    state.mirror.leave(leg)
    leg.held = False
    call = state.call_of(leg)
    if call is not None:
        state.touch(call)
    elif not leg.call:
        state.stray(leg)
    reconsider(state, before, at)


def _agent_elsewhere(state: State, leg: Leg) -> None:
    """An agent who left a caller behind entered another bridge: a consultation begins."""
    call = state.call_of(leg)
    if call is None or call.conversation.last_peer != leg.uniqueid:
        return
    caller = state.caller_of(call)
    if caller is not None and caller.bridge != leg.bridge:
        conversation.agent_went_elsewhere(call, caller)


def reconsider(state: State, legs: Iterable[Leg], at: float) -> None:
    """Find out whom each caller among these channels hears now."""
    for leg in legs:
        if leg.call != leg.uniqueid:
            continue
        call = state.calls.get(leg.call)
        if call is not None and not call.settled:
            _reconsider_call(state, call, leg, at)


def _reconsider_call(state: State, call: Call, caller: Leg, at: float) -> None:
    heard = conversation.humans(state.mirror, call, caller)
    talk = call.conversation
    if heard:
        if any(leg.uniqueid == talk.peer for leg in heard):
            return
        if call.asked_to_hang_up_at is not None and not call.visit.answered:
            return
        peer = heard[-1]
        state.touch(call)
        if talk.since is not None:
            conversation.change_peer(call, peer, caller, at)
            state.tell(call, at, "talks", f"the caller hears {peer.name}", agent=peer.agent)
            _ring_answered(call, peer, at)
        else:
            _connected(state, call, peer, caller, at)
    elif talk.since is not None:
        state.touch(call)
        conversation.disconnect(call, state.mirror.legs.get(talk.peer), at)
        state.tell(call, at, "left", "the caller hears nobody any more")


def _connected(state: State, call: Call, peer: Leg, caller: Leg, at: float) -> None:
    if not call.visit.offered:
        call.visit.offered = True  # somebody took the call that nothing had tried to ring
        call.visit.offered_at = at
    first = conversation.connect(call, peer, caller, at)
    _ring_answered(call, peer, at)
    because = f"{caller.name} and {peer.name} are connected over a bridge"
    state.tell(call, at, "answered" if first else "talks", because, agent=peer.agent)


def _ring_answered(call: Call, peer: Leg, at: float) -> None:
    ring = call.ring(peer.uniqueid)
    if ring is not None:
        ring.ended_at = ring.ended_at if ring.result is RingResult.ANSWERED else at
        ring.result = RingResult.ANSWERED


def held(state: State, event: ev.Held) -> None:
    _hold(state, event.channel, event.at, held=True)


def unheld(state: State, event: ev.Unheld) -> None:
    _hold(state, event.channel, event.at, held=False)


def _hold(state: State, channel: ev.Channel, at: float, *, held: bool) -> None:
    leg = state.see(channel, at, create=False)
    if leg is None or leg.held == held:
        return
    leg.held = held
    own = state.call_of(leg)
    if own is not None:
        state.touch(own)
    for other in (leg, *state.mirror.connected(leg)):
        call = state.calls.get(other.uniqueid)
        if call is not None and other.call == other.uniqueid:
            peer = state.mirror.legs.get(call.conversation.peer)
            conversation.hold_changed(call, peer, other, at)
            state.tell(call, at, "hold" if held else "unhold", f"{leg.name}")
