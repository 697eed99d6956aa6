"""The ticket systems: a file for each, and a line here."""

from collections.abc import Callable
from typing import Any, Final

from ctid.config.backends import Backend as BackendTable
from ctid.config.backends import RedmineBackend, RtBackend
from ctid.outbound.port import Backend
from ctid.outbound.tickets.redmine import Redmine
from ctid.outbound.tickets.rt import RequestTracker

_OPENERS: Final[dict[type[BackendTable], Callable[[Any, str], Backend]]] = {
    RedmineBackend: lambda table, _site: Redmine(table),
    RtBackend: lambda table, _site: RequestTracker(table),
}


def open_backend(table: BackendTable, site: str) -> Backend:
    """The backend that the table describes; it connects when it is first asked."""
    return _OPENERS[type(table)](table, site)
