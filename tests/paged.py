"""Alerts, pages and messages for the tests of channels to machines."""

from dataclasses import replace
from typing import Any

import orjson

from ctid.domain.alerts import (
    Acknowledged,
    Alert,
    Ending,
    Firing,
    Incident,
    Kind,
    Page,
    PageEvent,
    Recipient,
    Resolved,
    Route,
    State,
    Subject,
    Unanswered,
    Warned,
)
from ctid.outbound.pages.port import Message

BEGAN, FIRED, ACKED, ENDED = 1_795_741_200.0, 1_795_742_100.0, 1_795_742_160.0, 1_795_742_400.0
WARNED = BEGAN + 600
LEI = Recipient("Li Lei", "first_line", (Route("alertmanager"),))

warned = Warned(WARNED)
firing = Firing(FIRED, 0, FIRED)
acknowledged = Acknowledged(FIRED, ACKED, "Li Lei", "on it")
resolved = Resolved(FIRED, ENDED, Ending.ANSWERED, "Han Meimei")
only_warned = Resolved(None, ENDED, Ending.ANSWERED, "Han Meimei")

EVENTS: dict[type[State], PageEvent] = {
    Warned: PageEvent.WARNING,
    Firing: PageEvent.FIRING,
    Acknowledged: PageEvent.ACKNOWLEDGED,
    Resolved: PageEvent.RESOLVED,
}


def alert(
    number: int = 7,
    state: State = firing,
    *,
    kind: Kind = Kind.UNANSWERED,
    line: str | None = "network",
    about: str | None = None,
    subject: Subject | None = None,
) -> Alert:
    subject = subject or Unanswered(since=BEGAN, seconds=900.0, missed_count=3)
    return Alert(number, kind, line, about, BEGAN, FIRED, state, subject, (LEI,), 1)


def incident(number: int, state: State = firing, line: str | None = "network") -> Alert:
    subject = Incident("Core switch is down", "Li Lei")
    about = f"{FIRED:.3f}"
    return alert(number, state, kind=Kind.INCIDENT, line=line, about=about, subject=subject)


def page(about: Alert, seq: int = 0, event: PageEvent | None = None) -> Page:
    told = event or EVENTS[type(about.state)]
    return Page(seq, about, told, LEI, due_at=FIRED, decided_at=FIRED)


def message(*pages: Page, **changes: Any) -> Message:
    """One that folds these together."""
    made = Message(
        key="+".join(each.key for each in pages),
        pages=pages,
        title="network: nobody answers",
        text="Since 12:00 nobody has answered.\nFirst: no phone registered.",
        links=(),
        data=orjson.dumps({"pages": [each.key for each in pages]}),
        address=None,
    )
    return replace(made, **changes)


def about(shown: Alert, **changes: Any) -> Message:
    """The message of one page."""
    return message(page(shown), **changes)
