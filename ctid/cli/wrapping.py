"""Sentences on a terminal: broken between words, behind a head that stays alone on the left."""

import sys
from collections.abc import Iterator
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

_FEWEST = 12  # cells of text in a row; a narrower terminal breaks the rows itself


def terminal_width(out: TextIO | None = None) -> int | None:
    """How many cells a row of the terminal has; None: `out` (standard output) is no terminal."""
    screen = Console(file=out or sys.stdout)
    return screen.width if screen.is_terminal else None


def wrapped(head: str, text: str, width: int | None) -> Iterator[str]:
    """Rows of at most `width` cells: the head, and beside it the text. None: all in one row."""
    indent = cell_len(head)
    if width is None or indent + cell_len(text) <= width:
        yield head + text
        return
    screen = Console(width=width)
    for row in Text(text).wrap(screen, max(width - indent, _FEWEST)):
        yield head + row.plain.rstrip()
        head = " " * indent


def plain(text: str) -> str:
    """What comes from elsewhere (queues, numbers, answers of systems) moves no cursor."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
