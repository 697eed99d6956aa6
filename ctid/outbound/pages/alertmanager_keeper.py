"""Keeps alerts alive at an Alertmanager, which lets go what is not sent again.

It does not go through the outbox: it is a heartbeat of what is true now, from memory, and works
while the store fails.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import structlog

from ctid.config.channels import AlertmanagerChannel
from ctid.domain.alerts import Alert
from ctid.outbound.pages.alertmanager import Alertmanager
from ctid.outbound.pages.alertmanager_forms import Form, Labels, Words, form, watchdog
from ctid.outbound.pages.kinds import Origin
from ctid.outbound.port import DeliveryError, Reason

log = structlog.get_logger("ctid")

RESOLVED_SECONDS: Final = 300.0
"""For so long the end of an alert is said again."""


_AT_ONCE: Final = 10
"""Alerts; some milliseconds."""


class _Over(NamedTuple):
    form: Form
    until: float


class Keeping:
    """Which alerts have to be sent now; no I/O. Times are Unix seconds."""

    def __init__(self, origin: Origin, began_at: float) -> None:
        self._watchdog = watchdog(origin, began_at)
        self._active: dict[Labels, Form] = {}
        self._over: dict[Labels, _Over] = {}

    def due(self, current: Iterable[Form], now: float) -> list[Form]:
        """All that is active in `current`, the watchdog, and what ended a short while ago.

        What was there the last time and is not any more has ended now, unless it says when.
        """
        found = list(current)
        active = {each.labels: each for each in found if each.ends_at is None}
        ended = {each.labels: each for each in found if each.ends_at is not None}
        for labels, each in self._active.items():
            if labels not in active and labels not in ended:
                ended[labels] = each._replace(ends_at=now)
        for labels, each in ended.items():
            ends_at = now if each.ends_at is None else each.ends_at
            known = self._over.get(labels)
            if known is None or known.form.ends_at != ends_at:
                self._over[labels] = _Over(each, ends_at + RESOLVED_SECONDS)
        # saying the old end of what fires again would end it
        self._over = {
            labels: over
            for labels, over in self._over.items()
            if labels not in active and now <= over.until
        }
        self._active = active
        return [self._watchdog, *active.values(), *(over.form for over in self._over.values())]


class AlertmanagerKeeper:
    """Runs as a task until it is cancelled.

    `current` gives the alerts that are open, without those that are silenced; it may also give some
    that were resolved, which tells when. `describe` says what people read about one.
    """

    def __init__(
        self,
        table: AlertmanagerChannel,
        origin: Origin,
        *,
        current: Callable[[], Iterable[Alert]],
        describe: Callable[[Alert], Words],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._name = table.name
        self._seconds = table.resend_seconds
        self._origin = origin
        self._current = current
        self._describe = describe
        self._clock = clock
        self._alertmanager = Alertmanager(table)
        self._keeping = Keeping(origin, clock())
        self._described: dict[int, tuple[Alert, Words]] = {}
        self._failing: Reason | None = None

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                began = loop.time()
                try:
                    await self.tell()
                except Exception:
                    # a fault of ours must not stop the recording of calls
                    log.exception("alertmanager_fault", channel=self._name)
                await asyncio.sleep(max(0.0, began + self._seconds - loop.time()))
        finally:
            await self.close()

    async def close(self) -> None:
        """Give connections back; `run` does it at its end."""
        await self._alertmanager.close()

    async def tell(self) -> None:
        """Send all once; a failure is logged when it begins, changes or is over."""
        forms = await self._forms()
        try:
            await self._alertmanager.post(self._keeping.due(forms, self._clock()))
        except DeliveryError as error:
            if error.reason is not self._failing:
                log.warning("alertmanager_not_told", channel=self._name, why=str(error))
            self._failing = error.reason
        else:
            if self._failing is not None:
                log.info("alertmanager_told", channel=self._name)
            self._failing = None

    async def _forms(self) -> list[Form]:
        """Of all that are open. Only what changed is described anew; calls are let in between."""
        known, self._described = self._described, {}
        found = []
        for place, alert in enumerate(self._current()):
            old = known.get(alert.number)
            if old is None or old[0] is not alert:
                old = alert, self._describe(alert)
            self._described[alert.number] = old
            found.append(form(alert, old[1], self._origin))
            if place % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return found
