"""What there is to say about a line when somebody is told of it. Pure."""

from collections.abc import Iterable
from typing import Final

from ctid.domain.advice import advise
from ctid.domain.alerts import Advice, Blind, BlindTime, Caller, LongestWait, Unanswered
from ctid.domain.lines_known import Lines
from ctid.domain.records import Gap, GapCause
from ctid.domain.unanswered import Fate, Offer, Reading

_CALLERS_NAMED: Final = 10
_PRESENCE_FRESH_SECONDS: Final = 30.0


def unanswered(lines: Lines, name: str, since: float, now: float) -> Unanswered:
    """The clock of a line, open since then."""
    clock = lines.clocks[name]
    reading = clock.reading
    # who was missed has still to be called back
    offers = clock.before.offers if reading.is_over(since) else reading.offers
    waiting = sorted((offer.at, offer.number or "") for offer in reading.waiting)
    missed = [o for o in offers if o.fate is Fate.MISSED and o.reached_at is None]
    missed.sort(key=lambda offer: offer.at)
    advice, agents = _advice(lines, name, [*reading.waiting, *missed], now)
    return Unanswered(
        since=since,
        seconds=lines.seconds(name, since, now),
        waiting=tuple(Caller(number or None, at) for at, number in waiting[:_CALLERS_NAMED]),
        missed=tuple(Caller(offer.number, offer.at) for offer in missed[:_CALLERS_NAMED]),
        missed_count=len(missed),
        lost_count=sum(offer.fate is Fate.LOST for offer in offers),
        last_answer_at=reading.last_answer_at,
        last_answer_by=reading.last_answer_by,
        blind=_unseen(lines, since),
        advice=advice,
        agents=agents,
        waiting_count=len(waiting),
        unseen_count=_unseen_count(lines, reading),
    )


def longest_wait(lines: Lines, name: str, since: float, now: float) -> LongestWait:
    """The caller who waits since then."""
    reading = lines.reading(name)
    oldest = min(reading.waiting, key=lambda offer: abs(offer.at - since), default=None)
    number, pbx = (None, None) if oldest is None else (oldest.number, oldest.key[0])
    advice, agents = _advice(lines, name, [] if oldest is None else [oldest], now)
    blind = tuple(one for one in _unseen(lines, since) if one.pbx == pbx)
    count, unseen = len(reading.waiting), _unseen_count(lines, reading)
    return LongestWait(Caller(number, since), count, advice, agents, blind, unseen)


def _advice(
    lines: Lines, name: str, offers: Iterable[Offer], now: float
) -> tuple[tuple[Advice, ...], tuple[str, ...]]:
    presence = lines.presence.get(name)
    if presence is not None and now - presence.asked_at > _PRESENCE_FRESH_SECONDS:
        presence = None
    return advise(presence, [ring for offer in offers for ring in offer.rings])


def blind(lines: Lines, name: str | None, since: float) -> Blind:
    """The PBXs that are out of sight, and who waited when sight was lost; else those that were."""
    if not lines.open_gaps:
        over = [gap for gap in lines.gaps if gap.ended_at is not None and gap.ended_at > since]
        return Blind(tuple(map(_blind, over)))
    waiting = len(lines.reading(name).waiting) if name is not None and name in lines else 0
    return Blind(tuple(map(_blind, lines.open_gaps)), waiting)


def _unseen_count(lines: Lines, reading: Reading) -> int:
    """How many of those who wait are only known to have waited when their PBX was seen last."""
    unseen = {gap.pbx for gap in lines.open_gaps}
    return sum(offer.key[0] in unseen for offer in reading.waiting)


def _unseen(lines: Lines, since: float) -> tuple[BlindTime, ...]:
    """When nobody saw what happened since then."""
    return tuple(
        _blind(gap)
        for gap in lines.gaps
        if gap.ended_at is None
        or gap.ended_at > max(since, gap.began_at)
        or (gap.cause is GapCause.CLOCK_SET_BACK and gap.ended_at > since)
    )


def _blind(gap: Gap) -> BlindTime:
    return BlindTime(gap.pbx, gap.began_at, gap.ended_at, gap.cause.value)
