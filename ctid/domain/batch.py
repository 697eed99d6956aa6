"""What one transaction writes."""

from dataclasses import dataclass

from ctid.domain.alerts import Alert, Page, Silence
from ctid.domain.policy import Wanted
from ctid.domain.records import Fact, Gap, OpenCall, Record, Seen
from ctid.domain.returns import ToReturn


@dataclass(frozen=True, slots=True)
class Batch:
    """All of it or nothing is written. Writing a batch twice does no harm."""

    records: tuple[Record, ...] = ()
    facts: tuple[Fact, ...] = ()
    open_calls: tuple[OpenCall, ...] = ()
    gaps: tuple[Gap, ...] = ()
    seen: tuple[Seen, ...] = ()
    returns: tuple[ToReturn, ...] = ()
    wanted: tuple[Wanted, ...] = ()
    alerts: tuple[Alert, ...] = ()
    pages: tuple[Page, ...] = ()
    silences: tuple[Silence, ...] = ()
