"""From the offers of a day to counts: by line, specialty and whole desk, by hour of the day."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from ctid.domain.days import midnight
from ctid.domain.duty import intervals
from ctid.domain.kpi import Counts, Offer, Rules, fold
from ctid.domain.lines import Line
from ctid.domain.records import Gap

HOURS: Final = 24
REACH_SECONDS: Final = 2 * 3600.0
"""How far apart the offers of one call may lie and still fold into one across midnight."""


class Scope(StrEnum):
    """What a figure is of. Over a specialty and the desk the offers of one call fold into one."""

    LINE = "line"
    SPECIALTY = "specialty"
    DESK = "desk"


Key = tuple[Scope, str]
DESK: Final[Key] = (Scope.DESK, "")


@dataclass(frozen=True, slots=True)
class Desk:
    """What figures have to know of the configuration. A line it does not name has no duty hours."""

    zone: str
    lines: Mapping[str, Line]
    pbxs: tuple[str, ...] = ()
    rules: Rules = field(default_factory=Rules)

    def scopes_of(self, line: str) -> Iterator[Key]:
        """Where else the offers of a line are counted: its specialty, and the desk."""
        if line in self.lines:
            yield Scope.SPECIALTY, self.lines[line].specialty
        yield DESK


@dataclass(slots=True)
class Hours:
    """Counts by hour of the local day, 0 to 23; an hour that occurs twice is one."""

    by_hour: dict[int, Counts] = field(default_factory=dict)

    def at(self, hour: int) -> Counts:
        """The counts of one hour, to count into."""
        found = self.by_hour.get(hour)
        if found is None:
            found = self.by_hour[hour] = Counts()
        return found

    def add(self, other: "Hours") -> None:
        """Add what was counted elsewhere."""
        for hour, counts in other.by_hour.items():
            self.at(hour).add(counts)

    def total(self) -> Counts:
        """All hours together."""
        whole = Counts()
        for counts in self.by_hour.values():
            whole.add(counts)
        return whole


def tally(offers: Iterable[Offer], day: date, desk: Desk) -> dict[Key, Hours]:
    """Count the ended offers of one local day.

    `offers` are those of the day and REACH_SECONDS around it: a call that came to one line before
    midnight and to another after it is, for the desk, of the day it came first.
    """
    return _Tally(day, desk).count(offers)


class _Tally:
    def __init__(self, day: date, desk: Desk) -> None:
        self._desk = desk
        self._zone = ZoneInfo(desk.zone)
        self._begin = midnight(day, desk.zone)
        self._end = midnight(date.fromordinal(day.toordinal() + 1), desk.zone)
        self._duty: dict[str, list[float]] = {}
        self._found: dict[Key, Hours] = {}

    def count(self, offers: Iterable[Offer]) -> dict[Key, Hours]:
        first: dict[tuple[str, str], Offer] = {}
        several: dict[tuple[str, str], list[Offer]] = {}
        for offer in offers:
            key = offer.pbx, offer.uniqueid
            earlier = first.setdefault(key, offer)
            if earlier is not offer:
                several.setdefault(key, [earlier]).append(offer)
        alone: dict[str, Hours] = {}
        for call in several.values():
            self._several(call)
        for key, offer in first.items():
            if key not in several and self._begin <= offer.at < self._end:
                self._one(alone.setdefault(offer.line, Hours()), offer, self._on_duty(offer))
        # A call with one offer counts alike everywhere: it is counted once, and added.
        for line, hours in alone.items():
            self._of((Scope.LINE, line)).add(hours)
            for scope in self._desk.scopes_of(line):
                self._of(scope).add(hours)
        return self._found

    def _several(self, call: Sequence[Offer]) -> None:
        scopes: dict[Key, list[Offer]] = {}
        for offer in call:
            if self._begin <= offer.at < self._end:
                self._one(self._of((Scope.LINE, offer.line)), offer, self._on_duty(offer))
            for key in self._desk.scopes_of(offer.line):
                scopes.setdefault(key, []).append(offer)
        for key, offers in scopes.items():
            folded = fold(offers)
            if self._begin <= folded.at < self._end:
                self._one(self._of(key), folded, any(map(self._on_duty, offers)))

    def _one(self, hours: Hours, offer: Offer, on_duty: bool) -> None:  # noqa: FBT001 - private
        hour = datetime.fromtimestamp(offer.at, self._zone).hour
        hours.at(hour).count(offer, self._desk.rules, on_duty=on_duty)

    def _of(self, key: Key) -> Hours:
        return self._found.setdefault(key, Hours())

    def _on_duty(self, offer: Offer) -> bool:
        edges = self._duty.get(offer.line)
        if edges is None:
            edges = self._duty[offer.line] = self._edges(offer.line)
        return bisect_right(edges, offer.at) % 2 == 1

    def _edges(self, name: str) -> list[float]:
        """Where duty begins, ends, begins ... around the day, in ascending order."""
        line = self._desk.lines.get(name)
        around = self._begin - REACH_SECONDS, self._end + REACH_SECONDS
        duty = intervals(line.duty if line else None, *around, self._desk.zone)
        return [edge for shift in duty for edge in shift]


def coverage(
    gaps: Iterable[Gap], pbxs: Sequence[str], stretches: Sequence[tuple[float, float]]
) -> float | None:
    """The share of some stretches of time in which the PBX was seen; None: they are empty.

    Of several PBXs that of the one that was seen least: a line must not look well because another
    PBX was. `gaps` may overlap; an open one lasts for ever.
    """
    whole = sum(end - begin for begin, end in stretches)
    if whole <= 0:
        return None
    dark: dict[str, list[tuple[float, float]]] = {pbx: [] for pbx in pbxs}
    for gap in gaps:
        if gap.pbx in dark:
            end = float("inf") if gap.ended_at is None else gap.ended_at
            dark[gap.pbx].append((gap.began_at, end))
    return 1.0 - max((_unseen(found, stretches) for found in dark.values()), default=0.0) / whole


def _unseen(dark: list[tuple[float, float]], stretches: Sequence[tuple[float, float]]) -> float:
    total, until = 0.0, float("-inf")
    for begin, end in sorted(dark):
        low = max(begin, until)
        if end > low:
            total += sum(max(0.0, min(end, stop) - max(low, start)) for start, stop in stretches)
            until = end
    return total
