"""What an examination of the PBXs, and the records of the last weeks, mean for the operator.

Pure: what was found goes in, findings with their remedies come out.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ctid.ami.examination import Examination
from ctid.config import Config, Pbx
from ctid.domain.seats import phones_of

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
OLDEST, NEWEST = 16, 22  # Asterisk versions that ctid is tested with
CLOCK_SECONDS = 2.0
CLASSES = ("call", "agent", "user", "system", "dialplan")
DAYS = 30
_SHOWN = 8


class Mark(StrEnum):
    """How grave: FAIL loses calls, WARN may; SKIP: could not be found out."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"
    SKIP = "SKIP"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `mend` is empty where nothing has to be done."""

    mark: Mark
    pbx: str
    check: str
    found: str
    mend: str = ""


def of_pbx(pbx: Pbx, found: Examination, seconds: float) -> Iterator[Finding]:
    """What one PBX itself showed."""
    where = f"{pbx.host}:{pbx.port}"
    if found.failure is not None:
        # the line says how to mend it
        yield Finding(Mark.FAIL, pbx.name, "connection", found.failure.why)
        return
    how = "over TLS" if pbx.tls else "without TLS"
    yield Finding(Mark.OK, pbx.name, "connection", f"logged in at {where} as {pbx.username} {how}")
    if not pbx.tls and pbx.host not in LOOPBACK:
        yield Finding(
            Mark.WARN,
            pbx.name,
            "tls",
            "callers' names and numbers cross the network readable",
            "set tlsenable in manager.conf, and `tls = true` with `ca_file` in [[pbx]]",
        )
    yield _version(pbx.name, found)
    yield from _rights(pbx.name, found)
    yield from _reading(pbx.name, found, seconds)
    yield _timestamps(pbx.name, found, seconds)
    yield _filters(pbx.name, found, seconds)
    yield _clock(pbx.name, found)


def _version(pbx: str, found: Examination) -> Finding:
    number = re.search(r"\d+", found.version)
    if number is None:
        return Finding(
            Mark.SKIP, pbx, "version", "the PBX does not say which Asterisk it is", _REPORTING
        )
    told = f"Asterisk {found.version}"
    if OLDEST <= int(number[0]) <= NEWEST:
        return Finding(Mark.OK, pbx, "version", told)
    tested = f"ctid is tested with Asterisk {OLDEST} to {NEWEST}"
    return Finding(
        Mark.WARN, pbx, "version", told, f"{tested}; watch `ctid calls` after test calls"
    )


_REPORTING = "give the user `write = reporting` in manager.conf (dialplans/manager_ctid.conf)"


def _rights(pbx: str, found: Examination) -> Iterator[Finding]:
    refused = [name for name in found.refused if name != "QueueStatus"]
    if refused:
        yield Finding(
            Mark.FAIL,
            pbx,
            "rights",
            f"the PBX refuses {', '.join(refused)}: after a reconnect calls would be unknown",
            _REPORTING,
        )
    elif found.powers is None:
        yield Finding(Mark.SKIP, pbx, "rights", "the PBX does not say what this user may do")
    elif found.powers:
        yield Finding(
            Mark.WARN,
            pbx,
            "rights",
            f"the user may do what ctid never does: {', '.join(found.powers)}",
            "leave only `reporting` in `write` of manager.conf",
        )
    else:
        yield Finding(Mark.OK, pbx, "rights", "may ask all that ctid asks, and change nothing")


def _reading(pbx: str, found: Examination, seconds: float) -> Iterator[Finding]:
    classes = found.heard.classes
    mend = f"give the user `read = {','.join(CLASSES)}` in manager.conf"
    if not found.heard.booted:
        yield Finding(
            Mark.WARN,
            pbx,
            "read",
            "FullyBooted did not come, so `read` lacks system, or a filter hides it",
            f"{mend}, and the filter of dialplans/manager_ctid.conf",
        )
    missing = [name for name in CLASSES if name not in classes | {"system"}]
    if not missing:
        yield Finding(Mark.OK, pbx, "read", "events of all classes came")
    elif "call" in missing and classes & {"agent", "dialplan"}:
        yield Finding(Mark.FAIL, pbx, "read", "there were calls, but no event of class call", mend)
    else:
        yield Finding(
            Mark.SKIP,
            pbx,
            "read",
            f"in {seconds:g} s no event of class {', '.join(missing)} was seen",
            "make a test call to a line while `ctid doctor --seconds 60` runs",
        )


def _timestamps(pbx: str, found: Examination, seconds: float) -> Finding:
    if found.heard.unstamped:
        return Finding(
            Mark.WARN,
            pbx,
            "timestampevents",
            "events have no time of the PBX; their arrival counts instead",
            "set `timestampevents = yes` in [general] of manager.conf, then `manager reload`",
        )
    if found.heard.stamped:
        return Finding(Mark.OK, pbx, "timestampevents", "events bear the PBX's time")
    return Finding(
        Mark.SKIP,
        pbx,
        "timestampevents",
        f"in {seconds:g} s no event came that would have a time",
        "look again while there are calls",
    )


def _filters(pbx: str, found: Examination, seconds: float) -> Finding:
    heard = found.heard
    total = sum(heard.kinds.values())
    if heard.needless:
        return Finding(
            Mark.WARN,
            pbx,
            "filter",
            f"{heard.needless} of {total} events are of kinds that ctid does not need",
            "copy the eventfilter lines of dialplans/manager_ctid.conf: they save most of the load",
        )
    if total > heard.booted:
        return Finding(
            Mark.OK,
            pbx,
            "filter",
            "only events that are needed came; whether one is hidden, only a test call shows",
        )
    return Finding(
        Mark.SKIP,
        pbx,
        "filter",
        f"in {seconds:g} s there was no call, so it is not known what a filter hides",
        "make a test call, and look whether `ctid explain` tells all of it",
    )


def _clock(pbx: str, found: Examination) -> Finding:
    ahead = found.clock_ahead
    if ahead is None:
        return Finding(Mark.SKIP, pbx, "clock", "the PBX does not tell its time")
    way = "ahead of" if ahead >= 0 else "behind"
    told = f"the PBX's clock is {abs(ahead):.3f} s {way} this machine's"
    if abs(ahead) <= CLOCK_SECONDS:
        return Finding(Mark.OK, pbx, "clock", told)
    return Finding(Mark.WARN, pbx, "clock", told, "let both follow the same NTP server")


def of_queues(config: Config, found: Mapping[str, Examination]) -> Iterator[Finding]:
    """Queues without a line, and lines whose queues no PBX has."""
    wanted = {queue: line.name for line in config.line for queue in line.queues}
    there: set[str] = set()
    all_seen = bool(found)
    for name, examined in found.items():
        if examined.failure is not None or "QueueStatus" in examined.refused:
            all_seen = False
            if examined.failure is None and wanted:
                yield Finding(
                    Mark.FAIL,
                    name,
                    "queues",
                    "the PBX does not list its queues: app_queue is not loaded",
                    "load app_queue, or take `queues` out of the lines",
                )
            continue
        queues = examined.heard.queues
        there |= queues
        if stray := sorted(queues - wanted.keys()):
            yield Finding(
                Mark.WARN,
                name,
                "queues",
                f"{_several(stray)} belong to no line: their calls count by DID and context only",
                "add them to `queues` of their [[line]]",
            )
        else:
            yield Finding(Mark.OK, name, "queues", f"all {len(queues)} queues belong to lines")
    if all_seen and (missing := sorted(wanted.keys() - there)):
        lines = ", ".join(sorted({wanted[queue] for queue in missing}))
        yield Finding(
            Mark.FAIL,
            "",
            "queues",
            f"no PBX has {_several(missing)} (of line {lines})",
            "correct the names in the configuration; a realtime queue shows once it was used",
        )


def of_presence(config: Config, found: Mapping[str, Examination]) -> Iterator[Finding]:
    """Whether the PBXs can say who could answer, when somebody is about to be paged."""
    dialled = [line for line in config.lines() if not line.queues]
    known: set[str] = set()
    all_told = bool(found)
    for name, examined in found.items():
        if examined.failure is not None or examined.phones is None:
            all_told = False
            if examined.failure is None:
                yield Finding(
                    Mark.WARN,
                    name,
                    "presence",
                    "the PBX does not tell how phones stand: a page about "
                    f"{_several([line.name for line in dialled], 'line')} cannot say why nobody "
                    "answers",
                    _REPORTING,
                )
            continue
        known |= examined.phones.keys()
        told = f"members of queues ({len(examined.heard.queues)})"
        if dialled:
            told += f", states of phones that are dialled without one ({len(examined.phones)})"
        yield Finding(Mark.OK, name, "presence", f"tells who could answer: {told}")
    strange = [line.name for line in dialled if known.isdisjoint(phones_of([line], config.agents))]
    if all_told and strange:
        yield Finding(
            Mark.WARN,
            "",
            "presence",
            f"no PBX knows a phone of {_several(strange, 'line')}: a page cannot say why nobody "
            "answers",
            'name the phones that it dials, such as "PJSIP/101", in `agents` of the [[line]]',
        )


def of_strangers(pbx: str, numbers: Sequence[tuple[str, int]]) -> Finding:
    """Numbers dialled from outside that led to no line, with how many calls."""
    if not numbers:
        told = f"every recorded call from outside in {DAYS} days matched a line, or there was none"
        return Finding(Mark.OK, pbx, "dids", told)
    told = ", ".join(f"{did or 'unknown'} ({calls})" for did, calls in numbers[:_SHOWN])
    return Finding(
        Mark.WARN,
        pbx,
        "dids",
        f"calls from outside in {DAYS} days that matched no line, by number: {told}",
        "add the numbers to `dids` of their [[line]], or leave it if they are no hotline's",
    )


def of_mobiles(pbx: str, agents: Sequence[tuple[str, int]]) -> Finding:
    """Who answered over a trunk."""
    if not agents:
        told = f"nobody answered a caller over a trunk in {DAYS} days"
        return Finding(Mark.OK, pbx, "mobiles", told)
    told = ", ".join(f"{agent or 'unknown'} ({calls})" for agent, calls in agents[:_SHOWN])
    return Finding(
        Mark.SKIP,
        pbx,
        "mobiles",
        f"answered outside in {DAYS} days: {told}; records do not tell whether a key was asked for",
        "dial such phones with U() and a key to press, else their voicemail counts as an answer",
    )


def _several(names: Sequence[str], what: str = "queue") -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{what}{'' if len(names) == 1 else 's'} {', '.join(names[:_SHOWN])}{more}"
