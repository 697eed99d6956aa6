"""What a terminal of some width is given, without its colours."""

import os
import pty
import re
import threading
from collections.abc import Callable
from typing import TextIO

import pytest


def on_terminal(width: int, write: Callable[[TextIO], object]) -> list[str]:
    """The rows that `write` puts on a terminal of so many columns."""
    ours, theirs = pty.openpty()
    read: list[bytes] = []

    def drain() -> None:
        try:
            while data := os.read(ours, 4096):
                read.append(data)
        except OSError:
            pass  # that is how the end of a terminal looks

    reader = threading.Thread(target=drain)
    reader.start()
    with open(theirs, "w", encoding="utf-8") as out, pytest.MonkeyPatch.context() as patch:  # noqa: PTH123 - a handle
        patch.setenv("COLUMNS", str(width))
        patch.setenv("TERM", "xterm")
        write(out)
    reader.join(5)
    os.close(ours)
    return re.sub(r"\x1b\[[0-9;]*m", "", b"".join(read).decode()).splitlines()
