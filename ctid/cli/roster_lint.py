"""What is wrong in a roster that can be read: hours without anybody, people nobody reaches."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from ctid.config import Config
from ctid.config.doubts import COUNTRY
from ctid.config.roster import surroundings
from ctid.domain.alerts import RosterGap
from ctid.domain.days import local_day, midnight
from ctid.domain.duty import DAYS
from ctid.domain.lines import Line
from ctid.domain.numbers import wrong_length
from ctid.domain.roster import EVERYONE, Person, Plan, Role, RosterShift, Substitution, gaps
from ctid.output import iso

LOOK_AHEAD_DAYS: Final = 14
_AROUND_DAYS: Final = 7
"""A gap that lasts longer has no beginning and no end here."""
_DAY: Final = 86_400.0


def lint(plan: Plan, loaded: Config, now: float) -> list[dict[str, Any]]:
    """All of it: duty hours without anybody, which are errors, and what else is wrong."""
    gaps_found = ({"severity": "error", **row} for row in unstaffed(plan, loaded, now))
    return [*gaps_found, *doubts(plan, loaded, now)]


def unstaffed(plan: Plan, loaded: Config, now: float) -> Iterator[dict[str, Any]]:
    """The duty hours of the next days that nobody has: a row for those that return each day."""
    for line in loaded.lines():
        found = _gaps(plan, line, now)
        alike: dict[tuple[str, time, time, float], list[RosterGap]] = {}
        for gap in found:
            begins, ends = _local(gap.begins_at, line.zone), _local(gap.ends_at, line.zone)
            length = gap.ends_at - gap.begins_at
            alike.setdefault((gap.role, begins.time(), ends.time(), length), []).append(gap)
        # who left the hours out may not have meant the nights
        clock = "" if line.duty is not None else " (without `duty`: round the clock)"
        for (role, *_), same in alike.items():
            zone = "" if line.zone == loaded.timezone else f" (times of {line.zone})"
            what = f"nobody is {role} {_when(same, line.zone)}{zone}"
            if absent := _absent(plan, line, same[0]):
                what += f": absent, with nobody in their place: {absent}"
            yield {
                "what": f"line {line.name}{clock}: {what}",
                "line": line.name,
                "role": role,
                "begins_at": iso(same[0].begins_at),
                "ends_at": iso(same[0].ends_at),
                "times": len(same),
            }


def doubts(plan: Plan, loaded: Config, now: float) -> Iterator[dict[str, Any]]:
    """What else is wrong, or may be."""
    for person in plan.people.values():
        for severity, what in _of_person(person, plan, loaded):
            yield {
                "severity": severity,
                "what": f"{person.id}: {what}",
                "person": person.id,
            }
    today = local_day(now, loaded.timezone)
    there = {shift.role for shift in plan.shifts if shift.last is None or shift.last >= today}
    for index, step in enumerate(loaded.escalation):
        # of the steps that nobody has written it is no mistake: they are not waited for
        for role in dict.fromkeys(step.to):
            if role != EVERYONE and role not in there:
                yield {
                    "severity": "warning",
                    "what": f"nobody is ever {role}, whom escalation[{index}] pages: add a shift "
                    "of this role, or take it out of that step",
                }
    for shift in plan.shifts:
        if shift.last is not None and shift.last < today:
            whom, role = ", ".join(shift.people), shift.role.value
            yield {
                "severity": "warning",
                "what": f"shift of {whom} as {role}: is over since {shift.last}: take it out",
                "person": shift.people[0],
            }
        if _never_comes(shift, plan):
            whom, role = ", ".join(shift.people), shift.role.value
            yield {
                "severity": "warning",
                "what": f"shift of {whom} as {role}: without a calendar no day is `holiday`: add "
                f"`country` to [calendar], such as {COUNTRY}, or take `calendar = false` out of "
                "its [[line]]",
                "person": shift.people[0],
            }
    for substitution in plan.substitutions:
        by = substitution.by or "nobody"
        if ended := _ended(substitution, loaded.timezone, now):
            what = f"is over since {ended}: take it out"
        elif not plan.is_used(substitution):
            what = f"{substitution.absent} has no shift in this time"
        else:
            continue
        yield {
            "severity": "warning",
            "what": f"substitution of {substitution.absent} by {by}: {what}",
            "person": substitution.absent,
        }


def _of_person(person: Person, plan: Plan, loaded: Config) -> Iterator[tuple[str, str]]:
    """Severity, and what."""
    mentioning = surroundings(loaded).mentioning
    takes = {table.name: table.takes_address for table in loaded.channels.all()}
    if person.id not in {each.id for each in plan.everyone(None)}:
        yield "warning", "is in no shift"
    elif not person.routes:
        yield "error", f"has no channels: nobody can reach {person.name}"
    elif all(route.address is None and route.channel in mentioning for route in person.routes):
        what = f"without `mobile` no group mentions {person.name}: at night nobody's telephone"
        yield "warning", f"{what} may ring"
    numbers = {route.address for route in person.routes if route.channel in mentioning}
    for number in sorted(filter(None, numbers)):
        if wrong := wrong_length(number, loaded.numbers.region):
            what = f"the mobile number that ends in {number[-2:]} is {wrong}: nobody is mentioned"
            yield "warning", what
    for route in person.routes:
        if route.address is not None and not takes[route.channel]:
            yield "warning", f"channel {route.channel} takes no address: take its `to` out"


def _never_comes(shift: RosterShift, plan: Plan) -> bool:
    """Whether it names holidays, and no line that it is for has any."""
    times = [plan.lines.get(name, plan.desk) for name in shift.lines or plan.lines]
    return any(hours.names_holidays for hours in shift.hours or ()) and all(
        each.calendar is None for each in times or [plan.desk]
    )


def _ended(substitution: Substitution, zone: str, now: float) -> str:
    """The day or time at which it was over; empty: it is not."""
    ends = substitution.ends
    if isinstance(ends, date):
        # its last shift may go on over midnight
        return str(ends) if ends < local_day(now, zone) - timedelta(days=1) else ""
    return f"{_local(ends, zone):%Y-%m-%d %H:%M}" if ends <= now else ""


def _absent(plan: Plan, line: Line, gap: RosterGap) -> str:
    """The ids of those who would be there."""
    changes = plan.changes(line.name, gap.begins_at, gap.ends_at)
    ids = dict.fromkeys(
        person.id
        for at in (gap.begins_at, *changes)
        for person in plan.missing(Role(gap.role), line.name, at)
    )
    return ", ".join(ids)


def _gaps(plan: Plan, line: Line, now: float) -> Sequence[RosterGap]:
    """Those that are there or begin within the days ahead; whole, if they have a beginning."""
    begin = midnight(local_day(now, line.zone) - timedelta(days=_AROUND_DAYS), line.zone)
    end = now + LOOK_AHEAD_DAYS * _DAY
    behind = end + _AROUND_DAYS * _DAY
    return [
        RosterGap(
            gap.role,
            now if gap.begins_at == begin else gap.begins_at,
            end if gap.ends_at == behind else gap.ends_at,
        )
        for gap in gaps(plan, line.duty, line.zone, [Role.FIRST_LINE], line.name, begin, behind)
        if gap.ends_at > now and gap.begins_at < end
    ]


def _when(same: Sequence[RosterGap], zone: str) -> str:
    first = same[0]
    begins, ends = _local(first.begins_at, zone), _local(first.ends_at, zone)
    if len(same) == 1:
        return f"from {begins:%Y-%m-%d %H:%M} until {ends:%Y-%m-%d %H:%M}"
    days = _days({_local(gap.begins_at, zone).weekday() for gap in same})
    until = f"-{ends:%H:%M}"
    if ends.date() > begins.date() + timedelta(days=1):
        until = f" for {(first.ends_at - first.begins_at) / 3600.0:g} h"
    times = f"{len(same)} times in {LOOK_AHEAD_DAYS} days, first on {begins:%Y-%m-%d}"
    return f"{days} {begins:%H:%M}{until}, {times}"


def _days(days: set[int]) -> str:
    """`mon-fri`, `sat, sun`, `mon-sun`."""
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(
        f"{DAYS[run[0]]}-{DAYS[run[-1]]}" if len(run) > 2 else ", ".join(DAYS[day] for day in run)  # noqa: PLR2004
        for run in runs
    )


def _local(at: float, zone: str) -> datetime:
    return datetime.fromtimestamp(at, ZoneInfo(zone))
