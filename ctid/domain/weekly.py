"""A moment of each week: `mon 10:00`."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ctid.domain.duty import DAYS


def latest(text: str, zone: str, now: float) -> float:
    """When it was last, not after `now` (Unix seconds), in the time zone. `text` has to be good."""
    day, _, time = text.partition(" ")
    hours, minutes = (int(part) for part in time.split(":"))
    today = datetime.fromtimestamp(now, ZoneInfo(zone)).replace(
        hour=hours, minute=minutes, second=0, microsecond=0
    )
    back = (today.weekday() - DAYS.index(day)) % 7
    found = today - timedelta(days=back)
    return (found if found.timestamp() <= now else found - timedelta(days=7)).timestamp()
