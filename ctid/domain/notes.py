"""What the dialplan, the queues and the decoder tell beside the course of a call."""

from ctid.domain import events as ev
from ctid.domain.lines import member_names, member_phone
from ctid.domain.state import State


def user_event(state: State, event: ev.UserEvent) -> None:
    leg = state.see(event.channel, event.at, create=False) if event.channel else None
    call = state.call_of(leg) if leg else None
    if call is None or event.name.lower() != "survey":
        return
    scores = {name.lower(): value for name, value in event.fields.items()}
    if scores.get("score"):
        call.survey = scores["score"]
        state.tell(call, event.at, "survey", "UserEvent Survey", score=call.survey)


def forged(state: State, event: ev.ForgeryFound) -> None:
    leg = state.mirror.legs.get(event.uniqueid)
    call = state.call_of(leg) if leg else None
    if call is not None:
        state.tell(
            call,
            event.at,
            "forgery",
            "the caller's number tore an event of the PBX; it was mended",
            dropped=float(event.dropped),
        )


def member_seen(state: State, event: ev.QueueMemberSeen) -> None:
    """Who answers a queue: a call that a member places to it is no customer's."""
    members = state.members.setdefault(event.queue, set())
    phone = member_phone(event.interface)
    if not event.member:
        members.discard(phone)
        return
    if phone in members:
        return
    members.add(phone)
    for call in state.calls.values():
        if phone in member_names(call.interface):
            call.member_of.append(event.queue)
            state.touch(call)
