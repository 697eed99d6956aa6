"""Times as a person writes and reads them, in the configured time zone."""

import re
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

_LASTS = re.compile(r"(?:(?P<d>\d{1,4})d)?(?:(?P<h>\d{1,4})h)?(?:(?P<m>\d{1,5})m(?:in)?)?")
_CLOCK = re.compile(r"(?P<hour>\d{1,2}):(?P<minute>\d{2})")


def parse_time(text: str, zone: ZoneInfo, *, end: bool = False) -> float:
    """Unix seconds of `2026-11-25`, `2026-11-25T08:30` (local), or ISO 8601 with an offset.

    A day alone means its first moment; with `end` the first moment behind it, so that "to
    Wednesday" includes Wednesday. Raises ValueError with one line.
    """
    try:
        when = datetime.fromisoformat(text)
        if len(text) == len("2026-11-25") and end:
            when += timedelta(days=1)
        if when.tzinfo is None:
            when = when.replace(tzinfo=zone)
        return when.timestamp()
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is no time: write 2026-11-25, 2026-11-25T08:30 or 2026-11-25T08:30:00+08:00"
        ) from None


def midnight(now: float, zone: ZoneInfo) -> float:
    """The beginning of the local day in which `now` (Unix seconds) lies."""
    day = datetime.fromtimestamp(now, zone).date()
    return datetime.combine(day, time(), zone).timestamp()


def to_minutes(at: float | None, zone: ZoneInfo, now: float) -> str | None:
    """`08:30`, local; `11-25 08:30` on another day, `2025-11-25 08:30` in another year."""
    if at is None:
        return None
    when, today = datetime.fromtimestamp(at, zone), datetime.fromtimestamp(now, zone)
    if when.date() == today.date():
        return when.strftime("%H:%M")
    return when.strftime("%m-%d %H:%M" if when.year == today.year else "%Y-%m-%d %H:%M")


def to_seconds(at: float | None, zone: ZoneInfo) -> str | None:
    """`2026-11-25 08:30:00`, local."""
    return _local(at, zone, "seconds")


def to_milliseconds(at: float | None, zone: ZoneInfo) -> str | None:
    """`2026-11-25 08:30:00.123`, local."""
    return _local(at, zone, "milliseconds")


def with_offset(at: float | None, zone: ZoneInfo) -> str | None:
    """`2026-11-25T08:30:00.123+08:00`."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, zone).isoformat(timespec="milliseconds")


def _local(at: float | None, zone: ZoneInfo, precision: str) -> str | None:
    if at is None:
        return None
    when = datetime.fromtimestamp(at, zone).replace(tzinfo=None)
    return when.isoformat(sep=" ", timespec=precision)


def parse_duration(text: str) -> float:
    """Seconds of `30m`, `2h`, `1h30m`, `3d`. Raises ValueError with one line."""
    found = _LASTS.fullmatch(text.strip().lower().replace(" ", ""))
    parts = {} if found is None else found.groupdict(default="0")
    lasts = timedelta(
        days=int(parts.get("d", 0)), hours=int(parts.get("h", 0)), minutes=int(parts.get("m", 0))
    )
    if not lasts:
        raise ValueError(f"{text!r} is no length of time: write 30m, 2h, 1h30m or 3d")
    return lasts.total_seconds()


def parse_next(text: str, zone: ZoneInfo, after: float) -> float:
    """Unix seconds of `22:00`, the next local one after `after`, or of what `parse_time` takes.

    Raises ValueError with one line.
    """
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        return parse_time(text, zone)
    day = datetime.fromtimestamp(after, zone).date()
    try:
        clock = time(int(found["hour"]), int(found["minute"]))
    except ValueError:
        raise ValueError(f"{text!r} is no time: write 22:00 or 2026-11-25T22:00") from None
    moments = (
        datetime.combine(day + timedelta(days=days), clock, zone).timestamp() for days in range(3)
    )
    return next(at for at in moments if at > after)
