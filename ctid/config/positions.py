"""In which row of a TOML file a key stands.

The parser of the standard library does not tell. This reads headers and the keys at the beginning
of a row, which is how people write such files; what it does not find has no row number.
"""

import re

from ctid.config.problems import Path

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"""\s*("[^"]*"|'[^']*'|[A-Za-z0-9_-]+)\s*=""")


class Positions:
    """The rows of the keys of one file."""

    def __init__(self, text: str) -> None:
        self._rows: dict[Path, int] = {}
        counts: dict[str, int] = {}
        table: Path = ()
        for row, line in enumerate(text.splitlines(), start=1):
            if header := _HEADER.fullmatch(line):
                brackets, name = header.groups()
                table = (name.strip("\"'"),)
                if brackets == "[[":
                    counts[name] = counts.get(name, -1) + 1
                    table = (*table, counts[name])
                self._rows.setdefault(table[:1], row)
                self._rows.setdefault(table, row)
            elif key := _KEY.match(line):
                self._rows.setdefault((*table, key[1].strip("\"'")), row)

    def row(self, path: Path) -> int | None:
        """The row of the innermost part of the path that was found."""
        for length in range(len(path), 0, -1):
            if (found := self._rows.get(path[:length])) is not None:
                return found
        return None
