"""The documented JSON form of alerts, pages and silences (docs/api.md), for the API and commands.

Numbers of callers are masked in it, and of people it holds names, never where they are reached.
Times are ISO 8601 in UTC.
"""

import re
from dataclasses import fields, is_dataclass
from typing import Any, Final

from ctid.domain.alerts import (
    Acknowledged,
    Alert,
    Caller,
    Firing,
    Incident,
    Resolved,
    Silence,
    State,
    Warned,
)
from ctid.domain.masking import masked, masked_number
from ctid.output import iso
from ctid.store.alert_queries import AlertRow, PageRow

LISTED: Final = (
    "number", "kind", "line", "about", "state", "silenced", "since", "limit_at", "fired_at",
    "acknowledged_at", "acknowledged_by", "ended_at", "ending", "resolved_by", "why", "title",
)  # fmt: skip
"""The fields of an alert in a list."""
PAGE_FIELDS: Final = (
    "seq", "event", "recipient", "role", "channel", "state", "due_at", "decided_at", "settled_at",
    "next_at", "attempts", "reason", "detail", "tried",
)  # fmt: skip
SILENCE_FIELDS: Final = ("number", "lines", "kinds", "begins_at", "ends_at", "owner", "why")
_LONG_NUMBER: Final = re.compile(r"[0-9]{8,}")
_TIMES: Final = ("since", "limit_at", "fired_at", "acknowledged_at", "ended_at")


def row_document(row: AlertRow, *, silenced: bool) -> dict[str, Any]:
    """An alert as it stands in the store."""
    values = {**row._asdict(), "kind": row.kind.value, "silenced": silenced}
    values |= {name: iso(values[name]) for name in _TIMES}
    values["ending"] = None if row.ending is None else row.ending.value
    for name in ("why", "title"):
        values[name] = None if values[name] is None else masked(values[name])
    return {name: values[name] for name in LISTED}


def alert_document(alert: Alert, *, silenced: bool, before: State | None = None) -> dict[str, Any]:
    """An alert as the daemon has it, with what it is about and whom it was told to.

    `before` is how it stood when it was resolved: who took care stays known.
    """
    row = _row(alert)
    if isinstance(before, Acknowledged):
        row = row._replace(acknowledged_at=before.at, acknowledged_by=before.by)
    return {**row_document(row, silenced=silenced), **told(alert)}


def told(alert: Alert) -> dict[str, Any]:
    """What there is to say about an alert, and whom it was told to."""
    return {
        "subject": _plain(alert.subject),
        "paged": [{"name": one.name, "role": one.role} for one in alert.paged],
    }


def page_document(page: PageRow) -> dict[str, Any]:
    """A page and how its delivery stands. `next_at` only where it waits."""
    values = page._asdict()
    return {
        **{name: values[name] for name in PAGE_FIELDS},
        "event": page.event.value,
        "state": page.state.value,
        "due_at": iso(page.due_at),
        "decided_at": iso(page.decided_at),
        "settled_at": iso(page.settled_at),
        "next_at": iso(page.next_at) if page.settled_at is None and page.next_at else None,
        "detail": None if page.detail is None else readable(page.detail),
        "tried": [
            {
                "channel": left.channel,
                "at": iso(left.at),
                "reason": left.reason,
                "detail": readable(left.detail),
            }
            for left in page.tried
        ],
    }


def readable(detail: str) -> str:
    """Why a delivery failed: numbers of people masked, codes of errors whole."""
    return _LONG_NUMBER.sub(lambda found: masked(found[0]), detail)


def silence_document(silence: Silence) -> dict[str, Any]:
    """A silence; no lines, or no kinds, means all."""
    return {
        "number": silence.number,
        "lines": sorted(silence.lines),
        "kinds": sorted(kind.value for kind in silence.kinds),
        "begins_at": iso(silence.begins_at),
        "ends_at": iso(silence.ends_at),
        "owner": silence.owner,
        "why": masked(silence.why),
    }


def _row(alert: Alert) -> AlertRow:
    row = AlertRow(
        number=alert.number,
        kind=alert.kind,
        line=alert.line,
        about=alert.about,
        since=alert.since,
        limit_at=alert.limit_at,
        state=_name(alert.state),
        fired_at=None,
        ended_at=None,
        ending=None,
        acknowledged_at=None,
        acknowledged_by=None,
        resolved_by=None,
        why=None,
        title=alert.subject.title if isinstance(alert.subject, Incident) else None,
    )
    match alert.state:
        case Warned():
            return row
        case Firing(at=at):
            return row._replace(fired_at=at)
        case Acknowledged(fired_at=fired_at, at=at, by=by, why=why):
            return row._replace(fired_at=fired_at, acknowledged_at=at, acknowledged_by=by, why=why)
        case Resolved(fired_at=fired_at, at=at, ending=ending, by=by, why=why):
            return row._replace(
                fired_at=fired_at, ended_at=at, ending=ending, resolved_by=by, why=why
            )


def _name(state: State) -> str:
    return type(state).__name__.lower()


def _plain(value: Any) -> Any:
    """A subject as JSON; what people and PBXs wrote in it may hold numbers, too."""
    if isinstance(value, Caller):
        number = None if value.number is None else masked_number(value.number)
        return {"number": number, "since": iso(value.since)}
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _field(field.name, getattr(value, field.name)) for field in fields(value)
        }
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return masked(value) if isinstance(value, str) else value


def _field(name: str, value: Any) -> Any:
    if isinstance(value, float) and (name in ("since", "until") or name.endswith("_at")):
        return iso(value)
    return _plain(value)
