"""Alerts and pages: what is wrong, how an alert stands, and what is said to whom about it.

Pure data, in the words of docs/definitions.md. All times are Unix seconds in UTC; None is "not
known" or "did not happen". `numbers` of callers stand here as they arrived: who shows them to
people masks them.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple


class Kind(StrEnum):
    """What an alert is about; also the value of a metric's label."""

    UNANSWERED = "unanswered"
    """Nobody has answered on the line for as long as its limit."""
    LONGEST_WAIT = "longest_wait"
    """One caller waits for so long, whoever else is served."""
    BLIND = "blind"
    """A PBX of the line is out of sight in duty hours."""
    ANSWER_RATE = "answer_rate"
    """The answer rate of the day or month is below the target."""
    ROSTER_GAP = "roster_gap"
    """Nobody is on the roster for duty hours that are near."""
    CALENDAR_ENDING = "calendar_ending"
    """Holidays are not known for long any more."""
    DELIVERY_STUCK = "delivery_stuck"
    """Tickets or pages do not arrive at a destination."""
    NOT_RELOADED = "not_reloaded"
    """A file that is read again while ctid runs cannot be used any more."""
    STORE_FAILING = "store_failing"
    """Records cannot be written."""
    INCIDENT = "incident"
    """Opened by a person."""
    TEST = "test"
    """The whole chain is walked on purpose."""


class Advice(StrEnum):
    """What to do first, derived from what the PBX answers when it is asked."""

    NO_PHONE_REGISTERED = "no_phone_registered"
    NOBODY_LOGGED_IN = "nobody_logged_in"
    ALL_PAUSED = "all_paused"
    ALL_TALKING = "all_talking"
    RANG_NOT_PICKED_UP = "rang_not_picked_up"
    UNKNOWN = "unknown"
    """The PBX could not be asked, or its answer tells nothing."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who waits, or was missed; `number` as it arrived, None for anonymous."""

    number: str | None
    since: float


@dataclass(frozen=True, slots=True)
class BlindTime:
    """A PBX was not seen; `until` None: it still is not. `cause` is a GapCause's word."""

    pbx: str
    began_at: float
    until: float | None
    cause: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The unanswered clock of a line.

    `seconds` is what it shows, duty hours only. `waiting` are the first of the `waiting_count` who
    are still there, `missed` the first of `missed_count`; of `lost_count` callers
    nobody knows how their calls ended. In `blind` nobody knows whether somebody answered; while a
    PBX is out of sight, `unseen_count` of those who wait are only known to have waited before.
    `last_answer_by` answered last, at `last_answer_at`. `agents` are whom the advice is about.
    """

    since: float
    seconds: float
    waiting: tuple[Caller, ...] = ()
    missed: tuple[Caller, ...] = ()
    missed_count: int = 0
    lost_count: int = 0
    last_answer_at: float | None = None
    last_answer_by: str | None = None
    blind: tuple[BlindTime, ...] = ()
    advice: tuple[Advice, ...] = (Advice.UNKNOWN,)
    agents: tuple[str, ...] = ()
    waiting_count: int = 0
    unseen_count: int = 0


@dataclass(frozen=True, slots=True)
class LongestWait:
    """One caller waits, of `waiting_count` who wait in all.

    In `blind` nobody saw the caller's PBX; of `unseen_count` it is only known that they waited
    before it went out of sight.
    """

    caller: Caller
    waiting_count: int
    advice: tuple[Advice, ...] = (Advice.UNKNOWN,)
    agents: tuple[str, ...] = ()
    blind: tuple[BlindTime, ...] = ()
    unseen_count: int = 0


@dataclass(frozen=True, slots=True)
class Blind:
    """The line's PBXs that are out of sight, or were; `waiting_count` callers waited then."""

    pbxs: tuple[BlindTime, ...]
    waiting_count: int = 0


@dataclass(frozen=True, slots=True)
class AnswerRate:
    """`period` is `day` or `month`; `answered` of `rung`; `target` is between 0 and 1."""

    period: str
    answered: int
    rung: int
    target: float


@dataclass(frozen=True, slots=True)
class RosterGap:
    """Nobody has `role` on the line from `begins_at` until `ends_at`, which are duty hours."""

    role: str
    begins_at: float
    ends_at: float


@dataclass(frozen=True, slots=True)
class CalendarEnding:
    """Holidays of `calendar` are known up to and including `last_day` (ISO 8601)."""

    calendar: str
    last_day: str


@dataclass(frozen=True, slots=True)
class DeliveryStuck:
    """`waiting` tickets, or pages, wait for `destination`, the oldest since `oldest_at`."""

    destination: str
    waiting: int
    oldest_at: float
    why: str | None
    is_channel: bool = False


@dataclass(frozen=True, slots=True)
class NotReloaded:
    """`file` is `config`, `roster` or `contacts`; `why` is its first mistake, of `more` others.

    `kept`: what was read before stays in force; else there is none.
    """

    file: str
    since: float
    why: str
    more: int
    kept: bool


@dataclass(frozen=True, slots=True)
class StoreFailing:
    """`why` is the line for the operator; `lines` are unanswered beyond their limit meanwhile."""

    since: float
    why: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Incident:
    """Opened by a person: `title` in their words."""

    title: str
    by: str


@dataclass(frozen=True, slots=True)
class Test:
    """Nothing is wrong: somebody, or the weekly plan, tests the chain."""

    __test__ = False  # no test of pytest

    by: str


Subject = (
    Unanswered
    | LongestWait
    | Blind
    | AnswerRate
    | RosterGap
    | CalendarEnding
    | DeliveryStuck
    | NotReloaded
    | StoreFailing
    | Incident
    | Test
)
"""What an alert says about its kind."""


@dataclass(frozen=True, slots=True)
class Warned:
    """Not an alert yet: half of the limit or more is over, and the first step was told."""

    at: float


@dataclass(frozen=True, slots=True)
class Firing:
    """Being escalated: step number `step` (from 0) comes at `next_at`; after the last, repeats.

    `at` is when it fired; silences have held the steps up for `held_seconds` since.
    """

    at: float
    step: int
    next_at: float
    held_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Somebody takes care: no repeats, no escalation. `fired_at` is when it fired."""

    fired_at: float
    at: float
    by: str
    why: str | None = None


BY_LINK: Final = "by the link in the page"
"""The `why` of who acknowledged so; in pages it is left out, as nobody has said it."""


class Ending(StrEnum):
    """Why an alert is over."""

    ANSWERED = "answered"
    """An agent answered on the line."""
    REACHED = "reached"
    """Everybody who was missed was reached."""
    LEFT = "left"
    """The caller whose wait it was about waits no more."""
    RECOVERED = "recovered"
    """What was wrong is well again: the PBX is in sight, the rate above the target ..."""
    PERIOD_OVER = "period_over"
    """The day or month whose rate it was is over."""
    TAKEN_OUT = "taken_out"
    """The calls that led to it count nowhere, as it turned out, or the line was taken out."""
    BY_PERSON = "by_person"
    """Somebody said so, with a reason."""
    TEST_OVER = "test_over"


@dataclass(frozen=True, slots=True)
class Resolved:
    """Over. `fired_at` None: it never fired, only warned.

    `by` is who answered, or who said so; `why` is their reason, in their words.
    """

    fired_at: float | None
    at: float
    ending: Ending
    by: str | None = None
    why: str | None = None


State = Warned | Firing | Acknowledged | Resolved


class Route(NamedTuple):
    """One way to somebody: a channel's name, and who is meant there, as that channel says it.

    `address` is a mobile number to be mentioned, a mail address, an Apprise URL, None for a channel
    that leads to one place.
    """

    channel: str
    address: str | None = None


class Recipient(NamedTuple):
    """Somebody who is paged. `routes` in order: the next is taken when one rejects.

    `role` is why they are paged, None for a channel that is told of everything. `language` None is
    the configured one.
    """

    name: str
    role: str | None
    routes: tuple[Route, ...]
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """One condition on one line. Key: `number`, which counts from 1, for people to type.

    `line` None: it concerns the daemon as a whole. `about` tells several of one kind on one line
    apart: a destination, a period, a role. `since` is when the condition began, `limit_at` when it
    became an alert by its limit: lateness counts from there. `paged` are all who were told, by
    `pages` pages.
    """

    number: int
    kind: Kind
    line: str | None
    about: str | None
    since: float
    limit_at: float
    state: State
    subject: Subject
    paged: tuple[Recipient, ...] = ()
    pages: int = 0

    @property
    def key(self) -> tuple[Kind, str | None, str | None]:
        """(kind, line, about): of these one alert is open at a time."""
        return self.kind, self.line, self.about

    @property
    def is_over(self) -> bool:
        return isinstance(self.state, Resolved)


class PageEvent(StrEnum):
    """Why somebody is told."""

    WARNING = "warning"
    FIRING = "firing"
    REPEAT = "repeat"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Page:
    """One message to one recipient about one alert, as it stood when that was decided.

    Key: (alert.number, seq), seq counting from 0 within the alert. `due_at` is the instant it
    should have been sent at, `down` the time in which ctid did not run and it became due.
    """

    seq: int
    alert: Alert
    event: PageEvent
    recipient: Recipient
    due_at: float
    decided_at: float
    down: tuple[float, float] | None = None

    @property
    def key(self) -> str:
        """What the message is known by on the way, also to the other side."""
        return f"{self.alert.number}-{self.seq}"


class Silence(NamedTuple):
    """No pages for `lines` and `kinds` (empty: all) from `begins_at` until `ends_at`.

    Key: `number`, from 1. Alerts still come and go, and are shown as silenced.
    """

    number: int
    lines: frozenset[str]
    kinds: frozenset[Kind]
    begins_at: float
    ends_at: float
    owner: str
    why: str

    def holds(self, kind: Kind, line: str | None, at: float) -> bool:
        """Whether it keeps quiet about this, then."""
        return (
            self.begins_at <= at < self.ends_at
            and (not self.kinds or kind in self.kinds)
            and (not self.lines or line in self.lines)
        )
