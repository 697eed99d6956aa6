"""Policy, store and workers put together, and what people change by hand."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ctid.by_hand import ByHand
from ctid.committer import Clocks
from ctid.config import Config, load
from ctid.domain.batch import Batch
from ctid.domain.roster import Empty
from ctid.outbound.alarm import NoAlarm
from ctid.outbound.loads import Loads
from ctid.pipeline import Pipeline
from ctid.refusal import RefusedError
from ctid.store import tickets as stored
from ctid.store.migrate import upgrade
from ctid.store.outbox import OutboxState
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from ctid.tickets import Tickets
from ctid.watching import Watching
from tests.unit.domain.missed_calls import record

NOW = 1_800_000_000.0
_TEXT = """
timezone = "Asia/Shanghai"
[store]
url = "ctid.sqlite3"
[tickets]
link = "https://desk.example.org/{pbx}/{uniqueid}"
[[file]]
path = "tickets.jsonl"
[[line]]
name = "network"
dids = ["8001"]
[[pbx]]
name = "main"
secret_file = "secret"
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    path = tmp_path / "ctid.toml"
    path.write_text(_TEXT)
    (tmp_path / "secret").write_text("made-up")
    (tmp_path / "secret").chmod(0o600)
    return load(path)


@pytest.fixture
async def store(config: Config) -> AsyncIterator[Store]:
    await upgrade(config.store.url)
    async with await Store.open(config.store.url) as opened:
        yield opened


async def test_a_fault_about_one_call_leaves_the_others_their_tickets(
    config: Config, store: Store
) -> None:
    """An id that no link can hold stands for whatever nobody thought of."""
    async with asyncio.TaskGroup() as tasks:
        tickets = Tickets(config, store, tasks, Loads(time.time))
        calls = [record(float(at), uniqueid=name) for at, name in enumerate(("1", "\ud800", "3"))]
        decided = tickets.decide(calls, NOW)
    assert [wanted.draft.uniqueid for wanted in decided.wanted] == ["1", "3"]


async def test_who_waits_is_taken_up_with_the_drafts_about_it(config: Config, store: Store) -> None:
    async with asyncio.TaskGroup() as tasks:
        before = Tickets(config, store, tasks, Loads(time.time))
        missed = before.decide([record(1.0), record(2.0, caller_number=None)], NOW)
        await store.commit(Batch(returns=missed.returns, wanted=missed.wanted))
        after = Tickets(config, store, tasks, Loads(time.time))
        await after.begin()
        again = after.decide([record(3.0)], NOW)
    assert [wanted.draft.key for wanted in again.wanted] == ["ctid:ctid:main:1.0"]


async def test_what_is_chosen_by_hand(config: Config, store: Store) -> None:
    async with asyncio.TaskGroup() as tasks:
        tickets = Tickets(config, store, tasks, Loads(time.time))
        decided = tickets.decide([record(float(at), caller_number=None) for at in range(9)], NOW)
        await store.commit(Batch(wanted=decided.wanted))
        clocks = Clocks(time.time, time.monotonic)
        pipeline = Pipeline({}, store, clocks, commit_delay=0.0, alarm=NoAlarm())
        watching = Watching(config, Empty, clocks)
        by_hand = ByHand(tickets, watching, pipeline, store, lambda: NOW)
        keys = ["1.0", "ctid:ctid:main:1.0", "2.0", "1.0"]
        assert await by_hand.drop("file", keys, "li", "a test") == 2
        with pytest.raises(RefusedError, match=r"^7\.5: no draft has this key"):
            await by_hand.retry(None, ["1.0", "7.5"])
        with pytest.raises(RefusedError, match=r"^1\.0: no draft"):
            await by_hand.retry("other", ["1.0"])
    async with await Reader.open(config.store.url) as reader:
        dropped = await stored.deliveries(reader, states=[OutboxState.DROPPED])
    assert sorted(row.uniqueid for row in dropped) == ["1.0", "2.0"]


async def test_what_is_closed_stays_closed(config: Config, store: Store) -> None:
    """Else a reload that ends after the daemon's stop would keep it from ending."""
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tickets = Tickets(config, store, tasks, Loads(time.time))
        tickets.open()
        await tickets.close()
        await tickets.use(config)
    assert tickets.counts() == {}
