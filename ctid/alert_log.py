"""What the log says of alerts: each turn of one in a line, and who is paged about it."""

from collections.abc import Callable, Iterable
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
    """Knows how each open alert stood when it was last told, so that a step is no turn.

    `why_nobody` says why nobody is paged about one, None: it is not known.
    """

    def __init__(self, why_nobody: Callable[[Alert], str | None]) -> None:
        self._why_nobody = why_nobody
        self._stood: dict[int, type[State]] = {}
        self._begun: set[int] = set()

    def restore(self, alerts: Iterable[Alert]) -> None:
        """Take them for told; the last daemon did."""
        known = list(alerts)
        self._stood = {alert.number: type(alert.state) for alert in known}
        self._begun = {alert.number for alert in known if _has_begun(alert)}

    def tell(self, told: Told) -> None:
        """Write a line for each turn, and for each event about which people are paged, or none."""
        paged: dict[tuple[int, PageEvent], list[str]] = {}
        for page in told.pages:
            if page.event in _PAGED:
                paged.setdefault((page.alert.number, page.event), []).append(page.recipient.name)
        for alert in told.alerts:
            if self._stood.get(alert.number) is not type(alert.state):
                self._stood[alert.number] = type(alert.state)
                _turn(alert)
            if _has_begun(alert) and alert.number not in self._begun:
                self._begun.add(alert.number)
                if (alert.number, PageEvent.FIRING) not in paged:
                    why = self._why_nobody(alert)
                    log.warning("alert_paged_nobody", alert=alert.number, why=why)
            if isinstance(alert.state, Resolved):
                del self._stood[alert.number]
                self._begun.discard(alert.number)
        for (number, event), names in paged.items():
            log.info("alert_paged", alert=number, because=event.value, to=names)


def _has_begun(alert: Alert) -> bool:
    """Whether steps were taken while it fired; a silence holds up the first."""
    return isinstance(alert.state, Firing) and alert.state.step > 0


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
