"""A sign of life to somebody else's watcher, who raises an alarm when it stays away.

It needs neither store nor outbox. The address as a whole is a secret: no message holds it.
"""

import asyncio
import re
from collections.abc import Callable
from enum import StrEnum
from typing import Final

import structlog

from ctid.config.heartbeat import Heartbeat as HeartbeatTable
from ctid.config.secret import Secret
from ctid.outbound.http import Http
from ctid.outbound.port import DeliveryError, Reason

log = structlog.get_logger("ctid")

_MOST_BYTES: Final = 10_000
_LONGEST_ANSWER: Final = 65_536
_SAID: Final = re.compile(r"\S+ answered \d+")


class Result(StrEnum):
    """What became of a heartbeat; also the value of a metric's label."""

    SENT = "sent"
    FAILURE_SENT = "failure_sent"
    """That ctid is not well was told."""
    WITHHELD = "withheld"
    """ctid is not well, and there is nobody to be told so."""
    NOT_DELIVERED = "not_delivered"


class Heartbeat:
    """Runs as a task until it is cancelled. `troubles` gives a line for each thing that is wrong.

    It has something to do only if the table has an address.
    """

    def __init__(self, table: HeartbeatTable, troubles: Callable[[], list[str]]) -> None:
        self._seconds = table.interval_seconds
        self._troubles = troubles
        self._well = _open(table, table.target)
        self._ill = _open(table, table.failure_target)
        self.counts = {result.value: 0 for result in Result}
        """How often each result came, since the start."""
        self._last = Result.SENT
        self._failing: Reason | None = None

    async def run(self) -> None:
        if self._well is None:
            return
        loop = asyncio.get_running_loop()
        try:
            while True:
                began = loop.time()
                await self.beat()
                await asyncio.sleep(max(0.0, began + self._seconds - loop.time()))
        finally:
            await self.close()

    async def close(self) -> None:
        """Give connections back; `run` does it at its end."""
        for http in (self._well, self._ill):
            if http is not None:
                await http.close()

    async def beat(self) -> Result:
        """Send one; what changes is logged."""
        troubles = self._troubles()
        self._say(troubles)
        try:
            result = await self._send(troubles)
        except DeliveryError as error:
            if error.reason is not self._failing:
                log.warning("heartbeat_not_delivered", why=_why(error))
            self._failing = error.reason
            result = Result.NOT_DELIVERED
        else:
            if self._failing is not None and result is not Result.WITHHELD:
                log.info("heartbeat_delivered")
                self._failing = None
        self.counts[result.value] += 1
        return result

    async def _send(self, troubles: list[str]) -> Result:
        """Raises DeliveryError."""
        if not troubles:
            if self._well is not None:
                await _ask(self._well, "GET", None)
            return Result.SENT
        if self._ill is None:
            return Result.WITHHELD
        await _ask(self._ill, "POST", "\n".join(troubles).encode()[:_MOST_BYTES])
        return Result.FAILURE_SENT

    def _say(self, troubles: list[str]) -> None:
        now = Result.SENT if not troubles else Result.FAILURE_SENT
        if now is not self._last:
            if troubles:
                log.warning("heartbeat_of_trouble", troubles=troubles, told=self._ill is not None)
            else:
                log.info("heartbeat_of_health")
        self._last = now


def _open(table: HeartbeatTable, target: Secret | None) -> Http | None:
    if target is None:
        return None
    return Http(
        target.reveal(),
        timeout_seconds=table.timeout_seconds,
        ca_file=table.ca_file,
        connections=1,
    )


async def _ask(http: Http, method: str, body: bytes | None) -> None:
    """Raises DeliveryError."""
    headers = {"Content-Type": "text/plain; charset=utf-8"} if body is not None else None
    answer = await http.request(method, "", body=body, headers=headers, longest=_LONGEST_ANSWER)
    if not answer.is_success:
        raise DeliveryError(Reason.MISCONFIGURED, f"{http.host} answered {answer.status}")


def _why(error: DeliveryError) -> str:
    """Without what the server said: pages about errors like to show the address."""
    said = _SAID.match(str(error))
    return said[0] if said else str(error)
