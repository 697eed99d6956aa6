"""Transfers and parking: the caller is handed on."""

from ctid.domain import events as ev
from ctid.domain.calls import Call
from ctid.domain.channels import Leg
from ctid.domain.records import Transfer
from ctid.domain.state import State


def blind(state: State, event: ev.BlindTransferred) -> None:
    by = state.see(event.transferer, event.at, create=False)
    leg = state.see(event.transferee, event.at, create=False) if event.transferee else None
    call = state.call_of(leg) if leg else None
    if leg is None and by is not None:
        call = state.call_of(by)
    if call is None:
        return
    agent = by.agent if by else None
    transferred(state, call, Transfer("blind", agent, event.exten, event.at))


def transferred(state: State, call: Call, transfer: Transfer) -> None:
    last = call.transfers[-1] if call.transfers else None
    if last is not None and last.kind == "redirect" and transfer.at - last.at < 1.0:
        call.transfers.pop()
    call.transfers.append(transfer)
    call.handed_over = call.conversation.since is None or transfer.kind == "blind"
    state.tell(
        call,
        transfer.at,
        "transferred",
        f"{transfer.kind} transfer",
        by=transfer.by,
        to=transfer.to,
    )


def attended(state: State, event: ev.AttendedTransferred) -> None:
    orig = state.see(event.orig, event.at, create=False)
    second = state.see(event.second, event.at, create=False)
    call = None
    for channel in (event.transferee, event.orig):
        leg = state.see(channel, event.at, create=False) if channel else None
        call = call or (state.call_of(leg) if leg else None)
    if call is None:
        return
    target = state.see(event.target, event.at, create=False) if event.target else None
    to = _agent_behind(state, target, not_this=orig)
    consult = state.call_of(second) if second else None
    if consult is not None and consult is not call:
        _adopt(state, call, consult)
    transferred(state, call, Transfer("attended", orig.agent if orig else None, to, event.at))
    call.handed_over = False


def _agent_behind(state: State, leg: Leg | None, not_this: Leg | None) -> str | None:
    if leg is None:
        return None
    if not leg.local:
        return leg.agent
    for half in (leg, state.mirror.other_half(leg)):
        for other in state.mirror.connected(half) if half else ():
            if not other.local and other is not not_this and other.dialled:
                return other.agent
    return leg.exten or None


def _adopt(state: State, call: Call, consult: Call) -> None:
    """The consultation was a call of the agent's own: whom it rang belongs to the caller, too."""
    known = {ring.uniqueid for ring in call.visit.rings}
    for visit in consult.visits:
        for ring in visit.rings:
            if ring.uniqueid not in known:
                ring.attempt = -1
                call.add_ring(ring)
    state.touch(call)


def parked(state: State, event: ev.Parked) -> None:
    leg = state.see(event.parkee, event.at, create=False)
    call = state.call_of(leg) if leg else None
    if call is not None:
        call.parked = True
        call.handed_over = True
        call.conversation.consulting = False
        state.tell(call, event.at, "parked", "the caller was parked")


def unparked(state: State, event: ev.Unparked) -> None:
    leg = state.see(event.parkee, event.at, create=False)
    if event.retriever is not None:
        state.see(event.retriever, event.at)
    call = state.call_of(leg) if leg else None
    if call is not None:
        state.tell(call, event.at, "unparked", event.how)
