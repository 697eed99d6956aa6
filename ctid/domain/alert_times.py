"""The times of alerts: held up by a silence, moved with our clock, ended by people. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from ctid.domain.alerts import Acknowledged, Alert, Ending, Firing, Kind, Resolved, State, Warned

_BY_OUR_CLOCK: Final = frozenset(
    {Kind.UNANSWERED, Kind.LONGEST_WAIT, Kind.BLIND, Kind.INCIDENT, Kind.TEST}
)


def put_off(state: Firing, seconds: float) -> Firing:
    """The steps that are left come so much later: a silence holds up all of them."""
    return replace(
        state, next_at=state.next_at + seconds, held_seconds=state.held_seconds + seconds
    )


def at_first_step(alert: Alert, now: float) -> Alert:
    """The same with all its steps before it, which count from now."""
    state = alert.state
    if isinstance(state, Firing):
        state = replace(state, step=0, next_at=now, held_seconds=now - state.at)
    return replace(alert, state=state)


def fired_at(state: State) -> float | None:
    """When it fired; None: it only warned."""
    match state:
        case Firing(at=at) | Acknowledged(fired_at=at):
            return at
        case Resolved(fired_at=fired_at):
            return fired_at
        case Warned():
            return None


def begins_by_our_clock(kind: Kind) -> bool:
    """Whether `since` is a time that the daemon's clock has shown.

    Else it stands elsewhere, and stays: midnight, the begin of a shift, the time in a row.
    """
    return kind in _BY_OUR_CLOCK


def shifted(alert: Alert, seconds: float) -> Alert:
    """The same after the daemon's clock was set by so much: it is as old as it was."""
    state = alert.state
    if isinstance(state, Firing):
        state = replace(state, at=state.at + seconds, next_at=state.next_at + seconds)
    elif isinstance(state, Warned):
        state = Warned(state.at + seconds)
    since = alert.since + seconds if begins_by_our_clock(alert.kind) else alert.since
    return replace(alert, since=since, limit_at=alert.limit_at + seconds, state=state)


def closed_by_people(alerts: Iterable[Alert]) -> dict[str, float]:
    """When a person closed the clock of a line last; of alerts in the order of their numbers."""
    return {
        alert.line: alert.state.at
        for alert in alerts
        if alert.kind is Kind.UNANSWERED
        and alert.line is not None
        and isinstance(alert.state, Resolved)
        and alert.state.ending is Ending.BY_PERSON
    }
