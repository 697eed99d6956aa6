"""From the offers of a day to counts: by line, specialty and whole desk, by hour of the day."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from itertools import islice
from operator import attrgetter, itemgetter
from typing import Final

from ctid.domain.days import hour_starts, midnight
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


_uniqueid = attrgetter("uniqueid")

Key = tuple[Scope, str]
DESK: Final[Key] = (Scope.DESK, "")


@dataclass(frozen=True, slots=True)
class Desk:
    """What figures have to know of the configuration. A line it does not name has no duty hours.

    Days and hours are those of `zone`; duty hours are in the zone of their line.
    """

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


def tally(
    offers: Sequence[Offer], day: date, desk: Desk, *, hourly: bool = True
) -> dict[Key, Hours]:
    """Count the ended offers of one local day; without `hourly` all of them as of hour 0.

    `offers` are those of the day and REACH_SECONDS around it: a call that came to one line before
    midnight and to another after it is, for the desk, of the day it came first.
    """
    return _Tally(day, desk, hourly=hourly).count(offers)


class _Tally:
    def __init__(self, day: date, desk: Desk, *, hourly: bool) -> None:
        self._desk = desk
        self._begin = midnight(day, desk.zone)
        self._end = midnight(date.fromordinal(day.toordinal() + 1), desk.zone)
        self._hours = list(hour_starts(day, desk.zone)) if hourly else [(self._begin, 0)]
        self._duty: dict[str, list[float]] = {}
        self._found: dict[Key, Hours] = {}

    def count(self, offers: Sequence[Offer]) -> dict[Key, Hours]:
        uniqueids = Counter(map(_uniqueid, offers))
        several: dict[tuple[str, str], list[Offer]] = {}
        alone: dict[str, list[Offer]] = {}
        for offer in offers:
            if uniqueids[offer.uniqueid] > 1:
                several.setdefault((offer.pbx, offer.uniqueid), []).append(offer)
            elif self._begin <= offer.at < self._end:
                alone.setdefault(offer.line, []).append(offer)
        for call in several.values():
            self._several(call)
        # A call with one offer counts alike everywhere: it is counted once, and added.
        for line, of_line in alone.items():
            counted = self._alone(line, of_line)
            for key in ((Scope.LINE, line), *self._desk.scopes_of(line)):
                self._of(key).add(counted)
        return self._found

    def _alone(self, line: str, offers: Iterable[Offer]) -> Hours:
        """Count offers of one line, thousands a day: first sorted by the hour and duty they share.

        Each of the two calls that this saves for an offer costs as much as counting it.
        """
        begins = sorted({at for at, _ in self._hours}.union(self._edges(line)))
        begins = begins[bisect_left(begins, self._begin) : bisect_left(begins, self._end)]
        cells: list[list[Offer]] = [[] for _ in begins]
        if len(begins) == 1:
            cells[0] = list(offers)
        else:
            for offer in offers:
                cells[bisect_right(begins, offer.at) - 1].append(offer)
        counted = Hours()
        for begin, cell in zip(begins, cells, strict=True):
            if cell:
                on_duty = self._on_duty(line, begin)
                counted.at(self._hour(begin)).count(cell, self._desk.rules, on_duty=on_duty)
        return counted

    def _several(self, call: Sequence[Offer]) -> None:
        scopes: dict[Key, list[Offer]] = {}
        for offer in call:
            self._one((Scope.LINE, offer.line), offer, self._on_duty(offer.line, offer.at))
            for key in self._desk.scopes_of(offer.line):
                scopes.setdefault(key, []).append(offer)
        for key, offers in scopes.items():
            for near in _near(offers):
                on_duty = any(self._on_duty(offer.line, offer.at) for offer in near)
                self._one(key, fold(near), on_duty)

    def _one(self, key: Key, offer: Offer, on_duty: bool) -> None:  # noqa: FBT001 - private
        if self._begin <= offer.at < self._end:
            counts = self._of(key).at(self._hour(offer.at))
            counts.count((offer,), self._desk.rules, on_duty=on_duty)

    def _of(self, key: Key) -> Hours:
        return self._found.setdefault(key, Hours())

    def _hour(self, at: float) -> int:
        return self._hours[bisect_right(self._hours, at, key=itemgetter(0)) - 1][1]

    def _on_duty(self, line: str, at: float) -> bool:
        return bisect_right(self._edges(line), at) % 2 == 1

    def _edges(self, name: str) -> list[float]:
        """Where duty begins, ends, begins ... around the day, in ascending order."""
        edges = self._duty.get(name)
        if edges is None:
            line = self._desk.lines.get(name)
            around = self._begin - REACH_SECONDS, self._end + REACH_SECONDS
            duty = intervals(line.duty, *around, line.zone) if line else [around]
            edges = self._duty[name] = [edge for shift in duty for edge in shift]
        return edges


def _near(offers: Sequence[Offer]) -> Iterator[list[Offer]]:
    """Those that fold: not more than REACH_SECONDS after the first of them."""
    near: list[Offer] = []
    for offer in sorted(offers, key=attrgetter("at")):
        if near and offer.at - near[0].at > REACH_SECONDS:
            yield near
            near = []
        near.append(offer)
    yield near


def coverage(
    gaps: Iterable[Gap], pbxs: Sequence[str], stretches: Sequence[tuple[float, float]]
) -> float | None:
    """The share of some stretches of time in which the PBX was seen; None: they are empty.

    The stretches are ascending and disjoint.

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
    """How much of some ascending, disjoint stretches lies in what may overlap."""
    total, until, first = 0.0, float("-inf"), 0
    for begin, end in sorted(dark):
        low = max(begin, until)
        if end <= low:
            continue
        until = end
        while first < len(stretches) and stretches[first][1] <= low:
            first += 1
        for start, stop in islice(stretches, first, None):
            if start >= end:
                break
            total += min(end, stop) - max(low, start)
    return total
