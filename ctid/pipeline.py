"""Events in, committed records out: the trackers' only owner.

Events are taken synchronously, in order, as the readers deliver them; nothing here waits for the
database while it does so. One committer writes what changed, in groups.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import structlog

from ctid.committer import (
    DECIDES_NOTHING,
    HELD_RECORDS,
    Alarm,
    Clocks,
    ClockSteps,
    Committer,
    Deciding,
    Feed,
    Store,
)
from ctid.domain import events as ev
from ctid.domain.calls import Call
from ctid.domain.lines import Directory
from ctid.domain.policy import Decided
from ctid.domain.records import Gap, GapCause, OpenCall, Seen
from ctid.domain.skew import Skew
from ctid.domain.tracker import Tracker
from ctid.store.errors import StoreReason, StoreUnavailable

log = structlog.get_logger("ctid")

# How often the timers of the trackers are looked at, and how often "seen until" is written.
TICK_SECONDS = 0.25
SEEN_EVERY_SECONDS = 5.0
RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
# One transaction holds no more: the reader must not wait for long, nor memory grow.
CALLS_PER_COMMIT = 500


@dataclass(slots=True)
class _Pbx:
    """One PBX as the pipeline follows it. `clock` and `heard` make its time out of ours."""

    tracker: Tracker
    attached: bool = False
    started: str | None = None
    gap: Gap | None = None
    clock: float | None = None
    heard: float = 0.0
    skew: Skew = field(default_factory=Skew)


@dataclass(frozen=True, slots=True)
class Sight:
    """What the pipeline knows of one PBX now. `heard`: monotonic time of the last event."""

    attached: bool
    gap: Gap | None
    started: str | None
    heard: float | None
    open_calls: tuple[Call, ...]


class Pipeline:
    """Trackers of all PBXs, and what they decided on its way to the store."""

    def __init__(
        self,
        directories: Mapping[str, Directory],
        store: Store,
        clocks: Clocks,
        *,
        commit_delay: float,
        alarm: Alarm,
        held_records: int = HELD_RECORDS,
        feed: Feed | None = None,
        decide: Deciding = DECIDES_NOTHING,
    ) -> None:
        self._pbxs = {name: _Pbx(Tracker(name, where)) for name, where in directories.items()}
        self._clocks = clocks
        self._delay = commit_delay
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self.committer = Committer(store, clocks, alarm, feed, held_records, decide)
        self._written: list[asyncio.Future[None]] = []
        # monotonic time, a sign of life
        self.ticked_at = clocks.monotonic()
        self._next_seen = self.ticked_at
        self._steps = ClockSteps(clocks)
        self.poisonous_events = 0
        # the calls whose last state was not written when the daemon ended
        self.unwritten: list[str] = []

    # -- start ------------------------------------------------------------------------------------

    def restore(
        self, pbx: str, saved: Iterable[OpenCall], seen: Seen | None, gap: Gap | None
    ) -> None:
        """Take up what the last daemon committed. Until the PBX is seen again there is a gap."""
        here = self._pbxs[pbx]
        for row in here.tracker.restore(saved):
            log.error("open_call_not_restored", pbx=pbx, call=row.uniqueid, state=row.state)
        if gap is not None:
            here.gap = gap
        elif seen is not None:
            here.gap = Gap(pbx, seen.seen_until, None, GapCause.DAEMON_DOWN)
        if here.gap is not None:
            self.committer.add_gap(here.gap)
            here.tracker.receive(ev.Detached(here.gap.began_at, here.gap.cause))
        if seen is not None:
            here.started = seen.started
        self._wake.set()

    # -- configuration ----------------------------------------------------------------------------

    def watch(self, pbx: str, directory: Directory) -> None:
        """Follow this PBX by this directory from now on, whether it is new or not."""
        here = self._pbxs.get(pbx)
        if here is None:
            self._pbxs[pbx] = _Pbx(Tracker(pbx, directory))
        else:
            here.tracker.use(directory)

    def drop(self, pbx: str) -> None:
        """Follow this PBX no more. What is open stays open on disk, as if the daemon had ended."""
        here = self._pbxs.pop(pbx)
        if here.attached:
            self.committer.add_seen(Seen(pbx, self._clocks.wall(), here.started))
        self.committer.add(here.tracker.drain())
        self._wake.set()

    # -- in ---------------------------------------------------------------------------------------

    def deliver(self, pbx: str, events: list[ev.Event]) -> None:
        """Take what one read of a connection brought."""
        here = self._pbxs[pbx]
        receive = here.tracker.receive
        for event in events:
            if type(event) in _TOLD:
                self._tell(pbx, here, event)
            try:
                receive(event)
            except Exception:
                # The tracker does not raise for input; should it ever, one event is set aside and
                # kept in the log, and all other calls go on.
                self.poisonous_events += 1
                log.exception("event_set_aside", pbx=pbx, event_text=repr(event))
        if events:
            here.clock = events[-1].at
            here.heard = self._clocks.monotonic()
            here.skew.hear(here.clock, self._clocks.wall(), here.heard)
            self._wake.set()

    def _tell(self, pbx: str, here: _Pbx, event: ev.Event) -> None:
        now = self._clocks.wall()
        if isinstance(event, ev.ForgeryFound):
            log.warning("forgery", pbx=pbx, call=event.uniqueid, dropped=event.dropped)
            return
        if isinstance(event, ev.Detached):
            here.attached = False
            if here.gap is None:
                here.gap = Gap(pbx, now, None, GapCause(event.cause))
                self.committer.add_gap(here.gap)
            log.warning("pbx_out_of_sight", pbx=pbx, cause=event.cause)
        else:
            here.attached = True
            if here.gap is not None:
                cause = here.gap.cause
                # a clock that was set back must not end a gap before it began
                ended_at = max(now, here.gap.began_at)
                self.committer.add_gap(Gap(pbx, here.gap.began_at, ended_at, cause))
                log.info("gap_closed", pbx=pbx, cause=cause, seconds=now - here.gap.began_at)
                here.gap = None
            self.committer.add_seen(Seen(pbx, now, here.started))

    def pbx_started(self, pbx: str, started: str | None) -> None:
        """What the PBX says about its own start, to know it again by."""
        self._pbxs[pbx].started = started

    def decided(self, decided: Decided) -> None:
        """Take what a person or the clock decided, to be written with the next commit."""
        self.committer.add_decided(decided)
        self._wake.set()

    async def written(self) -> None:
        """Return when all that was taken so far is on disk. Raises StoreUnavailable."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._written.append(written)
        self._wake.set()
        await written

    # -- to look at -------------------------------------------------------------------------------

    def sights(self) -> dict[str, Sight]:
        """Every PBX, by name."""
        return {
            name: Sight(
                here.attached,
                here.gap,
                here.started,
                None if here.clock is None else here.heard,
                here.tracker.open_calls,
            )
            for name, here in self._pbxs.items()
        }

    def all_in_sight(self) -> bool:
        """Whether no PBX is out of sight."""
        return all(here.attached for here in self._pbxs.values())

    def skew(self, pbx: str) -> float:
        """Seconds by which the clock of a PBX is ahead of ours; what may be delay is none."""
        here = self._pbxs.get(pbx)
        if here is None:
            return 0.0
        return here.skew.ahead(self._clocks.wall(), self._clocks.monotonic())

    # -- out --------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Commit in groups until `stop`; then once more, and return."""
        async with asyncio.TaskGroup() as tasks:
            ticker = tasks.create_task(self._tick(), name="ticker")
            try:
                await self._commit_until_stopped()
            finally:
                ticker.cancel()

    def stop(self) -> None:
        """End `run` after one last commit."""
        self._stop.set()
        self._wake.set()

    async def _commit_until_stopped(self) -> None:
        failures = 0
        while not self._stop.is_set():
            await self._wake.wait()
            self._wake.clear()
            await self._pause(self._delay)
            if await self._commit_all():
                failures = 0
                continue
            await self._pause(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
            failures += 1
            self._wake.set()
        self._note_seen()
        if not await self._commit_all():
            self.unwritten = self.committer.calls()
            why = self.committer.health.store_error
            log.error("records_not_written", why=why, calls=self.unwritten)

    async def _pause(self, seconds: float) -> None:
        """Wait, but not when the daemon stops."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):  # unlike wait_for it loses no cancellation
                await self._stop.wait()

    async def _commit_all(self) -> bool:
        """Write everything that waits. False: the store failed, and it waits on."""
        written, self._written = self._written, []
        try:
            done = await self._commit_groups()
        except BaseException:
            self._written = written + self._written
            raise
        for each in written:
            if each.done():
                continue  # whoever waited has gone
            if done:
                each.set_result(None)
            else:
                why = self.committer.health.store_error or "it cannot be written"
                each.set_exception(StoreUnavailable(StoreReason.UNREACHABLE, why))
        return done

    async def _commit_groups(self) -> bool:
        more = True
        while more:
            for here in self._pbxs.values():
                self.committer.add(here.tracker.drain(CALLS_PER_COMMIT))
            # asked before the commit: what comes while it runs waits for the next group
            more = any(here.tracker.has_changes for here in self._pbxs.values())
            if not more:
                self._handle_timers()
            if not await self.committer.commit():
                # take everything out of the trackers into what is bounded
                for here in self._pbxs.values():
                    self.committer.add(here.tracker.drain())
                self.committer.count_dropped()
                return False
        return True

    # -- time -------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.tick()

    def tick(self) -> None:
        """Run the timers that are due, and note from time to time how far the PBXs were seen."""
        now = self._clocks.monotonic()
        self.ticked_at = now
        for name, here in self._pbxs.items():
            self._run_timers(here, now)
            if self._due(name, here) is not None:
                self._wake.set()  # decided with the commit, after all that was told before
        # a restart after the clock was set must not take that for a time in which nobody saw a PBX
        if self._steps.look() or now >= self._next_seen:
            self._next_seen = now + SEEN_EVERY_SECONDS
            self._note_seen()

    def _run_timers(self, here: _Pbx, now: float) -> None:
        due = here.tracker.next_timer()
        if due is None or here.clock is None:
            return
        pbx_time = here.clock + (now - here.heard)
        if due <= pbx_time:
            here.tracker.handle_timer(pbx_time)
            self._wake.set()

    def _due(self, name: str, here: _Pbx) -> float | None:
        """What the clock of a PBX shows, if something has to be decided by that; None: not.

        Out of sight nobody knows what goes on there.
        """
        due = self.committer.next_timer(name)
        if due is None or here.clock is None or not here.attached:
            return None
        pbx_time = here.clock + (self._clocks.monotonic() - here.heard)
        return pbx_time if due <= pbx_time else None

    def _handle_timers(self) -> None:
        for name, here in self._pbxs.items():
            pbx_time = self._due(name, here)
            if pbx_time is not None:
                self.committer.handle_timer(name, pbx_time)

    def _note_seen(self) -> None:
        for name, here in self._pbxs.items():
            if here.attached:
                self.committer.add_seen(Seen(name, self._clocks.wall(), here.started))
                self._wake.set()


_TOLD = frozenset({ev.Attached, ev.Detached, ev.ForgeryFound})
