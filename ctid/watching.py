"""The line watch at work: it is told of records and gaps, looks at the clock, and gives pages.

What it decides is written with what it follows from, or by itself where only time passed.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple, Protocol, TypeVar

import structlog

from ctid.alert_log import AlertLog
from ctid.committer import Clocks, ClockSteps
from ctid.config import Config
from ctid.config.watching import line_rules, plan
from ctid.domain.alert_times import closed_by_people
from ctid.domain.alerts import Alert, Kind, Silence
from ctid.domain.downtime import downtime
from ctid.domain.escalation import empty_roles, why_nobody
from ctid.domain.lines_known import NO_PAST, Past
from ctid.domain.policy import Decided
from ctid.domain.presence import Presence
from ctid.domain.records import Gap, Record
from ctid.domain.returns import ToReturn
from ctid.domain.roster import Roster
from ctid.domain.told import NOTHING_TOLD, Told
from ctid.domain.watch import Observed, Watch
from ctid.store.errors import StoreUnavailable
from ctid.store.queries import Reader
from ctid.store.watching import SinceLastAnswer, gaps_since, since_last_answer

log = structlog.get_logger("ctid")

_T = TypeVar("_T")

TICK_SECONDS: Final = 1.0
_ATTACH_SECONDS: Final = 10.0
"""How long a start waits for the PBXs to tell what happened meanwhile, before it pages."""
_LOOK_SECONDS: Final = 0.25
_ASK_AHEAD_SECONDS: Final = 2.0
_ASK_AGAIN_SECONDS: Final = 5.0


class Outlet(Protocol):
    """Where decisions go, and what is known of the PBXs; the pipeline."""

    def decided(self, decided: Decided) -> None: ...

    def skew(self, pbx: str) -> float: ...

    def all_in_sight(self) -> bool: ...

    async def written(self) -> None: ...


Ask = Callable[[Collection[str]], Awaitable[Mapping[str, Presence]]]
"""Asks the PBXs who could answer these lines now."""


def _tell_fault(kind: Kind | None, line: str | None, error: Exception) -> None:
    """Something of ours is wrong; whatever else is due goes on."""
    log.error("watch_fault", kind=kind, line=line, exc_info=error)


def _pbxs(config: Config) -> frozenset[str]:
    return frozenset(table.name for table in config.pbx)


class _Last(NamedTuple):
    """What is on disk about the clocks of `lines`; `closings` are by people."""

    lines: list[str]
    since: SinceLastAnswer
    closings: dict[str, float]
    gaps: list[Gap]


class _Early(NamedTuple):
    """What came while that was read, or not taken up yet."""

    records: tuple[Record, ...]
    returns: tuple[ToReturn, ...]


class Watching:
    """Owns the watch; every change of it goes through here, with the time of that moment."""

    def __init__(self, config: Config, roster: Callable[[], Roster], clocks: Clocks) -> None:
        self._clocks = clocks
        self._steps = ClockSteps(clocks)
        self._wake = asyncio.Event()
        self._outlet: Outlet | None = None
        self._asked_at: dict[str, float] = {}
        self._asking: asyncio.Task[None] | None = None
        # not begun, or a fault has left something undone: every line has to be looked at
        self._unsure = True
        self._pbxs = _pbxs(config)
        # those that a configuration had before: what is still heard of them is no news
        self._gone: frozenset[str] = frozenset()
        # what the last daemon left, until it is taken up: nothing is decided before
        self._last: _Last | None = None
        # what was read for another configuration, until it is used
        self._again: _Last | None = None
        # None: what comes need not be kept
        self._early: list[_Early] | None = None
        # until when the last daemon saw each PBX
        self._seen: Mapping[str, float] = {}
        self._plan, self._roster = plan(config), roster
        self._log = AlertLog(self._why_nobody)
        self.watch = Watch(line_rules(config), self._plan, roster, _tell_fault)

    # -- start, and other configurations ----------------------------------------------------------

    async def restore(
        self,
        reader: Reader,
        config: Config,
        alerts: Sequence[Alert],
        silences: Sequence[Silence],
        numbers: tuple[int, int],
        seen: Mapping[str, float],
    ) -> None:
        """Take up what the last daemon committed. Raises StoreUnavailable.

        `alerts` are the open ones and those that a person resolved lately, `seen` until when each
        PBX was seen. The clocks follow in `take_up`, when the PBXs had their time to tell what time
        it is there.
        """
        now = self._now()
        lines = [line.name for line in config.line]
        since = await since_last_answer(reader, lines, now)
        gaps = await gaps_since(reader, self._pbxs, since, now)
        self._last, self._early = _Last(lines, since, closed_by_people(alerts), gaps), []
        self._seen = seen
        self.watch.alerting.restore(alerts, silences, numbers)
        self._log.restore(self.watch.alerting.open_alerts())

    def take_up(self) -> None:
        """Let the clocks go on where the last daemon left them, by the times of the PBXs now."""
        if self._last is not None:
            last, self._last = self._last, None
            now = self._now()
            skews = {pbx: self._skew(pbx) for pbx in self._seen}
            down = downtime(self._seen, skews, last.since.latest(), now)
            if down is None or not down.set_back:
                self.watch.restore(self._past(last), last.gaps, down)
                return
            # what came meanwhile came by the clocks as they are now
            early, self._early = self._early or [], None
            past = self._past(last)
            skews = {pbx: down.skew_before(skew) for pbx, skew in past.skews.items()}
            self.watch.restore(replace(past, skews=skews), last.gaps, down)
            for each in early:
                pbx = each.records[0].pbx if each.records else ""
                self.watch.receive(each.records, each.returns, now, skew=self._skew(pbx))

    async def read(self, reader: Reader, config: Config, alerts: Sequence[Alert]) -> None:
        """Read what another configuration makes another past of; `use` has to follow.

        A line that is new, or was taken out and is put back, goes on from the disk; so does one
        whose duty hours are others. `alerts` are those that a person resolved lately. Raises
        StoreUnavailable: `use` then goes on by what is known.
        """
        lines = self.watch.to_restore(line_rules(config))
        if self._last is not None:
            lines = [line.name for line in config.line]  # nothing is taken up yet
        if not lines:
            return
        # what is not on disk yet comes on top of what is read there
        self._early = self._early if self._early is not None else []
        if self._outlet is not None:
            await self._outlet.written()
        since = await since_last_answer(reader, lines, self._now())
        gaps = [] if self._last is None else self._last.gaps
        self._again = _Last(lines, since, closed_by_people(alerts), gaps)

    def use(self, config: Config) -> None:
        """Go on by another configuration."""
        before, self._pbxs = self._pbxs, _pbxs(config)
        self._gone = (self._gone | before) - self._pbxs
        gone, past = self._gone, NO_PAST
        again, self._again = self._again, None
        if self._last is not None:
            self._last = again or self._last
        elif again is not None:
            past = self._past(again)
        else:
            self._early = None
        self._plan = wanted = plan(config)
        self.change(lambda watch, now: watch.use(line_rules(config), wanted, now, gone, past))

    def _past(self, last: _Last) -> Past:
        """That, and what came meanwhile, by the times of the PBXs now."""
        early, self._early = self._early or [], None
        # of a PBX that is not configured any more nobody hears how its calls end
        left = [one for one in last.since.records if not one.open or one.pbx in self._pbxs]
        left += [record for each in early for record in each.records]
        newest = {(one.pbx, one.uniqueid, one.ordinal): one for one in left}
        settled = [*last.since.settled, *(entry for each in early for entry in each.returns)]
        answers = last.since.last_answers
        pbxs = {one.pbx for one in left} | {entry.pbx for entry in settled}
        pbxs |= {answer.pbx for answer in answers.values()}
        return Past(
            last.lines,
            [newest[key] for key in sorted(newest)],
            settled,
            answers,
            last.closings,
            {pbx: self._skew(pbx) for pbx in pbxs},
        )

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
        if self._early is not None:
            self._early.append(_Early(tuple(records), tuple(returns)))
        if self._last is not None:
            return NOTHING_TOLD  # what was before comes first
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
        try:
            return work(self.watch, self._now())
        finally:
            # also what was decided before something else was raised
            self._write(self._drain())
            self._wake.set()

    def empty_roles(self, line: str) -> list[str]:
        """The roles of steps that nobody has on this line now."""
        return empty_roles(self._plan, self._roster(), line, self._clocks.wall())

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

    def _why_nobody(self, alert: Alert) -> str | None:
        now = self._clocks.wall()
        return why_nobody(self._plan, self._roster(), alert.kind, alert.line, now)

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
        if step := self._steps.look():
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
