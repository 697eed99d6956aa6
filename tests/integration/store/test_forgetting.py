"""A number is forgotten wherever it stands; figures stay."""

import asyncio
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from ctid import config
from ctid.domain.batch import Batch
from ctid.domain.records import Direction, Fact, OpenCall, Record
from ctid.domain.tracker import Tracker
from ctid.replay import events_of
from ctid.store import figures, schema, summary
from ctid.store.figures import Period
from ctid.store.forgetting import forget
from ctid.store.migrate import upgrade
from ctid.store.queries import Reader, RecordFilter
from ctid.store.recorder import Store
from tests.integration.store import samples
from tests.integration.store.test_retention import DAY, DESK, NOON, call_on, rung, table

NUMBER = "13800000001"
CAPTURES = Path(__file__).parents[2] / "captures"
DAYS = (date(2025, 10, 9), date(2025, 10, 10))
NOW = NOON + 5 * DAY


def of_number(record: Record, number: str = NUMBER) -> Record:
    return record._replace(caller_number=number)


async def test_it_goes_from_every_recorded_call(store: Store, reader: Reader) -> None:
    directory = config.load(CAPTURES / "lab.toml", read_secrets=False).directory("lab")
    for path in sorted(CAPTURES.glob("*.ami")):
        tracker = Tracker(path.stem, directory)
        for event in events_of(path):
            tracker.receive(event)
        tracker.close()
        changes = tracker.drain()
        await store.commit(Batch(changes.records, changes.facts, changes.open_calls))
    open_calls = {(r.pbx, r.uniqueid) for r in await reader.records(RecordFilter(open=True))}
    assert (await forget(store, NUMBER, NOW)).calls > 40
    for name in ("record", "ring", "history"):
        rows = await table(reader, name)
        assert [row for row in rows if NUMBER in repr(row) and row[:2] not in open_calls] == []
    assert (await forget(store, NUMBER, NOW)).calls == 0


@pytest.mark.parametrize("given", [NUMBER, "+86 138 0000 0001", "008613800000001"])
async def test_it_goes_in_every_spelling_from_every_column(
    store: Store, reader: Reader, given: str
) -> None:
    mine, other = call_on(0, 1).records[0], call_on(0, 2)
    rings = tuple(
        ring._replace(agent=f"9{NUMBER}", channel=f"Local/9{NUMBER}@out-1;1") for ring in mine.rings
    )
    hidden = mine._replace(
        direction=Direction.OUTBOUND,
        caller_number="101",
        caller_name=f"+86{NUMBER}",
        did=f"90086{NUMBER}",
        agent=f"9{NUMBER}",
        final_agent=NUMBER,
        agents_rung=(f"9{NUMBER}",),
        rings=rings,
        transfers=(replace(mine.transfers[0], to=f"0{NUMBER}"),),
        recording=f"out-{NUMBER}-101-20251009-1760011200.1.wav",
        because=f"came up at internal,9{NUMBER}",
    )
    told = Fact("main", mine.uniqueid, 9, NOON, "x", f"to 9{NUMBER}", {"to": NUMBER})
    await store.commit(Batch(records=(hidden,), facts=(told,)))
    await store.commit(other)
    before = await rung(reader, *DAYS, NOW)

    assert (await forget(store, given, NOW)).calls == 1
    for name in schema.metadata.tables:
        assert NUMBER not in repr(await table(reader, name)), name
    first, second = await reader.records(RecordFilter())
    assert (first.caller_number, first.did) == ("101", None)
    assert first.recording == "out-(forgotten)-101-20251009-1760011200.1.wav"
    assert second == other.records[0]
    assert await rung(reader, *DAYS, NOW) == before


async def test_a_caller_loses_his_name_too(store: Store, reader: Reader) -> None:
    mine = call_on(0, 1)
    await store.commit(Batch(records=(of_number(mine.records[0]),), facts=mine.facts))
    assert (await forget(store, NUMBER, NOW)).calls == 1
    (record,) = await reader.records(RecordFilter())
    assert (record.caller_number, record.caller_name) == (None, None)
    assert (record.agent, record.did) == ("Li Si", "8001")
    assert await reader.facts("main", samples.uniqueid(1)) == list(mine.facts)


async def test_an_extension_goes_only_where_it_is_the_whole_number(
    store: Store, reader: Reader
) -> None:
    mine = call_on(0, 1).records[0]._replace(caller_number="8101", linkedid="1760000000.101")
    ring = mine.rings[0]._replace(agent="101", channel="PJSIP/a101-000000c0")
    told = Fact("main", mine.uniqueid, 0, NOON, "x", "101 and a101", {"of": "1760000000.101"})
    await store.commit(Batch(records=(mine._replace(rings=(ring,)),), facts=(told,)))
    assert (await forget(store, "101", NOW)).calls == 1
    (record,) = await reader.records(RecordFilter())
    (left,) = record.rings
    assert (left.agent, left.channel) == ("(forgotten)", "PJSIP/a101-000000c0")
    assert (record.caller_number, record.linkedid) == ("8101", "1760000000.101")
    (fact,) = await reader.facts("main", mine.uniqueid)
    assert (fact.because, fact.data) == ("(forgotten) and a101", {"of": "1760000000.101"})


async def test_agents_lose_it_in_the_figures_of_closed_days(store: Store, reader: Reader) -> None:
    for n, agent in ((1, NUMBER), (2, f"9{NUMBER}"), (3, "Li Si")):
        record = call_on(0, n).records[0]
        rings = (record.rings[1]._replace(agent=agent, began_at=NOON, rang_at=NOON, ended_at=NOON),)
        await store.commit(Batch(records=(record._replace(agent=agent, rings=rings),)))
    await summary.summarise(store, reader, DESK, NOW)
    states = await table(reader, "summary_day")
    assert (await forget(store, NUMBER, NOW)).calls == 2
    assert NUMBER not in repr(await table(reader, "summary"))
    found = await figures.by_agent(reader, DESK, Period(*DAYS), NOW)
    assert {figure.agent: figure.counts.answered for figure in found} == {
        "(forgotten)": 2,
        "Li Si": 1,
    }
    assert len(states) == len(await table(reader, "summary_day"))
    assert await summary.summarise(store, reader, DESK, NOW) == []


async def test_a_call_that_goes_on_keeps_it(store: Store, reader: Reader) -> None:
    ended = of_number(call_on(0, 1).records[0])
    visit = of_number(samples.ringing(1)._replace(ordinal=1))
    in_memory = of_number(call_on(0, 2).records[0])
    state = OpenCall("main", samples.uniqueid(2), NUMBER)
    await store.commit(Batch(records=(ended, visit, in_memory), open_calls=(state,)))
    assert (await forget(store, NUMBER, NOW)).calls == 0
    assert {r.caller_number for r in await reader.records(RecordFilter())} == {NUMBER}
    over = OpenCall("main", samples.uniqueid(2), None)
    await store.commit(Batch(records=(in_memory,), open_calls=(over,)))
    assert (await forget(store, NUMBER, NOW)).calls == 1


@pytest.mark.parametrize("number", ["", " ", "nobody", "%", "_"])
async def test_who_never_called_is_no_error(store: Store, number: str) -> None:
    await store.commit(call_on(0, 1))
    assert (await forget(store, number, NOW)).calls == 0


async def test_many_calls_are_forgotten_and_commits_go_on(store: Store, reader: Reader) -> None:
    calls = 1000
    records = [of_number(samples.answered(n)) for n in range(calls)]
    facts = [fact for n in range(calls) for fact in samples.facts(n)]
    await store.commit(Batch(records=tuple(records), facts=tuple(facts)))
    forgetting = asyncio.ensure_future(forget(store, NUMBER, NOW))  # noqa: TID251 - awaited below
    waits: list[float] = []
    while not forgetting.done():
        began = time.perf_counter()
        await store.commit(samples.ended(calls + len(waits)))
        waits.append(time.perf_counter() - began)
    assert (await forgetting).calls == calls
    assert len(waits) > 10  # some between any two chunks
    assert sorted(waits)[len(waits) // 2] < 0.5
    async with reader.transaction() as connection:
        query = select(schema.record.c.caller_number).where(schema.record.c.caller_number == NUMBER)
        assert (await connection.execute(query)).all() == []


def bytes_of(path: Path) -> bytes:
    return b"".join(Path(f"{path}{suffix}").read_bytes() for suffix in ("", "-wal"))


async def test_nothing_is_left_on_the_disk(sqlite_path: Path) -> None:
    await upgrade(str(sqlite_path))
    async with await Store.open(str(sqlite_path)) as store:
        for n in range(300):
            ringing, facts = of_number(samples.ringing(n)), samples.facts(n, 1)
            state = OpenCall("main", samples.uniqueid(n), f'{{"caller":"{NUMBER}"}}' * 40)
            await store.commit(Batch(records=(ringing,), facts=facts, open_calls=(state,)))
        for n in range(300):
            ended, over = (
                of_number(samples.answered(n)),
                OpenCall("main", samples.uniqueid(n), None),
            )
            await store.commit(Batch(records=(ended,), facts=samples.facts(n), open_calls=(over,)))
        assert NUMBER.encode() in bytes_of(sqlite_path)
        forgotten = await forget(store, NUMBER, NOW)
        assert (forgotten.calls, forgotten.is_off_disk) == (300, True)
        assert NUMBER.encode() not in bytes_of(sqlite_path)


async def test_a_reader_who_keeps_the_log_is_told_of(sqlite_path: Path) -> None:
    await upgrade(str(sqlite_path))
    async with (
        await Store.open(str(sqlite_path)) as store,
        await Reader.open(str(sqlite_path)) as reader,
    ):
        await store.commit(Batch(records=(of_number(samples.answered(1)),)))
        async with reader.transaction() as connection:
            await connection.execute(select(schema.record))
            assert not (await forget(store, NUMBER, NOW)).is_off_disk
            assert NUMBER.encode() in bytes_of(sqlite_path)
        assert (await forget(store, NUMBER, NOW)).is_off_disk
        assert NUMBER.encode() not in bytes_of(sqlite_path)
