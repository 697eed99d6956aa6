"""In which row of a TOML file a key stands.

The parser of the standard library does not tell. This reads headers and the keys at the beginning
of a row, which is how people write such files; what it does not find has no row number.
"""

import re

from ctid.config.problems import Path

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"""\s*("[^"]*"|'[^']*'|[A-Za-z0-9_-]+)\s*=""")

_PART = re.compile(r""""[^"]*"|'[^']*'|[^\s.]+""")


def header_of(line: str) -> tuple[str, bool] | None:
    """The name in a header of a table, and whether it stands in [[ ]]; None: it is none."""
    header = _HEADER.fullmatch(line)
    return (header[2], header[1] == "[[") if header else None


def key_of(line: str) -> str | None:
    """The key at the beginning of a row, without its quotes; None: there is none."""
    key = _KEY.match(line)
    return key[1].strip("\"'") if key else None


class Positions:
    """The rows of the keys of one file."""

    def __init__(self, text: str) -> None:
        self._rows: dict[Path, int] = {}
        counts: dict[str, int] = {}
        table: Path = ()
        for row, line in enumerate(text.splitlines(), start=1):
            if header := header_of(line):
                name, listed = header
                table = self._opened(name, counts, listed=listed)
                for length in range(1, len(table) + 1):
                    self._rows.setdefault(table[:length], row)
            elif (key := key_of(line)) is not None:
                self._rows.setdefault((*table, key), row)

    @staticmethod
    def _opened(name: str, counts: dict[str, int], *, listed: bool) -> Path:
        """The path of the table that this header begins; `counts`: the last index of each list."""
        if listed:
            counts[name] = counts.get(name, -1) + 1
        table: Path = ()
        above = ""
        for part in _PART.findall(name):
            above = f"{above}.{part}" if above else part
            table = (*table, part.strip("\"'"))
            if above in counts:
                table = (*table, counts[above])
        return table

    def row(self, path: Path) -> int | None:
        """The row of the innermost part of the path that was found."""
        for length in range(len(path), 0, -1):
            if (found := self._rows.get(path[:length])) is not None:
                return found
        return None
