"""What is wrong beside the lines' own calls: rates, destinations, roster, calendar, files.

Each function tells all that is wrong of its kind now. `now` is Unix seconds.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from ctid.config import Config
from ctid.domain.alerts import AnswerRate, CalendarEnding, DeliveryStuck, NotReloaded, RosterGap
from ctid.domain.calendar import ENDING_DAYS, Calendar, calendar_ending
from ctid.domain.days import local_day, midnight
from ctid.domain.kpi import RUNG, is_below
from ctid.domain.lines import Line
from ctid.domain.records import Outcome
from ctid.domain.roster import Role, Roster, gaps
from ctid.domain.watch import Observed
from ctid.outbound.loads import File, Load
from ctid.store.queries import Reader
from ctid.store.waiting import Waiting

NOT_RELOADED_SECONDS: Final = 900.0
"""Whoever is at a file has so long to notice a mistake before others are told."""
_SPARE_CALLS: Final = 2
"""A rate about its target is below it for the second time once it is without so many calls."""
_LONGEST_GAP: Final = timedelta(days=16)
"""More than can be looked ahead; a gap of the roster that is longer is told as one of so many."""
_OFFICE_BEGINS: Final = time(9)
_OFFICE_ENDS: Final = time(17)
_DAYS_OF_OFFICE: Final = 5


class RatePeriod(NamedTuple):
    """A day or a month of a line, and when it began."""

    line: str | None
    period: str | None
    since: float


def periods(config: Config, now: float) -> dict[tuple[str | None, str | None], float]:
    """Since when the day and the month of each line run, by (line, period)."""
    found: dict[tuple[str | None, str | None], float] = {}
    for line in config.lines():
        today = local_day(now, line.zone)
        found[line.name, "day"] = midnight(today, line.zone)
        found[line.name, "month"] = midnight(today.replace(day=1), line.zone)
    return found


async def low_rates(
    reader: Reader,
    config: Config,
    now: float,
    over: Collection[RatePeriod] = (),
) -> list[Observed]:
    """Lines whose answer rate of the day or month is below the target. Raises StoreUnavailable.

    That of a month is told by day, and not while there are only calls of one day in it. Where an
    alert about this very period is `over`, the next missed call is not enough for another.
    """
    least = config.alert.answer_rate_calls
    if not least:
        return []
    found = []
    targets = {line.name: line.target_rate for line in config.lines()}
    zones = config.zones()
    together: dict[tuple[str, float], list[str]] = {}
    for (line, period), since in periods(config, now).items():
        together.setdefault((period or "", since), []).append(line or "")
    rung: dict[tuple[str, str], int] = {}
    for (period, since), names in together.items():
        counts = await reader.count_outcomes(names, since)
        for name in names:
            calls = rung[name, period] = sum(counts.get((name, outcome), 0) for outcome in RUNG)
            answered = counts.get((name, Outcome.ANSWERED), 0)
            spare = _SPARE_CALLS if RatePeriod(name, period, since) in over else 0
            if calls >= least and is_below(targets[name], answered, calls - spare):
                subject = AnswerRate(period, answered, calls, targets[name])
                quiet_until = by_day(now, zones[name]) if period == "month" else 0.0
                found.append(Observed(name, period, since, subject, quiet_until))
    return [
        each
        for each in found
        if each.about == "day" or rung[each.line or "", "month"] > rung[each.line or "", "day"]
    ]


def stuck(
    tickets: Mapping[str, Waiting], pages: Mapping[str, Waiting], config: Config, now: float
) -> list[Observed]:
    """Destinations at which something waits for too long; a name may stand for both kinds."""
    limit = 60.0 * config.alert.delivery_stuck_minutes
    found: dict[str, Observed] = {}
    for waiting, is_channel in ((tickets, False), (pages, True)):
        for name, (number, oldest_at) in waiting.items():
            if oldest_at is not None and oldest_at + limit <= now:
                subject = DeliveryStuck(name, number, oldest_at, None, is_channel)
                found.setdefault(name, Observed(None, name, oldest_at, subject))
    return list(found.values())


def unstaffed(roster: Roster, config: Config, now: float) -> list[Observed]:
    """Lines with duty hours near for which nobody is on the roster, where there is one."""
    ahead = 3600.0 * config.alert.roster_ahead_hours
    if not ahead or config.roster.file is None:
        return []
    found = []
    for line in config.lines():
        # from midnight on, so that a gap that goes on keeps its beginning
        since = midnight(local_day(now, line.zone), line.zone)
        for gap in _gaps(roster, line, since, now + ahead):
            if gap.ends_at > now:
                # the first one of a line says enough; its end may lie behind what is looked ahead
                longest = local_day(gap.begins_at, line.zone) + _LONGEST_GAP
                whole, *_ = _gaps(roster, line, gap.begins_at, midnight(longest, line.zone))
                found.append(Observed(line.name, gap.role, gap.begins_at, whole))
                break
    return found


def _gaps(roster: Roster, line: Line, begin: float, end: float) -> list[RosterGap]:
    return gaps(roster, line.duty, line.zone, [Role.FIRST_LINE], line.name, begin, end)


def ending(calendars: Iterable[Calendar], zone: str, now: float) -> list[Observed]:
    """Calendars that end soon; people are told of them by day: there are weeks to mend it."""
    today = local_day(now, zone)
    return [
        Observed(
            None,
            calendar.name,
            midnight(calendar.known_until - timedelta(days=ENDING_DAYS - 1), zone),
            CalendarEnding(calendar.name, calendar.known_until.isoformat()),
            quiet_until=by_day(now, zone),
        )
        for calendar in calendars
        if calendar_ending(calendar, today)
    ]


def by_day(now: float, zone: str) -> float:
    """`now`, if that is in the office hours of a weekday; else when they begin next."""
    local = datetime.fromtimestamp(now, ZoneInfo(zone))
    if local.weekday() < _DAYS_OF_OFFICE and _OFFICE_BEGINS <= local.time() < _OFFICE_ENDS:
        return now
    days = (local.date() + timedelta(days=days) for days in range(4))
    mornings = [datetime.combine(day, _OFFICE_BEGINS, ZoneInfo(zone)) for day in days]
    return next(
        at.timestamp() for at in mornings if at.weekday() < _DAYS_OF_OFFICE and at.timestamp() > now
    )


def not_reloaded(
    loads: Mapping[File, Load], now: float, known: Collection[str | None] = ()
) -> list[Observed]:
    """Files that cannot be read again for a while, or at all of those `known` to have been bad."""
    found = []
    for file, load in loads.items():
        since = load.failed_since
        if since is None or (since + NOT_RELOADED_SECONDS > now and file.value not in known):
            continue
        why, *more = (load.why or "").splitlines()
        kept = load.loaded_at is not None
        subject = NotReloaded(file.value, since, why, len(more), kept=kept)
        found.append(Observed(None, file.value, since, subject))
    return found
