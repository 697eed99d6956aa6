"""Rows in every format."""

import csv
import io
import json

import pytest
from rich.cells import cell_len

from ctid.cli.table import LAST, Column, Format, Row, columns_of, show
from tests.terminal import on_terminal

COLUMNS = [
    Column("who", "who", cut=True),
    Column("number", "number"),
    Column("seconds", "seconds", right=True, spare=2),
]
ROWS: list[dict[str, object]] = [
    {"who": "王小明", "number": "13800000001", "seconds": 1.5, "more": ["x"]},
    {"who": '[bold]O\'Neil, "Jim"[/bold]', "number": None, "seconds": 12},
]


def shown(form: Format, rows: list[dict[str, object]] = ROWS) -> str:
    out = io.StringIO()
    show(rows, COLUMNS, form, out)
    return out.getvalue()


def test_a_table_is_aligned_by_cells_and_has_no_colour_where_no_terminal_is() -> None:
    assert shown(Format.TABLE).splitlines() == [
        "who                         number       seconds",
        "王小明                      13800000001      1.5",
        '[bold]O\'Neil, "Jim"[/bold]                    12',
    ]


def test_a_table_without_rows_is_nothing() -> None:
    assert shown(Format.TABLE, []) == ""


def test_what_moves_the_cursor_does_not_reach_the_screen() -> None:
    assert "\x1b" not in shown(Format.TABLE, [{"who": "\x1b[2Jgone\r\n", "number": "1"}])


def test_a_narrow_terminal_gets_short_rows_not_broken_ones() -> None:
    lines = on_terminal(30, lambda out: show(ROWS, COLUMNS, Format.TABLE, out))
    assert all(cell_len(line) <= 30 for line in lines)
    assert "seconds" not in lines[0]
    assert lines[2].startswith("[bold]O'Neil")
    assert "…" in lines[2]
    assert "13800000001" in lines[1]
    assert " ".join(lines[3:]).split() == (
        "not shown: seconds; a wider terminal or --format csv shows them".split()  # noqa: SIM905
    )


def test_what_is_short_is_shown_before_anything_is_left_out() -> None:
    columns = [
        Column("time", "time", short="clock"),
        Column("rate", "adjusted rate", right=True),
        Column("why", "why", spare=LAST),
        Column("told", "told", wrap=True),
    ]
    rows = [
        {
            "time": "2026-11-25 08:30:00",
            "clock": "08:30:00",
            "rate": "66.6 %",
            "why": "queue_timeout",
            "told": "9 no_agents, 18 no_answer, 27 busy",
        }
    ]

    def shown_at(width: int) -> list[str]:
        return on_terminal(width, lambda out: show(rows, columns, Format.TABLE, out))

    assert shown_at(100)[1].startswith("2026-11-25 08:30:00")
    narrow = shown_at(60)
    assert narrow[0].split() == ["adjusted"]
    assert narrow[1].split() == ["time", "rate", "why", "told"]
    assert narrow[2].split()[:4] == ["08:30:00", "66.6", "%", "queue_timeout"]
    assert narrow[2].endswith(",")
    assert narrow[3].split() == ["27", "busy"]
    assert "queue_timeout" not in " ".join(shown_at(42))
    # without a terminal nothing is lost
    out = io.StringIO()
    show(rows, columns, Format.TABLE, out)
    assert out.getvalue().splitlines()[0].split() == "time adjusted rate why told".split()  # noqa: SIM905


def test_json_is_an_array_with_all_that_is_in_a_row() -> None:
    assert json.loads(shown(Format.JSON)) == ROWS
    assert json.loads(shown(Format.JSON, [])) == []


def test_jsonl_is_an_object_a_line() -> None:
    assert [json.loads(line) for line in shown(Format.JSONL).splitlines()] == ROWS
    assert "王小明" in shown(Format.JSONL)


def test_csv_is_rfc_4180() -> None:
    assert shown(Format.CSV) == (
        'who,number,seconds\r\n王小明,13800000001,1.5\r\n"[bold]O\'Neil, ""Jim""[/bold]",,12\r\n'
    )


def test_what_is_true_or_not_reads_alike_in_csv_and_json() -> None:
    out = io.StringIO()
    rows: list[Row] = [{"silenced": False}, {"silenced": True}, {"silenced": None}]
    show(rows, columns_of(("silenced",)), Format.CSV, out)
    assert out.getvalue() == 'silenced\r\nfalse\r\ntrue\r\n""\r\n'


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-1+cmd", "'-1+cmd"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("＝1+1", "'＝1+1"),
        ("＋1", "'＋1"),
        ("+1-2", "'+1-2"),
        ("-1 (2)", "'-1 (2)"),
        ("+8613800000001", "+8613800000001"),
        ("+86 (138) 0000-0001", "+86 (138) 0000-0001"),
        ("13800000001", "13800000001"),
        (-1.5, "-1.5"),
        (["=1"], '["=1"]'),
        (None, ""),
    ],
)
def test_no_cell_is_a_formula_but_a_number_stays_one(value: object, cell: str) -> None:
    out = io.StringIO(newline="")
    show([{"cell": value}], columns_of(["cell"]), Format.CSV, out)
    assert list(csv.reader(io.StringIO(out.getvalue(), newline="")))[1] == [cell]
