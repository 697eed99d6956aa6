"""What can be read of a file with mistakes, for commands that only need to find the daemon.

The daemon goes on with the configuration that it read before the mistake was made; whoever asks it
something, or acknowledges an alert, must not have to mend the file first.
"""

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from ctid.config.loader import completed, load, read_text
from ctid.config.models import Config, Control, Store
from ctid.config.positions import header_of, key_of
from ctid.config.problems import ConfigError, Problem, did_you_mean
from ctid.config.problems import Path as KeyPath
from ctid.config.shape import keys_of, validate, without_unknown

_WHERE: Final[Mapping[str, type[BaseModel]]] = {"store": Store, "control": Control}
"""Without these another database, or another daemon, might be meant."""
_OTHERS_NEEDED: Final = ("calendar", "roster")
"""What these say holds only together with the rest of the file."""


def load_leniently(
    path: str | Path, needed: Collection[str] = ()
) -> tuple[Config, tuple[Problem, ...]]:
    """The configuration without secrets and without what is wrong in it; and all that is wrong.

    In the place of what is wrong stand defaults, also for calendar and roster then. Raises
    ConfigError where the file cannot be read, where the mistakes may concern where database and
    daemon are, or one of the keys or tables of the top that are `needed`.
    """
    path = Path(path)
    try:
        return load(path, read_secrets=False), ()
    except ConfigError as error:
        mistakes = error
    text = read_text(path)
    raw, lost = _parsed(text)
    known, unknown = without_unknown(raw)
    config, wrong = _valid({key: known[key] for key in known if key not in _OTHERS_NEEDED})
    # a table may have lost its header, and the one before has got its keys
    misplaced = lost.union(*(_keys_at(raw, place) for place, _ in unknown))
    lost |= wrong | {place[0] for place, _ in unknown}
    for name, table in _WHERE.items():
        if name not in known and (
            misplaced & set(keys_of(table)) or did_you_mean(name, filter(None, lost))
        ):
            lost.add(name)
    if lost & {*_WHERE, *needed}:
        raise mistakes
    return completed(config, path), mistakes.problems


def _keys_at(raw: Any, place: KeyPath) -> set[Any]:
    """The key at this place that does not exist, and those in it if it is a table."""
    for part in place:
        raw = raw[part]
    return {place[-1], *(raw if isinstance(raw, dict) else ())}


# -- TOML ------------------------------------------------------------------------------------------


def _parsed(text: str) -> tuple[dict[str, Any], set[Any]]:
    """What can be parsed; and what not: the keys, and the tables and keys of the top concerned."""
    try:
        return tomllib.loads(text), set()
    except tomllib.TOMLDecodeError:
        pass
    found: dict[str, Any] = {}
    lost: set[Any] = set()
    for header, rows in _tables(text):
        part = _loaded([header, *rows])
        if part is None:
            bad = [row for row in rows if _loaded([header, row]) is None]
            lost |= {_concerned(header, row) for row in bad} | {key_of(row) for row in bad}
            part = _loaded([header, *(row for row in rows if row not in bad)]) or {}
        _merge(found, part)
    return found, lost


def _tables(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each table by itself: its header and its rows; those above the first have none."""
    header, rows = "", list[str]()
    for row in text.splitlines():
        if header_of(row):
            yield header, rows
            header, rows = row, []
        else:
            rows.append(row)
    yield header, rows


def _concerned(header: str, row: str) -> str:
    """Which table or key of the top a row belongs to, or begins, that cannot be parsed."""
    if broken := re.match(r"\s*\[+\s*([A-Za-z0-9_-]+)", row):
        return broken[1]
    if found := header_of(header):
        return found[0].partition(".")[0].strip()
    return key_of(row) or row.strip().partition(".")[0]


def _loaded(rows: list[str]) -> dict[str, Any] | None:
    try:
        return tomllib.loads("\n".join(rows))
    except tomllib.TOMLDecodeError:
        return None


def _merge(into: dict[str, Any], part: dict[str, Any]) -> None:
    for key, value in part.items():
        known = into.setdefault(key, value)
        if known is value:
            continue
        if isinstance(known, dict) and isinstance(value, dict):
            _merge(known, value)
        elif isinstance(known, list) and isinstance(value, list):
            known += value


# -- values ----------------------------------------------------------------------------------------


def _valid(known: dict[str, Any]) -> tuple[Config, set[Any]]:
    """A configuration without what is wrong, and the names at the top that miss something."""
    lost: set[Any] = set()
    while True:
        config, mistakes = validate(known)
        if config is not None:
            return config, lost
        path = mistakes[0][0]
        lost.add(path[0])
        _take_out(known, path)


def _take_out(known: dict[str, Any], path: KeyPath) -> None:
    """Take out what stands at the path; if nothing does, what should have held it."""
    holder: Any = known
    last: Any = path[0]
    for above, part in pairwise(path):
        inner = holder[above]
        there = part in inner if isinstance(inner, dict) else isinstance(inner, list)
        if not there:
            break
        holder, last = inner, part
    del holder[last]
