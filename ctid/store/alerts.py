"""Alerts and pages as JSON text and back.

A state and a subject carry a word, `is`, for which one they are: several of them have the same
fields. Text that is none (lone surrogates) is replaced by "?".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Final

import orjson
from pydantic import Discriminator, Tag, TypeAdapter, ValidationError

from ctid.domain.alerts import (
    Acknowledged,
    Alert,
    AnswerRate,
    Blind,
    CalendarEnding,
    DeliveryStuck,
    Firing,
    Incident,
    Kind,
    LongestWait,
    NotReloaded,
    Page,
    PageEvent,
    Recipient,
    Resolved,
    RosterGap,
    Route,
    State,
    StoreFailing,
    Subject,
    Test,
    Unanswered,
    Warned,
)

_WORD: Final = "is"
_which: Final = Discriminator(lambda document: document.get(_WORD))

STATES: Final[Mapping[type[State], str]] = {
    Warned: "warned",
    Firing: "firing",
    Acknowledged: "acknowledged",
    Resolved: "resolved",
}
"""How a state is called in the store."""

_SUBJECTS: Final[Mapping[type[Subject], str]] = {
    Unanswered: "unanswered",
    LongestWait: "longest_wait",
    Blind: "blind",
    AnswerRate: "answer_rate",
    RosterGap: "roster_gap",
    CalendarEnding: "calendar_ending",
    DeliveryStuck: "delivery_stuck",
    NotReloaded: "not_reloaded",
    StoreFailing: "store_failing",
    Incident: "incident",
    Test: "test",
}

_StateDocument = Annotated[
    Annotated[Warned, Tag("warned")]
    | Annotated[Firing, Tag("firing")]
    | Annotated[Acknowledged, Tag("acknowledged")]
    | Annotated[Resolved, Tag("resolved")],
    _which,
]
_SubjectDocument = Annotated[
    Annotated[Unanswered, Tag("unanswered")]
    | Annotated[LongestWait, Tag("longest_wait")]
    | Annotated[Blind, Tag("blind")]
    | Annotated[AnswerRate, Tag("answer_rate")]
    | Annotated[RosterGap, Tag("roster_gap")]
    | Annotated[CalendarEnding, Tag("calendar_ending")]
    | Annotated[DeliveryStuck, Tag("delivery_stuck")]
    | Annotated[NotReloaded, Tag("not_reloaded")]
    | Annotated[StoreFailing, Tag("store_failing")]
    | Annotated[Incident, Tag("incident")]
    | Annotated[Test, Tag("test")],
    _which,
]


@dataclass(frozen=True, slots=True)
class _RouteDocument:
    channel: str
    address: str | None


@dataclass(frozen=True, slots=True)
class _RecipientDocument:
    name: str
    role: str | None
    routes: tuple[_RouteDocument, ...]
    language: str | None

    def read(self) -> Recipient:
        routes = tuple(Route(route.channel, route.address) for route in self.routes)
        return Recipient(self.name, self.role, routes, self.language)


@dataclass(frozen=True, slots=True)
class _AlertDocument:
    number: int
    kind: Kind
    line: str | None
    about: str | None
    since: float
    limit_at: float
    state: _StateDocument
    subject: _SubjectDocument
    paged: tuple[_RecipientDocument, ...]
    pages: int

    def read(self) -> Alert:
        return Alert(
            number=self.number,
            kind=self.kind,
            line=self.line,
            about=self.about,
            since=self.since,
            limit_at=self.limit_at,
            state=self.state,
            subject=self.subject,
            paged=tuple(recipient.read() for recipient in self.paged),
            pages=self.pages,
        )


@dataclass(frozen=True, slots=True)
class _PageDocument:
    seq: int
    event: PageEvent
    recipient: _RecipientDocument
    due_at: float
    decided_at: float
    down: tuple[float, float] | None
    alert: _AlertDocument

    def read(self) -> Page:
        return Page(
            seq=self.seq,
            alert=self.alert.read(),
            event=self.event,
            recipient=self.recipient.read(),
            due_at=self.due_at,
            decided_at=self.decided_at,
            down=self.down,
        )


_ALERT: Final = TypeAdapter(_AlertDocument)
_PAGE: Final = TypeAdapter(_PageDocument)


def alert_to_json(alert: Alert) -> str:
    """One line of JSON."""
    return _text(_alert_document(alert))


def alert_from_json(text: str | bytes) -> Alert:
    """Read what `alert_to_json` wrote; unknown fields are left out. Raises ValueError, one line."""
    try:
        return _ALERT.validate_json(text).read()
    except ValidationError as error:
        raise ValueError(f"no alert: {_first(error)}") from None


def page_to_json(page: Page) -> str:
    """One line of JSON."""
    return _text(
        {
            "seq": page.seq,
            "event": page.event,
            "recipient": _recipient_document(page.recipient),
            "due_at": page.due_at,
            "decided_at": page.decided_at,
            "down": page.down,
            "alert": _alert_document(page.alert),
        }
    )


def page_from_json(text: str | bytes) -> Page:
    """Read what `page_to_json` wrote; unknown fields are left out. Raises ValueError, one line."""
    try:
        return _PAGE.validate_json(text).read()
    except ValidationError as error:
        raise ValueError(f"no page: {_first(error)}") from None


def _alert_document(alert: Alert) -> dict[str, Any]:
    return {
        "number": alert.number,
        "kind": alert.kind,
        "line": alert.line,
        "about": alert.about,
        "since": alert.since,
        "limit_at": alert.limit_at,
        "state": {_WORD: STATES[type(alert.state)], **_fields(alert.state)},
        "subject": {_WORD: _SUBJECTS[type(alert.subject)], **_fields(alert.subject)},
        "paged": [_recipient_document(recipient) for recipient in alert.paged],
        "pages": alert.pages,
    }


def _recipient_document(recipient: Recipient) -> dict[str, Any]:
    return {**recipient._asdict(), "routes": [route._asdict() for route in recipient.routes]}


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _text(document: dict[str, Any]) -> str:
    try:
        return orjson.dumps(document).decode()
    except orjson.JSONEncodeError:
        # a lone surrogate, which is no text; the slow encoder lets it pass
        text = json.dumps(document, default=_fields, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace").decode()


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "the document"
    return f"{place}: {first['msg']}"
