"""The alert that needs no disk: the store fails, and nothing else of ctid could tell anybody.

It is posted in the form of Alertmanager's API v2 (`POST /api/v2/alerts`).
"""

import asyncio
import http.client
import json
import time
import urllib.request
from datetime import UTC, datetime
from typing import Any

import structlog

log = structlog.get_logger("ctid")

_TIMEOUT_SECONDS = 5.0
_TRIES = 5


class NoAlarm:
    """No webhook is configured: the log and the health are all there is."""

    def store_failing(self, message: str, since: float) -> None:
        """Nothing to post to."""

    def store_recovered(self, since: float) -> None:
        """Nothing to post to."""

    def close(self) -> None:
        """Nothing is under way."""


class Alarms:
    """Several ways to tell; each is told."""

    def __init__(self, *alarms: Any) -> None:
        self._alarms = alarms

    def store_failing(self, message: str, since: float) -> None:
        for alarm in self._alarms:
            alarm.store_failing(message, since)

    def store_recovered(self, since: float) -> None:
        for alarm in self._alarms:
            alarm.store_recovered(since)

    def close(self) -> None:
        for alarm in self._alarms:
            alarm.close()


class WebhookAlarm:
    """Posts to one URL, in the background, a few times if need be."""

    def __init__(self, url: str, tasks: asyncio.TaskGroup) -> None:
        self._url = url
        self._tasks = tasks
        self._sending: set[asyncio.Task[None]] = set()

    def store_failing(self, message: str, since: float) -> None:
        self._post(message, since, until=None)

    def store_recovered(self, since: float) -> None:
        until = time.time()
        self._post("the store can be written again", since, until=until)

    def _post(self, message: str, since: float, until: float | None) -> None:
        alert: dict[str, object] = {
            "labels": {"alertname": "CtidStoreFailing", "severity": "critical"},
            "annotations": {"summary": message},
            "startsAt": _iso(since),
        }
        if until is not None:
            alert["endsAt"] = _iso(until)
        sending = self._tasks.create_task(self._send(json.dumps([alert]).encode()), name="alarm")
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)

    def close(self) -> None:
        """Give up what was not delivered: the daemon ends."""
        for sending in self._sending:
            sending.cancel()

    async def _send(self, body: bytes) -> None:
        for attempt in range(_TRIES):
            try:
                await asyncio.to_thread(self._request, body)
            except (OSError, http.client.HTTPException, ValueError) as error:
                why = str(error) or type(error).__name__
                log.warning("alarm_not_delivered", url=self._url, why=why)
            else:
                return
            if attempt + 1 < _TRIES:
                await asyncio.sleep(2.0**attempt)

    def _request(self, body: bytes) -> None:
        request = urllib.request.Request(  # noqa: S310 - config admits http and https only
            self._url, data=body, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS):  # noqa: S310
            pass


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
