"""What machines are told about each kind of alert: a name, how bad it is, and a few words."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from ctid.domain.alerts import Alert, Kind, Resolved, Warned

Severity = Literal["critical", "warning", "info"]
"""Words that both Alertmanager's users and PagerDuty know."""


class KindWords(NamedTuple):
    """`alertname` is Alertmanager's; `words` stand where nobody wrote a better title."""

    alertname: str
    severity: Severity
    words: str


KINDS: Final[Mapping[Kind, KindWords]] = {
    Kind.UNANSWERED: KindWords("CtidLineUnanswered", "critical", "nobody answers"),
    Kind.LONGEST_WAIT: KindWords("CtidLongestWait", "critical", "one caller waits too long"),
    Kind.BLIND: KindWords("CtidBlind", "critical", "a PBX is out of sight"),
    Kind.ANSWER_RATE: KindWords("CtidAnswerRate", "warning", "the answer rate is below target"),
    Kind.ROSTER_GAP: KindWords("CtidRosterGap", "warning", "nobody is on the roster"),
    Kind.CALENDAR_ENDING: KindWords("CtidCalendarEnding", "warning", "the calendar is ending"),
    Kind.DELIVERY_STUCK: KindWords("CtidDeliveryStuck", "warning", "deliveries do not arrive"),
    Kind.NOT_RELOADED: KindWords("CtidNotReloaded", "warning", "a file cannot be read again"),
    Kind.STORE_FAILING: KindWords("CtidStoreFailing", "critical", "records cannot be written"),
    Kind.INCIDENT: KindWords("CtidIncident", "critical", "an incident was opened"),
    Kind.TEST: KindWords("CtidTest", "info", "a test: nothing is wrong"),
}


class Origin(NamedTuple):
    """The installation that alerts come from.

    `specialties` by line; `public_url` is where people can look at it, None for nowhere.
    """

    site: str
    specialties: Mapping[str, str] = {}
    public_url: str | None = None


def never_fired(alert: Alert) -> bool:
    """Whether it is, or was to its end, a warning only."""
    state = alert.state
    return isinstance(state, Warned) or (isinstance(state, Resolved) and state.fired_at is None)


def severity(alert: Alert) -> Severity:
    """That of its kind; of what only warns at most `warning`."""
    whole = KINDS[alert.kind].severity
    return "warning" if whole == "critical" and never_fired(alert) else whole


def words(alert: Alert) -> str:
    """One line for machines' lists, where there is no rendered title."""
    return f"{alert.line or 'ctid'}: {KINDS[alert.kind].words}"
