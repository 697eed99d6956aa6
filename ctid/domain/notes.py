"""What the dialplan, the queues and the decoder tell beside the course of a call."""

from collections.abc import Iterable

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
    if event.member:
        members_seen(state, ((event.queue, event.interface),))
    else:
        state.members.setdefault(event.queue, set()).discard(member_phone(event.interface))


def members_seen(state: State, found: Iterable[tuple[str, str]]) -> None:
    """The same of several: queues and interfaces."""
    new: list[tuple[str, str]] = []
    for queue, interface in found:
        members = state.members.setdefault(queue, set())
        phone = member_phone(interface)
        if phone not in members:
            members.add(phone)
            new.append((queue, phone))
    if not new:
        return
    # only who calls from within has an interface; a snapshot tells of thousands of members
    for call in [call for call in state.calls.values() if call.interface]:
        names = member_names(call.interface)
        queues = [queue for queue, phone in new if phone in names]
        if queues:
            call.member_of += queues
            state.touch(call)
