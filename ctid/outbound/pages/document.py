"""A message as a JSON document for machines: docs/page.schema.json.

Numbers of callers are masked in it, always: it goes where the text goes. Of a recipient it holds
the name, never where they are reached.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from pydantic import TypeAdapter

from ctid.domain.alerts import (
    Acknowledged,
    Alert,
    Caller,
    Firing,
    Kind,
    LongestWait,
    Page,
    PageEvent,
    Resolved,
    State,
    Subject,
    Unanswered,
    Warned,
)
from ctid.domain.drafts import LineName
from ctid.domain.masking import masked_number
from ctid.outbound.plain import plain_parts
from ctid.outbound.wording import Language

VERSION: Final = 1
"""Grows when a field changes its meaning or goes; fields may be added without."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the alert stands."""

    name: Literal["warned", "firing", "acknowledged", "resolved"]
    at: float
    fired_at: float | None
    ending: str | None
    by: str | None
    why: str | None


@dataclass(frozen=True, slots=True)
class Down:
    """The time in which ctid did not run, and the page became due."""

    began_at: float
    until: float


@dataclass(frozen=True, slots=True)
class PagePart:
    """One page."""

    key: str
    alert: int
    kind: Kind
    event: PageEvent
    line: LineName | None
    about: str | None
    since: float
    limit_at: float
    state: Standing
    subject: Subject
    recipient: str
    role: str | None
    due_at: float
    decided_at: float
    down: Down | None
    acknowledge_url: str | None


@dataclass(frozen=True, slots=True)
class Document:
    """One message."""

    version: int
    key: str
    site: str
    language: Language
    title: str
    text: str
    pages: tuple[PagePart, ...]


DOCUMENT: Final = TypeAdapter(Document)


def document(
    key: str,
    site: str,
    language: Language,
    title: str,
    text: str,
    pages: Sequence[Page],
    lines: Mapping[str, LineName],
    links: Mapping[str, str],
) -> bytes:
    """The document; `links` are the addresses to acknowledge at, by key of a page."""
    parts = tuple(_part(page, lines, links.get(page.key)) for page in pages)
    whole = Document(VERSION, key, site, language, title, text, parts)
    return DOCUMENT.dump_json(whole)


def _part(page: Page, lines: Mapping[str, LineName], link: str | None) -> PagePart:
    alert = page.alert
    made = PagePart(
        key=page.key,
        alert=alert.number,
        kind=alert.kind,
        event=page.event,
        line=_line(alert, lines),
        about=alert.about,
        since=alert.since,
        limit_at=alert.limit_at,
        state=_standing(alert.state),
        subject=_masked(alert.subject),
        recipient=page.recipient.name,
        role=page.recipient.role,
        due_at=page.due_at,
        decided_at=page.decided_at,
        down=None if page.down is None else Down(*page.down),
        acknowledge_url=None,
    )
    return replace(plain_parts(made), acknowledge_url=link)


def _line(alert: Alert, lines: Mapping[str, LineName]) -> LineName | None:
    if alert.line is None:
        return None
    return lines.get(alert.line) or LineName(alert.line, alert.line, "")


def _standing(state: State) -> Standing:
    match state:
        case Warned(at=at):
            return Standing("warned", at, None, None, None, None)
        case Firing(at=at):
            return Standing("firing", at, at, None, None, None)
        case Acknowledged(fired_at=fired_at, at=at, by=by, why=why):
            return Standing("acknowledged", at, fired_at, None, by, why)
        case Resolved(fired_at=fired_at, at=at, ending=ending, by=by, why=why):
            return Standing("resolved", at, fired_at, ending.value, by, why)


def _masked(subject: Subject) -> Subject:
    match subject:
        case Unanswered(waiting=waiting, missed=missed):
            return replace(
                subject, waiting=tuple(map(_hidden, waiting)), missed=tuple(map(_hidden, missed))
            )
        case LongestWait(caller=caller):
            return replace(subject, caller=_hidden(caller))
        case _:
            return subject


def _hidden(caller: Caller) -> Caller:
    return caller if caller.number is None else Caller(masked_number(caller.number), caller.since)
