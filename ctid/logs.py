"""Logging: lines for a person at a terminal, JSON for journald and everything else."""

import logging
import sys
from typing import TextIO

import orjson
import structlog


def set_up(*, human: bool, level: int = logging.INFO, to: TextIO | None = None) -> None:
    """Send all log lines to standard error or `to`; standard output belongs to the command."""
    stream = to or sys.stderr
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
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(stream=stream, level=logging.WARNING, format="%(message)s")


def _json(event: structlog.typing.EventDict, **_options: object) -> str:
    return orjson.dumps(event, default=repr).decode()
