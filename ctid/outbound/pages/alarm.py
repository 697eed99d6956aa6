"""The page that needs no disk: the store fails, and people hear of it without outbox or record.

What could not be written is told here, too: the lines that are unanswered beyond their limit
meanwhile, whose own pages wait for the disk.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import structlog

from ctid.domain.alerting import Alerting
from ctid.domain.alerts import Alert, Ending, Firing, Kind, Page, StoreFailing, Subject
from ctid.domain.conditions import Condition
from ctid.domain.escalation import Plan
from ctid.domain.roster import Roster
from ctid.outbound.pages.port import Sender
from ctid.outbound.pages.sending import Render
from ctid.outbound.port import DeliveryError

log = structlog.get_logger("ctid")

_PAUSES: Final = (1.0, 5.0, 15.0, 60.0)
"""Between rounds through somebody's channels, seconds; after the last round they are given up."""
_TICK_SECONDS: Final = 1.0
_WRITING_SECONDS: Final = 30.0
"""So long before a failure was noticed what was decided may already have been refused."""


class PagingAlarm:
    """Escalates like any alert, from memory alone, and sends at once.

    `channels` gives a channel by name, `unanswered` the alerts of lines beyond their limit; `wait`
    sleeps.
    """

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        *,
        plan: Plan,
        roster: Callable[[], Roster],
        channels: Callable[[str], Sender | None],
        render: Render,
        unanswered: Callable[[], Iterable[Alert]],
        clock: Callable[[], float],
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._tasks = tasks
        self._channels = channels
        self._render = render
        self._unanswered = unanswered
        self._clock = clock
        self._wait = wait
        self._since: float | None = None
        self._why = ""
        self._sending: set[asyncio.Task[None]] = set()
        self._alerting = Alerting(plan, roster, self._describe, _tell_fault)
        # never a number of an alert on disk, nor one of another run: receivers know pages by them
        self._alerting.restore([], [], (-int(clock() * 1000), 0))

    @property
    def is_sending(self) -> bool:
        """Whether a page is under way."""
        return bool(self._sending)

    def use(self, plan: Plan) -> None:
        """Go on by another configuration."""
        self._alerting.use(plan)

    def store_failing(self, message: str, since: float) -> None:
        """Tell the first step at once."""
        self._why, self._since = message, since
        self._careful_turn()

    def store_recovered(self, since: float) -> None:  # noqa: ARG002 - as the alarm is asked
        """It is over: everybody who was told hears that."""
        self._since = None
        self._careful_turn()

    async def run(self) -> None:
        """Take the steps that are due, until it is cancelled."""
        while True:
            await self._wait(_TICK_SECONDS)
            self._careful_turn()

    def _careful_turn(self) -> None:
        try:
            self.handle_timer()
        except Exception:
            # a fault of ours must not stop the recording of calls; the next tick tries again
            log.exception("paging_fault", about=Kind.STORE_FAILING)

    def next_timer(self) -> float | None:
        """When `handle_timer` has something to do."""
        return self._alerting.next_timer()

    def handle_timer(self) -> None:
        """Take the steps that are due now."""
        now = self._clock()
        if self._since is None:
            for alert in self._alerting.open_alerts():
                self._alerting.end(alert.key, now, Ending.RECOVERED)
        else:
            condition = Condition(Kind.STORE_FAILING, None, None, self._since, self._since)
            self._alerting.fire(condition, now)
            self._see_lines(self._since, now)
        self._alerting.handle_timer(now)
        self._send_all()

    def close(self) -> None:
        """Give up what was not delivered: the daemon ends."""
        for sending in self._sending:
            sending.cancel()

    def _see_lines(self, since: float, now: float) -> None:
        """Tell the people of lines that came beyond their limit since the store fails."""
        lines = {alert.line: alert for alert in self._unanswered()}
        for alert in self._alerting.open_alerts():
            if alert.line is not None and alert.line not in lines:
                key = (Kind.STORE_FAILING, alert.line, None)
                self._alerting.end(key, now, Ending.RECOVERED)
        for line, alert in lines.items():
            if isinstance(alert.state, Firing) and alert.state.at >= since - _WRITING_SECONDS:
                limit_at = alert.limit_at
                condition = Condition(Kind.STORE_FAILING, line, None, alert.since, limit_at)
                self._alerting.fire(condition, now)

    def _describe(self, condition: Condition, now: float) -> Subject:  # noqa: ARG002
        since = condition.since if self._since is None else self._since
        lines = {alert.line for alert in self._unanswered()} | {condition.line}
        return StoreFailing(since, self._why, tuple(sorted(filter(None, lines))))

    def _send_all(self) -> None:
        for page in self._alerting.drain().pages:
            sending = self._tasks.create_task(self._send(page), name="page without disk")
            self._sending.add(sending)
            sending.add_done_callback(self._sending.discard)

    async def _send(self, page: Page) -> None:
        for pause in (*_PAUSES, None):
            for route in page.recipient.routes:
                channel = self._channels(route.channel)
                if channel is None:
                    continue
                if await self._sent(page, channel, route.address):
                    return
            if pause is not None:
                await self._wait(pause)
        log.error("page_not_delivered", to=page.recipient.name, about=page.alert.kind)

    async def _sent(self, page: Page, channel: Sender, address: str | None) -> bool:
        try:
            await channel.send(self._render([page], address, self._clock()))
        except DeliveryError:
            return False
        except Exception:
            # a fault of ours, or the channel was closed by a reload: the next one's turn
            log.exception("page_fault", to=page.recipient.name, about=page.alert.kind)
            return False
        return True


def _tell_fault(kind: Kind | None, line: str | None, error: Exception) -> None:
    log.error("paging_fault", about=kind, line=line, exc_info=error)
