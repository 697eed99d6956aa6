"""The times of an alert that is put off, or whose clock was set. All times are Unix seconds."""

from dataclasses import replace

from ctid.domain.alerts import Acknowledged, Alert, Firing, Resolved, State, Warned


def put_off(state: Firing, seconds: float) -> Firing:
    """The steps that are left come so much later: a silence holds up all of them."""
    return replace(
        state, next_at=state.next_at + seconds, held_seconds=state.held_seconds + seconds
    )


def fired_at(state: State) -> float | None:
    """When it fired, None: it never did."""
    match state:
        case Firing(at=at) | Acknowledged(fired_at=at):
            return at
        case Resolved(fired_at=fired_at):
            return fired_at
        case Warned():
            return None


def shifted(alert: Alert, seconds: float) -> Alert:
    """As if everything had come so much later: the clock was set."""
    state = alert.state
    if isinstance(state, Firing):
        state = replace(state, at=state.at + seconds, next_at=state.next_at + seconds)
    elif isinstance(state, Warned):
        state = Warned(state.at + seconds)
    return replace(
        alert, since=alert.since + seconds, limit_at=alert.limit_at + seconds, state=state
    )
