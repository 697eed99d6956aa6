"""The page of metrics and docs/metrics.md name the same things."""

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from ctid.domain.records import Outcome
from ctid.domain.stages import Stage
from ctid.outbound.deliveries import Deliveries
from ctid.outbound.loads import File, Load
from ctid.outbound.metrics import render
from ctid.outbound.pages.deliveries import PageDeliveries
from ctid.outbound.reading import (
    AlertReading,
    LineReading,
    PageReading,
    PbxReading,
    Reading,
    StoreReading,
    TicketReading,
    Waiting,
)
from ctid.outbound.tally import Tally
from ctid.store.outbox import OutboxState
from ctid.store.pages import PageState
from ctid.store.tickets import OpenReturns
from ctid.store.waiting import Backlog

PAGE = (Path(__file__).parents[3] / "docs/metrics.md").read_text()
LINE = LineReading('an "odd"\ntitle\\', "network", 0.75)
PBX = PbxReading(
    state="attached",
    attached=True,
    attempts=2,
    attachments=1,
    pings=3,
    ends={"unreachable": 1},
    events=10,
    skipped=90,
    anomalies=dict.fromkeys(("forged", "torn", "odd", "bad", "oversized"), 0),
    last_event_at=1_800_000_000.25,
    gap_since=1_800_000_001.0,
)


def reading(folder: Path) -> Reading:
    """One in which nothing is absent."""
    database = folder / "ctid.sqlite3"
    database.write_bytes(b"x" * 1000)
    tally = Tally(lambda: 0.0)
    tally.expect(["lab"], ["a"], ["Zhang San"])
    return Reading(
        version="1.2",
        lines={"a": LINE},
        pbxs={"lab": PBX},
        heartbeats={"sent": 4, "not_delivered": 1},
        loads={File.CONFIG: Load(1_800_000_000.0), File.ROSTER: Load(None, 1_800_000_001.0, "x")},
        stages={("a", "talking"): 2},
        store=StoreReading(
            failing=False, commits=5, waiting=0, dropped=0, set_aside=0, refused=0, path=database
        ),
        counts=tally.counts,
        rates={("a", "today"): 0.5, ("a", "month"): 0.75},
        alerts=AlertReading({"network": 0.0}, {}, 0),
        pages=PageReading(
            {"robot": PageDeliveries(delivered=7, folded=5)},
            {"robot": Backlog({PageState.PENDING: 3}, 1_800_000_000.0)},
        ),
        tickets=TicketReading(
            {"rt": Deliveries()},
            Waiting(
                {"rt": Backlog({OutboxState.PENDING: 3}, 1_800_000_000.0)},
                {"a": OpenReturns(2, 1)},
                {},
            ),
        ),
        backup_at=1.0,
    )


def documented() -> dict[str, tuple[str, frozenset[str]]]:
    """Type and labels by name."""
    rows = re.findall(r"^\| `((?:ctid|process)_\w+)` \| (\w+) \| ([^|]*)\|", PAGE, re.MULTILINE)
    return {name: (kind, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def exposed(text: str) -> dict[str, tuple[str, frozenset[str]]]:
    found: dict[str, tuple[str, frozenset[str]]] = {}
    for family in text_string_to_metric_families(text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = {label for one in family.samples for label in one.labels} - {"le"}
        found[name] = (family.type, frozenset(labels))
    return found


def test_the_page_has_what_the_docs_say_and_nothing_else(tmp_path: Path) -> None:
    assert exposed(render(reading(tmp_path)).decode()) == documented()


def test_values_stand_where_they_belong(tmp_path: Path) -> None:
    page = render(reading(tmp_path)).decode()
    for line in (
        'ctid_build_info{python="',
        'ctid_open_calls{line="a",stage="talking"} 2.0',
        'ctid_open_calls{line="a",stage="waiting"} 0.0',
        'ctid_heartbeats_total{result="not_delivered"} 1.0',
        'ctid_config_last_reload_successful{file="config"} 1.0',
        'ctid_config_last_reload_successful{file="roster"} 0.0',
        'ctid_config_last_reload_success_timestamp_seconds{file="config"} 1.8e+09',
        'ctid_pbx_state{pbx="lab",state="attached"} 1.0',
        'ctid_pbx_state{pbx="lab",state="waiting"} 0.0',
        'ctid_pbx_ends_total{pbx="lab",reason="unreachable"} 1.0',
        'ctid_pbx_ends_total{pbx="lab",reason="overrun"} 0.0',
        'ctid_pbx_last_event_timestamp_seconds{pbx="lab"} 1.80000000025e+09',
        'ctid_answer_ratio{line="a",period="today"} 0.5',
        "ctid_database_size_bytes 1000.0",
        "ctid_last_backup_timestamp_seconds 1.0",
        'ctid_missed_overdue{line="a"} 1.0',
        'ctid_tickets{backend="rt",state="pending"} 3.0',
        'ctid_tickets{backend="rt",state="dead"} 0.0',
        'ctid_ticket_attempts_total{backend="rt",result="busy"} 0.0',
        'ctid_pages_delivered_total{channel="robot"} 7.0',
        'ctid_pages_folded_total{channel="robot"} 5.0',
        'ctid_page_attempts_total{channel="robot",result="rejected"} 0.0',
        'ctid_page_lateness_seconds_bucket{channel="robot",le="1.0"} 0.0',
        'ctid_pages{channel="robot",state="pending"} 3.0',
        'ctid_pages{channel="robot",state="failed"} 0.0',
        'ctid_page_oldest_pending_timestamp_seconds{channel="robot"} 1.8e+09',
        'ctid_ticket_oldest_pending_timestamp_seconds{backend="rt"} 1.8e+09',
    ):
        assert f"\n{line}" in page, line


def test_what_is_not_known_is_absent(tmp_path: Path) -> None:
    given = reading(tmp_path)
    tally = Tally(lambda: 0.0)
    tally.expect([], [], [])
    bare = Reading(
        version=given.version,
        lines={},
        pbxs={},
        heartbeats={},
        loads={},
        stages={},
        store=StoreReading(
            failing=True,
            commits=0,
            waiting=0,
            dropped=0,
            set_aside=0,
            refused=0,
            path=tmp_path / "no" / "db",
        ),
        counts=tally.counts,
        rates={},
        alerts=AlertReading({}, {}, 0),
        pages=PageReading({}, None),
        tickets=TicketReading({}, None),
        backup_at=None,
    )
    page = render(bare).decode()
    for name in ("ctid_database_size_bytes", "ctid_last_backup_timestamp_seconds"):
        assert f"\n{name} " not in page
    assert "\nctid_store_failing 1.0\n" in page


def test_words_in_the_docs_are_those_of_the_code() -> None:
    for word in (*Stage, Outcome.ANSWERED, Outcome.MISSED, Outcome.OVERFLOWED):
        assert f"`{word}`" in PAGE
