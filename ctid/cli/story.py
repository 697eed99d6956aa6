"""A call told in sentences: what its facts and records mean, for someone who reads them aloud.

Pure: facts and records in, sentences out. Names and numbers in it come from callers.
"""

from collections.abc import Callable

from ctid.domain.records import Direction, Fact, Outcome, Record

_Data = dict[str, str | float | None]

_RING_RESULTS = {
    "answered": "{agent} picks up.",
    "no_answer": "{phone} stops ringing: it was not picked up.",
    "busy": "{agent} is busy.",
    "rejected": "{agent} declined the call.",
    "unavailable": "{agent} cannot be reached: the phone never rang.",
    "forwarded": "{phone} forwards the call elsewhere.",
    "cancelled": "{phone} is stopped: someone else answered, or the caller left.",
}
# The words of Asterisk's DIALSTATUS and QUEUESTATUS. CONTINUE and CANCEL tell of no failure.
_STATUS = {
    "TIMEOUT": "The queue's time is up: nobody answered.",
    "FULL": "The queue is full: the caller is not let in.",
    "JOINEMPTY": "The queue has no agents: the caller is not let in.",
    "LEAVEEMPTY": "The queue has no agents any more: the caller is sent on.",
    "JOINUNAVAIL": "No agent of the queue is free to take calls: the caller is not let in.",
    "LEAVEUNAVAIL": "No agent of the queue is free any more: the caller is sent on.",
    "WITHDRAWN": "The caller was taken out of the queue.",
    "NOANSWER": "The attempt's time is up: nobody answered.",
    "BUSY": "The attempt ends: all that were dialled are busy.",
    "CHANUNAVAIL": "The attempt ends: nobody could be reached.",
    "CONGESTION": "The attempt ends: the call could not be put through.",
    "CANCEL": "The attempt ends: the caller left.",
}


def sentence(fact: Fact) -> str:
    """What happened, in one sentence; the fact's own word where this ctid does not know it."""
    tell = _TELL.get(fact.kind)
    return tell(fact) if tell is not None else f"{fact.kind}."


def headline(record: Record) -> str:
    """`Inbound call of 13800000001 (王小明) to 8001`, without times."""
    caller = record.caller_number or "an unknown number"
    if record.caller_name:
        caller += f" ({record.caller_name})"
    called = f" to {record.did}" if record.did else ""
    return f"{str(record.direction).capitalize()} call of {caller}{called}"


def decision(record: Record) -> str:
    """What was decided about one visit, why, and the figures that go with it."""
    return " ".join([_outcome(record), *_figures(record)])


def _outcome(record: Record) -> str:
    subject = f"Line {record.line}" if record.line else "No line"
    why = f": {record.because}" if record.because else ""
    if record.open:
        return f"{subject}: the call goes on, nothing is decided yet."
    if record.line is None or record.outcome is None:
        told = "answered" if record.answered_at is not None else "not answered"
        return f"{subject}: the call counts for none; it was {told}."
    word = record.outcome.replace("_", " ")
    if record.outcome is Outcome.LOST:
        word = "lost (not known how it ended)"
    if record.reason is not None:
        word += f" ({record.reason.replace('_', ' ')})"
    return f"{subject}: {word}{why}."


def _figures(record: Record) -> list[str]:
    told = []
    if record.transferred:
        told.append("A transfer brought the call here.")
    if record.wait_seconds is not None:
        told.append(f"The caller waited {record.wait_seconds:.1f} s.")
    if record.agents_rung:
        told.append(f"Rang: {', '.join(record.agents_rung)}.")
    elif record.offered_at is not None and record.line is not None:
        told.append("No phone rang.")
    if record.answered_at is not None and record.talk_seconds is not None:
        told.append(f"Talked {record.talk_seconds:.1f} s{_with(record)}.")
    if record.hold_seconds:
        told.append(f"On hold {record.hold_seconds:.1f} s.")
    if record.ended_by is not None:
        told.append(f"Ended by: {record.ended_by}.")
    return told


def _with(record: Record) -> str:
    # who placed the call himself stands in the same fields
    if record.agent is None or (record.line is None and record.direction is not Direction.INBOUND):
        return ""
    if record.final_agent in (None, record.agent):
        return f", with {record.agent}"
    return f", first with {record.agent}, last with {record.final_agent}"


def _who(data: _Data, key: str = "agent") -> str:
    return str(data.get(key) or "someone")


def _phone(data: _Data) -> str:
    return f"The phone of {data['agent']}" if data.get("agent") else "A phone"


def _began(fact: Fact) -> str:
    line = fact.data.get("line")
    comes = "comes in" if fact.data.get("direction") == Direction.INBOUND else "is placed"
    return f"A call {comes}" + (f"; the number belongs to line {line}." if line else ".")


def _offered(fact: Fact) -> str:
    line = fact.data.get("line")
    return f"Line {line} is offered the call." if line else "The call begins to be put through."


def _attempt(fact: Fact) -> str:
    line = fact.data.get("line")
    return f"Line {line} tries once more." if line else "It is tried once more."


def _ring_ended(fact: Fact) -> str:
    told = _RING_RESULTS.get(str(fact.data.get("result")), "{phone} stops ringing.")
    text = told.replace("{phone}", _phone(fact.data)).replace("{agent}", _who(fact.data))
    return text[:1].upper() + text[1:]


def _attempt_ended(fact: Fact) -> str:
    return _STATUS.get(fact.because.rpartition(" ")[2], "The attempt ends.")


def _transferred(fact: Fact) -> str:
    by, to = fact.data.get("by"), fact.data.get("to")
    target = f" to {to}" if to else ""
    if fact.because.startswith("redirect"):
        return f"The PBX moves the caller{target}; no agent did it."
    return f"{by or 'Someone'} transfers the caller{target}."


def _unparked(fact: Fact) -> str:
    if fact.because == "UnParkedCall":
        return "The parked caller is fetched."
    return "Nobody fetched the parked caller in time."


def _ended(fact: Fact) -> str:
    line, outcome = fact.data.get("line"), fact.data.get("outcome")
    return f"Decided for line {line}: {str(outcome).replace('_', ' ')}."


def _always(text: str) -> Callable[[Fact], str]:
    return lambda _fact: text


_TELL: dict[str, Callable[[Fact], str]] = {
    "call_began": _began,
    "offered": _offered,
    "attempt": _attempt,
    "attempt_ended": _attempt_ended,
    "overflowed": lambda fact: (
        f"Line {fact.data.get('line')} gives the call on to line {fact.data.get('to')}."
    ),
    "ring": lambda fact: f"{_phone(fact.data)} rings.",
    "ring_ended": _ring_ended,
    "voicemail": _always("The caller is sent to voicemail."),
    "answered": lambda fact: f"Answered: the caller speaks with {_who(fact.data)}.",
    "talks": lambda fact: f"The caller now speaks with {_who(fact.data)}.",
    "left": _always("The caller speaks with nobody any more."),
    "hold": _always("The conversation is put on hold."),
    "unhold": _always("The conversation goes on after the hold."),
    "transferred": _transferred,
    "parked": _always("The caller is parked."),
    "unparked": _unparked,
    "caller_hung_up": _always("The caller hangs up."),
    "caller_gone": _always("The caller's channel is closed."),
    "shut_down": _always("The PBX shuts down."),
    "survey": lambda fact: f"The caller answers the survey: {fact.data.get('score')}.",
    "forgery": _always("The caller's number held line breaks; what they tore was mended."),
    "doubtful": _always("From here on it is not known whether the call was answered."),
    "lost": _always("The call is gone; how it ended was not seen."),
    "ended": _ended,
}
KINDS = frozenset(_TELL)
