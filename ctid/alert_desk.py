"""What people do about alerts, asked over the control socket, the API, a link or MQTT."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import structlog

from ctid.domain.alerting import NoSuchAlertError
from ctid.domain.alerts import Acknowledged, Alert, Kind, Silence
from ctid.domain.watch import Watch
from ctid.pipeline import Pipeline
from ctid.refusal import NonsenseError, RefusedError
from ctid.watching import Watching

log = structlog.get_logger("ctid")

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """An alert that is not over; `silenced`: nobody is paged about it now."""

    alert: Alert
    silenced: bool


class Taken(NamedTuple):
    """Who takes care of an alert; `already`: it was taken before, and nothing was changed."""

    alert: Alert
    already: bool


class Tried(NamedTuple):
    """A test, and the roles of its chain that nobody has then."""

    alert: Alert
    empty_roles: list[str]


class AlertDesk:
    """Changes alerts; `clock` is Unix seconds.

    All that change something return once it is on disk. They raise RefusedError where it cannot
    be done, and StoreUnavailable where it was done but cannot be written: then it holds until the
    daemon ends, and is written as soon as that is possible.
    """

    def __init__(
        self,
        watching: Watching,
        pipeline: Pipeline,
        clock: Callable[[], float],
        lines: Callable[[], Iterable[str]],
    ) -> None:
        self._watching = watching
        self._pipeline = pipeline
        self._clock = clock
        self._lines = lines

    def open_alerts(self) -> list[OpenAlert]:
        """All that are not over, by number."""
        alerting, now = self._watching.watch.alerting, self._clock()
        return [
            OpenAlert(alert, alerting.is_silenced(alert, now)) for alert in alerting.open_alerts()
        ]

    def silences(self) -> list[Silence]:
        """Those that hold now, or will."""
        return self._watching.watch.alerting.silences.in_force(self._clock())

    async def acknowledge(self, number: int, by: str, why: str | None = None) -> Taken:
        """Somebody takes care: no repeats, no escalation. It stays with who was first."""
        already = any(
            one.number == number and isinstance(one.state, Acknowledged)
            for one in self._watching.watch.alerting.open_alerts()
        )
        alert = self._changed(lambda watch, now: watch.alerting.acknowledge(number, now, by, why))
        if not already:
            log.info("alert_acknowledged", alert=number, by=by, why=why)
        await self._pipeline.written()
        return Taken(alert, already)

    async def resolve(self, number: int, by: str, why: str) -> Alert:
        """Somebody says that it is over."""
        alert = self._changed(lambda watch, now: watch.resolve(number, now, by, why))
        log.info("alert_resolved", alert=number, by=by, why=why)
        await self._pipeline.written()
        return alert

    async def silence(
        self,
        lines: Iterable[str],
        kinds: Iterable[Kind],
        begins_at: float,
        ends_at: float,
        owner: str,
        why: str,
    ) -> Silence:
        """Page nobody about these from then until then."""
        lines, kinds, now = set(lines), set(kinds), self._clock()
        self._see(lines)
        if ends_at <= max(now, begins_at):
            raise NonsenseError("a silence has to end after it begins, and after now")
        silence = self._changed(
            lambda watch, _: watch.alerting.silences.add(
                lines, kinds, begins_at, ends_at, owner, why
            )
        )
        log.info("alerts_silenced", silence=silence.number, by=owner, until=ends_at, why=why)
        await self._pipeline.written()
        return silence

    async def unsilence(self, number: int, by: str) -> Silence:
        """Let a silence end now."""
        silence = self._changed(lambda watch, now: watch.alerting.unsilence(number, now))
        log.info("silence_ended", silence=number, by=by)
        await self._pipeline.written()
        return silence

    async def incident(self, line: str | None, title: str, by: str) -> Alert:
        """Somebody reports what no line tells of."""
        self._see([line] if line is not None else [])
        alert = self._changed(lambda watch, now: watch.incident(line, title, by, now))
        log.info("incident_opened", alert=alert.number, line=line, by=by)
        await self._pipeline.written()
        return alert

    async def test(self, line: str, by: str) -> Tried:
        """Walk the chain of a line for real, marked as a test; not under a silence.

        People would be paged when that ends, with nobody there who waits for it.
        """
        self._see([line])
        quiet = self._watching.watch.alerting.silences.holding(Kind.TEST, line, self._clock())
        if quiet is not None:
            raise RefusedError(
                f"a silence holds for {line}: nobody would be paged, so there is no test; "
                f"`ctid alerts unsilence {quiet.number}` ends it"
            )
        empty = self._watching.empty_roles(line)
        alert = self._changed(lambda watch, now: watch.test(line, by, now))
        log.info("alert_test", alert=alert.number, line=line, by=by)
        await self._pipeline.written()
        return Tried(alert, empty)

    def _changed(self, work: Callable[[Watch, float], _T]) -> _T:
        try:
            return self._watching.change(work)
        except NoSuchAlertError as error:
            raise RefusedError(str(error)) from None

    def _see(self, lines: Iterable[str]) -> None:
        known = set(self._lines())
        for line in lines:
            if line not in known:
                names = ", ".join(sorted(known)) or "none"
                raise NonsenseError(f"{line}: no such line; there are: {names}")
