"""Alerts, pages and silences as rows, and silences back."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Dialect, func

from ctid.domain.alerts import (
    Acknowledged,
    Alert,
    Firing,
    Kind,
    Page,
    Resolved,
    Route,
    Silence,
    State,
    Warned,
)
from ctid.store import db
from ctid.store.alerts import STATES, alert_to_json, page_to_json
from ctid.store.pages import PageState
from ctid.store.schema import alert as alert_table
from ctid.store.schema import page as page_table
from ctid.store.texts import optional_text, text

NOWHERE = Route("")
"""Where a page goes whose recipient has no channel at all: nobody has one of this name."""


def alert_write(dialect: Dialect) -> db.Write:
    """Overwrite an alert; who acknowledged it stays known when it is over."""
    insert = db.insert_for(alert_table, dialect)
    new, old = insert.excluded, alert_table.c
    kept = ("acknowledged_at", "acknowledged_by")
    values = {
        column.name: func.coalesce(new[column.name], old[column.name])
        if column.name in kept
        else new[column.name]
        for column in alert_table.columns
        if not column.primary_key
    }
    return db.compile_write(
        insert.on_conflict_do_update(index_elements=["number"], set_=values), dialect
    )


def alert_row(alert: Alert) -> db.Row:
    """Give the row of table `alert`."""
    told = _told(alert.state)
    return (
        alert.number,
        str(alert.kind),
        optional_text(alert.line),
        optional_text(alert.about),
        alert.since,
        alert.limit_at,
        STATES[type(alert.state)],
        told.fired_at,
        told.ended_at,
        told.ending,
        told.acknowledged_at,
        optional_text(told.acknowledged_by),
        optional_text(told.resolved_by),
        optional_text(told.why),
        text(alert_to_json(alert)),
    )


class _Told(NamedTuple):
    """What the columns say about a state."""

    fired_at: float | None = None
    ended_at: float | None = None
    ending: str | None = None
    acknowledged_at: float | None = None
    acknowledged_by: str | None = None
    resolved_by: str | None = None
    why: str | None = None


def _told(state: State) -> _Told:
    match state:
        case Warned():
            return _Told()
        case Firing(at=at):
            return _Told(at)
        case Acknowledged(fired_at=fired_at, at=at, by=by, why=why):
            return _Told(fired_at, acknowledged_at=at, acknowledged_by=by, why=why)
        case Resolved(fired_at=fired_at, at=at, ending=ending, by=by, why=why):
            return _Told(fired_at, at, ending.value, resolved_by=by, why=why)


def page_write(dialect: Dialect) -> db.Write:
    """Add a page. One that is there is on its way already, and is left as it is."""
    insert = db.insert_for(page_table, dialect)
    return db.compile_write(insert.on_conflict_do_nothing(index_elements=["alert", "seq"]), dialect)


def page_row(page: Page) -> db.Row:
    """Give a new row of table `page`, due at once by its first route, whatever the clock says."""
    first = page.recipient.routes[0] if page.recipient.routes else NOWHERE
    return (
        page.alert.number,
        page.seq,
        str(page.event),
        text(page.recipient.name),
        optional_text(page.recipient.role),
        0,
        text(first.channel),
        optional_text(first.address),
        text(page_to_json(page)),
        PageState.PENDING.value,
        page.decided_at,
        page.due_at,
        0.0,
        None,
        0,
        None,
        None,
        "[]",
        None,
        None,
        None,
        None,
    )


def silence_row(silence: Silence) -> db.Row:
    """Give the row of table `silence`."""
    return (
        silence.number,
        orjson.dumps(sorted(map(text, silence.lines))).decode(),
        orjson.dumps(sorted(silence.kinds)).decode(),
        silence.begins_at,
        silence.ends_at,
        text(silence.owner),
        text(silence.why),
    )


def silence_from(row: Mapping[str, Any]) -> Silence:
    """Read a row of table `silence` back. Raises ValueError for a kind of a newer ctid."""
    values = dict(row)
    values["lines"] = frozenset(orjson.loads(values["lines"]))
    values["kinds"] = frozenset(map(Kind, orjson.loads(values["kinds"])))
    return Silence(**values)
