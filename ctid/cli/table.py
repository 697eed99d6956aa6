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

from ctid.cli.wrapping import wrapped

Row = Mapping[str, Any]

_GAP = 2  # blanks between two columns; 1 where the terminal is narrow
_SHORTEST = 6  # a column that may be cut keeps so many cells
_NARROWEST = 20  # a column that may be wrapped keeps so many cells
LAST = 1  # the rank of columns that are left out only when cutting others did not help
# A spreadsheet takes a cell that begins so for a formula. A telephone number is none.
_FORMULA = re.compile(r"[=+\-@\t\r＝＋－＠]")
_NUMBER = re.compile(r"\+[0-9][0-9 .()-]{6,}")


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

    `right`: numbers. Where the terminal is too narrow, headings are broken between words, and
    what stands under `short` in the rows is shown instead. If that is not enough, columns with a
    `spare` rank are left out, the highest first; then those that may be `cut` are shortened and
    those that may be `wrap`ped broken; then those of rank LAST go, too.
    """

    key: str
    heading: str
    right: bool = False
    cut: bool = False
    wrap: bool = False
    spare: int = 0
    short: str = ""


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
    if isinstance(value, list | dict | bool):
        return _json(value)
    if not isinstance(value, str):
        return value
    if _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _write_table(rows: Iterable[Row], columns: Sequence[Column], out: TextIO) -> int:
    rows = list(rows)
    if not rows:
        return 0
    screen = Console(file=out, highlight=False, markup=False, emoji=False)
    limit = screen.width if screen.is_terminal else None
    cells = _cells(rows, columns)
    headings = [column.heading for column in columns]
    widths, gap = _natural(headings, cells), _GAP
    if limit is not None and _total(widths, gap) > limit:
        gap = 1
        cells = _cells(rows, columns, short=True)
        headings = [heading.replace(" ", "\n") for heading in headings]
        widths = _natural(headings, cells)
        _fit(widths, columns, limit)
    rows_above = max(headings[n].count("\n") for n in widths)
    headings = ["\n" * (rows_above - text.count("\n")) + text for text in headings]
    table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="bold")
    for n, width in widths.items():
        justify: Literal["left", "right"] = "right" if columns[n].right else "left"
        table.add_column(
            Text(headings[n]),
            justify=justify,
            width=width,
            no_wrap=not columns[n].wrap,
            overflow="fold" if columns[n].wrap else "ellipsis",
        )
    for line in cells:
        table.add_row(*(Text(line[n]) for n in widths))
    # What does not fit all the same is for the terminal to break: better than half a number.
    screen.width = max(_total(widths, gap) + gap, screen.width)
    with screen.capture() as captured:
        screen.print(table)
    out.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))
    if left_out := [column.heading for n, column in enumerate(columns) if n not in widths]:
        text = f"{', '.join(left_out)}; a wider terminal or --format csv shows them"
        out.write("".join(f"{line}\n" for line in wrapped("not shown: ", text, limit)))
    return len(cells)


def _cells(
    rows: Iterable[Row], columns: Sequence[Column], *, short: bool = False
) -> list[list[str]]:
    keys = [column.short if short and column.short else column.key for column in columns]
    return [[_cell(row.get(key)) for key in keys] for row in rows]


def _natural(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> dict[int, int]:
    """The cells that each column needs, by its place."""
    return {
        n: max(cell_len(text) for text in (*heading.split("\n"), *(line[n] for line in cells)))
        for n, heading in enumerate(headings)
    }


def _total(widths: Mapping[int, int], gap: int) -> int:
    return sum(widths.values()) + gap * (len(widths) - 1)


def _fit(widths: dict[int, int], columns: Sequence[Column], limit: int) -> None:
    """Leave out, cut and wrap columns until a row fits, or no more can be done."""
    spare = sorted(
        (n for n, column in enumerate(columns) if column.spare),
        key=lambda n: (columns[n].spare, n),
        reverse=True,
    )
    for n in spare:
        if columns[n].spare > LAST and _total(widths, 1) > limit:
            del widths[n]
    last = [n for n in spare if n in widths]
    while not (fitting := _shortened(widths, columns, limit)) and last:
        del widths[last.pop(0)]
    widths |= fitting


def _shortened(widths: Mapping[int, int], columns: Sequence[Column], limit: int) -> dict[int, int]:
    """The widths after cutting and wrapping; empty where that is not enough."""
    found = dict(widths)
    least = {
        n: _NARROWEST if columns[n].wrap else _SHORTEST
        for n in widths
        if columns[n].cut or columns[n].wrap
    }
    while _total(found, 1) > limit:
        longer = [n for n, few in least.items() if found[n] > few]
        if not longer:
            return {}
        found[max(longer, key=found.__getitem__)] -= 1
    return found


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
