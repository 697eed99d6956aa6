"""What machines are told beside pages, and what they may ask for.

Each Alertmanager has a keeper of its alerts; each broker of a channel has the states of lines and
alerts, and its commands; every broker is told that ctid is there. Each of these is a task.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from ctid.alert_desk import AlertDesk
from ctid.config import Config
from ctid.config.broker import Broker
from ctid.config.channels import Channel
from ctid.domain.alerts import (
    Acknowledged,
    Alert,
    Kind,
    Page,
    PageEvent,
    Recipient,
    Resolved,
    Warned,
)
from ctid.domain.batch import Batch
from ctid.domain.watch import Watch
from ctid.outbound.mqtt.alerts import AlertTopics
from ctid.outbound.mqtt.commands import Action, Refused
from ctid.outbound.mqtt.states import LineState, Standing
from ctid.outbound.mqtt.status import Statuses
from ctid.outbound.pages.alertmanager_forms import Words
from ctid.outbound.pages.alertmanager_keeper import AlertmanagerKeeper
from ctid.outbound.pages.channels import origin_of
from ctid.outbound.pages.sending import Render
from ctid.outbound.pages.tongue import Tongue
from ctid.refusal import RefusedError
from ctid.store.errors import StoreUnavailable

_EVENTS: Final[Mapping[type, PageEvent]] = {
    Warned: PageEvent.WARNING,
    Acknowledged: PageEvent.ACKNOWLEDGED,
    Resolved: PageEvent.RESOLVED,
}


class Machines:
    """From `open` to `close`. `in_sight` tells whether all PBXs are seen; `render` writes pages."""

    def __init__(
        self,
        config: Config,
        tasks: asyncio.TaskGroup,
        watch: Watch,
        desk: AlertDesk,
        *,
        in_sight: Callable[[], bool],
        render: Render,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._tasks = tasks
        self._watch = watch
        self._desk = desk
        self._in_sight = in_sight
        self._render = render
        self._clock = clock
        self._topics: list[AlertTopics] = []
        self._running: list[asyncio.Task[None]] = []
        self._statuses = Statuses(tasks, config.site)
        self._closed = False

    def open(self) -> None:
        """Begin to tell."""
        self._statuses.open(_brokers(self._config))
        self._begin()

    def _begin(self) -> None:
        channels = self._config.channels
        origin = origin_of(self._config)
        for alertmanager in channels.alertmanager:
            keeper = AlertmanagerKeeper(
                alertmanager, origin, current=self._loud, describe=self._describe
            )
            self._start(keeper.run(), alertmanager)
        for broker in channels.mqtt:
            topics = AlertTopics(broker, origin.site, current=self._standing, command=self._command)
            self._topics.append(topics)
            self._start(topics.run(), broker)

    def feed(self, batch: Batch) -> None:
        """A batch is on disk."""
        del batch  # whatever stands in it, the lines may stand otherwise
        for topics in self._topics:
            topics.changed()

    async def use(self, config: Config) -> None:
        """Go on by another configuration."""
        old, self._config = self._config, config
        if _plain(old) != _plain(config):
            await self._end()
            if not self._closed:
                self._begin()
        if not self._closed:
            await self._statuses.use(_brokers(config))
        for topics in self._topics:
            topics.changed()

    async def close(self) -> None:
        """Tell no more; a broker is told that ctid is away."""
        self._closed = True
        await self._end()
        await self._statuses.close()

    # -- inside -----------------------------------------------------------------------------------

    def _start(self, running: Any, table: Channel) -> None:
        self._running.append(self._tasks.create_task(running, name=f"told: {table.name}"))

    async def _end(self) -> None:
        self._topics = []
        running, self._running = self._running, []
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)

    def _loud(self) -> Iterable[Alert]:
        """Those that are not silenced."""
        return [found.alert for found in self._desk.open_alerts() if not found.silenced]

    def _standing(self) -> Standing:
        found = self._desk.open_alerts()
        numbers: dict[str | None, list[int]] = {}
        for each in found:
            numbers.setdefault(each.alert.line, []).append(each.alert.number)
        lines = {line.name: line for line in self._config.lines()}
        in_sight = self._in_sight()
        return Standing(
            [
                LineState(
                    name=now.line,
                    title=lines[now.line].title,
                    specialty=lines[now.line].specialty,
                    on_duty=now.on_duty,
                    unanswered_since=now.since,
                    limit_at=now.limit_at,
                    waiting=now.waiting,
                    in_sight=in_sight,
                    alerts=tuple(numbers.get(now.line, ())),
                )
                for now in self._watch.lines_now(self._clock())
                if now.line in lines
            ],
            [each.alert for each in found],
            {each.alert.number for each in found if each.silenced},
        )

    def _describe(self, alert: Alert) -> Words:
        """As a page would, in the configured language."""
        event = _EVENTS.get(type(alert.state), PageEvent.FIRING)
        reader = Recipient("alertmanager", None, ())
        now = self._clock()
        message = self._render([Page(0, alert, event, reader, now, now)], None, now)
        return Words(message.title, message.text)

    async def _command(self, action: Action, body: Mapping[str, Any], by: str) -> str | None:
        """What there is to say about it, if anything. Raises Refused."""
        try:
            match action:
                case Action.ACK:
                    taken = await self._desk.acknowledge(body["alert"], by, body.get("why"))
                    return self._by_whom(taken.alert) if taken.already else None
                case Action.RESOLVE:
                    await self._desk.resolve(body["alert"], by, body["why"])
                case Action.INCIDENT:
                    await self._desk.incident(body.get("line"), body["title"], by)
                case Action.SILENCE:
                    now = self._clock()
                    await self._desk.silence(
                        body.get("lines") or (),
                        [Kind(kind) for kind in body.get("kinds") or ()],
                        now,
                        now + 60.0 * body["minutes"],
                        by,
                        body["why"],
                    )
        except RefusedError as error:
            raise Refused(str(error)) from None
        except StoreUnavailable as error:
            raise Refused(f"done, but not on disk: it holds until ctid ends ({error})") from None
        return None

    def _by_whom(self, alert: Alert) -> str | None:
        if not isinstance(alert.state, Acknowledged):
            return None  # it was over in this very moment
        zone = self._config.zones().get(alert.line or "", self._config.timezone)
        at = Tongue("en", ZoneInfo(zone), self._clock()).clock(alert.state.at)
        because = f" (reason: {alert.state.why})" if alert.state.why else ""
        by = alert.state.by
        return f"already acknowledged by {by} at {at}{because}; nothing was changed"


def _brokers(config: Config) -> tuple[Broker, ...]:
    return *config.mqtt, *config.channels.mqtt


def _plain(config: Config) -> object:
    """What keepers and topics are made of, to be compared."""
    tables = (*config.channels.alertmanager, *config.channels.mqtt)
    return origin_of(config), [table.comparable() for table in tables]
