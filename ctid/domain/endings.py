"""Ends: hang-ups, and the moment in which a call is decided."""

from collections.abc import Callable

from ctid.domain import attempts, conversation, rings
from ctid.domain import events as ev
from ctid.domain.calls import Call
from ctid.domain.channels import UP, Leg, Mirror
from ctid.domain.connections import leave_bridge
from ctid.domain.outcome import settle_visits
from ctid.domain.rows import records_of
from ctid.domain.state import State

# How long a call whose caller is gone waits for the ends of its other channels.
SETTLE_SECONDS = 1.0
# Q.850 causes of a caller who left before anything was answered. Where the PBX itself refuses the
# call (busy, congestion), Asterisk reports a HangupRequest as well: its own answer ended the call.
_CALLER_GAVE_UP = frozenset({0, 16, 26, 127})
# Events of one moment come in any order: late ones must not bring a dead channel back to life.
_REMEMBERED_DEAD = 4096


def hangup_requested(state: State, event: ev.HangupRequested) -> None:
    leg = state.see(event.channel, event.at, create=False)
    if leg is None:
        return
    if leg.asked_to_hang_up_at is None:
        leg.asked_to_hang_up_at = event.at
    call = state.call_of(leg)
    if call is None:
        return
    state.touch(call)
    if leg.uniqueid == call.uniqueid and call.asked_to_hang_up_at is None:
        call.asked_to_hang_up_at = event.at
        state.tell(call, event.at, "caller_hung_up", f"HangupRequest of {leg.name}")


def shutdown_hangup(state: State, event: ev.ShutdownHangup) -> None:
    leg = state.see(event.channel, event.at, create=False)
    call = state.call_of(leg) if leg else None
    if call is not None and not call.shut_down and call.hung_up_at is None:
        call.shut_down = True
        state.tell(call, event.at, "shut_down", "the PBX hangs everything up")


def hung_up(state: State, event: ev.HungUp) -> None:
    state.dead[event.channel.uniqueid] = None
    if len(state.dead) > _REMEMBERED_DEAD:
        del state.dead[next(iter(state.dead))]
    leg = state.see(event.channel, event.at, create=False)
    if leg is not None:
        end_leg(state, leg, event.at, event.cause)


def end_leg(state: State, leg: Leg, at: float, cause: int) -> None:
    """This channel is gone."""
    call = state.call_of(leg)
    if call is None:
        if leg.bridge:
            leave_bridge(state, leg, at)
        state.mirror.remove(leg)
        state.gone(leg.uniqueid)
        return
    state.touch(call)
    is_caller = leg.uniqueid == call.uniqueid
    if is_caller:
        if leg.state != UP and cause not in _CALLER_GAVE_UP:
            call.asked_to_hang_up_at = None
        call.hung_up_at = at
        conversation.caller_gone(call, at)
    if leg.bridge:
        leave_bridge(state, leg, at)
    state.mirror.remove(leg)
    call.legs.pop(leg.uniqueid, None)
    if is_caller:
        attempts.caller_gone(state, call, at)
        state.tell(call, at, "caller_gone", f"Hangup of {leg.name}, cause {cause}")
        if not call.settled:
            call.settle_at = at + SETTLE_SECONDS
            state.settling[call.uniqueid] = call
    else:
        rings.leg_gone(state, call, leg, at, cause)
    forget_if_over(state, call)


def settle(state: State, call: Call) -> None:
    """The caller is gone and nothing that matters can come any more: decide."""
    state.settling.pop(call.uniqueid, None)
    if call.settled:
        return
    settle_visits(state, call)
    call.settled = True
    call.settle_at = None
    state.finished[call.uniqueid] = records_of(state.pbx, call)
    state.touch(call)
    if not call.legs:
        state.forget(call)


def forget_if_over(state: State, call: Call) -> None:
    """The caller is gone and the last of the other channels, too."""
    if (call.settled or call.hung_up_at is not None) and not call.legs:
        settle(state, call)
        state.forget(call)


def forget_all(state: State, decide: Callable[[Call], None]) -> None:
    """The PBX is another one: every call and channel that we knew is gone."""
    for call in tuple(state.calls.values()):
        if not call.settled:
            decide(call)
            settle(state, call)
        state.forget(call)
    for leg in state.mirror.legs.values():
        if not leg.call:
            state.gone(leg.uniqueid)
    state.mirror = Mirror()
    state.dead.clear()
