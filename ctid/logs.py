"""Logging: lines for a person at a terminal, JSON for journald and everything else."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import RawIOBase
from typing import TextIO

import orjson
import structlog

from ctid.domain.masking import masked

# What may hold numbers of callers: what was seen of a call, and what could not be handled.
_WITH_NUMBERS = ("caller", "event_text", "row", "state", "exception")


def set_up(
    *,
    human: bool,
    mask_numbers: bool = True,
    level: int = logging.INFO,
    to: TextIO | None = None,
) -> None:
    """Send all log lines to standard error or `to`; standard output belongs to the command.

    `mask_numbers`: of callers' numbers only the first and last digits are shown.
    """
    lines = Lines(to or sys.stderr)
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer()
        if human
        else structlog.processors.JSONRenderer(serializer=_json)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            *([_mask] if mask_numbers else []),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(stream=lines, level=logging.WARNING, format="%(message)s", force=True)


@contextmanager
def silent() -> Iterator[None]:
    """No log lines: the command says itself what became of it."""
    before = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(wrapper_class=before)


class Lines:
    """Where lines go. What cannot be written is dropped: recording does not depend on its log.

    `stream` None: there is no standard error.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        # without Python's buffers, which would keep what a full disk refused and try it again
        self._raw: RawIOBase | None = getattr(getattr(stream, "buffer", None), "raw", None)
        self.dropped = 0

    def write(self, text: str) -> None:
        try:
            if self._raw is not None:
                left = memoryview(text.encode("utf-8", "replace"))
                while left:
                    left = left[self._raw.write(left) or 0 :]
            elif self._stream is not None:
                self._stream.write(text)
                self._stream.flush()
        except (OSError, ValueError):  # ValueError: it was closed
            self.dropped += 1

    def flush(self) -> None:
        """Nothing is held back."""

    def msg(self, message: str) -> None:
        """Write a line, as structlog gives it."""
        self.write(f"{message}\n")

    debug = info = warning = error = critical = exception = msg


def _json(event: structlog.typing.EventDict, **_options: object) -> str:
    return orjson.dumps(event, default=repr).decode()


def _mask(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    for name in _WITH_NUMBERS:
        value = event.get(name)
        if value is not None:
            event[name] = masked(str(value))
    return event
