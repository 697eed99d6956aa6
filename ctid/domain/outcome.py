"""How each visit of a call ended: the outcomes of docs/definitions.md."""

from ctid.domain.calls import Call, Visit
from ctid.domain.duty import is_on_duty
from ctid.domain.lines import Directory, Line
from ctid.domain.reasons import attempt_end, why_missed
from ctid.domain.records import Outcome, Reason
from ctid.domain.state import State


def settle_visits(state: State, call: Call) -> None:
    """Give every visit of a call that has ended its outcome and reason."""
    for visit in call.visits:
        visit.ended_at = visit.ended_at if visit.ended_at is not None else call.hung_up_at
        if visit.line is None:
            continue
        line = state.directory.line(visit.line)
        if visit.outcome is None:
            _decide(call, visit, line)
        excluded = _excluded(state, call, line)
        if excluded is not None and visit.outcome is not Outcome.LOST:
            visit.outcome, visit.reason = Outcome.EXCLUDED, excluded
            visit.because = f"the caller is {_WHO[excluded]}"
        state.tell(
            call,
            visit.ended_at or 0.0,
            "ended",
            visit.because,
            line=visit.line,
            outcome=visit.outcome,
            reason=visit.reason,
        )


_WHO = {
    Reason.OWN_AGENT: "an agent of this line",
    Reason.TEST: "a configured test number",
    Reason.BLOCKED: "a configured blocked number",
    Reason.FAX: "a configured fax number",
}


def _decide(call: Call, visit: Visit, line: Line | None) -> None:
    if visit.answered:
        visit.outcome = Outcome.ANSWERED
        visit.because = f"the caller was connected with {visit.agent}"
    elif visit.offered or visit.doubtful:
        end_unanswered(call, visit, Outcome.MISSED)
    elif visit.unseen and not call.closed_context:
        visit.outcome = Outcome.LOST
        visit.because = "somebody may have been tried while the PBX was not seen"
    else:
        visit.outcome = Outcome.NOT_OFFERED
        visit.reason, visit.because = _why_not_offered(call, line)


def end_unanswered(call: Call, visit: Visit, outcome: Outcome) -> None:
    """The visit is over without an answer that we saw: missed, or overflowed to another line."""
    if visit.doubtful:
        visit.outcome = Outcome.LOST
        visit.because = "it may have been answered while the PBX was not seen"
        return
    visit.outcome = outcome
    visit.reason, visit.because = why_missed(call, visit)
    if outcome is Outcome.OVERFLOWED and visit.attempt is not None:
        visit.ended_at = attempt_end(visit, visit.attempt)


def _why_not_offered(call: Call, line: Line | None) -> tuple[Reason, str]:
    if call.closed_context:
        return Reason.AFTER_HOURS, "the dialplan led the caller through a closed context"
    off = (
        line is not None
        and line.duty is not None
        and call.started_at is not None
        and not is_on_duty(line.duty, call.started_at, line.zone)
    )
    if off:
        return Reason.AFTER_HOURS, "called out of the line's duty hours"
    if call.asked_to_hang_up_at is not None:
        return Reason.IVR_HANGUP, "the caller hung up before anybody was tried"
    return Reason.TURNED_AWAY, "the PBX ended the call before anybody was tried"


def _excluded(state: State, call: Call, line: Line | None) -> Reason | None:
    directory: Directory = state.directory
    if line is not None and call.agent and _is_own_agent(call, line):
        return Reason.OWN_AGENT
    return directory.exclusion(call.caller_number) if call.caller_number else None


def _is_own_agent(call: Call, line: Line) -> bool:
    if {call.agent, call.interface} & line.agents:
        return True
    return not line.queues.isdisjoint(call.member_of)
