"""All numbers of one moment, taken from the other parts for whoever shows them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ctid.domain.alerts import Kind
from ctid.outbound.deliveries import Deliveries
from ctid.outbound.loads import File, Load
from ctid.outbound.pages.deliveries import PageDeliveries
from ctid.outbound.tally import Counts
from ctid.store.tickets import OpenReturns
from ctid.store.waiting import Backlog


@dataclass(frozen=True, slots=True)
class LineReading:
    """One line, as configured. `target_rate` is between 0 and 1."""

    title: str
    specialty: str
    target_rate: float


@dataclass(frozen=True, slots=True)
class PbxReading:
    """One PBX. Times are Unix seconds, None where there is none; `ends` by reason."""

    state: str
    attached: bool
    attempts: int
    attachments: int
    pings: int
    ends: dict[str, int]
    events: int
    skipped: int
    anomalies: dict[str, int]
    last_event_at: float | None
    gap_since: float | None


@dataclass(frozen=True, slots=True)
class StoreReading:
    """What is on its way to the database. `path`: its file, None with PostgreSQL."""

    failing: bool
    commits: int
    waiting: int
    dropped: int
    set_aside: int
    refused: int
    path: Path | None


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes of the database with what stands beside it, and those free on its file system."""

    database: int
    free: int


# Answer rate between 0 and 1 by line and period (`today`, `month`); absent where nothing rang.
Rates = Mapping[tuple[str, str], float]


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the database says waits.

    Drafts by destination, callers to be called back by line, pages by channel.
    """

    backlogs: Mapping[str, Backlog]
    returns: Mapping[str, OpenReturns]
    pages: Mapping[str, Backlog]


@dataclass(frozen=True, slots=True)
class TicketReading:
    """Deliveries by destination since the start, and what waits; None: that is not known."""

    deliveries: Mapping[str, Deliveries]
    waiting: Waiting | None


ALERT_STATES: Final = ("warned", "firing", "acknowledged")


@dataclass(frozen=True, slots=True)
class AlertReading:
    """What is wrong now. `unanswered`: seconds that the clock of each line shows, 0 while closed.

    `open_alerts` are counted by kind and state (warned, firing, acknowledged), `silenced` are those
    of them about which nobody is paged.
    """

    unanswered: Mapping[str, float]
    open_alerts: Mapping[tuple[Kind, str], int]
    silenced: int


@dataclass(frozen=True, slots=True)
class PageReading:
    """Deliveries by channel since the start, and what waits; None: that is not known."""

    deliveries: Mapping[str, PageDeliveries]
    backlogs: Mapping[str, Backlog] | None


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything. `stages` counts open calls by line (empty: none) and stage.

    `heartbeats` counts them by result; `loads` are how reading each file again went.
    """

    version: str
    lines: Mapping[str, LineReading]
    pbxs: Mapping[str, PbxReading]
    heartbeats: Mapping[str, int]
    loads: Mapping[File, Load]
    stages: Mapping[tuple[str, str], int]
    store: StoreReading
    counts: Counts
    rates: Rates
    tickets: TicketReading
    alerts: AlertReading
    pages: PageReading
    backup_at: float | None


def disk(path: Path) -> Disk | None:
    """May wait for the disk: not for the event loop. None: it cannot be asked."""
    try:
        size = sum(
            file.stat().st_size
            for file in (path, path.with_name(f"{path.name}-wal"))
            if file.exists()
        )
        system = os.statvfs(path.parent)
    except OSError:
        return None
    return Disk(size, system.f_bavail * system.f_frsize)
