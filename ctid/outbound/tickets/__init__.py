"""The ticket systems: a file for each, and a line here."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from ctid.config.backends import Backend as BackendTable
from ctid.config.backends import (
    FileBackend,
    MqttBackend,
    RedmineBackend,
    RtBackend,
    WebhookBackend,
    ZammadBackend,
)
from ctid.outbound.port import Backend
from ctid.outbound.tickets.file import TicketFile
from ctid.outbound.tickets.mqtt import Mqtt
from ctid.outbound.tickets.redmine import Redmine
from ctid.outbound.tickets.rt import RequestTracker
from ctid.outbound.tickets.webhook import Webhook
from ctid.outbound.tickets.zammad import Zammad


class Site(NamedTuple):
    """The installation whose tickets these are. `zones` are those of its lines."""

    name: str
    zone: ZoneInfo
    zones: Mapping[str, ZoneInfo]


_OPENERS: Final[dict[type[BackendTable], Callable[[Any, Site], Backend]]] = {
    FileBackend: lambda table, _: TicketFile(table),
    MqttBackend: lambda table, site: Mqtt(table, site.name),
    RedmineBackend: lambda table, site: Redmine(table, site.zone, site.zones),
    RtBackend: lambda table, _: RequestTracker(table),
    WebhookBackend: lambda table, _: Webhook(table),
    ZammadBackend: lambda table, _: Zammad(table),
}


def open_backend(
    table: BackendTable, site: str, zone: str, zones: Mapping[str, str] | None = None
) -> Backend:
    """The backend that the table describes, of an installation in this time zone.

    `zones` are those of its lines, where they differ. It connects when it is first asked.
    """
    of_lines = {line: ZoneInfo(name) for line, name in (zones or {}).items()}
    return _OPENERS[type(table)](table, Site(site, ZoneInfo(zone), of_lines))
