"""What the metrics tell of tickets and pages on their way; docs/metrics.md names each of them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from prometheus_client.core import Metric

from ctid.outbound import deliveries
from ctid.outbound.families import counter, gauge, histogram
from ctid.outbound.pages import deliveries as page_deliveries
from ctid.outbound.reading import PageReading, TicketReading
from ctid.store.outbox import OutboxState
from ctid.store.pages import PageState
from ctid.store.waiting import Backlog


class _Words(NamedTuple):
    """Names and helps; of counters and histograms by the field of the deliveries that they show."""

    label: str
    attempts: tuple[str, str]
    counters: Mapping[str, tuple[str, str]]
    failing: str
    histograms: Mapping[str, tuple[str, str]]
    by_state: tuple[str, str]
    oldest: tuple[str, str]


_TICKETS: Final = _Words(
    label="backend",
    attempts=(
        "ctid_ticket_attempts",
        "Attempts to deliver a draft: delivered, looked_up, or why they failed.",
    ),
    counters={
        "delivered": ("ctid_tickets_delivered", "Revisions of drafts that were delivered."),
        "dead": ("ctid_tickets_dead", "Drafts that will never be taken."),
    },
    failing="ctid_ticket_backend_failing",
    histograms={
        "latency": (
            "ctid_ticket_delivery_seconds",
            "From the decision to the delivery of a revision of a draft.",
        ),
    },
    by_state=("ctid_tickets", "Drafts in the outbox, by state."),
    oldest=(
        "ctid_ticket_oldest_pending_timestamp_seconds",
        "When the oldest draft that waits was decided; absent where none waits.",
    ),
)
_PAGES: Final = _Words(
    label="channel",
    attempts=(
        "ctid_page_attempts",
        "Messages that were tried to be sent: delivered, or why they failed.",
    ),
    counters={
        "delivered": ("ctid_pages_delivered", "Pages that arrived."),
        "folded": ("ctid_pages_folded", "Of these, those that arrived in a digest."),
        "moved": ("ctid_pages_moved", "Pages that went on by another channel."),
        "failed": ("ctid_pages_failed", "Pages that reached nobody."),
        "dropped": ("ctid_pages_dropped", "Pages that held no more before they could be sent."),
    },
    failing="ctid_page_channel_failing",
    histograms={
        "lateness": (
            "ctid_page_lateness_seconds",
            "From when a page was due to when its first attempt began.",
        ),
        "latency": (
            "ctid_page_delivery_seconds",
            "From the decision about a page to its delivery.",
        ),
    },
    by_state=("ctid_pages", "Pages in the database, by state."),
    oldest=(
        "ctid_page_oldest_pending_timestamp_seconds",
        "When the oldest page that waits was decided; absent where none waits.",
    ),
)


def tickets(reading: TicketReading) -> Iterator[Metric]:
    """By backend."""
    backlogs = None if reading.waiting is None else reading.waiting.backlogs
    yield from _went(_TICKETS, reading.deliveries, deliveries.RESULTS)
    yield from _waits(_TICKETS, reading.deliveries, backlogs, OutboxState)


def pages(reading: PageReading) -> Iterator[Metric]:
    """By channel."""
    yield from _went(_PAGES, reading.deliveries, page_deliveries.RESULTS)
    yield from _waits(_PAGES, reading.deliveries, reading.backlogs, PageState)


def _went(words: _Words, made: Mapping[str, Any], results: Iterable[str]) -> Iterator[Metric]:
    label = (words.label,)
    attempts = {(name, r): n.attempts[r] for name, n in made.items() for r in results}
    yield counter(*words.attempts, (words.label, "result"), attempts)
    for field, family in words.counters.items():
        yield counter(*family, label, _each(made, field))
    failing = {(name,): float(n.failing is not None) for name, n in made.items()}
    yield gauge(words.failing, "1 while the newest attempts fail.", label, failing)
    for field, family in words.histograms.items():
        yield histogram(*family, label, _each(made, field))


def _each(made: Mapping[str, Any], field: str) -> dict[tuple[str], Any]:
    return {(name,): getattr(numbers, field) for name, numbers in made.items()}


def _waits(
    words: _Words,
    names: Iterable[str],
    known: Mapping[str, Backlog] | None,
    states: Iterable[str],
) -> Iterator[Metric]:
    if known is None:
        return
    backlogs = {name: known.get(name, Backlog({}, None)) for name in names}
    by_state = {
        (n, state): b.by_state.get(state, 0) for n, b in backlogs.items() for state in states
    }
    yield gauge(*words.by_state, (words.label, "state"), by_state)
    oldest = {(n,): b.oldest_at for n, b in backlogs.items() if b.oldest_at is not None}
    yield gauge(*words.oldest, (words.label,), oldest)
