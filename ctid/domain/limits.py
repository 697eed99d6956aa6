"""When a line's clock reaches a mark, where shifts may have marks of their own."""

from collections.abc import Callable
from itertools import pairwise

from ctid.domain.duty import Duty, Shift, after_on_duty, shifts_between


def warning_at(duty: Duty | None, zone: str, since: float, seconds: float) -> float:
    """When so many seconds of duty have passed, or as many as the shift of that time warns at."""
    return _reached(duty, zone, since, seconds, lambda shift: shift.warning_seconds)


def limit_at(duty: Duty | None, zone: str, since: float, seconds: float) -> float:
    """When so many seconds of duty have passed, or as many as the shift of that time has."""
    return _reached(duty, zone, since, seconds, lambda shift: shift.limit_seconds)


def longest_wait_at(duty: Duty | None, zone: str, since: float, seconds: float) -> float:
    """The same, of one caller who waits."""
    return _reached(duty, zone, since, seconds, lambda shift: shift.longest_wait_seconds)


def blind_at(duty: Duty | None, zone: str, since: float, seconds: float) -> float:
    """The same, of a PBX that is out of sight."""
    return _reached(duty, zone, since, seconds, lambda shift: shift.blind_seconds)


def _reached(
    duty: Duty | None, zone: str, since: float, seconds: float, own: Callable[[Shift], float | None]
) -> float:
    marks = [] if duty is None else [mark for mark in map(own, duty.shifts) if mark is not None]
    if duty is None or not marks:
        return after_on_duty(duty, since, seconds, zone)
    latest = after_on_duty(duty, since, max(seconds, *marks), zone)
    shifts = list(shifts_between(duty, since, latest, zone))
    borders = {since, latest, *(at for _, begin, end in shifts for at in (begin, end))}
    passed = 0.0
    for begin, end in pairwise(sorted(at for at in borders if since <= at <= latest)):
        holding = [shift for shift, start, stop in shifts if start <= begin < stop]
        if not holding:
            continue
        # where several shifts hold the strictest counts
        mark = min(seconds if own(shift) is None else own(shift) or 0.0 for shift in holding)
        if mark - passed <= end - begin:
            return begin + max(0.0, mark - passed)
        passed += end - begin
    return latest
