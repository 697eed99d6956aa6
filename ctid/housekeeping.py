"""What is done beside the calls: figures of closed days, and records that are old enough to go."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import structlog

from ctid.config import Config
from ctid.domain.days import local_day, midnight
from ctid.store import retention, summary
from ctid.store.errors import StoreUnavailable
from ctid.store.queries import Reader
from ctid.store.recorder import Store

log = structlog.get_logger("ctid")

# After midnight most calls that began before it are over; a later end makes the day stale again.
AFTER_MIDNIGHT_SECONDS = 120.0
# A correction of a closed day, or a store that failed, waits no longer than this.
AGAIN_SECONDS = 3600.0


async def run(store: Store, config: Config, clock: Callable[[], float]) -> None:
    """Keep house at once, after every local midnight and every hour, until cancelled."""
    while True:
        try:
            await keep_house(store, config, clock())
        except StoreUnavailable as error:
            log.warning("housekeeping_failed", why=str(error), again_in_seconds=AGAIN_SECONDS)
        await asyncio.sleep(seconds_until_next(clock(), config.timezone))


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


async def rebuild(store: Store, config: Config, now: float) -> int:
    """Count all closed days anew whose records are still there; give how many.

    Needed after a change of time zone, duty hours, specialties or [figures]. Raises
    StoreUnavailable; what was not reached by then is counted within an hour.
    """
    await summary.mark_all(store)
    async with await Reader.open(config.store.url) as reader:
        return len(await summary.summarise(store, reader, config.desk(), now))


async def forget(store: Store, number: str) -> int:
    """Forget a caller's number; give how many calls had it. Raises StoreUnavailable."""
    return await retention.forget(store, number)
