"""Local days: midnight to midnight in a time zone, so 23 or 25 hours where clocks change."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

EARLIEST, LATEST = 946_684_800.0, 4_102_444_800.0
"""2000 and 2100: what a clock says that stands out of these was never set."""


def midnight(day: date, zone: str) -> float:
    """The instant (Unix seconds) at which a day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp()


def hour_starts(day: date, zone: str) -> Iterator[tuple[float, int]]:
    """The instants at which an hour of the local day begins, and which hour, 0 to 23.

    Clocks may skip one, or begin one twice; today they change on a quarter of an hour everywhere.
    """
    info, last = ZoneInfo(zone), None
    at, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    while at < end:
        hour = datetime.fromtimestamp(at, info).hour
        if hour != last:
            yield at, hour
        last = hour
        at += 900.0


def local_day(at: float, zone: str) -> date:
    """The day in which an instant lies."""
    return datetime.fromtimestamp(at, ZoneInfo(zone)).date()


def days(first: date, last: date) -> Iterator[date]:
    """Every day from the first to the last, both included."""
    for n in range((last - first).days + 1):
        yield first + timedelta(days=n)


def month_of(day: date) -> tuple[date, date]:
    """The first and the last day of its month."""
    return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])
