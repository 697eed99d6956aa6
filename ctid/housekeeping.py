"""What is done beside the calls: figures of closed days, and records that are old enough to go."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import timedelta

import structlog

from ctid.config import Config
from ctid.domain.days import local_day, midnight
from ctid.store import forgetting, marks, retention, summary
from ctid.store.errors import StoreUnavailable
from ctid.store.queries import Reader
from ctid.store.recorder import Store

log = structlog.get_logger("ctid")

# After midnight most calls that began before it are over; a later end makes the day stale again.
AFTER_MIDNIGHT_SECONDS = 120.0
# A correction of a closed day, or a store that failed, waits no longer than this.
AGAIN_SECONDS = 3600.0


class Housekeeping:
    """Keeps house beside the recording. `config` gives the one that is in force."""

    def __init__(
        self, store: Store, config: Callable[[], Config], clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._config = config
        self._clock = clock
        self._asked = asyncio.Event()

    async def run(self) -> None:
        """Keep house at once, after every local midnight and every hour, until cancelled."""
        while True:
            self._asked.clear()
            try:
                await keep_house(self._store, self._config(), self._clock())
            except StoreUnavailable as error:
                log.warning("housekeeping_failed", why=str(error), again_in_seconds=AGAIN_SECONDS)
            pause = seconds_until_next(self._clock(), self._config().timezone)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), pause)

    async def rebuild(self) -> None:
        """Have all closed days counted anew whose records are still there, in the background.

        Needed after a change of time zone, duty hours, specialties or [figures]. Raises
        StoreUnavailable.
        """
        await summary.mark_all(self._store)
        self._asked.set()

    async def backed_up(self) -> float:
        """Note that a backup was made just now; give the time. Raises StoreUnavailable."""
        now = self._clock()
        await marks.set_mark(self._store, marks.BACKUP, now)
        return now

    async def forget(self, number: str) -> int:
        """Forget a caller's number; give how many calls had it. Raises StoreUnavailable."""
        forgotten = await forgetting.forget(self._store, number)
        if not forgotten.is_off_disk:
            log.warning(
                "forgotten_number_still_in_log",
                why=f"{self._store.database}-wal is being read; end long reads, forget it again",
            )
        return forgotten.calls


def seconds_until_next(now: float, zone: str) -> float:
    """How long to wait: until shortly after midnight, at most an hour."""
    tomorrow = midnight(local_day(now, zone) + timedelta(days=1), zone)
    return min(AGAIN_SECONDS, tomorrow + AFTER_MIDNIGHT_SECONDS - now)


async def keep_house(store: Store, config: Config, now: float) -> None:
    """Summarise what is closed, then delete what is old. Raises StoreUnavailable."""
    async with await Reader.open(config.store.url) as reader:
        counted = await summary.summarise(store, reader, config.desk(), now)
    if counted:
        log.info("days_summarised", days=len(counted), last=counted[-1].isoformat())
    if config.retention.records_days:
        kept = local_day(now, config.timezone) - timedelta(days=config.retention.records_days)
        deleted = await retention.retain(store, midnight(kept, config.timezone))
        if deleted:
            log.info("old_calls_deleted", calls=deleted, before=kept.isoformat())
