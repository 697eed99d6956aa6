"""Small files beside the configuration, written by people: read whole, or refused with one line."""

import os
import stat
import tomllib
from pathlib import Path
from typing import Any, Final

from ctid.config import syntax
from ctid.config.problems import ConfigError, Problem

LARGEST: Final = 4 * 1024 * 1024
"""Bytes."""


def without_waiting(path: str, flags: int) -> int:
    """An opener: a FIFO would be waited for until somebody writes."""
    return os.open(path, flags | os.O_NONBLOCK)


def read(path: Path) -> bytes:
    """What the file holds. Raises ConfigError."""
    try:
        with open(path, "rb", opener=without_waiting) as file:
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                data: bytes = file.read(LARGEST + 1)
                if len(data) <= LARGEST:
                    return data
                message = "is larger than 4 MB: is it the right file?"
            else:
                message = "is not a regular file: write it into one"
    except OSError as error:
        why = error.strerror or type(error).__name__
        message = f"cannot be read ({why}): correct the path, or let ctid's user read it"
    raise ConfigError([Problem(str(path), "", message)])


def utf8(data: bytes, path: Path) -> str:
    """UTF-8 with or without a mark in front. Raises ConfigError."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError([Problem(str(path), "", "is not UTF-8 text: save it as UTF-8")]) from None
    return text


def toml(text: str, path: Path) -> dict[str, Any]:
    """The tables in the text. Raises ConfigError with the first mistake and its row."""
    try:
        return tomllib.loads(f"{text}\n")  # at the end of the document it tells no row
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([syntax.problem(str(path), text, error)]) from None
    except RecursionError:
        message = "has brackets within brackets without end: is it the right file?"
        raise ConfigError([Problem(str(path), "", message)]) from None
