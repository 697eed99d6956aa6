"""An alert as Alertmanager's API v2 takes it.

Alertmanager knows an alert by all its labels together, so they are the same for as long as it
lasts: no figure and no time is among them. A warning is an alert of its own there, with another
severity: rules of others route and inhibit by just that label.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from ctid.domain.alerts import Acknowledged, Alert, Kind, Resolved
from ctid.outbound.pages.kinds import KINDS, Origin, severity

WATCHDOG: Final = "CtidWatchdog"
"""The alert that always fires while ctid lives."""

_NUMBERED: Final = frozenset({Kind.INCIDENT, Kind.TEST})
"""Of these one line may have several at a time, which only their numbers tell apart."""

_ABOUT: Final = {
    Kind.ANSWER_RATE: "period",
    Kind.ROSTER_GAP: "role",
    Kind.CALENDAR_ENDING: "calendar",
    Kind.DELIVERY_STUCK: "destination",
    Kind.NOT_RELOADED: "file",
}
"""The name of the label for what an alert is about."""

Labels = tuple[tuple[str, str], ...]


class Words(NamedTuple):
    """What people read about an alert: a line, and the whole text."""

    title: str
    text: str


class Form(NamedTuple):
    """One alert; times are Unix seconds. `ends_at` None: it lasts."""

    labels: Labels
    annotations: Mapping[str, str]
    starts_at: float
    ends_at: float | None
    generator_url: str | None

    def document(self) -> dict[str, Any]:
        """What is posted, in a list."""
        found: dict[str, Any] = {
            "labels": dict(self.labels),
            "annotations": dict(self.annotations),
            "startsAt": iso(self.starts_at),
        }
        if self.ends_at is not None:
            # one that ends before it begins would be refused
            found["endsAt"] = iso(max(self.starts_at, self.ends_at))
        if self.generator_url is not None:
            found["generatorURL"] = self.generator_url
        return found


def form(alert: Alert, words: Words, origin: Origin) -> Form:
    """The alert as it stands."""
    state = alert.state
    annotations = {
        "summary": words.title,
        "description": words.text,
        "alert": str(alert.number),
    }
    if isinstance(state, Acknowledged):
        annotations["acknowledged_by"] = state.by
    if isinstance(state, Resolved):
        annotations["resolved"] = state.ending.value
    return Form(
        labels_of(alert, origin),
        annotations,
        starts_at=_began(alert),
        ends_at=state.at if isinstance(state, Resolved) else None,
        generator_url=origin.public_url,
    )


def watchdog(origin: Origin, began_at: float) -> Form:
    """The alert that says: ctid lives, and the way to Alertmanager is open."""
    return Form(
        (("alertname", WATCHDOG), ("severity", "none"), ("site", origin.site)),
        {"summary": "ctid lives: raise an alarm when this alert is missing"},
        starts_at=began_at,
        ends_at=None,
        generator_url=origin.public_url,
    )


def labels_of(alert: Alert, origin: Origin) -> Labels:
    """By which Alertmanager knows it, in the order of their names."""
    found = {
        "alertname": KINDS[alert.kind].alertname,
        "kind": alert.kind.value,
        "severity": severity(alert),
        "site": origin.site,
        **_apart(alert),
    }
    if alert.line is not None:
        found["line"] = alert.line
        if specialty := origin.specialties.get(alert.line):
            found["specialty"] = specialty
    return tuple(sorted(found.items()))


def last_of_each(forms: Iterable[Form]) -> list[Form]:
    """One for each set of labels: the last."""
    return list({each.labels: each for each in forms}.values())


def iso(at: float) -> str:
    """RFC 3339."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def _apart(alert: Alert) -> dict[str, str]:
    """What tells it from others of its kind on its line."""
    if alert.kind in _NUMBERED:
        return {"alert": str(alert.number)}
    return {} if alert.about is None else {_ABOUT.get(alert.kind, "about"): alert.about}


def _began(alert: Alert) -> float:
    """When it fired; of what never did, when it warned or, if that is not known, began."""
    state = alert.state
    if isinstance(state, Acknowledged):
        return state.fired_at
    if isinstance(state, Resolved):
        return alert.since if state.fired_at is None else state.fired_at
    return state.at
