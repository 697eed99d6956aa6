"""Rows for people and for programs: `--format table|json|jsonl|csv`, the same in every command."""

import csv
import io
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, TextIO

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

Row = Mapping[str, Any]

_GAP = 2  # blanks between two columns; 1 where the terminal is narrow
_SHORTEST = 8  # a column that may be cut keeps so many cells
# A spreadsheet takes a cell that begins so for a formula. A telephone number is none.
_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-][0-9][0-9 .()-]*")


class Format(StrEnum):
    """How rows are shown."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


FormatOption = Annotated[
    Format,
    typer.Option("--format", help="For people, or for programs."),
]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table or of CSV: `key` in the rows, `heading` above it.

    `right`: numbers. Where the terminal is too narrow, first those that are `spare` are left out,
    the last one first, then those that may be `cut` are shortened.
    """

    key: str
    heading: str
    right: bool = False
    cut: bool = False
    spare: bool = False


def columns_of(keys: Iterable[str]) -> list[Column]:
    """Columns whose headings are the keys themselves, as CSV has them."""
    return [Column(key, key) for key in keys]


def show(
    rows: Iterable[Row],
    columns: Sequence[Column],
    form: Format,
    out: TextIO | None = None,
) -> int:
    """Print rows to standard output, or `out`; how many they were.

    Table and CSV show the columns, JSON all that is in a row. All but the table is written as the
    rows come. Raises OSError (BrokenPipeError is one).
    """
    out = out or sys.stdout
    if isinstance(out, io.TextIOWrapper):
        # Programs get UTF-8 whatever the locale; a terminal that cannot show a character shows "?".
        encoding = None if form is Format.TABLE else "utf-8"
        out.reconfigure(encoding=encoding, errors="replace")
    shown = _WRITERS[form](rows, columns, out)
    out.flush()
    return shown


def _write_json(rows: Iterable[Row], _columns: Sequence[Column], out: TextIO) -> int:
    count = 0
    for row in rows:
        out.write(("[\n" if not count else ",\n") + _json(row))
        count += 1
    out.write("\n]\n" if count else "[]\n")
    return count


def _write_jsonl(rows: Iterable[Row], _columns: Sequence[Column], out: TextIO) -> int:
    count = 0
    for row in rows:
        out.write(_json(row) + "\n")
        count += 1
    return count


def _write_csv(rows: Iterable[Row], columns: Sequence[Column], out: TextIO) -> int:
    writer = csv.writer(out)  # RFC 4180: commas, CR LF, quotes doubled
    writer.writerow([column.heading for column in columns])
    count = 0
    for row in rows:
        writer.writerow([_csv_cell(row.get(column.key)) for column in columns])
        count += 1
    return count


def _csv_cell(value: Any) -> Any:
    if isinstance(value, list | dict):
        return _json(value)
    if not isinstance(value, str):
        return value
    if _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _write_table(rows: Iterable[Row], columns: Sequence[Column], out: TextIO) -> int:
    cells = [[_cell(row.get(column.key)) for column in columns] for row in rows]
    if not cells:
        return 0
    headings = [column.heading for column in columns]
    natural = [max(map(cell_len, texts)) for texts in zip(headings, *cells, strict=True)]
    screen = Console(file=out, highlight=False, markup=False, emoji=False)
    widths, gap = dict(enumerate(natural)), _GAP
    if screen.is_terminal and _total(widths, gap) > screen.width:
        gap = 1
        _fit(widths, columns, screen.width)
    table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="bold")
    for n, width in widths.items():
        justify: Literal["left", "right"] = "right" if columns[n].right else "left"
        table.add_column(
            Text(headings[n]), justify=justify, width=width, no_wrap=True, overflow="ellipsis"
        )
    for line in cells:
        table.add_row(*(Text(line[n]) for n in widths))
    # What does not fit all the same is for the terminal to break: better than half a number.
    screen.width = max(_total(widths, gap) + gap, screen.width)
    with screen.capture() as captured:
        screen.print(table)
    out.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))
    return len(cells)


def _total(widths: Mapping[int, int], gap: int) -> int:
    return sum(widths.values()) + gap * (len(widths) - 1)


def _fit(widths: dict[int, int], columns: Sequence[Column], limit: int) -> None:
    """Leave out and cut columns until a row fits, or no more can be done."""
    for n in reversed([n for n, column in enumerate(columns) if column.spare]):
        if _total(widths, 1) <= limit:
            return
        del widths[n]
    cuttable = [n for n in widths if columns[n].cut]
    while _total(widths, 1) > limit and cuttable:
        widest = max(cuttable, key=widths.__getitem__)
        if widths[widest] <= _SHORTEST:
            return
        widths[widest] -= 1


def _cell(value: Any) -> str:
    """A value as one line; what is not known is empty."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "".join(char if char.isprintable() else "\ufffd" for char in str(value))


_WRITERS = {
    Format.TABLE: _write_table,
    Format.JSON: _write_json,
    Format.JSONL: _write_jsonl,
    Format.CSV: _write_csv,
}
