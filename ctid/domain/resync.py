"""Gaps: the PBX went out of sight, came back, and told what is up now.

What fell into the gap is None, never guessed.
"""

from collections.abc import Set as AbstractSet

from ctid.domain import conversation, rings
from ctid.domain import events as ev
from ctid.domain.attempts import begin
from ctid.domain.calls import AttemptKind, Call
from ctid.domain.channels import DIALLED_APPS, DOWN, RINGING, UP, Leg
from ctid.domain.endings import end_leg, forget_all, forget_if_over, settle
from ctid.domain.notes import members_seen
from ctid.domain.records import Outcome
from ctid.domain.state import State

# QueueStatus tells whole seconds, and its answer takes a moment.
_QUEUE_SLACK_SECONDS = 1.5

# In these a caller is asked what he wants: nobody has been tried for him yet.
_MENU_APPS = frozenset({"BackGround", "WaitExten", "Read", "ReadExten", "SpeechBackground"})


def detached(state: State, event: ev.Detached) -> None:
    """The connection is gone. What we know stays until the PBX is seen again."""
    state.detached_at = event.at
    if state.shutting_down:
        _died(state)


def attached(state: State, event: ev.Attached) -> None:
    """The PBX is seen again; if it is another process, every call we knew died with the old."""
    if event.restarted:
        _died(state)


def fully_booted(state: State, event: ev.FullyBooted) -> None:
    """Comes at every login; its uptime tells whether the PBX began after we lost it."""
    since = state.detached_at
    if since is not None and event.uptime is not None and event.at - event.uptime > since:
        _died(state)
    state.detached_at = None


def shut_down(state: State, _event: ev.ShutDown) -> None:
    """The PBX says that it ends; believed when the connection ends with it.

    Without timestamps a caller could forge this event, and every open call would be lost.
    """
    state.shutting_down = True


def closed(state: State) -> None:
    """The stream ends for good."""
    if state.shutting_down:
        _died(state)


def _died(state: State) -> None:
    forget_all(state, _die)


def _die(call: Call) -> None:
    """The PBX died under this call."""
    if call.hung_up_at is not None:
        return
    call.shut_down = True
    visit = call.visit
    if visit.answered:
        visit.talk_known = visit.talk_known and call.conversation.since is None
    if visit.line is None:
        return
    if visit.answered:
        visit.outcome = Outcome.ANSWERED
        visit.because = "answered; then the PBX died"
    else:
        visit.outcome = Outcome.LOST
        visit.because = "the PBX died before it told how the call ended"


def snapshot(state: State, event: ev.Snapshot) -> None:
    """What is up now: mend what we knew, and take up what we did not."""
    state.detached_at = None
    members_seen(state, ((queue, interface) for queue, interface, _name in event.members))
    listed = {row.channel.uniqueid: row for row in event.channels}
    _lose_absent(state, listed.keys() | event.told, event.at)
    for uniqueid in event.told - listed.keys():
        _ended_while_listed(state, uniqueid)
    before = {uniqueid: _place_of(leg) for uniqueid, leg in state.mirror.legs.items()}
    rows = sorted(event.channels, key=_callers_first)
    legs = [(row, leg) for row in rows if (leg := _take_up(state, row, event)) is not None]
    for row, leg in legs:
        _put_into_bridge(state, row, leg, event)
    for row, leg in legs:
        if leg.call == leg.uniqueid:
            _resume(state, row, leg, before.get(leg.uniqueid), event)
    for _row, leg in legs:
        if leg.uniqueid not in before:
            _ring(state, leg, listed.get(leg.call))
    for _row, leg in legs:
        if leg.call == leg.uniqueid:
            _conversation(state, state.calls[leg.uniqueid], leg, event)


_Place = tuple[int, str, str]


def _place_of(leg: Leg) -> _Place:
    return (leg.state, leg.exten, leg.context)


def _callers_first(row: ev.ListedChannel) -> tuple[bool, bool]:
    return (_is_dialled(row), row.channel.uniqueid != row.channel.linkedid)


def _is_dialled(row: ev.ListedChannel) -> bool:
    return row.application in DIALLED_APPS or row.channel.state in (DOWN, RINGING)


def _lose_absent(state: State, alive: AbstractSet[str], at: float) -> None:
    for leg in tuple(state.mirror.legs.values()):
        if leg.uniqueid in alive:
            continue
        call = state.call_of(leg)
        if call is None:
            end_leg(state, leg, at, 0)
        elif leg.uniqueid != call.uniqueid:
            _lose_leg(state, call, leg)
    for call in tuple(state.calls.values()):
        if call.hung_up_at is None and call.uniqueid not in alive and not call.settled:
            _lose_call(state, call, at)


def _ended_while_listed(state: State, uniqueid: str) -> None:
    """Its end was seen, but not what happened in the gap before it."""
    call = state.calls.get(uniqueid)
    if call is None or call.settled or call.hung_up_at is not None:
        return
    call.end_unknown = True
    visit = call.visit
    visit.talk_known = visit.ring_known = False
    visit.doubtful = visit.doubtful or not visit.answered
    if visit.answered:
        visit.final_agent = None
    state.touch(call)


def _lose_leg(state: State, call: Call, leg: Leg) -> None:
    """A leg ended in the gap: how its ring ended, and when, nobody saw."""
    for visit in call.visits:
        for ring in visit.rings:
            if ring.uniqueid == leg.uniqueid and ring.ended_at is None:
                visit.ring_known = False
    if leg.uniqueid == call.conversation.peer:
        _talk_unknown(call)
    state.mirror.remove(leg)
    call.legs.pop(leg.uniqueid, None)
    state.touch(call)
    forget_if_over(state, call)


def _talk_unknown(call: Call) -> None:
    talk = call.conversation
    call.visit.talk_known = False
    talk.peer = ""
    talk.since = None
    talk.holding = False


def _lose_call(state: State, call: Call, at: float) -> None:
    """The caller's channel is gone: the call ended in the gap, unseen."""
    leg = state.caller_of(call)
    if leg is not None:
        state.mirror.remove(leg)
        call.legs.pop(leg.uniqueid, None)
    call.end_unknown = True
    visit = call.visit
    visit.talk_known = visit.talk_known and not visit.answered
    visit.final_agent = None  # it may have been handed on in the gap
    if visit.line is None:
        pass
    elif visit.answered:
        visit.outcome = Outcome.ANSWERED
        visit.because = f"the caller was connected with {visit.agent}; it ended in a gap"
    else:
        visit.outcome = Outcome.LOST
        visit.because = "it ended while the PBX was not seen"
    state.tell(call, at, "lost", "the caller's channel is not up any more")
    settle(state, call)


def _take_up(state: State, row: ev.ListedChannel, event: ev.Snapshot) -> Leg | None:
    channel = row.channel
    leg = state.mirror.legs.get(channel.uniqueid)
    if leg is not None:
        state.see(channel, event.at)
        return leg
    began = event.started_at.get(channel.uniqueid)
    if began is None:
        began = event.at - (row.age or 0.0)
    if channel.uniqueid in state.dead:
        return None
    leg = state.make_leg(channel, began, dialled=_is_dialled(row))
    if leg.call == leg.uniqueid:
        call = state.calls[leg.uniqueid]
        if row.dnid:
            call.did = row.dnid
            line = state.directory.line_of_did(row.dnid)
            if line is not None:
                call.visit.line = line.name
        call.visit.ring_known = False
        call.visit.talk_known = False
    return leg


def _put_into_bridge(state: State, row: ev.ListedChannel, leg: Leg, event: ev.Snapshot) -> None:
    if row.bridge:
        state.mirror.enter(leg, row.bridge, event.bridges.get(row.bridge, leg.technology))
    elif leg.bridge:
        state.mirror.leave(leg)


def _ring(state: State, leg: Leg, caller: ev.ListedChannel | None) -> None:
    """A phone that was dialled in the gap. That it rang is known only while it rings."""
    call = state.call_of(leg)
    if call is None or not leg.dialled or leg.local or leg.uniqueid == call.uniqueid:
        return
    call.visit.ring_known = False
    if leg.outside and not leg.agent and caller is not None and caller.application == "Dial":
        target = caller.data.partition(",")[0]
        if "&" not in target:
            leg.agent = state.agent_name(leg, target)
    if leg.state == RINGING:
        rings.in_gap(state, call, leg, leg.created_at)


def _resume(
    state: State, row: ev.ListedChannel, leg: Leg, before: _Place | None, event: ev.Snapshot
) -> None:
    """What the caller's channel does now, against what it did when we last saw it."""
    call = state.calls[leg.uniqueid]
    if call.settled:
        return
    entry = next((e for e in event.queue_entries if e.uniqueid == leg.uniqueid), None)
    heard = bool(conversation.humans(state.mirror, call, leg))
    if not call.visit.answered and _doubtful(call, leg, before, entry, event.at, heard=heard):
        call.visit.doubtful = True
        state.tell(call, event.at, "doubtful", "it may have been answered in the gap")
    if not call.visit.offered and row.application not in _MENU_APPS:
        call.visit.unseen = True
    moved = before is not None and before[1:] != (leg.exten, leg.context)
    if not (call.visit.answered and heard):
        _attempt(state, call, leg, row, entry, event, moved=moved)


def _doubtful(
    call: Call,
    leg: Leg,
    before: _Place | None,
    entry: ev.ListedQueueEntry | None,
    now: float,
    *,
    heard: bool,
) -> bool:
    """Whether somebody may have answered, and left again, while we did not look."""
    if leg.state != UP:
        return False  # an answer would have brought the caller's channel up
    if before is None:
        return leg.exten != call.did  # led elsewhere: by a menu, or by whoever answered
    moved = before[1:] != (leg.exten, leg.context)
    attempt = call.visit.attempt
    if attempt is None:
        return moved and entry is None and not heard  # from the menu to whom?
    if attempt.ended_at is not None:
        return moved
    if entry is not None and entry.queue == attempt.queue:
        return entry.wait + _QUEUE_SLACK_SECONDS < now - attempt.began_at  # another stay
    if moved or before[0] != UP:
        return moved or not heard
    return attempt.kind is AttemptKind.QUEUE and not heard


def _attempt(
    state: State,
    call: Call,
    leg: Leg,
    row: ev.ListedChannel,
    entry: ev.ListedQueueEntry | None,
    event: ev.Snapshot,
    *,
    moved: bool,
) -> None:
    """What the caller's channel runs now is an attempt, begun before or in the gap."""
    running = call.visit.attempt
    if running is not None and (moved or running.ended_at is not None):
        running = None
    if entry is not None:
        if running is None or running.queue != entry.queue:
            because = f"found waiting in queue {entry.queue}"
            # the PBX tells whole seconds, cut off: half a second more is right on average
            began = event.at - entry.wait - 0.5
            begin(state, call, leg, began, AttemptKind.QUEUE, entry.queue, because)
            call.visit.wait_known = False
    elif running is None and row.application in ("Dial", "Queue") and not call.visit.answered:
        kind = AttemptKind.DIAL if row.application == "Dial" else AttemptKind.QUEUE
        queue = row.data.partition(",")[0] if kind is AttemptKind.QUEUE else ""
        begin(state, call, leg, None, kind, queue, f"found in {row.application}")


def _conversation(state: State, call: Call, leg: Leg, event: ev.Snapshot) -> None:
    heard = conversation.humans(state.mirror, call, leg)
    talk = call.conversation
    if any(peer.uniqueid == talk.peer for peer in heard):
        return
    if talk.since is not None:
        _talk_unknown(call)
    if not heard:
        return
    peer = heard[-1]
    call.visit.talk_known = False
    first = conversation.connect(call, peer, leg, event.at)
    if first:
        call.visit.offered = True
        answered_at = event.answered_at.get(peer.uniqueid)
        call.visit.answered_at = None if call.visit.doubtful else answered_at
    state.tell(
        call,
        event.at,
        "answered" if first else "talks",
        "found connected when the PBX was seen again",
        agent=peer.agent,
    )
