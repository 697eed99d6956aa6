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
    """What is wrong: missing, doubled and superfluous offers, and wrong fields; empty if all is well."""
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
    offer = want.offer
    wrong = []

    def same(name: str, value: object) -> None:
        if row[name] != value:
            wrong.append(f"{name} is {row[name]!r}, SIP says {value!r} ({row['because']})")

    def near(name: str, value: float | None, found: float | None) -> None:
        if value is None or found is None:
            if value is not found:
                wrong.append(f"{name} is {found}, SIP says {value}")
        elif abs(value - found) > offer.tolerance:
            wrong.append(f"{name} is {found:.2f}, SIP says {value:.2f}")

    same("outcome", offer.outcome)
    if row["reason"] not in offer.also:
        same("reason", offer.reason)
    same("agent", want.agent)
    same("direction", offer.direction)
    if offer.outcome is not None:
        same("final_agent", want.final)
        same("transferred", offer.transferred)
        if sorted(row["agents_rung"]) != sorted(want.rung):
            same("agents_rung", list(want.rung))
    if offer.by is not None:
        same("ended_by", offer.by)
    if offer.outcome is None:
        return wrong
    near("offered_at", want.offered_at, row["offered_at"])
    near("wait", want.wait, row["wait_seconds"])
    # Of a miss nothing and zero seconds say the same.
    talk = None
    if row["talk_seconds"] or want.talk_and_hold is not None:
        talk = (row["talk_seconds"] or 0.0) + (row["hold_seconds"] or 0.0)
    near("talk + hold", want.talk_and_hold, talk)
    if want.hold is not None:
        near("hold", want.hold, row["hold_seconds"])
    if offer.transfers is not None and len(row["transfers"]) != offer.transfers:
        wrong.append(f"{len(row['transfers'])} transfers, SIP says {offer.transfers}")
    if offer.recording and not row["recording"]:
        wrong.append("no recording")
    return wrong
