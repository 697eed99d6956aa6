"""The override file of a calendar: days that are not what the official plan says.

    known_until = 2027-12-31      # all holidays until then are in here

    [days]
    2026-12-31 = "holiday"
    "2027-02-05 to 2027-02-11" = "holiday"

A later row wins over an earlier one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from ctid.config import files, written
from ctid.config.positions import Positions
from ctid.config.problems import ConfigError, Problem, did_you_mean, key_path, listed
from ctid.config.problems import Path as KeyPath
from ctid.domain.calendar import DayKind
from ctid.domain.days import days

LONGEST_RANGE: Final = 366
"""Days."""

_KEYS = ("days", "known_until")
_KINDS = tuple(kind.value for kind in DayKind)

Mistake = tuple[KeyPath, str]


@dataclass(frozen=True, slots=True)
class Overrides:
    """What an override file says. `known_until` None: it does not claim to be complete."""

    kinds: Mapping[date, DayKind] = field(default_factory=dict)
    known_until: date | None = None


def load(path: Path) -> Overrides:
    """Read the file. Raises ConfigError with all its problems."""
    text = files.utf8(files.read(path), path)
    raw = files.toml(text, path)
    kinds: dict[date, DayKind] = {}
    mistakes = [*_unknown(raw), *_take(raw.get("days", {}), kinds)]
    known_until = raw.get("known_until")
    if known_until is not None and not _is_day(known_until):
        mistakes.append((("known_until",), "must be a day without quotes, such as 2027-12-31"))
    if mistakes:
        positions = Positions(text)
        found = [Problem(str(path), key_path(at), why, positions.row(at)) for at, why in mistakes]
        raise ConfigError(sorted(found, key=lambda problem: problem.row or 0))
    return Overrides(kinds, known_until)


def _unknown(raw: dict[str, Any]) -> Iterator[Mistake]:
    for key in raw:
        if key in _KEYS:
            continue
        if _range(key) is not None:
            yield (key,), "days belong under a header: write [days] above them"
        else:
            hint = did_you_mean(key, _KEYS) or f"the keys here are {listed(_KEYS)}"
            yield (key,), f"unknown key; {hint}"


def _take(table: Any, kinds: dict[date, DayKind]) -> Iterator[Mistake]:
    if not isinstance(table, dict):
        yield ("days",), "must be a table: write [days]"
        return
    for key, value in table.items():
        found = _range(key)
        if found is None:
            yield (
                ("days", key),
                'is no day: write 2026-12-31, or "2026-12-31 to 2027-01-03" for several',
            )
        elif found[1] < found[0]:
            yield ("days", key), "ends before it begins: write the earlier day first"
        elif (found[1] - found[0]).days >= LONGEST_RANGE:
            yield ("days", key), "is longer than a year: is a digit wrong?"
        elif value not in _KINDS:
            hint = did_you_mean(value, _KINDS) if isinstance(value, str) else ""
            yield ("days", key), f"is {value!r}: {hint or f'write one of {listed(_KINDS)}'}"
        else:
            kinds.update(dict.fromkeys(days(*found), DayKind(value)))


def _range(text: str) -> tuple[date, date] | None:
    """The first and the last day of a key; None: it names none."""
    first, _, last = text.replace("..", " to ").partition(" to ")
    try:
        begin = written.day(first)
        return begin, written.day(last) if last else begin
    except ValueError:
        return None


def _is_day(value: Any) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)
