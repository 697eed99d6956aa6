"""What the TOML parser says, as an operator needs it: which row, and how to mend it."""

import re
import tomllib

from ctid.config.positions import header_of, key_of
from ctid.config.problems import Problem
from ctid.config.shape import LISTS

_AT = re.compile(
    r"(?P<what>.*) \(at (?:line (?P<row>\d+), column \d+|end of document)\)", re.DOTALL
)
_TWICE = re.compile(r"Cannot declare \('(?P<table>[^']*)',?.*\) twice")
_NOT_CLOSED = "a text is not closed: add the missing quote at its end"
# The beginning of what the parser says, and what helps.
_REMEDIES = {
    "Illegal character '\\n'": _NOT_CLOSED,
    'Expected "\'"': _NOT_CLOSED,
    "Expected '\"": _NOT_CLOSED,
    "Unterminated string": _NOT_CLOSED,
    "Expected newline or end of document": (
        "behind the value stands what does not belong there: is a quote, or a # before a remark, "
        "missing?"
    ),
    "Invalid value": (
        "is no value: a text stands in straight quotes, true and false are written small; is a "
        "list above not closed with ]?"
    ),
    "Unclosed array": "a comma between two values, or the ] of the list, is missing",
    "Expected '=' after a key": "a key needs its value: write KEY = VALUE",
    "Expected ']' at the end": "the ] behind the name of the table is missing",
    "Expected ']]' at the end": "the ]] behind the name of the table is missing",
}


def problem(file: str, text: str, error: tomllib.TOMLDecodeError) -> Problem:
    """The one mistake that the parser has found; it stops at the first."""
    found = _AT.fullmatch(str(error))
    what = found["what"] if found else str(error)
    row = int(found["row"]) if found and found["row"] else None
    return Problem(file, "", _message(what, text.splitlines(), row), row)


def _message(what: str, lines: list[str], row: int | None) -> str:
    if twice := _TWICE.fullmatch(what):
        return _declared_twice(twice["table"], lines, row)
    if what.startswith("Cannot overwrite a value") and row is not None:
        return _set_twice(lines, row)
    told = next((said for begin, said in _REMEDIES.items() if what.startswith(begin)), None)
    return told or f"is not valid TOML: {what}"


def _declared_twice(table: str, lines: list[str], row: int | None) -> str:
    if table in LISTS:
        return f"[{table}] is there already: write [[{table}]], for each of them"
    first = next((n for n, line in enumerate(lines, 1) if header_of(line) == (table, False)), row)
    where = f" in row {first}" if first != row else ""
    return f"[{table}] is there already{where}: put its keys together there"


def _set_twice(lines: list[str], row: int) -> str:
    line = lines[row - 1]
    if header := header_of(line):
        name = header[0]
        before = next((n for n, text in enumerate(lines, 1) if header_of(text) == (name, False)), 0)
        if before:
            return f"[[{name}]] cannot follow [{name}]: write [[{name}]] in row {before}, too"
        return f"`{name}` has a value already: take one of them out"
    key = key_of(line)
    begin = max((n for n, text in enumerate(lines[:row]) if header_of(text)), default=0)
    first = next((n for n, text in enumerate(lines[begin:], begin + 1) if key_of(text) == key), row)
    if key is None or first == row:
        return "this key has a value already: take one of them out"
    return f"`{key}` has a value already in row {first}: take one of them out"
