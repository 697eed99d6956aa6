"""The line watch at work: it is told of records and gaps, looks at the clock, and gives pages.

What it decides is written with what it follows from, or by itself where only time passed.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final, NamedTuple, Protocol, TypeVar

import structlog

from ctid.alert_log import AlertLog
from ctid.committer import Clocks
from ctid.config import Config
from ctid.config.alerting import steps
from ctid.domain.alerting import NOTHING_TOLD, Told
from ctid.domain.alerts import Alert, Ending, Kind, Recipient, Resolved, Route, Silence
from ctid.domain.escalation import Plan
from ctid.domain.lines_known import LineRules
from ctid.domain.policy import Decided
from ctid.domain.presence import Presence
from ctid.domain.records import Gap, Record
from ctid.domain.returns import ToReturn
from ctid.domain.roster import Roster
from ctid.domain.watch import Observed, Watch
from ctid.store.errors import StoreUnavailable
from ctid.store.queries import Reader
from ctid.store.watching import SinceLastAnswer, since_last_answer

log = structlog.get_logger("ctid")

_T = TypeVar("_T")

TICK_SECONDS: Final = 1.0
_STEP_SECONDS: Final = 1.0
"""A clock that differs by more from one look to the next was set; less is followed as it is."""
_ATTACH_SECONDS: Final = 10.0
"""How long a start waits for the PBXs to tell what happened meanwhile, before it pages."""
_LOOK_SECONDS: Final = 0.25
_ASK_AHEAD_SECONDS: Final = 2.0
_ASK_AGAIN_SECONDS: Final = 5.0
_GAPS_BACK_SECONDS: Final = 86_400.0


class Outlet(Protocol):
    """Where decisions go, and what is known of the PBXs; the pipeline."""

    def decided(self, decided: Decided) -> None: ...

    def skew(self, pbx: str) -> float: ...

    def all_in_sight(self) -> bool: ...

    async def written(self) -> None: ...


Ask = Callable[[Collection[str]], Awaitable[Mapping[str, Presence]]]
"""Asks the PBXs who could answer these lines now."""


def line_rules(config: Config) -> list[LineRules]:
    """The lines, as the watch knows them."""
    alert = config.alert
    tables = {table.name: table for table in config.line}
    exclusion = config.directory("").exclusion  # the same for all PBXs
    return [
        LineRules(
            line.name,
            line.duty,
            line.zone,
            warning_seconds=60.0 * (tables[line.name].warning_minutes or alert.warning_minutes),
            limit_seconds=60.0 * (tables[line.name].limit_minutes or alert.limit_minutes),
            longest_wait_seconds=60.0 * alert.longest_wait_minutes,
            blind_seconds=60.0 * alert.blind_minutes,
            short_abandon_seconds=config.figures.short_abandon_seconds,
            excluded=lambda number: exclusion(number) is not None,
        )
        for line in config.lines()
    ]


def plan(config: Config) -> Plan:
    """How alerts are escalated, by the configuration."""
    told = tuple(Recipient(name, None, (Route(name),)) for name in config.alert.channels)
    return Plan(steps(config.escalation), 60.0 * config.alert.repeat_minutes, told)


def _tell_fault(kind: Kind | None, line: str | None, error: Exception) -> None:
    """Something of ours is wrong; whatever else is due goes on."""
    log.error("watch_fault", kind=kind, line=line, exc_info=error)


def _pbxs(config: Config) -> frozenset[str]:
    return frozenset(table.name for table in config.pbx)


class _Last(NamedTuple):
    """What the last daemon left about the clocks of the lines; `closings` are by people."""

    since: SinceLastAnswer
    closings: dict[str, float]
    gaps: list[Gap]


class _Early(NamedTuple):
    """What came before the clocks were taken up."""

    records: tuple[Record, ...]
    returns: tuple[ToReturn, ...]
    skew: float


class Watching:
    """Owns the watch; every change of it goes through here, with the time of that moment."""

    def __init__(self, config: Config, roster: Callable[[], Roster], clocks: Clocks) -> None:
        self._clocks = clocks
        self._offset = clocks.wall() - clocks.monotonic()
        self._wake = asyncio.Event()
        self._outlet: Outlet | None = None
        self._asked_at: dict[str, float] = {}
        self._asking: asyncio.Task[None] | None = None
        # not begun, or a fault has left something undone: every line has to be looked at
        self._unsure = True
        self._pbxs = _pbxs(config)
        # those that a configuration had before: what is still heard of them is no news
        self._gone: frozenset[str] = frozenset()
        self._last: _Last | None = None
        self._early: list[_Early] = []
        self._log = AlertLog()
        self.watch = Watch(line_rules(config), plan(config), roster, _tell_fault)

    # -- start, and other configurations ----------------------------------------------------------

    async def restore(
        self,
        reader: Reader,
        config: Config,
        alerts: Sequence[Alert],
        silences: Sequence[Silence],
        numbers: tuple[int, int],
        seen_until: float | None,
    ) -> None:
        """Take up what the last daemon committed. Raises StoreUnavailable.

        `alerts` are the open ones and those that a person resolved lately. The clocks follow in
        `take_up`, when the PBXs had their time to tell what time it is there.
        """
        now = self._now()
        lines = [line.name for line in config.line]
        since = await since_last_answer(reader, lines, now)
        gaps = [
            gap
            for table in config.pbx
            for gap in await reader.gaps(table.name, now - _GAPS_BACK_SECONDS, now)
        ]
        closings = {
            alert.line: alert.state.at
            for alert in alerts
            if alert.kind is Kind.UNANSWERED
            and alert.line is not None
            and isinstance(alert.state, Resolved)
            and alert.state.ending is Ending.BY_PERSON
        }
        self._last = _Last(since, closings, gaps)
        down = None if seen_until is None or seen_until >= now else (seen_until, now)
        self.watch.alerting.restore(alerts, silences, numbers, down)
        self._log.restore(self.watch.alerting.open_alerts())

    def take_up(self) -> None:
        """Let the clocks go on where the last daemon left them, by the times of the PBXs now."""
        if self._last is None:
            return
        (since, closings, gaps), self._last = self._last, None
        pbxs = {record.pbx for record in since.records} | {entry.pbx for entry in since.settled}
        pbxs |= {answer.pbx for answer in since.last_answers.values()}
        skews = {pbx: self._skew(pbx) for pbx in pbxs}
        # of a PBX that is not configured any more nobody hears how its calls end
        left = [one for one in since.records if not one.open or one.pbx in self._pbxs]
        self.watch.restore(left, since.settled, since.last_answers, closings, gaps, skews)
        early, self._early = self._early, []
        for records, returns, skew in early:
            self.watch.receive(records, returns, self._now(), skew=skew)

    def use(self, config: Config) -> None:
        """Go on by another configuration."""
        before, self._pbxs = self._pbxs, _pbxs(config)
        self._gone = (self._gone | before) - self._pbxs
        gone = self._gone
        self.change(lambda watch, now: watch.use(line_rules(config), plan(config), now, gone))

    # -- what happens -----------------------------------------------------------------------------

    def records(self, records: Sequence[Record], returns: Sequence[ToReturn]) -> Told:
        """What follows from records on their way to the store, and from callers reached by them."""
        records = [record for record in records if record.pbx not in self._gone]
        if not records and not returns:
            return NOTHING_TOLD
        return self._take(records, returns, self._skew(records[0].pbx) if records else 0.0)

    def reached(self, pbx: str, returns: Sequence[ToReturn]) -> Told:
        """What follows from callers who were reached by calls of this PBX that go on."""
        return self._take([], returns, self._skew(pbx)) if returns else NOTHING_TOLD

    def _take(self, records: Sequence[Record], returns: Sequence[ToReturn], skew: float) -> Told:
        if self._last is not None:
            # what was before comes first
            self._early.append(_Early(tuple(records), tuple(returns), skew))
            return NOTHING_TOLD
        return self._told(lambda watch, now: watch.receive(records, returns, now, skew=skew))

    def settled(self, returns: Sequence[ToReturn]) -> None:
        """Somebody says of callers who were missed that nobody has to call them any more."""
        self.change(lambda watch, now: watch.receive([], returns, now))

    def gap(self, gap: Gap) -> Told:
        """What follows from a PBX that went out of sight, or is back."""
        if gap.pbx in self._gone:
            return NOTHING_TOLD
        return self._told(lambda watch, now: watch.gap(gap, now))

    def observed(
        self,
        kind: Kind,
        found: Sequence[Observed],
        begun: Mapping[tuple[str | None, str | None], float] | None = None,
    ) -> None:
        """All that is wrong of this kind now."""
        self.change(lambda watch, now: watch.observe(kind, found, now, begun=begun or {}))

    def change(self, work: Callable[[Watch, float], _T]) -> _T:
        """Let somebody change something now; it is on its way to the disk when this returns."""
        result = work(self.watch, self._now())
        self._write(self._drain())
        self._wake.set()
        return result

    def _skew(self, pbx: str) -> float:
        return self._outlet.skew(pbx) if self._outlet else 0.0

    def _told(self, work: Callable[[Watch, float], None]) -> Told:
        try:
            work(self.watch, self._now())
        except Exception:
            # a fault of ours must not stop the recording of calls
            log.exception("watch_fault")
            self._unsure = True
        self._wake.set()
        return self._drain()

    def _drain(self) -> Told:
        told = self.watch.drain()
        self._log.tell(told)
        return told

    # -- time -------------------------------------------------------------------------------------

    def connect(self, outlet: Outlet) -> None:
        """From now on what is decided goes there."""
        self._outlet = outlet

    async def run(self, outlet: Outlet, ask: Ask) -> None:
        """Look at the clock until it is cancelled."""
        self.connect(outlet)
        await self._until_in_sight(outlet)
        self._careful(self.take_up)
        async with asyncio.TaskGroup() as tasks:
            await self._ask(ask, self.watch.open_lines())
            while True:
                pause = self._careful(lambda: self._look(tasks, ask))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):  # unlike wait_for it loses no cancellation
                        await self._wake.wait()
                self._wake.clear()

    def _careful(self, work: Callable[[], float | None]) -> float:
        """What it gives, None as 0; after a fault of ours every line is looked at soon."""
        try:
            return work() or 0.0
        except Exception:
            # it must not stop the recording of calls
            log.exception("watch_fault")
            self._unsure = True
            return TICK_SECONDS

    def _look(self, tasks: asyncio.TaskGroup, ask: Ask) -> float:
        """Decide what is due; for how many seconds to wait then, unless woken."""
        due = self.turn()
        now = self._now()
        self._ask_ahead(tasks, ask, now)
        return TICK_SECONDS if due is None else min(TICK_SECONDS, max(0.0, due - now))

    def begin(self) -> None:
        """Decide what became due before the start."""
        self.take_up()
        self.change(lambda watch, now: watch.begin(now))
        self._unsure = False

    def turn(self) -> float | None:
        """Decide what is due now; when to look again."""
        if self._unsure:
            self.begin()
        now, due = self._now(), self.watch.next_timer()
        if due is not None and due <= now:
            self.change(lambda watch, at: watch.handle_timer(at))
            due = self.watch.next_timer()
        return due

    async def _until_in_sight(self, outlet: Outlet) -> None:
        """Wait for what the PBXs tell of the time without us, but not for long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ATTACH_SECONDS):
                while not outlet.all_in_sight():
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), _LOOK_SECONDS)
                    self._wake.clear()
        with contextlib.suppress(StoreUnavailable):  # what failed is told by the committer
            await outlet.written()

    def _now(self) -> float:
        """The time; if the clock was set since the last look, nothing gets older by that."""
        wall = self._clocks.wall()
        offset = wall - self._clocks.monotonic()
        step, self._offset = offset - self._offset, offset
        if abs(step) > _STEP_SECONDS:
            log.warning("clock_was_set", seconds=round(step, 3))
            self.watch.shift(step, wall)
        return wall

    def _ask_ahead(self, tasks: asyncio.TaskGroup, ask: Ask, now: float) -> None:
        """Ask the PBX just before somebody is told, so that the page need not wait for it."""
        if self._asking is not None and not self._asking.done():
            return
        lines = {
            name
            for name in self.watch.soon(now + _ASK_AHEAD_SECONDS)
            if now - self._asked_at.get(name, float("-inf")) > _ASK_AGAIN_SECONDS
        }
        if lines:
            self._asked_at |= dict.fromkeys(lines, now)
            self._asking = tasks.create_task(self._ask(ask, lines), name="presence")

    async def _ask(self, ask: Ask, lines: Collection[str]) -> None:
        if not lines:
            return
        try:
            self.watch.present(await ask(lines))
        except Exception:
            # the page goes without it
            log.exception("presence_fault", lines=sorted(lines))

    def _write(self, told: Told) -> None:
        if self._outlet is not None and told is not NOTHING_TOLD:
            self._outlet.decided(
                Decided(alerts=told.alerts, pages=told.pages, silences=told.silences)
            )
