"""Events in, committed records out: the trackers' only owner.

Events are taken synchronously, in order, as the readers deliver them; nothing here waits for the
database while it does so. One committer writes what changed, in groups.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from ctid.domain import events as ev
from ctid.domain.calls import Call
from ctid.domain.lines import Directory
from ctid.domain.records import Batch, Gap, GapCause, OpenCall, Record, Seen
from ctid.domain.tracker import Tracker
from ctid.pending import Pending
from ctid.store.errors import StoreReason, StoreUnavailable

log = structlog.get_logger("ctid")

# How often the timers of the trackers are looked at, and how often "seen until" is written.
TICK_SECONDS = 0.25
SEEN_EVERY_SECONDS = 5.0
RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
# One transaction holds no more: the reader must not wait for long, nor memory grow.
CALLS_PER_COMMIT = 500
# Records held in memory while the store cannot be written.
HELD_RECORDS = 50_000


class Committer(Protocol):
    """Writes one batch; raises StoreUnavailable."""

    async def commit(self, batch: Batch) -> None: ...


# Told of every batch once it is on disk; must not raise. What is shown live comes from here.
Feed = Callable[[Batch], None]


class Alarm(Protocol):
    """Tells people without the disk that the store fails, and that it is well again."""

    def store_failing(self, message: str, since: float) -> None: ...

    def store_recovered(self, since: float) -> None: ...

    def close(self) -> None: ...


@dataclass(slots=True)
class Health:
    """How the daemon is; `store_error` is the line for the operator, None while it can write."""

    store_error: str | None = None
    store_failing_since: float | None = None


@dataclass(slots=True)
class _Pbx:
    """One PBX as the pipeline follows it. `clock` and `heard` make its time out of ours."""

    tracker: Tracker
    attached: bool = False
    started: str | None = None
    gap: Gap | None = None
    clock: float | None = None
    heard: float = 0.0


@dataclass(frozen=True, slots=True)
class Sight:
    """What the pipeline knows of one PBX now. `heard`: monotonic time of the last event."""

    attached: bool
    gap: Gap | None
    started: str | None
    heard: float | None
    open_calls: tuple[Call, ...]


@dataclass(slots=True)
class Progress:
    """Signs of life, monotonic time: the last tick, and since when a commit is under way."""

    ticked_at: float
    committing_since: float | None = None


@dataclass(frozen=True, slots=True)
class Clocks:
    """`wall`: Unix seconds in UTC, for records; `monotonic`: for how long something took."""

    wall: Callable[[], float]
    monotonic: Callable[[], float]


class Pipeline:
    """Trackers of all PBXs, and what they decided on its way to the store."""

    def __init__(
        self,
        directories: Mapping[str, Directory],
        store: Committer,
        clocks: Clocks,
        *,
        commit_delay: float,
        alarm: Alarm,
        held_records: int = HELD_RECORDS,
        feed: Feed | None = None,
    ) -> None:
        self._pbxs = {name: _Pbx(Tracker(name, where)) for name, where in directories.items()}
        self._store = store
        self._clocks = clocks
        self._delay = commit_delay
        self._alarm = alarm
        self._pending = Pending(held_records)
        self._feed = feed or (lambda _: None)
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self.health = Health()
        self.progress = Progress(clocks.monotonic())
        self.commits = 0
        self.poisonous_events = 0
        self.dropped_records = 0
        self.refused_rows = 0
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
            self._pending.add_gap(here.gap)
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
            self._pending.add_seen(Seen(pbx, self._clocks.wall(), here.started))
        self._pending.add(here.tracker.drain())
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
                self._pending.add_gap(here.gap)
            log.warning("pbx_out_of_sight", pbx=pbx, cause=event.cause)
        else:
            here.attached = True
            if here.gap is not None:
                cause = here.gap.cause
                # a clock that was set back must not end a gap before it began
                ended_at = max(now, here.gap.began_at)
                self._pending.add_gap(Gap(pbx, here.gap.began_at, ended_at, cause))
                log.info("gap_closed", pbx=pbx, cause=cause, seconds=now - here.gap.began_at)
                here.gap = None
            self._pending.add_seen(Seen(pbx, now, here.started))

    def pbx_started(self, pbx: str, started: str | None) -> None:
        """What the PBX says about its own start, to know it again by."""
        self._pbxs[pbx].started = started

    # -- to look at -------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """How many records wait for their commit."""
        return len(self._pending)

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
            self.unwritten = self._pending.calls()
            log.error("records_not_written", why=self.health.store_error, calls=self.unwritten)

    async def _pause(self, seconds: float) -> None:
        """Wait, but not when the daemon stops."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    async def _commit_all(self) -> bool:
        """Write everything that waits. False: the store failed, and it waits on."""
        more = True
        while more:
            for here in self._pbxs.values():
                self._pending.add(here.tracker.drain(CALLS_PER_COMMIT))
            # asked before the commit: what comes while it runs waits for the next group
            more = any(here.tracker.has_changes for here in self._pbxs.values())
            if self._pending and not await self._commit():
                self._hold()
                return False
        return True

    def _hold(self) -> None:
        """The store fails: take everything out of the trackers into what is bounded."""
        for here in self._pbxs.values():
            self._pending.add(here.tracker.drain())
        if self._pending.dropped:
            log.error("records_dropped", records=self._pending.dropped, held=len(self._pending))
            self.dropped_records += self._pending.dropped
            self._pending.dropped = 0

    async def _commit(self) -> bool:
        batch = self._pending.take()
        try:
            await self._write(batch)
        except StoreUnavailable as error:
            if error.reason is StoreReason.REJECTED:
                await self._commit_one_by_one(batch)
                return True
            self._pending.give_back(batch)
            self._failed(error)
            return False
        self.commits += 1
        self._succeeded()
        self._committed(batch)
        return True

    def _committed(self, batch: Batch) -> None:
        for record in batch.records:
            if not record.open:
                _canonical_line(record)
        self._feed(batch)

    async def _write(self, batch: Batch) -> None:
        self.progress.committing_since = self._clocks.monotonic()
        try:
            await self._store.commit(batch)
        finally:
            self.progress.committing_since = None

    async def _commit_one_by_one(self, batch: Batch) -> None:
        """The database refused something in the batch: set aside that call, keep all the others."""
        for record in batch.records:
            await self._commit_apart(Batch(records=(record,)), record.uniqueid)
        for call in batch.open_calls:
            await self._commit_apart(Batch(open_calls=(call,)), call.uniqueid)
        for fact in batch.facts:
            await self._commit_apart(Batch(facts=(fact,)), fact.uniqueid)
        await self._commit_apart(Batch(gaps=batch.gaps, seen=batch.seen), "")

    async def _commit_apart(self, batch: Batch, uniqueid: str) -> None:
        try:
            await self._write(batch)
        except StoreUnavailable as error:
            if error.reason is StoreReason.REJECTED:
                self.refused_rows += 1
                log.error(  # noqa: TRY400 - the database's own line says it
                    "row_set_aside", call=uniqueid, why=str(error), row=repr(batch)
                )
            else:
                self._pending.give_back(batch)
                self._failed(error)
        else:
            self._committed(batch)

    def _failed(self, error: StoreUnavailable) -> None:
        if self.health.store_error is None:
            self.health.store_failing_since = self._clocks.wall()
            self._alarm.store_failing(str(error), self.health.store_failing_since)
        if self.health.store_error != str(error):
            log.error("store_failing", why=str(error), reason=error.reason)
        self.health.store_error = str(error)

    def _succeeded(self) -> None:
        since = self.health.store_failing_since
        if since is not None:
            self.health.store_error = None
            self.health.store_failing_since = None
            log.info("store_recovered", seconds=self._clocks.wall() - since)
            self._alarm.store_recovered(since)

    # -- time -------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        next_seen = self._clocks.monotonic()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = self._clocks.monotonic()
            self.progress.ticked_at = now
            for here in self._pbxs.values():
                self._run_timers(here, now)
            if now >= next_seen:
                next_seen = now + SEEN_EVERY_SECONDS
                self._note_seen()

    def _run_timers(self, here: _Pbx, now: float) -> None:
        due = here.tracker.next_timer()
        if due is None or here.clock is None:
            return
        pbx_time = here.clock + (now - here.heard)
        if due <= pbx_time:
            here.tracker.handle_timer(pbx_time)
            self._wake.set()

    def _note_seen(self) -> None:
        for name, here in self._pbxs.items():
            if here.attached:
                self._pending.add_seen(Seen(name, self._clocks.wall(), here.started))
                self._wake.set()


_TOLD = frozenset({ev.Attached, ev.Detached, ev.ForgeryFound})


def _canonical_line(record: Record) -> None:
    """One line per finished call."""
    log.info(
        "call",
        pbx=record.pbx,
        call=record.uniqueid,
        direction=record.direction,
        line=record.line,
        caller=record.caller_number,
        outcome=record.outcome,
        reason=record.reason,
        agent=record.agent,
        wait=record.wait_seconds,
        talk=record.talk_seconds,
    )
