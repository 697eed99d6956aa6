"""A page as PagerDuty's Events API v2 takes it.

PagerDuty tells nobody again while an event with a known `dedup_key` is open: a warning that turned
into the alert itself would ring no phone. So a warning has a key of its own, and ends when the
alert fires. Ending or acknowledging what is not open does nothing there.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from ctid.domain.alerts import Alert, Page, PageEvent
from ctid.outbound.pages.kinds import Origin, severity, words
from ctid.outbound.pages.port import Message
from ctid.outbound.plain import cut, plain

LONGEST_KEY: Final = 255
LONGEST_SUMMARY: Final = 1024
LONGEST_BODY: Final = 512 * 1024
"""Bytes of one request; of ours some are left for what stands around the details."""
_LONGEST_TEXT: Final = 16_384
_ROOM: Final = LONGEST_BODY // 2

Event = Mapping[str, Any]


def events(message: Message, origin: Origin) -> Iterator[Event]:
    """What is sent for it, in order, without the routing key. Sent twice it changes nothing."""
    for page in sorted(message.pages, key=lambda page: (page.alert.number, page.seq)):
        yield from _of_page(page, message, origin)


def dedup_key(site: str, alert: Alert, *, warning: bool = False) -> str:
    """The alert's key; the number stands whole in it, however long the site's name is."""
    end = f":{alert.number}{':warning' if warning else ''}"
    return f"ctid:{site}"[: LONGEST_KEY - len(end)] + end


def nothing(site: str) -> Event:
    """An event that shows whether events are taken: it ends what never was, which is dropped."""
    return {"event_action": "resolve", "dedup_key": f"ctid:{site}"[: LONGEST_KEY - 6] + ":check"}


def _of_page(page: Page, message: Message, origin: Origin) -> Iterator[Event]:
    own = dedup_key(origin.site, page.alert)
    warning = dedup_key(origin.site, page.alert, warning=True)
    match page.event:
        case PageEvent.WARNING:
            yield _trigger(page, warning, message, origin)
        case PageEvent.FIRING:
            yield _trigger(page, own, message, origin)
            yield {"event_action": "resolve", "dedup_key": warning}
            if page.alert.is_over:  # of the weekly test and of a downtime nothing follows
                yield {"event_action": "resolve", "dedup_key": own}
        case PageEvent.REPEAT:
            yield _trigger(page, own, message, origin)
        case PageEvent.ACKNOWLEDGED:
            yield {"event_action": "acknowledge", "dedup_key": own}
            yield {"event_action": "acknowledge", "dedup_key": warning}
        case PageEvent.RESOLVED:
            yield {"event_action": "resolve", "dedup_key": own}
            yield {"event_action": "resolve", "dedup_key": warning}


def _trigger(page: Page, key: str, message: Message, origin: Origin) -> Event:
    alert = page.alert
    is_alone = len(message.pages) == 1
    title = plain(message.title) if is_alone else words(alert)
    payload: dict[str, Any] = {
        "summary": cut(title, LONGEST_SUMMARY),
        "source": origin.site,
        "severity": severity(alert),
        "timestamp": datetime.fromtimestamp(page.due_at, UTC).isoformat(timespec="milliseconds"),
        "class": alert.kind.value,
        "custom_details": _details(page, message),
    }
    if alert.line is not None:
        payload["component"] = alert.line
        payload["group"] = origin.specialties.get(alert.line, alert.line)
    found: dict[str, Any] = {
        "event_action": "trigger",
        "dedup_key": key,
        "client": "ctid",
        "payload": payload,
    }
    if origin.public_url is not None:
        found["client_url"] = origin.public_url
    if is_alone and message.links:
        found["links"] = [{"href": url, "text": what} for what, url in message.links]
    return found


def _details(page: Page, message: Message) -> dict[str, Any]:
    """The text, and the document for machines where there is room for it."""
    alert = page.alert
    details: dict[str, Any] = {
        "alert": alert.number,
        "kind": alert.kind.value,
        "event": page.event.value,
        "text": cut(message.text, _LONGEST_TEXT),
    }
    if len(message.pages) == 1 and len(message.data) <= _ROOM:
        details["page"] = orjson.Fragment(message.data)
    return details
