"""All metrics of ctid, in Prometheus' text format; docs/metrics.md names each of them.

`render` only reads what it is given, so it runs in a thread: with hundreds of lines the text takes
longer to write than an event may wait.
"""

import platform
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from ctid.ami.client import End
from ctid.ami.connection import State
from ctid.domain.alerts import Kind
from ctid.domain.stages import Stage
from ctid.outbound.delivery_metrics import pages, tickets
from ctid.outbound.families import by_one, counter, gauge, histogram
from ctid.outbound.process import ProcessCollector
from ctid.outbound.reading import ALERT_STATES, PbxReading, Reading, disk
from ctid.store.tickets import OpenReturns

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def render(reading: Reading) -> bytes:
    """The page. May wait for the disk, whose free space it says."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ProcessCollector())
    registry.register(_Collector(reading))
    return generate_latest(registry)


class _Collector(Collector):
    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def collect(self) -> Iterable[Metric]:
        reading = self._reading
        yield from _build(reading)
        yield from _heartbeats(reading)
        yield from _loads(reading)
        yield from _calls(reading)
        yield from _durations(reading)
        yield from _lines(reading)
        yield from _pbxs(reading)
        yield from _store(reading)
        yield from _returns(reading)
        yield from tickets(reading.tickets)
        yield from _alerts(reading)
        yield from pages(reading.pages)


def _build(reading: Reading) -> Iterator[Metric]:
    info = InfoMetricFamily("ctid_build", "Which ctid this is.", labels=())
    info.add_metric((), {"version": reading.version, "python": platform.python_version()})
    yield info


def _heartbeats(reading: Reading) -> Iterator[Metric]:
    yield counter(
        "ctid_heartbeats",
        "Signs of life to the addresses of [heartbeat], by result.",
        ("result",),
        {(result,): number for result, number in reading.heartbeats.items()},
    )


def _loads(reading: Reading) -> Iterator[Metric]:
    loads = reading.loads
    yield gauge(
        "ctid_config_last_reload_successful",
        "1 while the newest attempt to read the file again was one that succeeded.",
        ("file",),
        {(file,): float(load.failed_since is None) for file, load in loads.items()},
    )
    yield gauge(
        "ctid_config_last_reload_success_timestamp_seconds",
        "When the file was last read that is in force; absent until then.",
        ("file",),
        {(f,): load.loaded_at for f, load in loads.items() if load.loaded_at is not None},
    )


def _calls(reading: Reading) -> Iterator[Metric]:
    counts = reading.counts
    yield counter(
        "ctid_calls",
        "Finished calls to a line, by outcome and reason (empty: the outcome has none).",
        ("line", "outcome", "reason"),
        counts.calls,
    )
    yield counter(
        "ctid_calls_without_line",
        "Finished calls that visited no line.",
        ("direction",),
        {(direction,): value for direction, value in counts.without_line.items()},
    )
    yield counter(
        "ctid_rings",
        "Tries to reach an agent, by result; no_answer is RONA. "
        "Who has no name in [agents] is counted as other.",
        ("agent", "result"),
        counts.rings,
    )
    stages: dict[tuple[str, str], int] = {
        (line, stage): 0 for line in ("", *reading.lines) for stage in Stage
    }
    yield gauge(
        "ctid_open_calls",
        "Callers who are there now, by line (empty: none yet) and where they stand.",
        ("line", "stage"),
        stages | dict(reading.stages),
    )


def _durations(reading: Reading) -> Iterator[Metric]:
    counts = reading.counts
    yield histogram(
        "ctid_call_wait_seconds",
        "From offered to answered; of a miss to the end of the last attempt.",
        ("line", "outcome"),
        counts.waits,
    )
    yield histogram(
        "ctid_call_ring_seconds",
        "Time before the answer in which a phone rang.",
        ("line",),
        by_one(counts.ring_times),
    )
    yield histogram(
        "ctid_call_talk_seconds",
        "Conversation of answered calls, without hold.",
        ("line",),
        by_one(counts.talks),
    )
    yield histogram(
        "ctid_commit_lag_seconds",
        "From the end of a call, by the PBX's clock, to its record on disk.",
        ("pbx",),
        by_one(counts.lags),
    )


def _lines(reading: Reading) -> Iterator[Metric]:
    info = InfoMetricFamily("ctid_line", "Title and specialty of a line.", labels=("line",))
    for name, line in reading.lines.items():
        info.add_metric((name,), {"title": line.title, "specialty": line.specialty})
    yield info
    yield gauge(
        "ctid_answer_target_ratio",
        "The answer rate that the line has to reach.",
        ("line",),
        {(name,): line.target_rate for name, line in reading.lines.items()},
    )
    yield gauge(
        "ctid_answer_ratio",
        "Answer rate (answered / rung) of the running day and month; absent where nothing rang.",
        ("line", "period"),
        reading.rates,
    )


def _pbxs(reading: Reading) -> Iterator[Metric]:
    pbxs = reading.pbxs
    yield gauge(
        "ctid_pbx_attached",
        "1 while the PBX is in sight and its calls are followed.",
        ("pbx",),
        {(name,): float(pbx.attached) for name, pbx in pbxs.items()},
    )
    yield gauge(
        "ctid_pbx_state",
        "1 for the state in which the connection is.",
        ("pbx", "state"),
        {(name, state): float(pbx.state == state) for name, pbx in pbxs.items() for state in State},
    )
    for name, help_text, value in _PBX_COUNTERS:
        yield counter(name, help_text, ("pbx",), {(n,): value(pbx) for n, pbx in pbxs.items()})
    yield counter(
        "ctid_pbx_ends",
        "Failed attempts to connect and ended connections, by reason.",
        ("pbx", "reason"),
        {(name, end): pbx.ends.get(end, 0) for name, pbx in pbxs.items() for end in End},
    )
    yield counter(
        "ctid_ami_anomalies",
        "What the stream held beside sound events, by kind.",
        ("pbx", "kind"),
        {(name, kind): n for name, pbx in pbxs.items() for kind, n in pbx.anomalies.items()},
    )
    yield gauge(
        "ctid_pbx_last_event_timestamp_seconds",
        "When the last event arrived; absent until the first.",
        ("pbx",),
        {(n,): p.last_event_at for n, p in pbxs.items() if p.last_event_at is not None},
    )
    yield counter(
        "ctid_gaps",
        "Intervals without sight of the PBX that began, by cause.",
        ("pbx", "cause"),
        reading.counts.gaps,
    )
    yield gauge(
        "ctid_gap_began_timestamp_seconds",
        "When the open gap began; absent while the PBX is in sight.",
        ("pbx",),
        {(n,): p.gap_since for n, p in pbxs.items() if p.gap_since is not None},
    )


_PBX_COUNTERS: tuple[tuple[str, str, Callable[[PbxReading], int]], ...] = (
    ("ctid_pbx_attempts", "Attempts to connect.", lambda pbx: pbx.attempts),
    ("ctid_pbx_attachments", "Attempts that succeeded.", lambda pbx: pbx.attachments),
    ("ctid_pbx_pings", "Pings sent.", lambda pbx: pbx.pings),
    ("ctid_ami_events", "Events and answers that were taken.", lambda pbx: pbx.events),
    ("ctid_ami_skipped", "Events of kinds that do not matter.", lambda pbx: pbx.skipped),
)


def _store(reading: Reading) -> Iterator[Metric]:
    store = reading.store
    yield gauge(
        "ctid_store_failing",
        "1 while records cannot be written.",
        (),
        {(): float(store.failing)},
    )
    for name, help_text, value in (
        ("ctid_commits", "Transactions that were written.", store.commits),
        ("ctid_records_dropped", "Records given up because too many waited.", store.dropped),
        ("ctid_events_set_aside", "Events on which ctid failed.", store.set_aside),
        ("ctid_rows_set_aside", "Rows that the database refused as such.", store.refused),
    ):
        yield counter(name, help_text, (), {(): value})
    yield gauge(
        "ctid_records_waiting",
        "Records that wait for their commit.",
        (),
        {(): store.waiting},
    )
    room = disk(store.path) if store.path is not None else None
    yield gauge(
        "ctid_database_size_bytes",
        "Size of the SQLite database; absent with PostgreSQL.",
        (),
        {(): room.database} if room else {},
    )
    yield gauge(
        "ctid_disk_free_bytes",
        "Free space on the file system of the SQLite database.",
        (),
        {(): room.free} if room else {},
    )
    yield gauge(
        "ctid_last_backup_timestamp_seconds",
        "When the last backup ended well, told since the start; absent until then.",
        (),
        {} if reading.backup_at is None else {(): reading.backup_at},
    )


def _returns(reading: Reading) -> Iterator[Metric]:
    yield histogram(
        "ctid_missed_reach_seconds",
        "From the first missed call of a caller until the caller was reached.",
        ("line",),
        by_one(reading.counts.reaches),
    )
    waiting = reading.tickets.waiting
    if waiting is None:
        return
    none = OpenReturns(0, 0)
    found = {name: waiting.returns.get(name, none) for name in reading.lines}
    yield gauge(
        "ctid_missed_open",
        "Callers who were missed and not reached yet, and who left a number.",
        ("line",),
        {(name,): entries.open for name, entries in found.items()},
    )
    yield gauge(
        "ctid_missed_overdue",
        "Of these, those who had to be called back by now.",
        ("line",),
        {(name,): entries.overdue for name, entries in found.items()},
    )


def _alerts(reading: Reading) -> Iterator[Metric]:
    alerts = reading.alerts
    yield gauge(
        "ctid_line_unanswered_seconds",
        "What the unanswered clock of a line shows, in duty hours; 0 while it is closed.",
        ("line",),
        {(name,): seconds for name, seconds in alerts.unanswered.items()},
    )
    yield gauge(
        "ctid_alerts",
        "Alerts that are not over.",
        ("kind", "state"),
        {
            (kind, state): alerts.open_alerts.get((kind, state), 0)
            for kind in Kind
            for state in ALERT_STATES
        },
    )
    yield gauge(
        "ctid_alerts_silenced",
        "Of these, those about which nobody is paged now.",
        (),
        {(): alerts.silenced},
    )
