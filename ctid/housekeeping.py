"""What is done beside the calls: figures of closed days, and records that are old enough to go."""

import asyncio
import contextlib
import math
from collections.abc import Callable
from datetime import timedelta

import structlog

from ctid.config import Config
from ctid.domain.days import local_day, midnight
from ctid.store import marks, retention, summary
from ctid.store.errors import StoreUnavailable
from ctid.store.queries import Reader
from ctid.store.recorder import Store

log = structlog.get_logger("ctid")

# After midnight most calls that began before it are over; a later end makes the day stale again.
AFTER_MIDNIGHT_SECONDS = 120.0
# A correction of a closed day, or a store that failed, waits no longer than this.
AGAIN_SECONDS = 3600.0


class Housekeeping:
    """Keeps house beside the recording. `config` gives the one that is in force.

    `drop` is told before which time (Unix seconds) nothing is to be remembered.
    """

    def __init__(
        self,
        store: Store,
        config: Callable[[], Config],
        clock: Callable[[], float],
        drop: Callable[[float], None],
    ) -> None:
        self._store = store
        self._config = config
        self._clock = clock
        self._drop = drop
        self._asked = asyncio.Event()

    async def run(self) -> None:
        """Keep house at once, after every local midnight and every hour, until cancelled."""
        while True:
            self._asked.clear()
            config, now = self._config(), self._clock()
            # first: what is deleted must not be written again
            self._drop(kept_since(config, now))
            try:
                await keep_house(self._store, config, now)
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


def seconds_until_next(now: float, zone: str) -> float:
    """How long to wait: until shortly after midnight, at most an hour."""
    tomorrow = midnight(local_day(now, zone) + timedelta(days=1), zone)
    return min(AGAIN_SECONDS, tomorrow + AFTER_MIDNIGHT_SECONDS - now)


def kept_since(config: Config, now: float) -> float:
    """From when on calls are kept, a local midnight; -inf: all of them."""
    if not config.retention.records_days:
        return -math.inf
    day = local_day(now, config.timezone) - timedelta(days=config.retention.records_days)
    return midnight(day, config.timezone)


async def keep_house(store: Store, config: Config, now: float) -> None:
    """Summarise what is closed, then delete what is old. Raises StoreUnavailable."""
    async with await Reader.open(config.store.url) as reader:
        counted = await summary.summarise(store, reader, config.desk(), now)
    if counted:
        log.info("days_summarised", days=len(counted), last=counted[-1].isoformat())
    since = kept_since(config, now)
    if since > -math.inf and (deleted := await retention.retain(store, since)):
        before = local_day(since, config.timezone).isoformat()
        log.info("old_calls_deleted", calls=deleted, before=before)
