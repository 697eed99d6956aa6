"""Why a ring, an attempt and an offer ended as they did (docs/definitions.md, "Outcomes")."""

from ctid.domain.calls import Attempt, AttemptKind, Call, RingState, Visit
from ctid.domain.records import Reason, RingResult

# Q.850 causes as Asterisk reports them in a leg's Hangup.
_BUSY = 17
_REJECTED = 21
_REDIRECTED = 23
_ANSWERED_ELSEWHERE = 26

_DIAL_STATUS = {
    "BUSY": RingResult.BUSY,
    "NOANSWER": RingResult.NO_ANSWER,
    "CANCEL": RingResult.CANCELLED,
    "CONGESTION": RingResult.UNAVAILABLE,
    "CHANUNAVAIL": RingResult.UNAVAILABLE,
}

_QUEUE_STATUS = {
    "TIMEOUT": Reason.QUEUE_TIMEOUT,
    "FULL": Reason.QUEUE_FULL,
    "JOINEMPTY": Reason.NO_AGENTS,
    "LEAVEEMPTY": Reason.NO_AGENTS,
    "JOINUNAVAIL": Reason.NO_AGENTS,
    "LEAVEUNAVAIL": Reason.NO_AGENTS,
}

# The first of these that occurred among the legs of an attempt decides.
_PRECEDENCE = (
    (RingResult.NO_ANSWER, Reason.NO_ANSWER),
    (RingResult.REJECTED, Reason.REJECTED),
    (RingResult.BUSY, Reason.BUSY),
    (RingResult.UNAVAILABLE, Reason.UNAVAILABLE),
)

_DIAL_REASON = {
    "NOANSWER": Reason.NO_ANSWER,
    "BUSY": Reason.BUSY,
    "CHANUNAVAIL": Reason.UNAVAILABLE,
    "CONGESTION": Reason.UNAVAILABLE,
    "CANCEL": Reason.CALLER_HANGUP,
}


def ring_result_of_dial_end(status: str, forward: str) -> RingResult | None:
    """What a DialEnd says of a leg; None for ANSWER, which only a bridge can prove.

    CONTINUE, GOTO and ABORT mean that the phone was picked up and the human did not accept.
    """
    if forward:
        return RingResult.FORWARDED
    if status == "ANSWER":
        return None
    return _DIAL_STATUS.get(status, RingResult.NO_ANSWER)


def ring_result_of_hangup(ring: RingState, cause: int, *, over: bool) -> RingResult:
    """The final word on a leg that is gone. `over`: the call was answered or its caller gone.

    A phone that declined is a NOANSWER in Asterisk's DialEnd; only the hang-up's cause tells.
    """
    result = ring.result
    if result is RingResult.NO_ANSWER and ring.status == "NOANSWER":
        return _cause_of_no_answer(ring, cause)
    if result is not None:
        return result
    if cause == _ANSWERED_ELSEWHERE or over:
        return RingResult.CANCELLED
    if cause == _REDIRECTED:
        return RingResult.FORWARDED
    if cause == _BUSY:
        return RingResult.BUSY
    return _cause_of_no_answer(ring, cause)


def _cause_of_no_answer(ring: RingState, cause: int) -> RingResult:
    if cause == _REJECTED:
        return RingResult.REJECTED
    if cause == _BUSY:
        return RingResult.BUSY
    return RingResult.NO_ANSWER if ring.rang_at is not None else RingResult.UNAVAILABLE


def queue_reason(status: str) -> Reason | None:
    """What a QUEUESTATUS says; None where it is no failure (CONTINUE)."""
    return _QUEUE_STATUS.get(status)


def dial_reason(status: str) -> Reason | None:
    """What a DIALSTATUS says; None for ANSWER."""
    return _DIAL_REASON.get(status)


def attempt_end(visit: Visit, attempt: Attempt) -> float | None:
    """When the last attempt of a visit ended, as far as the stream tells."""
    if attempt.ended_at is not None:
        return attempt.ended_at
    ends = [ring.ended_at for ring in visit.rings if ring.attempt == visit.attempts]
    known = [end for end in ends if end is not None]
    return max(known) if known and len(known) == len(ends) else None


def why_missed(call: Call, visit: Visit) -> tuple[Reason, str]:
    """The reason of a miss and the words for it, in the order of precedence of the definitions."""
    if visit.voicemail:
        return Reason.VOICEMAIL, "the caller got to voicemail"
    attempt = visit.attempt
    if attempt is None:
        return Reason.UNKNOWN, "how the attempt ended was not seen"
    end = attempt_end(visit, attempt)
    asked = call.asked_to_hang_up_at
    if asked is not None and (end is None or asked <= end):
        return Reason.CALLER_HANGUP, "the caller hung up while the line was being tried"
    if call.shut_down:
        return Reason.FAILED, "the PBX shut down"
    if attempt.kind is AttemptKind.QUEUE:
        return _why_queue(attempt)
    return _why_dial(visit, attempt)


def _why_queue(attempt: Attempt) -> tuple[Reason, str]:
    if attempt.why is not None:
        return attempt.why, f"queue {attempt.queue} ended with {attempt.why}"
    if attempt.abandoned or attempt.ended_at is None:
        return Reason.CALLER_HANGUP, f"the caller left queue {attempt.queue}"
    return Reason.KEY_EXIT, f"the caller left queue {attempt.queue} and the call went on"


def _why_dial(visit: Visit, attempt: Attempt) -> tuple[Reason, str]:
    results = {ring.result for ring in visit.rings if ring.attempt == visit.attempts}
    for result, reason in _PRECEDENCE:
        if result in results:
            return reason, f"the phones of the last attempt: {_words(results)}"
    if attempt.why is not None:
        return attempt.why, f"the last attempt ended with {attempt.why}"
    if not visit.ring_known:
        return Reason.UNKNOWN, "not all phones of the last attempt were seen"
    if not results:
        return Reason.UNAVAILABLE, "no phone could be dialled"
    if attempt.kind is AttemptKind.CONFERENCE:
        return Reason.NO_ANSWER, "nobody joined the conference"
    return Reason.UNKNOWN, "how the attempt ended was not seen"


def _words(results: set[RingResult | None]) -> str:
    return ", ".join(sorted(result for result in results if result is not None))
