"""A server that keeps to PagerDuty's Events API v2, as it is documented.

https://developer.pagerduty.com/docs/send-alert-event: what is required, how long it may be, what a
`dedup_key` does; https://developer.pagerduty.com/docs/events-api-v2-overview: the answers, and 512
KB for a request.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

_LONGEST_BODY: Final = 512 * 1024
_SEVERITIES: Final = frozenset({"critical", "error", "warning", "info"})


@dataclass
class Incident:
    """One alert, open or not; `notified` counts how often somebody was rung for it."""

    severity: str
    summary: str
    state: str = "triggered"
    triggers: int = 1
    notified: int = 1


@dataclass
class PagerDutyServer:
    """Accepts the keys in `keys`. `incidents` by routing key and dedup_key, all that ever were."""

    keys: frozenset[str]
    incidents: dict[tuple[str, str], list[Incident]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    busy: int = 0

    def __post_init__(self) -> None:
        app = web.Application(client_max_size=2**24)
        app.router.add_post("/v2/enqueue", self._enqueue)
        self.server = TestServer(app)

    @property
    def url(self) -> str:
        return str(self.server.make_url("/v2/enqueue"))

    def one(self, key: str, dedup_key: str) -> Incident:
        """The only one there ever was."""
        (found,) = self.incidents[key, dedup_key]
        return found

    async def _enqueue(self, request: web.Request) -> web.Response:
        if self.busy:
            self.busy -= 1
            return web.Response(status=429, headers={"Retry-After": "30"}, text="throttled")
        body = await request.read()
        try:
            event = orjson.loads(body)
        except orjson.JSONDecodeError:
            return _refused("Invalid JSON")
        errors = self._errors(event, len(body))
        if errors:
            return _refused(*errors)
        self.events.append(event)
        self._apply(event)
        told = {
            "status": "success",
            "message": "Event processed",
            "dedup_key": event["dedup_key"],
        }
        return web.json_response(told, status=202)

    def _errors(self, event: dict[str, Any], size: int) -> list[str]:
        found = []
        if size > _LONGEST_BODY:
            found.append("Event is too large")
        if event.get("routing_key") not in self.keys:
            found.append(f"Invalid routing key {event.get('routing_key')}")
        if event.get("event_action") not in ("trigger", "acknowledge", "resolve"):
            found.append("'event_action' is invalid")
        if len(event.get("dedup_key", "")) > 255:
            found.append("'dedup_key' is too long")
        if event.get("event_action") == "trigger":
            payload = event.get("payload", {})
            if not 0 < len(payload.get("summary", "")) <= 1024:
                found.append("'payload.summary' is invalid")
            if not payload.get("source"):
                found.append("'payload.source' is missing or blank")
            if payload.get("severity") not in _SEVERITIES:
                found.append("'payload.severity' is invalid")
        return found

    def _apply(self, event: dict[str, Any]) -> None:
        known = self.incidents.setdefault((event["routing_key"], event["dedup_key"]), [])
        is_open = bool(known) and known[-1].state != "resolved"
        match event["event_action"]:
            case "trigger" if is_open:
                known[-1].triggers += 1  # appended to its log; nobody is rung
            case "trigger":
                payload = event["payload"]
                known.append(Incident(payload["severity"], payload["summary"]))
            case "acknowledge" if is_open:
                known[-1].state = "acknowledged"
            case "resolve" if is_open:
                known[-1].state = "resolved"


def _refused(*errors: str) -> web.Response:
    told = {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
    return web.json_response(told, status=400)
