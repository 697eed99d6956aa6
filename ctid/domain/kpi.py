"""The figures of a line over a period: the one place in which they are computed.

`Counts` holds what can be added up, over hours, days, months, and over lines that share no call;
every rate and mean is derived from the sums. None always means that there is nothing to divide by:
a rate without calls is "no calls", neither 0 nor 1. Rates are between 0 and 1, times in seconds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, NamedTuple, Self

from ctid.domain.records import Outcome, Reason

SHORT_ANSWER_SECONDS: Final = 3.0
"""An answer with less talk and hold than this is a `short_answer`."""

RUNG: Final = (Outcome.ANSWERED, Outcome.MISSED, Outcome.OVERFLOWED)
_ANSWERED: Final = Outcome.ANSWERED.value
_COUNTED: Final = frozenset(outcome.value for outcome in RUNG)
_HANGUP: Final = Reason.CALLER_HANGUP.value
# The first that one of a call's offers has is the call's: what is not known is not called missed.
_PRECEDENCE: Final = (
    Outcome.ANSWERED,
    Outcome.LOST,
    Outcome.MISSED,
    Outcome.OVERFLOWED,
    Outcome.NOT_OFFERED,
    Outcome.EXCLUDED,
)
_RANK: Final = {outcome.value: rank for rank, outcome in enumerate(_PRECEDENCE)}


class Offer(NamedTuple):
    """An ended offer, as far as figures need it.

    `at` is the time it is counted by: `offered_at`; where that is null `started_at`, else
    `ended_at`. `outcome` and `reason` are the words of the record, `reason` "" where there is none.
    """

    pbx: str
    uniqueid: str
    line: str
    at: float
    outcome: str
    reason: str
    wait_seconds: float | None
    talk_seconds: float | None
    hold_seconds: float | None


@dataclass(frozen=True, slots=True)
class Rules:
    """What an operator may choose: seconds of the service level and of a short abandon."""

    service_level_seconds: float = 20.0
    short_abandon_seconds: float = 5.0


def fold(offers: Sequence[Offer]) -> Offer:
    """Make one out of the offers of one call, for figures over several lines.

    It is answered if any was; else lost if any was; else the later offer decides. It is counted by
    the first that rang, waits from there to the first answer (or the last attempt's end), and has
    the talk and hold of all. Of no line (""): the lines' duty hours are the caller's matter.
    """
    ordered = sorted(offers, key=lambda offer: offer.at)
    best = min(_RANK[offer.outcome] for offer in ordered)
    same = [offer for offer in ordered if _RANK[offer.outcome] == best]
    decides = same[0] if best == 0 else same[-1]
    first = next((offer for offer in ordered if offer.outcome in _COUNTED), ordered[0])
    wait = decides.wait_seconds
    if wait is not None:
        wait += max(0.0, decides.at - first.at)
    return Offer(
        decides.pbx,
        decides.uniqueid,
        "",
        first.at,
        decides.outcome,
        decides.reason,
        wait,
        _sum(offer.talk_seconds for offer in same) if best == 0 else decides.talk_seconds,
        _sum(offer.hold_seconds for offer in same) if best == 0 else decides.hold_seconds,
    )


def _sum(values: Any) -> float | None:
    total = 0.0
    for value in values:
        if value is None:
            return None
        total += value
    return total


@dataclass(slots=True)
class Counts:
    """Sums and counts over ended offers; `longest_wait` is the only one that is not added.

    `outcomes` counts by (outcome, reason). `waits` and `handlings` say of how many answers the
    wait, and talk and hold, are known. `in_level` were answered within the service level.
    `adjusted_rung` rang within duty hours and were no short abandon; of these `adjusted_answered`
    were answered and no short answer.
    """

    outcomes: dict[tuple[str, str], int] = field(default_factory=dict)
    waits: int = 0
    wait_seconds: float = 0.0
    longest_wait: float | None = None
    handlings: int = 0
    handling_seconds: float = 0.0
    in_level: int = 0
    short_answers: int = 0
    short_abandons: int = 0
    adjusted_rung: int = 0
    adjusted_answered: int = 0

    def count(self, offers: Iterable[Offer], rules: Rules, *, on_duty: bool) -> None:
        """Add ended offers, all of them within duty hours or none."""
        outcomes = self.outcomes
        level, short_abandon = rules.service_level_seconds, rules.short_abandon_seconds
        longest = -1.0 if self.longest_wait is None else self.longest_wait
        rung = answered = 0
        # There are thousands: a method call for each would cost as much as all the rest.
        for _, _, _, _, outcome, reason, wait, talk, hold in offers:
            key = (outcome, reason)
            outcomes[key] = outcomes.get(key, 0) + 1
            if outcome not in _COUNTED:
                continue
            if wait is not None and wait > longest:
                longest = wait
            if outcome == _ANSWERED:
                rung += 1
                answered += 1
                if wait is not None:
                    self.waits += 1
                    self.wait_seconds += wait
                    self.in_level += wait <= level
                if talk is not None and hold is not None:
                    self.handlings += 1
                    self.handling_seconds += talk + hold
                    if talk + hold < SHORT_ANSWER_SECONDS:
                        self.short_answers += 1
                        answered -= 1
            elif reason == _HANGUP and wait is not None and wait < short_abandon:
                self.short_abandons += 1
            else:
                rung += 1
        if on_duty:
            self.adjusted_rung += rung
            self.adjusted_answered += answered
        if longest >= 0.0:
            self.longest_wait = longest

    def add(self, other: "Counts") -> None:
        """Add what was counted elsewhere: of other hours, or of lines that share no call."""
        for key, number in other.outcomes.items():
            self.outcomes[key] = self.outcomes.get(key, 0) + number
        self.waits += other.waits
        self.wait_seconds += other.wait_seconds
        self.handlings += other.handlings
        self.handling_seconds += other.handling_seconds
        self.in_level += other.in_level
        self.short_answers += other.short_answers
        self.short_abandons += other.short_abandons
        self.adjusted_rung += other.adjusted_rung
        self.adjusted_answered += other.adjusted_answered
        if other.longest_wait is not None:
            self.longest_wait = max(self.longest_wait or 0.0, other.longest_wait)

    def of(self, outcome: Outcome) -> int:
        """How many had this outcome, whatever the reason."""
        return sum(number for (word, _), number in self.outcomes.items() if word == outcome)

    def reasons(self, outcome: Outcome) -> dict[str, int]:
        """How many by reason, of those with this outcome."""
        found = {why: n for (word, why), n in self.outcomes.items() if word == outcome}
        return dict(sorted(found.items()))

    @property
    def answered(self) -> int:
        """Offers that were answered."""
        return self.of(Outcome.ANSWERED)

    @property
    def rung(self) -> int:
        """Answered, missed and overflowed: what the answer rate is of."""
        return sum(self.of(outcome) for outcome in RUNG)

    @property
    def answer_rate(self) -> float | None:
        """The raw, regulated rate; None: no calls."""
        return _ratio(self.answered, self.rung)

    @property
    def adjusted_rate(self) -> float | None:
        """On duty, without short abandons, short answers not counted as answered."""
        return _ratio(self.adjusted_answered, self.adjusted_rung)

    @property
    def service_level(self) -> float | None:
        """Share of the rung that was answered in time; an unknown wait was not."""
        return _ratio(self.in_level, self.rung)

    @property
    def asa(self) -> float | None:
        """Mean wait of the answered whose wait is known."""
        return _ratio(self.wait_seconds, self.waits)

    @property
    def aht(self) -> float | None:
        """Mean talk and hold of the answered of whom both are known."""
        return _ratio(self.handling_seconds, self.handlings)

    @property
    def abandon_rate(self) -> float | None:
        """Share of the rung that ended with `caller_hangup`."""
        gone = sum(
            self.outcomes.get((outcome.value, _HANGUP), 0)
            for outcome in (Outcome.MISSED, Outcome.OVERFLOWED)
        )
        return _ratio(gone, self.rung)

    def to_json(self) -> dict[str, Any]:
        """Give what is not zero, `outcomes` by words such as `missed.busy`."""
        plain = {name: getattr(self, name) for name in _PLAIN if getattr(self, name)}
        if self.longest_wait is not None:
            plain["longest_wait"] = self.longest_wait
        words = {f"{word}.{why}" if why else word: n for (word, why), n in self.outcomes.items()}
        return {"outcomes": words, **plain}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_json` gave."""
        counts = cls()
        counts.add_json(value)
        return counts

    def add_json(self, value: Mapping[str, Any]) -> None:
        """Add what `to_json` gave, of thousands without a `Counts` for each."""
        for name, found in value.items():
            if name == "outcomes":
                for words, number in found.items():
                    key = _outcome_of(words)
                    self.outcomes[key] = self.outcomes.get(key, 0) + number
            elif name == "longest_wait":
                self.longest_wait = max(self.longest_wait or 0.0, found)
            else:
                setattr(self, name, getattr(self, name) + found)


_PLAIN: Final = tuple(name for name in Counts.__slots__ if name not in ("outcomes", "longest_wait"))


@cache  # there are no more than outcomes and reasons
def _outcome_of(words: str) -> tuple[str, str]:
    outcome, _, reason = words.partition(".")
    return outcome, reason


def is_below(target: float, answered: int, rung: int) -> bool:
    """Whether so many answered of those that rang are less than the target, between 0 and 1.

    The quotient of whole numbers is rounded as the target was when it was read, so that a rate
    that is just the target equals it; 0.14 times 50 is more than 7.
    """
    return rung > 0 and answered / rung < target


def _ratio(part: float, whole: int) -> float | None:
    return part / whole if whole else None


@dataclass(slots=True)
class AgentCounts:
    """Of one agent: rings, those answered, RONA (rings that ended `no_answer`), and talk.

    `talk_seconds` is the talk of the offers that this agent was the first to answer.
    """

    rings: int = 0
    answered: int = 0
    no_answer: int = 0
    talk_seconds: float = 0.0

    def add(self, other: "AgentCounts") -> None:
        """Add what was counted elsewhere."""
        self.rings += other.rings
        self.answered += other.answered
        self.no_answer += other.no_answer
        self.talk_seconds += other.talk_seconds
