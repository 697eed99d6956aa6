"""Keeps systemd informed: readiness, one line of status, and a sign of life while all goes on."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping

import structlog

from ctid import systemd
from ctid.overview import Overview

log = structlog.get_logger("ctid")

LOOK_SECONDS = 1.0
# How much longer a start may take while PBXs are still being tried: systemd's patience is 90 s.
_MORE_MICROSECONDS = 30_000_000


class Watchdog:
    """Runs as a task until it is cancelled.

    `WATCHDOG=1` is sent only while nothing is stuck, so that systemd restarts what is.
    """

    def __init__(
        self,
        overview: Overview,
        *,
        notify: Callable[[str], None] = systemd.notify,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._overview = overview
        self._notify = notify
        self._interval = _interval(environ)
        self._summary = ""
        self._stuck: list[str] = []
        self.ready = False

    async def run(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(min(LOOK_SECONDS, self._interval or LOOK_SECONDS))

    def look(self) -> None:
        """Look once, and tell what changed."""
        if not self.ready:
            self.ready = not self._overview.waited_for()
            self._notify("READY=1" if self.ready else f"EXTEND_TIMEOUT_USEC={_MORE_MICROSECONDS}")
        summary = self._overview.summary()
        if summary != self._summary:
            self._summary = summary
            self._notify(f"STATUS={summary}")
        stuck = self._overview.stuck()
        if [line.partition(":")[0] for line in stuck] != self._stuck:
            self._stuck = [line.partition(":")[0] for line in stuck]
            if stuck:
                log.error("stuck", parts=stuck)
        if self._interval is not None and not stuck:
            self._notify("WATCHDOG=1")

    def reloading(self) -> None:
        self._notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def reloaded(self) -> None:
        self._notify("READY=1")


def _interval(environ: Mapping[str, str]) -> float | None:
    """How often the sign of life is due, seconds: a third of what systemd allows."""
    microseconds = environ.get("WATCHDOG_USEC", "")
    if not microseconds.isdigit() or environ.get("WATCHDOG_PID", "") not in ("", str(os.getpid())):
        return None
    return int(microseconds) / 3e6
