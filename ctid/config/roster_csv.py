"""A roster as CSV: a header row, then a shift or a substitution a row.

What is said of a person in one of their rows holds for all of them. A substitution makes nobody:
whoever is named in it alone may be spelt wrongly.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ctid.config.problems import did_you_mean, listed
from ctid.config.shape import Mistake
from ctid.config.spreadsheet import Rows

COLUMNS: Final = {
    "role": ("role", "角色", "岗位"),
    "line": ("line", "lines", "热线"),
    "hours": ("hours", "时间", "班次"),
    "person": ("person", "people", "人员", "值班人"),
    "name": ("name", "姓名"),
    "channels": ("channels", "channel", "通道", "渠道"),
    "mobile": ("mobile", "phone", "手机"),
    "language": ("language", "语言"),
    "from": ("from", "开始"),
    "until": ("until", "to", "结束"),
    "by": ("by", "替班"),
}
"""By which headings a column is known."""

NEEDED: Final = ("role", "person")
SUBSTITUTION: Final = ("substitution", "替班")
"""In the place of a role: the person is absent, and the one in `by` is there."""

_ONE_COLUMN: Final = (
    "is one column, where a header is wanted: put commas, semicolons or tabs between its columns, "
    "no full-width ones (，；)"
)
_COLUMN_OF: Final = {"id": "person", "people": "person", "absent": "person", "lines": "line"}
_OF_SHIFT: Final = ("line", "hours", "from", "until", "by")
_NO_SHIFT: Final = (
    "is empty, so the row makes no shift and {} count for nothing: write the role into each row "
    "(merged cells leave it empty), or empty these cells, too"
)
_OF_PERSON: Final = ("name", "channels", "mobile", "language")
_BETWEEN: Final = re.compile(r"[;；|｜\n]")


class CsvRoster:
    """The tables of a CSV file, as a TOML file would have them, and their rows.

    `mistakes` have rows as paths: (row,) or (row, column).
    """

    def __init__(self, text: str) -> None:
        self.mistakes: list[Mistake] = []
        self._people: dict[str, dict[str, Any]] = {}
        self._shifts: list[dict[str, Any]] = []
        self._substitutions: list[dict[str, Any]] = []
        self._rows: dict[str, list[int]] = {"person": [], "shift": [], "substitution": []}
        absences: list[tuple[int, str, dict[str, str]]] = []
        for row, cells in self._cells(text):
            id_ = cells.get("person")
            if id_ is None:
                self.mistakes.append(((row, "person"), "is empty: name somebody"))
            elif cells.get("role") in SUBSTITUTION:
                absences.append((row, id_, cells))
            else:
                self._take(row, id_, cells)
        for row, id_, cells in absences:
            if id_ in self._people:
                self._person(row, id_, cells)
            self._rows["substitution"].append(row)
            by = {"by": cells["by"]} if "by" in cells else {}
            self._substitutions.append({"absent": id_, **by, **_when(cells)})

    @property
    def tables(self) -> Mapping[str, Any]:
        people = [{"id": id_, **said} for id_, said in self._people.items()]
        return {"person": people, "shift": self._shifts, "substitution": self._substitutions}

    def row(self, path: tuple[str | int, ...]) -> int | None:
        """The row in which this stands; of a person the first."""
        match path:
            case (int(row), *_):
                return row
            case (str(kind), int(place), *_) if place < len(self._rows.get(kind, ())):
                return self._rows[kind][place]
        return None

    def _cells(self, text: str) -> Iterator[tuple[int, dict[str, str]]]:
        rows = Rows(text)
        columns: list[str | None] = []
        while True:
            row = rows.at + 1
            try:
                fields = rows.next()
            except csv.Error as error:
                self.mistakes.append(((row,), f"is no CSV: {error}; is a quote not closed?"))
                return
            if fields is None:
                return
            if not any(field.strip() for field in fields) or fields[0].lstrip().startswith("#"):
                continue
            if not columns:
                columns = self._columns(row, fields)
                if any(name not in columns for name in NEEDED):
                    return
            elif wrong := rows.too_many(fields, len(columns)):
                self.mistakes.append(((row,), wrong))
            else:
                named = zip(columns, fields, strict=False)
                yield row, {name: field.strip() for name, field in named if name and field.strip()}

    def _columns(self, row: int, header: Sequence[str]) -> list[str | None]:
        if len(header) == 1:
            self.mistakes.append(((row,), _ONE_COLUMN))
            return []
        by_heading = {word: name for name, words in COLUMNS.items() for word in words}
        found = [by_heading.get(heading.strip().lower()) for heading in header]
        for heading, name in zip(header, found, strict=True):
            if name is None and heading.strip():
                hint = did_you_mean(heading.strip(), by_heading)
                hint = hint or f"the columns here are {listed(tuple(COLUMNS))}"
                self.mistakes.append(((row,), f"unknown column `{heading.strip()}`; {hint}"))
            elif name is not None and found.count(name) > 1:
                self.mistakes.append(((row,), f"column `{heading.strip()}` is there twice"))
        for name in NEEDED:
            if name not in found:
                words = listed(COLUMNS[name])
                self.mistakes.append(
                    ((row,), f"no column is the {name}: head it with one of {words}")
                )
        return found

    def _take(self, row: int, id_: str, cells: dict[str, str]) -> None:
        """A row that is no substitution."""
        self._person(row, id_, cells)
        role = cells.get("role")
        if role is None:  # only tells of the person
            if useless := [key for key in _OF_SHIFT if key in cells]:
                self.mistakes.append(((row, "role"), _NO_SHIFT.format(listed(useless))))
        else:
            if "by" in cells:
                message = "means something only where `role` is substitution"
                self.mistakes.append(((row, "by"), message))
            self._rows["shift"].append(row)
            self._shifts.append({"role": role, "people": [id_], **_when(cells)})

    def _person(self, row: int, id_: str, cells: dict[str, str]) -> None:
        if id_ not in self._people:
            self._people[id_] = {}
            self._rows["person"].append(row)
        person = self._people[id_]
        for key in _OF_PERSON:
            if key not in cells:
                continue
            value = (
                [_channel(part) for part in _parts(cells[key])] if key == "channels" else cells[key]
            )
            if person.setdefault(key, value) != value:
                message = f"`{id_}` has another one in a row above: say it once"
                self.mistakes.append(((row, key), message))


def column_of(path: tuple[str | int, ...]) -> str:
    """The column that a path to a value stands for: the row says the rest."""
    name = next((part for part in path[1:] if isinstance(part, str)), "")
    return _COLUMN_OF.get(name, name)


def _when(cells: dict[str, str]) -> dict[str, Any]:
    """When and where a shift or a substitution is."""
    said: dict[str, Any] = {key: cells[key] for key in ("from", "until") if key in cells}
    for column, key in (("line", "lines"), ("hours", "hours")):
        if column in cells:
            said[key] = _parts(cells[column])
    return said


def _parts(text: str) -> list[str]:
    return [part.strip() for part in _BETWEEN.split(text) if part.strip()]


def _channel(text: str) -> str | dict[str, str]:
    name, equals, to = text.partition("=")
    return {"channel": name.strip(), "to": to.strip()} if equals else text
