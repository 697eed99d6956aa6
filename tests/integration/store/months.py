"""Months of made-up calls, and the plain count of them that figures are checked against."""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from ctid.domain.duty import parse
from ctid.domain.kpi import Counts
from ctid.domain.lines import Line
from ctid.domain.records import Direction, Outcome, Reason, Record, Ring, RingResult
from ctid.domain.tally import Desk
from tests.integration.store.samples import answered

AGENTS = ("Zhang San", "Li Si", "Wang Wu")
DUTY = {"network": ("mon-fri", 8, 18), "server": None, "desktop": ("mon-sun", 22, 6)}
SPECIALTY = {"network": "infra", "server": "infra", "desktop": "desktop"}
RUNG = (Outcome.ANSWERED, Outcome.MISSED, Outcome.OVERFLOWED)


def desk(zone: str) -> Desk:
    duty = {"network": ["mon-fri 08:00-18:00"], "desktop": ["22:00-06:00"]}
    lines = {
        name: Line(
            name, name, specialty, frozenset(), (), frozenset(), frozenset(),
            parse(duty[name]) if name in duty else None, zone, 0.75,
        )
        for name, specialty in SPECIALTY.items()
    }  # fmt: skip
    return Desk(zone, lines, ("main",))


def calls(seed: int, begin: float, end: float, number: int) -> Iterator[list[Record]]:
    """Calls of one visit or two, with every outcome, unknown times, long waits, midnight."""
    chance = random.Random(seed)
    for n in range(number):
        at = round(chance.uniform(begin, end), 3)
        line = chance.choice(["network", "server", "desktop", "unnamed"])
        shape = chance.random()
        if shape < 0.2:  # overflow, and sometimes a transfer after an answer
            first = _visit(chance, n, 0, line, at, at, [Outcome.OVERFLOWED, Outcome.ANSWERED])
            later = at + chance.uniform(5, 4000)
            other = chance.choice([name for name in SPECIALTY if name != line])
            after = [Outcome.ANSWERED, Outcome.MISSED, Outcome.LOST, Outcome.EXCLUDED]
            yield [first, _visit(chance, n, 1, other, at, later, after)]
        else:
            began = None if chance.random() < 0.05 else at - chance.uniform(0, 30)
            yield [_visit(chance, n, 0, line, began, at, list(Outcome))]


def _visit(
    chance: random.Random,
    n: int,
    ordinal: int,
    line: str,
    began: float | None,
    at: float,
    outcomes: Sequence[Outcome],
) -> Record:
    outcome = chance.choice(outcomes)
    reason = {
        Outcome.MISSED: [Reason.CALLER_HANGUP, Reason.NO_ANSWER, Reason.QUEUE_TIMEOUT],
        Outcome.OVERFLOWED: [Reason.QUEUE_TIMEOUT, Reason.NO_AGENTS],
        Outcome.NOT_OFFERED: [Reason.AFTER_HOURS, Reason.IVR_HANGUP],
        Outcome.EXCLUDED: [Reason.TEST, Reason.OWN_AGENT],
    }.get(outcome, [None])
    offered = outcome is not Outcome.NOT_OFFERED and chance.random() < 0.97
    known = offered and outcome is not Outcome.LOST and chance.random() < 0.95
    talked = outcome is Outcome.ANSWERED and chance.random() < 0.95
    rings = tuple(
        Ring(agent, f"PJSIP/{k}-{n:08x}", at, at, at + 9, chance.choice(list(RingResult)))
        for k, agent in enumerate(chance.sample(AGENTS, chance.randrange(3)))
    )
    return answered(n)._replace(
        ordinal=ordinal,
        direction=Direction.INBOUND,
        line=line,
        started_at=began,
        offered_at=at if offered else None,
        answered_at=None,
        ended_at=at + 100.0,
        outcome=outcome,
        reason=chance.choice(reason),
        agent=chance.choice(AGENTS) if outcome is Outcome.ANSWERED else None,
        rings=rings,
        wait_seconds=round(chance.choice([2.0, 19.999, 20.0, 60.0]) + n % 5, 3) if known else None,
        talk_seconds=chance.choice([0.5, 2.0, 61.25]) if talked else None,
        hold_seconds=chance.choice([0.0, 1.5]) if talked else None,
    )


def when(record: Record) -> float:
    for at in (record.offered_at, record.started_at, record.ended_at):
        if at is not None:
            return at
    raise AssertionError(record)


def on_duty(record: Record, zone: str) -> bool:
    shift = DUTY.get(str(record.line))
    local = datetime.fromtimestamp(when(record), ZoneInfo(zone))
    if shift is None:
        return True
    days, start, end = shift
    if start > end:
        return local.hour >= start or local.hour < end
    return start <= local.hour < end and (days != "mon-fri" or local.weekday() < 5)


def plain_count(records: Sequence[Record], zone: str) -> dict[str, object]:
    """The figures of one line, one loop for each, as one would count with a pencil."""
    rung = [r for r in records if r.outcome in RUNG]
    yes = [r for r in rung if r.outcome == Outcome.ANSWERED]
    fair = []
    for r in rung:
        gave_up = r.outcome != Outcome.ANSWERED and r.reason == Reason.CALLER_HANGUP
        if on_duty(r, zone) and not (gave_up and r.wait_seconds is not None and r.wait_seconds < 5):
            fair.append(r)
    held = [
        r.talk_seconds + r.hold_seconds
        for r in yes
        if r.talk_seconds is not None and r.hold_seconds is not None
    ]
    fair_yes = []
    for r in fair:
        short = None not in (r.talk_seconds, r.hold_seconds) and (
            (r.talk_seconds or 0) + (r.hold_seconds or 0) < 3
        )
        if r.outcome == Outcome.ANSWERED and not short:
            fair_yes.append(r)
    waits = [r.wait_seconds for r in yes if r.wait_seconds is not None]
    gone = [r for r in rung if r.reason == Reason.CALLER_HANGUP]
    return {
        "outcomes": sorted((str(r.outcome), str(r.reason or "")) for r in records),
        "rung": len(rung),
        "rate": len(yes) / len(rung) if rung else None,
        "adjusted": len(fair_yes) / len(fair) if fair else None,
        "level": len([w for w in waits if w <= 20]) / len(rung) if rung else None,
        "asa": round(sum(waits) / len(waits), 6) if waits else None,
        "aht": round(sum(held) / len(held), 6) if held else None,
        "abandoned": len(gone) / len(rung) if rung else None,
        "longest": max((r.wait_seconds for r in rung if r.wait_seconds is not None), default=None),
        "short": len([h for h in held if h < 3]),
    }


def as_plain(counts: Counts) -> dict[str, object]:
    return {
        "outcomes": sorted(key for key, n in counts.outcomes.items() for _ in range(n)),
        "rung": counts.rung,
        "rate": counts.answer_rate,
        "adjusted": counts.adjusted_rate,
        "level": counts.service_level,
        "asa": None if counts.asa is None else round(counts.asa, 6),
        "aht": None if counts.aht is None else round(counts.aht, 6),
        "abandoned": counts.abandon_rate,
        "longest": counts.longest_wait,
        "short": counts.short_answers,
    }


def folded(visits: Sequence[Record]) -> tuple[float, Outcome]:
    """When a call of several visits is counted, and as what."""
    outcomes = [r.outcome for r in visits]
    rang = [when(r) for r in visits if r.outcome in RUNG]
    first = min(rang) if rang else min(map(when, visits))
    for outcome in (Outcome.ANSWERED, Outcome.LOST, Outcome.MISSED, Outcome.OVERFLOWED):
        if outcome in outcomes:
            return first, outcome
    return first, Outcome.NOT_OFFERED if Outcome.NOT_OFFERED in outcomes else Outcome.EXCLUDED
