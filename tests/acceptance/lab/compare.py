"""Holds records (of the database or of `ctid replay`) against what SIP says."""

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from .truth import Expected

Row = dict[str, Any]


def read_records(database: Path, table: str = "record") -> list[Row]:
    """All rows of a table, lists decoded."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        rows = [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]
    for row in rows:
        for name in {"agents_rung", "rings", "transfers"} & row.keys():
            row[name] = json.loads(row[name])
    return rows


def compare(expected: Iterable[Expected], rows: Iterable[Row]) -> list[str]:
    """What is wrong: offers that are missing or too many, and wrong fields."""
    wanted = list(expected)
    left = [row for row in rows if row["line"] is not None or row["outcome"] is not None]
    calls = [row for row in rows if row["line"] is None and row["outcome"] is None]
    wrong = []
    for want in wanted:
        pool = left if want.line is not None else calls
        found = _find(want, pool)
        if found is None:
            there = [(row["line"], row["outcome"], row["reason"]) for row in left]
            wrong.append(f"no record of {want.offer.outcome} on {want.line}; there are {there}")
            continue
        pool.remove(found)
        wrong += [f"{want.line}: {text}" for text in _fields(want, found)]
    wrong += [
        f"one record too many: {row['line']} {row['outcome']} {row['reason']}: {row['because']}"
        for row in left
    ]
    return wrong


def rows_of(expected: Iterable[Expected], rows: Iterable[Row]) -> list[Row]:
    """The records of one scenario's calls: by dialled number and by the time of the INVITE."""
    wanted = list(expected)
    starts = {want.started_at for want in wanted}
    numbers = {number for want in wanted for number in want.dids}
    return [
        row
        for row in rows
        if row["did"] in numbers
        and row["started_at"] is not None
        and any(abs(row["started_at"] - start) < 0.4 for start in starts)
    ]


def _find(want: Expected, rows: list[Row]) -> Row | None:
    found = [
        row
        for row in rows
        if row["line"] == want.line and abs(row["started_at"] - want.started_at) < 0.4
    ]
    return min(found, key=lambda row: abs(row["started_at"] - want.started_at), default=None)


def _fields(want: Expected, row: Row) -> list[str]:
    """Every field that SIP knows; of a call without a line only who with whom and which way."""
    offer = want.offer
    same: dict[str, object] = {
        "outcome": offer.outcome,
        "reason": offer.reason,
        "agent": want.agent,
        "direction": offer.direction,
        "ended_by": offer.by,
    }
    if offer.outcome is None:
        return _same(same, row)
    same |= {"final_agent": want.final, "transferred": offer.transferred}
    if row["reason"] in offer.also:
        del same["reason"]
    if offer.by is None:
        del same["ended_by"]
    wrong = _same(same, row)
    if sorted(row["agents_rung"]) != sorted(want.rung):
        wrong.append(f"agents_rung is {row['agents_rung']}, SIP says {list(want.rung)}")
    talk = (row["talk_seconds"] or 0.0) + (row["hold_seconds"] or 0.0)
    near = [
        ("offered_at", row["offered_at"], want.offered_at),
        ("wait", row["wait_seconds"], want.wait),
        # Of a miss nothing and zero seconds say the same.
        ("talk + hold", talk, want.talk_and_hold or 0.0),
    ]
    if want.hold is not None:
        near.append(("hold", row["hold_seconds"], want.hold))
    wrong += [
        f"{name} is {found}, SIP says {value}"
        for name, found, value in near
        if (found is None) != (value is None)
        or (found is not None and abs(found - value) > offer.tolerance)
    ]
    if offer.transfers is not None and len(row["transfers"]) != offer.transfers:
        wrong.append(f"{len(row['transfers'])} transfers, SIP says {offer.transfers}")
    if offer.recording and not row["recording"]:
        wrong.append("no recording")
    if row["survey"] != offer.survey:
        wrong.append(f"survey is {row['survey']}, not {offer.survey}")
    return wrong


def _same(wanted: dict[str, object], row: Row) -> list[str]:
    return [
        f"{name} is {row[name]!r}, SIP says {value!r} ({row['because']})"
        for name, value in wanted.items()
        if row[name] != value
    ]
