"""The unanswered clock of a line, as docs/definitions.md has it: nobody has answered since when.

Pure. It is computed from the line's offers whenever one of them changes, never counted on: what is
taken out, answered late or reached leaves no trace. All times are Unix seconds of the daemon.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, NamedTuple

from ctid.domain.alerts import Ending
from ctid.domain.records import Outcome, Reason, Record, Ring

OfferKey = tuple[str, str, int]
"""(pbx, uniqueid, ordinal), as of the record."""


SLACK_SECONDS: Final = 5.0
"""By how much two times of one thing may differ: the clock of a PBX is put right by a little more
or less from one run to the next."""


class Fate(StrEnum):
    """How an offer stands, as far as the clock is concerned."""

    WAITING = "waiting"
    ANSWERED = "answered"
    MISSED = "missed"
    LOST = "lost"
    """Nobody knows how it ended."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer of the line.

    `counts`: it was made within duty hours. `is_final`: nothing changes about its fate any more.
    `reached_at` is when a caller who was missed was reached, or somebody said that they need not
    be. `left_at` is when they stopped waiting: answered, or gone.
    """

    key: OfferKey
    at: float
    number: str | None
    counts: bool
    fate: Fate
    is_final: bool
    left_at: float | None = None
    reached_at: float | None = None
    agent: str | None = None
    rings: tuple[Ring, ...] = ()

    def waits_at(self, at: float) -> bool:
        """Whether the caller was there and waited for an answer at that instant."""
        return self.at <= at and (self.left_at is None or self.left_at > at)

    def reached(self, at: float) -> "Offer":
        """The same, of a caller who was reached then, or before."""
        return replace(self, reached_at=earlier(self.reached_at, at))


class Closing(NamedTuple):
    """The clock was closed: by an agent's answer, a person, or because all were reached."""

    at: float
    ending: Ending
    by: str | None = None


_NEVER: Final = Closing(float("-inf"), Ending.TAKEN_OUT)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the clock of a line shows. `since` None: it is closed; `closing` was the last one.

    `offers` are those it is open for: who waits, and who was missed or lost since. `waiting` are
    all who wait, also those who were offered before it opened.
    """

    since: float | None
    offers: tuple[Offer, ...]
    waiting: tuple[Offer, ...]
    last_answer_at: float | None
    last_answer_by: str | None
    closing: Closing = _NEVER

    def is_over(self, since: float) -> bool:
        """Whether what began then goes on no more; else it goes on, maybe from another time on."""
        return self.since is None or self.closing.at > since + SLACK_SECONDS


CLOSED: Final = Reading(None, (), (), None, None)


def offer_of(
    record: Record, short_seconds: float, *, counts: Callable[[float], bool]
) -> Offer | None:
    """The record as the clock sees it; None: it is no offer, or one that is taken out.

    `short_seconds` is how short an abandon is forgotten; `counts` tells duty hours.
    """
    at = _offered_at(record)
    if at is None or record.outcome in (Outcome.NOT_OFFERED, Outcome.EXCLUDED):
        return None
    key = (record.pbx, record.uniqueid, record.ordinal)
    fate, left_at = _fate(record, at)
    if fate is Fate.MISSED and _is_short(record, short_seconds):
        return None
    return Offer(
        key=key,
        at=at,
        number=record.caller_number,
        counts=counts(at),
        fate=fate,
        is_final=not record.open,
        left_at=left_at,
        agent=record.agent,
        rings=record.rings,
    )


def answered_at(record: Record) -> float | None:
    """When the caller was answered on this visit, or the earliest that can have been.

    None: nobody answered there, or it counts nowhere.
    """
    at = _offered_at(record)
    if at is None or record.outcome in (Outcome.NOT_OFFERED, Outcome.EXCLUDED):
        return None
    fate, left_at = _fate(record, at)
    return left_at if fate is Fate.ANSWERED else None


def earlier(one: float | None, other: float | None) -> float | None:
    """The first of two times of which some may not be known."""
    found = [at for at in (one, other) if at is not None]
    return min(found, default=None)


def _offered_at(record: Record) -> float | None:
    """When the caller was offered, of what began unseen as far as it is known.

    None: nobody was tried for them yet.
    """
    if record.offered_at is not None:
        return record.offered_at
    if record.rings:
        return min(ring.began_at for ring in record.rings)
    if record.outcome is None and record.answered_at is None and record.agent is None:
        return None  # in a menu, as far as anybody saw
    known = (record.started_at, record.answered_at, record.ended_at)
    return next((at for at in known if at is not None), None)


def _fate(record: Record, at: float) -> tuple[Fate, float | None]:
    if record.outcome is Outcome.LOST:
        return Fate.LOST, record.ended_at if record.ended_at is not None else at
    if record.outcome is Outcome.ANSWERED or record.answered_at is not None:
        # of an answer that fell into a gap the earliest possible time: it hides no other caller
        return Fate.ANSWERED, record.answered_at if record.answered_at is not None else at
    if record.outcome is None:
        # found talking after a gap: the agent is known, the time is not
        return (Fate.ANSWERED, at) if record.agent is not None else (Fate.WAITING, None)
    if record.wait_seconds is not None:
        return Fate.MISSED, at + record.wait_seconds
    return Fate.MISSED, record.ended_at if record.ended_at is not None else at


def _is_short(record: Record, short_seconds: float) -> bool:
    wait = record.wait_seconds
    return record.reason is Reason.CALLER_HANGUP and wait is not None and wait < short_seconds


class Clock:
    """The clock of one line."""

    def __init__(self) -> None:
        self._offers: dict[OfferKey, Offer] = {}
        # the last time at which it was closed for good: nothing before it matters any more
        self._closing = _NEVER
        # only what cannot be taken out any more, too
        self._last_answer: Closing | None = None
        self.reading = CLOSED
        self.before = CLOSED
        """What it showed last while it was open, before it closed, or opened anew."""

    def begin_anew(self) -> None:
        """Know nothing of the past: it is told once more. What it showed stays until `compute`."""
        self._offers.clear()
        self._closing = _NEVER
        self._last_answer = None

    def known(self, key: OfferKey) -> Offer | None:
        """The offer as it was last put."""
        return self._offers.get(key)

    def offers(self) -> list[Offer]:
        """All that still matter."""
        return list(self._offers.values())

    def put(self, offer: Offer) -> None:
        """An offer is new, or has changed. `compute` has to follow."""
        self._offers[offer.key] = offer

    def take_out(self, key: OfferKey) -> bool:
        """An offer counts nowhere after all; whether it was known. `compute` has to follow."""
        return self._offers.pop(key, None) is not None

    def close(self, at: float) -> None:
        """Somebody says that it is over, for a reason. `compute` has to follow."""
        self._closing = max(self._closing, Closing(at, Ending.BY_PERSON), key=_at)

    def answered_before(self, at: float, by: str | None) -> None:
        """The last answer that is known of the time before. `compute` has to follow."""
        self._answered(Closing(at, Ending.ANSWERED, by))

    def shift(self, seconds: float) -> None:
        """The daemon's clock was set: what was before stays as long ago as it was."""
        self._offers = {key: _shifted(offer, seconds) for key, offer in self._offers.items()}
        self._closing = self._closing._replace(at=self._closing.at + seconds)
        if self._last_answer is not None:
            self._last_answer = self._last_answer._replace(at=self._last_answer.at + seconds)
        self.compute()

    def compute(self) -> Reading:
        """What it shows now. What can matter no more is forgotten."""
        not_final = []
        for offer in self._offers.values():
            if offer.fate is Fate.ANSWERED and offer.left_at is not None:
                answer = Closing(offer.left_at, Ending.ANSWERED, offer.agent)
                if offer.is_final:
                    self._answered(answer)
                else:
                    not_final.append(answer)
        self._forget()
        latest = max([self._closing, *not_final], key=_at)
        since, members, closing = _open_since(latest, self._offers.values())
        waiting = tuple(offer for offer in self._offers.values() if offer.fate is Fate.WAITING)
        known = [] if self._last_answer is None else [self._last_answer]
        at, _, by = max([*known, *not_final], key=_at, default=(None, None, None))
        if self.reading.since not in (None, since):
            self.before = self.reading
        self.reading = Reading(since, tuple(members), waiting, at, by, closing)
        return self.reading

    def _answered(self, answer: Closing) -> None:
        """For good."""
        known = [] if self._last_answer is None else [self._last_answer]
        self._last_answer = max([answer, *known], key=_at)
        self._closing = max(self._closing, answer, key=_at)

    def _forget(self) -> None:
        """After a closing only who left later matters, and an answer that may yet be taken out."""
        self._offers = {
            key: offer
            for key, offer in self._offers.items()
            if offer.left_at is None or offer.left_at > self._closing.at or not offer.is_final
        }


def _at(closing: Closing) -> float:
    return closing.at


def _open_since(
    closing: Closing, offers: Iterable[Offer]
) -> tuple[float | None, Sequence[Offer], Closing]:
    """When it opened after it was closed, and for whom; it closes when all are reached.

    With that comes when it was closed last.
    """
    left = sorted(
        (
            offer
            for offer in offers
            if offer.counts
            and offer.fate is not Fate.ANSWERED
            and (offer.left_at is None or offer.left_at > closing.at)
        ),
        key=lambda offer: offer.at,
    )
    while left:
        since = max(closing.at, left[0].at)
        reached_at = _reached_at(left)
        if reached_at is None:
            return since, left, closing
        # those who came up to then were all reached; who came later opens it anew
        closing = Closing(reached_at, Ending.REACHED)
        left = [offer for offer in left if offer.left_at is None or offer.left_at > reached_at]
    return None, (), closing


def _reached_at(offers: Sequence[Offer]) -> float | None:
    """The first instant at which everybody who was missed by then is reached and nobody waits."""
    candidates = sorted(
        max(offer.reached_at, offer.left_at or offer.reached_at)
        for offer in offers
        # whoever was lost cannot be reached: nobody knows that they were not answered
        if offer.reached_at is not None and offer.fate is Fate.MISSED
    )
    for at in candidates:
        by_then = [offer for offer in offers if offer.at <= at]
        missed = [
            offer for offer in by_then if offer.fate is Fate.MISSED and not offer.waits_at(at)
        ]
        all_reached = all(o.reached_at is not None and o.reached_at <= at for o in missed)
        if missed and all_reached and not any(offer.waits_at(at) for offer in by_then):
            return at
    return None


def _shifted(offer: Offer, seconds: float) -> Offer:
    return replace(
        offer,
        at=offer.at + seconds,
        left_at=None if offer.left_at is None else offer.left_at + seconds,
        reached_at=None if offer.reached_at is None else offer.reached_at + seconds,
    )
