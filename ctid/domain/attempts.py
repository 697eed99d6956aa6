"""When a line is tried: the beginnings and ends of Dial, Queue, FollowMe and ConfBridge.

Only what the caller's own channel runs is an attempt; what a Local leg of the call runs belongs to
the attempt that dialled it. `Newexten` of Dial and Queue proves nothing: after an asynchronous goto
it is a ghost with the old application. VarSet DIALSTATUS with an empty value begins a Dial;
QueueCallerJoin, or a QUEUESTATUS without one, begins a Queue.
"""

from ctid.domain import events as ev
from ctid.domain import reasons
from ctid.domain.calls import Attempt, AttemptKind, Call, Visit
from ctid.domain.channels import Leg
from ctid.domain.outcome import end_unanswered
from ctid.domain.records import Direction, Outcome, Transfer
from ctid.domain.state import State
from ctid.domain.transfers import transferred


def begin(
    state: State,
    call: Call,
    leg: Leg,
    at: float | None,
    kind: AttemptKind,
    queue: str,
    because: str,
) -> Visit:
    """The caller's channel tries a line. `at` None: it began unseen, in a gap."""
    now = at if at is not None else leg.created_at
    if (leg.exten, leg.context) != (call.tried_exten, call.tried_context):
        _note_redirect(state, call, leg, now)
    line = _line(state, call, leg, queue)
    visit = _visit(state, call, line, now)
    first = not visit.offered
    visit.offered = True
    visit.attempts += 1
    visit.attempt = Attempt(kind, now, queue)
    if first:
        visit.offered_at = at
        kind_of_fact = "offered"
    else:
        kind_of_fact = "attempt"
    state.tell(call, now, kind_of_fact, because, line=visit.line)
    return visit


def _line(state: State, call: Call, leg: Leg, queue: str) -> str | None:
    """Queue beats dialled number beats context; else the visit that is going on.

    A number or context that led to an attempt before leads to no other line now: what the same
    extension tries next is overflow inside the line.
    """
    directory = state.directory
    line = directory.line_of_queue(queue) if queue else None
    if line is None and leg.exten != call.tried_exten:
        line = directory.line_of_did(leg.exten)
    if line is None and leg.context != call.tried_context:
        line = directory.line_of_context(leg.context)
    call.tried_exten, call.tried_context = leg.exten, leg.context
    return line.name if line else call.visit.line


def _visit(state: State, call: Call, line: str | None, at: float) -> Visit:
    visit = call.visit
    if not visit.offered:
        visit.line = line
        return visit
    if line is None or line == visit.line:
        return visit
    handed_on = visit.answered
    if handed_on and not call.handed_over:
        visit.left_by = call.conversation.broken_by
    if not handed_on and visit.line is not None and visit.outcome is None:
        end_unanswered(call, visit, Outcome.OVERFLOWED)
        state.tell(call, at, "overflowed", visit.because, line=visit.line, to=line)
    back = next((old for old in call.visits if old.line == line), None)
    if back is not None:
        back.outcome = back.reason = back.ended_at = None
        call.current = call.visits.index(back)
        return back
    visit = Visit(len(call.visits), line, transferred=handed_on)
    call.visits.append(visit)
    call.current = len(call.visits) - 1
    return visit


def _note_redirect(state: State, call: Call, leg: Leg, at: float) -> None:
    """An AMI Redirect has no event of its own: the caller left a human and rings somebody."""
    talk = call.conversation
    if (
        call.visit.answered
        and talk.since is None
        and talk.broke_at is not None
        and talk.broken_by is None
        and not call.parked
        and not call.handed_over
        and call.asked_to_hang_up_at is None
    ):
        transferred(state, call, Transfer("redirect", None, leg.exten, at))


def dialled(state: State, call: Call, leg: Leg, at: float) -> None:
    """DialBegin by the caller: an attempt of its own only where nothing else told of it."""
    attempt = call.visit.attempt
    if attempt is None or attempt.ended_at is not None:
        kind = AttemptKind.FOLLOW_ME if call.last_app == "FollowMe" else AttemptKind.DIAL
        begin(state, call, leg, at, kind, "", "DialBegin of the caller's channel")


def queue_joined(state: State, event: ev.QueueJoined) -> None:
    leg = state.see(event.channel, event.at)
    if leg is not None and state.directory.line_of_queue(event.queue) is not None:
        _make_caller(state, leg, event.at)
    call = state.call_of_caller(leg)
    if leg is not None and call is not None:
        call.pending_queue = ""
        because = f"QueueCallerJoin of queue {event.queue}"
        begin(state, call, leg, event.at, AttemptKind.QUEUE, event.queue, because)


def queue_left(state: State, event: ev.QueueLeft | ev.QueueAbandoned) -> None:
    """QueueCallerAbandon comes on a time-out as well, then Leave; a key exit is Leave alone."""
    call = state.call_of_caller(state.see(event.channel, event.at, create=False))
    attempt = call.visit.attempt if call else None
    if call is None or attempt is None or attempt.queue != event.queue or not event.queue:
        return
    if isinstance(event, ev.QueueAbandoned):
        attempt.abandoned = True
    elif attempt.ended_at is None:
        attempt.ended_at = event.at
    state.touch(call)


def app_started(state: State, event: ev.AppStarted) -> None:
    """Newexten. The same application with the same data again is taken for a ghost."""
    leg = state.see(event.channel, event.at)
    call = state.call_of_caller(leg)
    if leg is None or call is None:
        return
    app = f"{event.app}({event.data})"
    ghost = app == call.last_app_call
    call.last_app_call = app
    call.last_app = event.app
    state.touch(call)
    if event.app == "VoiceMail":
        if not call.visit.voicemail:
            call.visit.voicemail = True
            state.tell(call, event.at, "voicemail", f"Newexten {app}")
    elif event.app == "Queue":
        if not ghost:
            call.pending_queue = event.data.partition(",")[0]
    elif event.app == "ConfBridge" and not ghost and call.direction is Direction.INBOUND:
        begin(state, call, leg, event.at, AttemptKind.CONFERENCE, "", f"Newexten {app}")
    elif event.app == "FollowMe" and not ghost:
        begin(state, call, leg, event.at, AttemptKind.FOLLOW_ME, "", f"Newexten {app}")


def variable_set(state: State, event: ev.VariableSet) -> None:
    leg = state.see(event.channel, event.at, create=False)
    call = state.call_of(leg) if leg else None
    if leg is None or call is None:
        return
    if event.name == "MIXMONITOR_FILENAME":
        if event.value:
            call.recording = event.value
            state.touch(call)
        return
    if event.name == "DIALSTATUS" and not event.value and state.directory.line_of_did(leg.exten):
        _make_caller(state, leg, event.at)
    own = state.call_of_caller(leg)
    if own is not None:
        if event.name == "QUEUESTATUS":
            _queue_status(state, own, leg, event)
        else:
            _dial_status(state, own, leg, event)


def _make_caller(state: State, leg: Leg, at: float) -> None:
    """Somebody whom the PBX had called is handed on to a line: a caller like any other.

    A Local leg that runs into a line is none: it belongs to the offer that rings it.
    """
    call = state.call_of(leg)
    if call is None or leg.local or not leg.dialled or leg.uniqueid == call.uniqueid:
        return
    state.begin_call(leg, at)


def _queue_status(state: State, call: Call, leg: Leg, event: ev.VariableSet) -> None:
    why = reasons.queue_reason(event.value)
    if why is None:
        return
    attempt = call.visit.attempt
    if attempt is not None and attempt.kind is AttemptKind.QUEUE and attempt.why is not None:
        # A second status is of another Queue(), whose Newexten may have looked like a ghost.
        call.pending_queue = call.pending_queue or attempt.queue
        attempt = None
    if call.pending_queue or attempt is None or attempt.kind is not AttemptKind.QUEUE:
        queue, call.pending_queue = call.pending_queue, ""
        because = f"Queue({queue}) was not joined: QUEUESTATUS {event.value}"
        attempt = begin(state, call, leg, event.at, AttemptKind.QUEUE, queue, because).attempt
    if attempt is not None:
        attempt.why = why
        attempt.ended_at = attempt.ended_at or event.at
        state.tell(call, event.at, "attempt_ended", f"QUEUESTATUS {event.value}")


def _dial_status(state: State, call: Call, leg: Leg, event: ev.VariableSet) -> None:
    if not event.value:
        because = "Dial began (DIALSTATUS emptied)"
        begin(state, call, leg, event.at, AttemptKind.DIAL, "", because)
        return
    attempt = call.visit.attempt
    if attempt is None or attempt.kind is not AttemptKind.DIAL or attempt.ended_at is not None:
        return
    why = reasons.dial_reason(event.value)
    if why is not None:
        attempt.why = why
        attempt.ended_at = event.at
        state.tell(call, event.at, "attempt_ended", f"DIALSTATUS {event.value}")


def caller_gone(state: State, call: Call, at: float) -> None:
    """The caller's channel is gone: what it ran ends now."""
    attempt = call.visit.attempt
    if attempt is not None and attempt.ended_at is None and attempt.kind is AttemptKind.QUEUE:
        attempt.ended_at = at
        attempt.abandoned = True
    state.touch(call)
