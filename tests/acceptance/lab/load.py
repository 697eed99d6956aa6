"""Many calls a second with mixed outcomes, and what SIP says about each of them."""

import socket
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from asterisk import sipp, sipp_xml
from asterisk.server import Asterisk, free_port

from .compare import Row


@dataclass(frozen=True)
class Kind:
    """Calls of one kind: so many a second to `number`, all with this outcome."""

    number: str
    rate: int
    outcome: str
    reason: str | None = None
    agent: str | None = None
    by: str = "caller"
    todo: str = ""
    cancel: float | None = None


KINDS = (
    Kind("8500", 7, "answered", agent="381", todo="wait 1.5, bye"),
    Kind("8501", 3, "answered", agent="382", by="agent"),
    Kind("8502", 4, "missed", "caller_hangup", cancel=1.2),
    Kind("8503", 2, "missed", "busy", by="system"),
    Kind("8504", 1, "missed", "no_answer", by="system"),
    Kind("8505", 1, "answered", agent="386", todo="wait 2, bye"),
    Kind("8506", 1, "missed", "rejected", by="system"),
    Kind("8507", 1, "missed", "unavailable", by="system"),
)
# extension: ring seconds, then, todo
PHONES = (
    ("381", 0.8, "answer", ""),
    ("382", 0.5, "answer", "wait 1.2, bye"),
    ("383", 1.0, "never", ""),
    ("384", None, "486", ""),
    ("385", 0.4, "603", ""),
    ("386", 0.8, "answer", ""),
)


@dataclass(frozen=True)
class LoadCall:
    """One call as SIP saw it."""

    caller: str
    kind: Kind
    start: float
    answered: float | None
    end: float | None


def run(server: Asterisk, folder: Path, seconds: int) -> tuple[list[LoadCall], list[str]]:
    """Make all calls; gives them, and what SIP itself saw go otherwise than its kind says."""
    folder.mkdir(parents=True)
    sip_port = server.ports.sip
    phones = {
        extension: sipp.Sipp(
            f"phone-{extension}",
            folder,
            sipp_xml.phone_xml(
                user=f"a{extension}",
                sip_port=sip_port,
                ring=ring,
                then=then,
                todo=sipp_xml.steps(todo),
            ),
            port=server.ports.agent(extension),
            sip_port=sip_port,
            media_port=server.media_port(),
            calls=None,
        )
        for extension, ring, then, todo in PHONES
    }
    callers: dict[str, sipp.Sipp] = {}
    try:
        sipp.wait_listening({phone.port for phone in phones.values()})
        for kind in KINDS:
            callers[kind.number] = sipp.Sipp(
                f"caller-{kind.number}",
                folder,
                sipp_xml.caller_xml(
                    user=f"139{kind.number}[call_number]",
                    name="",
                    number=kind.number,
                    sip_port=sip_port,
                    todo=sipp_xml.steps(kind.todo),
                    cancel_after=kind.cancel,
                ),
                port=free_port(socket.SOCK_DGRAM),
                sip_port=sip_port,
                media_port=server.media_port(),
                calls=kind.rate * seconds,
                more=("-r", str(kind.rate), "-l", "500"),
            )
        until = time.monotonic() + seconds + 30.0
        late = [n for n, c in callers.items() if not c.wait(max(0.1, until - time.monotonic()))]
    finally:
        for process in (*callers.values(), *phones.values()):
            process.stop()
    return _read(callers, phones, late)


def _read(
    callers: dict[str, sipp.Sipp], phones: dict[str, sipp.Sipp], late: list[str]
) -> tuple[list[LoadCall], list[str]]:
    troubles = [f"the calls to {number} did not end" for number in late]
    answers = {
        leg.peer: leg.answer for phone in phones.values() for leg in phone.legs() if leg.answer
    }
    calls = []
    for kind in KINDS:
        for leg in callers[kind.number].legs():
            call = LoadCall(leg.user, kind, leg.invite, answers.get(leg.user), leg.over)
            calls.append(call)
            if (call.answered is not None) != (kind.outcome == "answered"):
                troubles.append(f"{leg.user}: SIP itself did not see it {kind.outcome}")
    return calls, troubles


def compare(calls: list[LoadCall], rows: list[Row], tolerance: float = 0.5) -> list[str]:
    """What is wrong, one line per call: not once, or not as SIP says."""
    wrong = []
    counts = Counter(row["caller_number"] for row in rows)
    by_caller = {row["caller_number"]: row for row in rows}
    for call in calls:
        row = by_caller.get(call.caller)
        if row is None or counts[call.caller] != 1:
            wrong.append(f"{call.caller}: recorded {counts[call.caller]} times")
            continue
        found = (row["outcome"], row["reason"], row["agent"], row["ended_by"])
        kind = call.kind
        if found != (kind.outcome, kind.reason, kind.agent, kind.by):
            wrong.append(f"{call.caller}: {found}, not {kind}")
        elif call.answered is not None and call.end is not None:
            wait, talk = call.answered - call.start, call.end - call.answered
            if abs(row["wait_seconds"] - wait) > tolerance:
                wrong.append(f"{call.caller}: wait {row['wait_seconds']:.2f}, not {wait:.2f}")
            if abs(row["talk_seconds"] + row["hold_seconds"] - talk) > tolerance:
                wrong.append(f"{call.caller}: talk {row['talk_seconds']:.2f}, not {talk:.2f}")
    known = {call.caller for call in calls}
    wrong += [f"{number}: nobody called" for number in counts if number not in known]
    return wrong
