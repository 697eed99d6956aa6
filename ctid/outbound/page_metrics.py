"""What the metrics tell of pages; docs/metrics.md names each of them."""

from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client.core import Metric

from ctid.outbound.families import counter, gauge, histogram
from ctid.outbound.pages.deliveries import RESULTS, PageDeliveries
from ctid.outbound.reading import PageReading
from ctid.store.alert_queries import PageBacklog
from ctid.store.pages import PageState

_LABELS: Final = ("channel",)


def pages(reading: PageReading) -> Iterator[Metric]:
    """By channel."""
    deliveries = reading.deliveries
    yield counter(
        "ctid_page_attempts",
        "Messages that were tried to be sent: delivered, or why they failed.",
        ("channel", "result"),
        {
            (name, result): n.attempts[result]
            for name, n in deliveries.items()
            for result in RESULTS
        },
    )
    for name, help_text, value in _COUNTERS:
        yield counter(name, help_text, _LABELS, {(c,): value(n) for c, n in deliveries.items()})
    yield gauge(
        "ctid_page_channel_failing",
        "1 while the newest attempts fail.",
        _LABELS,
        {(name,): float(n.failing is not None) for name, n in deliveries.items()},
    )
    yield histogram(
        "ctid_page_lateness_seconds",
        "From when a page was due to when its first attempt began.",
        _LABELS,
        {(name,): n.lateness for name, n in deliveries.items()},
    )
    yield histogram(
        "ctid_page_delivery_seconds",
        "From the decision about a page to its delivery.",
        _LABELS,
        {(name,): n.latency for name, n in deliveries.items()},
    )
    if reading.backlogs is None:
        return
    none = PageBacklog({}, None)
    backlogs = {name: reading.backlogs.get(name, none) for name in deliveries}
    yield gauge(
        "ctid_pages",
        "Pages in the database, by state.",
        ("channel", "state"),
        {
            (name, state): backlog.by_state.get(state, 0)
            for name, backlog in backlogs.items()
            for state in PageState
        },
    )
    yield gauge(
        "ctid_page_oldest_pending_timestamp_seconds",
        "When the oldest page that waits was decided; absent where none waits.",
        _LABELS,
        {(n,): b.oldest_at for n, b in backlogs.items() if b.oldest_at is not None},
    )


_COUNTERS: Final[tuple[tuple[str, str, Callable[[PageDeliveries], int]], ...]] = (
    ("ctid_pages_delivered", "Pages that arrived.", lambda n: n.delivered),
    ("ctid_pages_folded", "Of these, those that arrived in a digest.", lambda n: n.folded),
    ("ctid_pages_moved", "Pages that went on by another channel.", lambda n: n.moved),
    ("ctid_pages_failed", "Pages that reached nobody.", lambda n: n.failed),
    ("ctid_pages_dropped", "Pages that were over before they could be sent.", lambda n: n.dropped),
)
