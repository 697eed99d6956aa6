"""What was decided on its way to the store: batches, retries, and what is said when it fails."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from ctid.domain.batch import Batch
from ctid.domain.policy import NOTHING, Decided
from ctid.domain.records import Gap, Record, Seen
from ctid.domain.tracker import Changes
from ctid.pending import Pending
from ctid.store.errors import StoreReason, StoreUnavailable

log = structlog.get_logger("ctid")

# Records held in memory while the store cannot be written.
HELD_RECORDS = 50_000
_STEP_SECONDS: Final = 1.0
"""A clock that differs by more from one look to the next was set; less is followed as it is."""


class Store(Protocol):
    """Writes one batch; raises StoreUnavailable."""

    async def commit(self, batch: Batch) -> None: ...


@dataclass(frozen=True, slots=True)
class Deciding:
    """What else has to be written with what happened.

    `records` follows from records as they are taken out of a tracker, at a time (Unix seconds);
    `gap` from a gap that began or ended; `timer` from time that passed: given a PBX, what its clock
    shows and ours, when `next_timer` of that PBX has come.
    """

    records: Callable[[Sequence[Record], float], Decided] = lambda _records, _now: NOTHING
    gap: Callable[[Gap], Decided] = lambda _gap: NOTHING
    next_timer: Callable[[str], float | None] = lambda _pbx: None
    timer: Callable[[str, float, float], Decided] = lambda _pbx, _pbx_now, _now: NOTHING


DECIDES_NOTHING: Final = Deciding()

# Told of every batch once it is on disk; must not raise. What is shown live comes from here.
Feed = Callable[[Batch], None]


class Alarm(Protocol):
    """Tells people without the disk that the store fails, and that it is well again."""

    def store_failing(self, message: str, since: float) -> None: ...

    def store_recovered(self, since: float) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Clocks:
    """`wall`: Unix seconds in UTC, for records; `monotonic`: for how long something took."""

    wall: Callable[[], float]
    monotonic: Callable[[], float]


class ClockSteps:
    """Notices that the clock on the wall was set, by the one that nobody sets."""

    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks
        self._offset = clocks.wall() - clocks.monotonic()

    def look(self) -> float:
        """Seconds by which it was set since the last look; 0.0: it was not, or by too little."""
        offset = self._clocks.wall() - self._clocks.monotonic()
        step, self._offset = offset - self._offset, offset
        return step if abs(step) > _STEP_SECONDS else 0.0


@dataclass(slots=True)
class Health:
    """How the store is; `store_error` is the line for the operator, None while it can write."""

    store_error: str | None = None
    store_failing_since: float | None = None


class Committer:
    """Holds what waits and writes it. What the store cannot take now waits on, within a limit.

    `committing_since` is monotonic time, None while no commit is under way.
    """

    def __init__(
        self,
        store: Store,
        clocks: Clocks,
        alarm: Alarm,
        feed: Feed | None = None,
        held_records: int = HELD_RECORDS,
        decide: Deciding = DECIDES_NOTHING,
    ) -> None:
        self._decide = decide
        self._store = store
        self._clocks = clocks
        self._alarm = alarm
        self._feed = feed or (lambda _: None)
        self._pending = Pending(held_records)
        self.health = Health()
        self.committing_since: float | None = None
        self.commits = 0
        self.dropped_records = 0
        self.refused_rows = 0

    def add(self, changes: Changes) -> None:
        """Take what a tracker decided; it waits for the next commit."""
        self._pending.add(changes, self._decide.records(changes.records, self._clocks.wall()))

    def next_timer(self, pbx: str) -> float | None:
        """When `handle_timer` has something to decide, by the clock of this PBX."""
        return self._decide.next_timer(pbx)

    def handle_timer(self, pbx: str, pbx_now: float) -> None:
        """Take what follows from calls that go on, after all that the PBX told up to then."""
        decided = self._decide.timer(pbx, pbx_now, self._clocks.wall())
        self._pending.add_decided(decided)

    def add_decided(self, decided: Decided) -> None:
        """Take what a person decided; it waits for the next commit."""
        self._pending.add_decided(decided)

    def add_gap(self, gap: Gap) -> None:
        """Take when a PBX was not seen."""
        self._pending.add_gap(gap)
        self._pending.add_decided(self._decide.gap(gap))

    def add_seen(self, seen: Seen) -> None:
        """Take until when a PBX was seen."""
        self._pending.add_seen(seen)

    @property
    def waiting(self) -> int:
        """How many records wait for their commit."""
        return len(self._pending)

    def calls(self) -> list[str]:
        """The calls of which a record waits, by uniqueid."""
        return self._pending.calls()

    async def commit(self) -> bool:
        """Write what waits, in one transaction. False: the store failed, and it waits on."""
        if not self._pending:
            return True
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

    def count_dropped(self) -> None:
        """Say how many records there was no room for while the store failed."""
        if self._pending.dropped:
            log.error("records_dropped", records=self._pending.dropped, held=len(self._pending))
            self.dropped_records += self._pending.dropped
            self._pending.dropped = 0

    def _committed(self, batch: Batch) -> None:
        for record in batch.records:
            if not record.open:
                _canonical_line(record)
        self._feed(batch)

    async def _write(self, batch: Batch) -> None:
        self.committing_since = self._clocks.monotonic()
        try:
            await self._store.commit(batch)
        finally:
            self.committing_since = None

    async def _commit_one_by_one(self, batch: Batch) -> None:
        """The database refused something in the batch: set aside that call, keep all the others."""
        for record in batch.records:
            await self._commit_apart(Batch(records=(record,)), record.uniqueid)
        for call in batch.open_calls:
            await self._commit_apart(Batch(open_calls=(call,)), call.uniqueid)
        for fact in batch.facts:
            await self._commit_apart(Batch(facts=(fact,)), fact.uniqueid)
        for entry in batch.returns:
            await self._commit_apart(Batch(returns=(entry,)), entry.uniqueid)
        for wanted in batch.wanted:
            await self._commit_apart(Batch(wanted=(wanted,)), wanted.draft.uniqueid)
        for alert in batch.alerts:
            await self._commit_apart(Batch(alerts=(alert,)), "")
        for page in batch.pages:
            await self._commit_apart(Batch(pages=(page,)), "")
        await self._commit_apart(Batch(silences=batch.silences), "")
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
