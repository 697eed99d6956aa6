"""Phones that are made to ring for a call: dialled legs, and how each ended."""

from ctid.domain import attempts, reasons
from ctid.domain import events as ev
from ctid.domain.calls import Call, RingState
from ctid.domain.channels import RINGING, UP, Leg
from ctid.domain.connections import reconsider
from ctid.domain.records import Direction, RingResult
from ctid.domain.state import State, dials_a_number


def channel_created(state: State, event: ev.ChannelCreated) -> None:
    leg = state.mirror.legs.get(event.channel.uniqueid)
    if leg is None and event.channel.uniqueid not in state.dead and event.channel.uniqueid:
        leg = state.make_leg(event.channel, event.at)
    if leg is not None:
        call = state.call_of(leg)
        if call is not None and _is_phone(call, leg):
            _ring_of(state, call, leg, event.at)


def state_changed(state: State, event: ev.ChannelStateChanged) -> None:
    leg = state.see(event.channel, event.at)
    if leg is None:
        return
    call = state.call_of(leg)
    if call is None:
        return
    state.touch(call)
    if leg.state == RINGING and _is_phone(call, leg):
        _rang(state, call, leg, event.at)
    elif leg.state == UP and leg.bridge:
        reconsider(state, (leg, *state.mirror.connected(leg)), event.at)


def _is_phone(call: Call, leg: Leg) -> bool:
    """Whether this is a phone that the call makes ring: not its own caller, no half of a Local."""
    return leg.dialled and not leg.local and leg.uniqueid != call.uniqueid


def in_gap(state: State, call: Call, leg: Leg, began: float) -> None:
    """This phone was made to ring while we did not look."""
    _ring_of(state, call, leg, began).rang_at = began


def _ring_of(state: State, call: Call, leg: Leg, at: float) -> RingState:
    ring = call.ring(leg.uniqueid)
    if ring is None:
        visit = call.visit
        ring = RingState(
            leg.uniqueid, leg.agent, leg.name, leg.outside, visit.attempts, began_at=at
        )
        call.add_ring(ring)
        state.touch(call)
    return ring


def _rang(state: State, call: Call, leg: Leg, at: float) -> None:
    ring = _ring_of(state, call, leg, at)
    if ring.rang_at is None and ring.ended_at is None:
        ring.rang_at = at
        state.tell(call, at, "ring", f"{leg.name} rings", agent=ring.agent)


def dial_began(state: State, event: ev.DialBegan) -> None:
    source = state.see(event.channel, event.at) if event.channel else None
    leg = state.see(event.dest, event.at)
    if leg is None:
        return
    leg.dialled = True
    call = state.call_of(source) if source else None
    if call is not None and leg.uniqueid not in state.calls:
        state.join(leg, call)
    call = state.call_of(leg)
    if call is None:
        return
    if not leg.local and dials_a_number(event.dial_string):
        leg.outside = True
    if leg.outside:
        leg.agent = state.agent_name(leg, event.dial_string)
        if call.direction is Direction.INTERNAL and call.visit.line is None:
            call.direction = Direction.OUTBOUND
    if source is not None and source.uniqueid == call.uniqueid:
        attempts.dialled(state, call, source, event.at)
    if _is_phone(call, leg):
        ring = _ring_of(state, call, leg, event.at)
        ring.agent, ring.outside = leg.agent, leg.outside
        if any(ring is own for own in call.visit.rings):
            # Newchannel of the leg may have come before the attempt was known
            ring.attempt = call.visit.attempts
        state.touch(call)


def dial_ended(state: State, event: ev.DialEnded) -> None:
    leg = state.see(event.dest, event.at, create=False)
    if event.channel:
        state.see(event.channel, event.at, create=False)
    if leg is None:
        return
    call = state.call_of(leg)
    ring = call.ring(leg.uniqueid) if call else None
    if call is None or ring is None or ring.status:
        return
    ring.status = event.status
    result = reasons.ring_result_of_dial_end(event.status, event.forward)
    if result is RingResult.NO_ANSWER and call.shut_down:
        result = RingResult.CANCELLED
    state.touch(call)
    if result is not None:
        end_ring(state, call, ring, result, event.at)


def picked_up(state: State, event: ev.PickedUp) -> None:
    leg = state.see(event.target, event.at, create=False)
    state.see(event.channel, event.at)
    call = state.call_of(leg) if leg else None
    ring = call.ring(event.target.uniqueid) if call else None
    if call is not None and ring is not None:
        end_ring(state, call, ring, RingResult.CANCELLED, event.at)


def end_ring(state: State, call: Call, ring: RingState, result: RingResult, at: float) -> None:
    if ring.ended_at is None:
        ring.ended_at = at
    if ring.result is not result:
        ring.result = result
        because = f"{ring.channel}: {result}"
        state.tell(call, at, "ring_ended", because, agent=ring.agent, result=result.value)


def leg_gone(state: State, call: Call, leg: Leg, at: float, cause: int) -> None:
    ring = call.ring(leg.uniqueid)
    if ring is None or ring.result is RingResult.ANSWERED:
        return
    over = call.visit.answered or call.asked_to_hang_up_at is not None or call.shut_down
    end_ring(state, call, ring, reasons.ring_result_of_hangup(ring, cause, over=over), at)
