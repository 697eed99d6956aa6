"""A burst of calls while a real ticket system is down, and killed once more on the way."""

import asyncio
import time
from collections import Counter
from pathlib import Path
from uuid import uuid4

import pytest

from ctid.config.backends import HttpBackend
from ctid.domain.batch import Batch
from ctid.domain.drafts import Draft
from ctid.domain.policy import Wanted
from ctid.outbound.http import Http
from ctid.outbound.port import Document
from ctid.outbound.tickets import open_backend
from ctid.outbound.worker import Worker
from ctid.store import tickets
from ctid.store.migrate import upgrade
from ctid.store.outbox import OutboxState
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from tests.drafts import document, draft
from tests.integration.tickets.real import redmine_seen
from tests.integration.tickets.real.program import Program
from tests.integration.tickets.real.redmine import Redmine
from tests.integration.tickets.real.rt import Rt
from tests.waiting import until

CALLS = 12


def render(draft: Draft, revision: int, data: bytes, *, new: bool) -> Document:
    del data, new
    return document(draft, revision)


async def burst(folder: Path, table: HttpBackend, program: Program, run: str) -> None:
    """All are delivered in the end, through one worker, by the system's own clock."""
    url = str(folder / "ctid.sqlite3")
    await upgrade(url)
    async with await Store.open(url) as store, await Reader.open(url) as reader:
        worker = Worker(
            table,
            open_backend(table, "desk", "Asia/Shanghai"),
            store,
            render,
            clock=time.time,
            jitter=lambda: 0.0,
        )
        calls = [draft(key=f"{run}:{n}", uniqueid=str(n)) for n in range(CALLS)]
        program.kill()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(worker.run())
            await store.commit(
                Batch(wanted=tuple(Wanted(table.name, call, time.time()) for call in calls))
            )
            worker.wake()
            await until(lambda: worker.counts.failing is not None)
            program.start()
            await until(lambda: worker.counts.delivered >= CALLS // 3, 60.0)
            program.kill()
            program.start()
            await until(lambda: worker.counts.delivered >= CALLS, 90.0)
            worker.stop()
        rows = await tickets.deliveries(reader, states=OutboxState)
    assert Counter(row.state for row in rows) == {OutboxState.DELIVERED: CALLS}


@pytest.mark.timeout(240)
async def test_request_tracker_has_each_call_once(rt: Rt, tmp_path: Path) -> None:
    run = f"ctid:desk:{uuid4()}"
    table = rt.table(timeout_seconds=5.0)
    await burst(tmp_path, table, rt.program, run)
    http = Http(
        f"{rt.program.url}/REST/2.0",
        {"Authorization": f"token {rt.token('zhang')}"},
        timeout_seconds=60,
    )
    try:
        for n in range(CALLS):
            query = {"query": f"'CF.{{CallKey}}' = '{run}:{n}'"}
            found = await http.request("GET", "/tickets", params=query)
            assert found.json()["total"] == 1, n
    finally:
        await http.close()


@pytest.mark.timeout(240)
async def test_redmine_has_each_call_once(redmine: Redmine, tmp_path: Path) -> None:
    run = f"ctid:desk:{uuid4()}"
    await burst(tmp_path, redmine.table(timeout_seconds=5.0), redmine.program, run)
    async with redmine_seen.person(redmine) as http:
        found = await http.request(
            "GET", "/issues.json", params={"status_id": "*", "limit": "100", "sort": "id:desc"}
        )
    keys = Counter(
        field["value"] for issue in found.json()["issues"] for field in issue["custom_fields"]
    )
    assert [keys[f"{run}:{n}"] for n in range(CALLS)] == [1] * CALLS
