"""Recorded streams through the pipeline into a real database, also while it cannot be written."""

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ctid.committer import Alarm, Clocks
from ctid.domain import events as ev
from ctid.domain.batch import Batch
from ctid.domain.records import Gap, GapCause, Outcome, Record
from ctid.outbound.alarm import NoAlarm, WebhookAlarm
from ctid.pipeline import Pipeline
from ctid.replay import events_of
from ctid.store import migrate
from ctid.store.queries import Reader, RecordFilter
from ctid.store.recorder import Store
from tests import lab, truth
from tests.waiting import until

CLOCKS = Clocks(time.time, time.monotonic)


def stream(name: str) -> list[ev.Event]:
    return [event for path in truth.files(name) for event in events_of(path)]


def make(store: Store, alarm: Alarm | None = None) -> Pipeline:
    return Pipeline(
        {lab.PBX: lab.directory()}, store, CLOCKS, commit_delay=0.01, alarm=alarm or NoAlarm()
    )


@pytest.fixture
async def database(tmp_path: Path) -> Path:
    path = tmp_path / "ctid.sqlite3"
    await migrate.upgrade(str(path))
    return path


async def records(database: Path) -> list[Record]:
    async with await Reader.open(str(database)) as reader:
        return await reader.records(RecordFilter())


async def gaps(database: Path) -> list[Gap]:
    async with await Reader.open(str(database)) as reader:
        return await reader.gaps(lab.PBX, 0.0, 1e11)


async def test_an_open_call_is_on_disk_while_it_rings(database: Path) -> None:
    events = stream("direct_answered")
    answer = next(n for n, e in enumerate(events) if isinstance(e, ev.BridgeEntered))
    async with await Store.open(str(database)) as store, asyncio.TaskGroup() as tasks:
        pipeline = make(store)
        running = tasks.create_task(pipeline.run())
        pipeline.deliver(lab.PBX, events[:answer])
        await until(lambda: pipeline.committer.commits > 0)
        (record,) = await records(database)
        assert record.open
        assert record.offered_at is not None
        assert record.outcome is None
        pipeline.deliver(lab.PBX, events[answer:])
        pipeline.stop()
        await running
    (record,) = await records(database)
    assert not record.open
    assert record.outcome is Outcome.ANSWERED


async def test_the_feed_is_told_of_what_is_on_disk(database: Path) -> None:
    fed: list[Batch] = []
    async with await Store.open(str(database)) as store, asyncio.TaskGroup() as tasks:
        where = {lab.PBX: lab.directory()}
        pipeline = Pipeline(
            where, store, CLOCKS, commit_delay=0.01, alarm=NoAlarm(), feed=fed.append
        )
        running = tasks.create_task(pipeline.run())
        pipeline.deliver(lab.PBX, stream("direct_answered"))
        pipeline.stop()
        await running
    ended = [record for batch in fed for record in batch.records if not record.open]
    assert ended == [record for record in await records(database) if not record.open]


async def test_a_new_daemon_goes_on_where_the_last_one_died(tmp_path: Path) -> None:
    events = stream("queue_rona")
    for cut in range(1, len(events), 7):
        database = tmp_path / f"{cut}.sqlite3"
        await migrate.upgrade(str(database))
        for part in (events[:cut], events[cut:]):
            async with await Store.open(str(database)) as store, asyncio.TaskGroup() as tasks:
                pipeline = make(store)
                async with await Reader.open(str(database)) as reader:
                    pipeline.restore(lab.PBX, await reader.open_calls(lab.PBX), None, None)
                running = tasks.create_task(pipeline.run())
                pipeline.deliver(lab.PBX, part)
                pipeline.stop()
                await running
        (record,) = await records(database)
        assert (record.outcome, record.agent) == (Outcome.ANSWERED, "102")


async def test_a_gap_is_recorded_with_its_cause(database: Path) -> None:
    events = stream("ami_cut")
    attached = [n for n, e in enumerate(events) if isinstance(e, ev.Attached)]
    before, after = events[: attached[1]], events[attached[1] :]
    clock = before[-1].at
    async with await Store.open(str(database)) as store, asyncio.TaskGroup() as tasks:
        pipeline = make(store)
        running = tasks.create_task(pipeline.run())
        pipeline.deliver(lab.PBX, before)
        pipeline.deliver(lab.PBX, [ev.Detached(clock, GapCause.CONNECTION_LOST)])
        await until(lambda: pipeline.committer.commits > 0)
        after[0] = ev.Attached(clock, restarted=False)
        pipeline.deliver(lab.PBX, after)
        pipeline.stop()
        await running
    (gap,) = await gaps(database)
    assert gap.cause is GapCause.CONNECTION_LOST
    assert gap.ended_at is not None
    assert {r.outcome for r in await records(database)} == {
        Outcome.ANSWERED,
        Outcome.MISSED,
        Outcome.NOT_OFFERED,
    }


@pytest.fixture
async def webhook() -> AsyncIterator[tuple[str, list[dict[str, object]]]]:
    """A real HTTP server that keeps the alerts posted to it."""
    alerts: list[dict[str, object]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        size = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        alerts.extend(json.loads(await reader.readexactly(size)))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield f"http://127.0.0.1:{port}/api/v2/alerts", alerts


async def test_a_locked_database_loses_nothing_and_alarms_without_it(
    database: Path, webhook: tuple[str, list[dict[str, object]]]
) -> None:
    url, alerts = webhook
    events = stream("load")
    half = len(events) // 2
    async with (
        await Store.open(str(database), busy_timeout_seconds=0.1) as store,
        asyncio.TaskGroup() as tasks,
    ):
        pipeline = make(store, WebhookAlarm(url, tasks))
        running = tasks.create_task(pipeline.run())
        pipeline.deliver(lab.PBX, events[:half])
        await until(lambda: pipeline.committer.commits > 0)
        other = sqlite3.connect(database, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        pipeline.deliver(lab.PBX, events[half:])
        await until(lambda: pipeline.committer.health.store_error is not None)
        await until(lambda: len(alerts) == 1)
        other.execute("ROLLBACK")
        other.close()
        await until(lambda: pipeline.committer.health.store_error is None)
        await until(lambda: len(alerts) == 2)
        pipeline.stop()
        await running
    assert alerts[0]["labels"] == {"alertname": "CtidStoreFailing", "severity": "critical"}
    assert "endsAt" not in alerts[0]
    assert "endsAt" in alerts[1]
    written = await records(database)
    assert len(written) == 300
    assert not any(record.open for record in written)
    assert sum(record.outcome is Outcome.ANSWERED for record in written) == 150
