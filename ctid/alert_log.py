"""What the log says of alerts: each turn of one in a line, and who is paged about it."""

from collections.abc import Iterable
from typing import Final

import structlog

from ctid.domain.alerts import (
    Acknowledged,
    Alert,
    Ending,
    Firing,
    PageEvent,
    Resolved,
    State,
    Warned,
)
from ctid.domain.told import Told

log = structlog.get_logger("ctid")

_PAGED: Final = (PageEvent.WARNING, PageEvent.FIRING, PageEvent.REPEAT)
"""Who hears that it was taken or is over are those who were paged before."""


class AlertLog:
    """Knows how each open alert stood when it was last told, so that a step is no turn."""

    def __init__(self) -> None:
        self._stood: dict[int, type[State]] = {}

    def restore(self, alerts: Iterable[Alert]) -> None:
        """Take them for told; the last daemon did."""
        self._stood = {alert.number: type(alert.state) for alert in alerts}

    def tell(self, told: Told) -> None:
        """Write a line for each turn, and for each event about which people are paged."""
        for alert in told.alerts:
            if self._stood.get(alert.number) is not type(alert.state):
                self._stood[alert.number] = type(alert.state)
                _turn(alert)
            if isinstance(alert.state, Resolved):
                del self._stood[alert.number]
        paged: dict[tuple[int, PageEvent], list[str]] = {}
        for page in told.pages:
            if page.event in _PAGED:
                paged.setdefault((page.alert.number, page.event), []).append(page.recipient.name)
        for (number, event), names in paged.items():
            log.info("alert_paged", alert=number, because=event.value, to=names)


def _turn(alert: Alert) -> None:
    what = {"alert": alert.number, "kind": alert.kind.value, "line": alert.line}
    match alert.state:
        case Warned():
            log.info("alert_warned", **what)
        case Firing():
            log.warning("alert_fired", **what)
        case Resolved(ending=ending, by=by):
            if ending is not Ending.BY_PERSON:  # of which a line tells who and why
                log.info("alert_over", **what, ending=ending.value, by=by)
        case Acknowledged():
            pass  # the same
