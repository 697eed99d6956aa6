"""What is published, retained, about each line and each open alert: docs/mqtt.md has the fields.

Only what changes with an event stands in it, no seconds that count: the broker's clients compute
them. Numbers of callers do not.
"""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

import orjson

from ctid.domain.alerts import Acknowledged, Alert, Firing, Warned
from ctid.outbound.mqtt import topics


class LineState(NamedTuple):
    """One line now. Times are Unix seconds.

    `unanswered_since` is when its clock opened, None while that is closed; `limit_at` when it fires
    if nobody answers, None if that is not to be told. `waiting` callers are there. `in_sight`: all
    its PBXs are seen. `alerts` are the numbers of those that are open.
    """

    name: str
    title: str
    specialty: str
    on_duty: bool
    unanswered_since: float | None
    limit_at: float | None
    waiting: int
    in_sight: bool
    alerts: tuple[int, ...]


class Standing(NamedTuple):
    """All that is published. `silenced` are the numbers of alerts that nobody is paged about."""

    lines: Iterable[LineState]
    alerts: Iterable[Alert]
    silenced: Collection[int] = ()


def documents(site: str, standing: Standing) -> dict[str, bytes]:
    """Payload by topic. An alert that is over is not there any more."""
    found = {
        topics.STATE_OF_LINE.at(site, line.name): orjson.dumps(line._asdict())
        for line in standing.lines
    }
    for alert in standing.alerts:
        if not alert.is_over:
            topic = topics.STATE_OF_ALERT.at(site, str(alert.number))
            found[topic] = orjson.dumps(_alert(alert, alert.number in standing.silenced))
    return found


def _alert(alert: Alert, silenced: bool) -> dict[str, Any]:  # noqa: FBT001 - a fact about it
    found: dict[str, Any] = {
        "alert": alert.number,
        "kind": alert.kind.value,
        "line": alert.line,
        "about": alert.about,
        "since": alert.since,
        "limit_at": alert.limit_at,
        "silenced": silenced,
        "paged": [recipient.name for recipient in alert.paged],
    }
    match alert.state:
        case Warned(at=at):
            found |= {"state": "warning", "warned_at": at}
        case Firing(at=at, step=step, next_at=next_at):
            found |= {"state": "firing", "fired_at": at, "step": step, "next_at": next_at}
        case Acknowledged(fired_at=fired_at, at=at, by=by, why=why):
            found |= {
                "state": "acknowledged",
                "fired_at": fired_at,
                "acknowledged_at": at,
                "by": by,
                "why": why,
            }
    return found
