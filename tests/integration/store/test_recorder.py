"""What is written can be read, on both databases."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Select, func, select

from ctid.domain.batch import Batch
from ctid.domain.policy import Wanted
from ctid.domain.records import Fact, Gap, GapCause, OpenCall, Outcome, Reason, Seen
from ctid.domain.returns import Miss, ReturnState, ToReturn
from ctid.store import schema
from ctid.store.errors import StoreReason, StoreUnavailable
from ctid.store.queries import Reader, RecordFilter
from ctid.store.recorder import Store
from tests.alerts import alert, page, silence
from tests.drafts import draft
from tests.integration.store import samples


async def rows(reader: Reader, query: Select[Any]) -> Sequence[tuple[Any, ...]]:
    async with reader._engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(query)]


async def everything(reader: Reader) -> dict[str, Sequence[tuple[Any, ...]]]:
    return {
        table.name: await rows(reader, select(table).order_by(*table.primary_key))
        for table in schema.metadata.sorted_tables
    }


async def test_a_record_comes_back_as_it_was(store: Store, reader: Reader) -> None:
    wanted = [samples.missed(3), samples.answered(1), samples.ringing(2)]
    await store.commit(Batch(records=tuple(wanted)))
    assert await reader.records(RecordFilter()) == wanted


async def test_facts_come_back_in_order(store: Store, reader: Reader) -> None:
    facts = samples.facts(1, 12)
    await store.commit(Batch(facts=tuple(reversed(facts))))
    assert await reader.facts("main", samples.uniqueid(1)) == list(facts)


async def test_a_batch_written_twice_is_there_once(store: Store, reader: Reader) -> None:
    miss = Miss("main", samples.uniqueid(9), samples.BEGAN, Outcome.MISSED, Reason.NO_ANSWER)
    missed = ToReturn(
        *("main", samples.uniqueid(9), "network", "+8613900000009", "13900000009", None),
        state=ReturnState.OPEN,
        misses=(miss,),
        due_at=samples.BEGAN + 3600,
    )
    batch = replace(
        samples.begun(1, 2, 3),
        gaps=samples.gap(samples.BEGAN, samples.BEGAN + 9).gaps,
        returns=(missed,),
        wanted=(Wanted("rt", draft(), samples.BEGAN),),
        alerts=(alert(),),
        pages=(page(),),
        silences=(silence(),),
    )
    await store.commit(batch)
    once = await everything(reader)
    await store.commit(batch)
    assert await everything(reader) == once
    # figures, marks and secrets are no batch's matter
    others = ("summary", "mark", "secret")
    assert all(once[name] for name in once if not name.startswith(others))


async def test_an_open_call_is_kept_until_it_leaves(store: Store, reader: Reader) -> None:
    await store.commit(samples.begun(1, 2))
    assert await reader.open_calls("main") == [
        OpenCall("main", samples.uniqueid(1), '{"rings":1}'),
        OpenCall("main", samples.uniqueid(2), '{"rings":1}'),
    ]
    assert await reader.open_calls("other") == []
    await store.commit(samples.ended(1))
    assert [call.uniqueid for call in await reader.open_calls("main")] == [samples.uniqueid(2)]
    assert await reader.records(RecordFilter(uniqueid=samples.uniqueid(1))) == [samples.answered(1)]


async def test_of_several_states_in_one_batch_the_last_counts(store: Store, reader: Reader) -> None:
    begun, ended = samples.begun(1), samples.ended(1)
    await store.commit(
        Batch(
            records=begun.records + ended.records,
            facts=begun.facts + ended.facts,
            open_calls=begun.open_calls + ended.open_calls,
            seen=begun.seen + ended.seen,
        )
    )
    assert await reader.records(RecordFilter()) == [samples.answered(1)]
    assert await reader.open_calls("main") == []
    assert await reader.seen("main") == ended.seen[0]


async def test_rings_follow_their_record(store: Store, reader: Reader) -> None:
    await store.commit(samples.ended(1, 2))
    await store.commit(Batch(records=(samples.ringing(1),)))
    query = select(schema.ring.c.uniqueid, schema.ring.c.n, schema.ring.c.result)
    assert await rows(reader, query.order_by(*schema.ring.primary_key)) == [
        (samples.uniqueid(1), 0, None),
        (samples.uniqueid(2), 0, "cancelled"),
        (samples.uniqueid(2), 1, "answered"),
    ]


async def test_a_gap_is_closed_under_its_key(store: Store, reader: Reader) -> None:
    await store.commit(samples.gap(100.5, None))
    assert await reader.open_gaps("main") == [Gap("main", 100.5, None, GapCause.CONNECTION_LOST)]
    await store.commit(samples.gap(100.5, 130.25))
    await store.commit(samples.gap(200.0, None))
    first = Gap("main", 100.5, 130.25, GapCause.CONNECTION_LOST)
    second = Gap("main", 200.0, None, GapCause.CONNECTION_LOST)
    assert await reader.open_gaps("main") == [second]
    assert await reader.gaps("main", 0, 1000) == [first, second]
    assert await reader.gaps("main", 130.25, 200) == []
    assert await reader.gaps("main", 130, 201) == [first, second]


async def test_seen_is_per_pbx(store: Store, reader: Reader) -> None:
    await store.commit(Batch(seen=(Seen("main", 5.5, None), Seen("other", 6.5, "x"))))
    await store.commit(Batch(seen=(Seen("main", 7.5, "y"),)))
    assert await reader.seen("main") == Seen("main", 7.5, "y")
    assert await reader.seen("other") == Seen("other", 6.5, "x")
    assert await reader.seen("nobody") is None


async def test_records_are_filtered(store: Store, reader: Reader) -> None:
    everyone = [
        samples.missed(9),
        *(samples.answered(n) for n in range(3)),
        samples.ringing(3),
    ]
    await store.commit(Batch(records=tuple(everyone)))

    async def numbers(**restrictions: Any) -> list[int]:
        found = await reader.records(RecordFilter(**restrictions))
        return [int(record.uniqueid.partition(".")[2]) for record in found]

    assert await numbers() == [9, 0, 1, 2, 3]
    assert await numbers(line="desktop") == [9]
    assert await numbers(open=True) == [3]
    assert await numbers(started_from=samples.BEGAN + 1, started_to=samples.BEGAN + 3) == [1, 2]
    assert await numbers(offered_from=samples.BEGAN + 9) == [9]
    assert await numbers(caller_number="13900000002") == [2]
    assert await numbers(pbx="other") == []
    assert len(await reader.records(RecordFilter(), limit=2)) == 2


async def test_what_a_hostile_caller_sends_can_be_written(store: Store, reader: Reader) -> None:
    name = "a\0b\udc80'; DROP TABLE record; --" + "长" * 5000
    record = samples.ringing(1)._replace(
        caller_name=name, caller_number="长" * 5000, agents_rung=(name,)
    )
    fact = Fact("main", samples.uniqueid(1), 0, 1.0, "anomaly", name, {"name": name})
    await store.commit(Batch(records=(record,), facts=(fact,)))
    (found,) = await reader.records(RecordFilter())
    assert found.caller_name == name.replace("\0", "\ufffd").replace("\udc80", "?")
    assert found.caller_number == "长" * 500
    (read,) = await reader.facts("main", samples.uniqueid(1))
    assert str(read.data["name"]).startswith("a\0b?'; DROP")


async def test_data_that_the_schema_forbids_are_rejected_whole(
    store: Store, reader: Reader
) -> None:
    bad = Batch(
        records=(samples.answered(1),),
        gaps=(Gap("main", None, None, GapCause.OVERRUN),),  # type: ignore[arg-type]
    )
    with pytest.raises(StoreUnavailable) as caught:
        await store.commit(bad)
    assert caught.value.reason is StoreReason.REJECTED
    assert await reader.records(RecordFilter()) == []
    await store.commit(samples.ended(1))
    assert len(await reader.records(RecordFilter())) == 1


async def test_commits_at_the_same_time_follow_each_other(store: Store, reader: Reader) -> None:
    async with asyncio.TaskGroup() as group:
        for n in range(20):
            group.create_task(store.commit(samples.ended(n)))
    assert await rows(reader, select(func.count()).select_from(schema.record)) == [(20,)]


async def test_a_cancelled_commit_leaves_a_usable_store(store: Store, reader: Reader) -> None:
    batch = samples.ended(*range(500))
    for cut in range(6):
        async with asyncio.TaskGroup() as group:
            task = group.create_task(store.commit(batch))
            for _ in range(cut * 3):
                await asyncio.sleep(0)
            task.cancel()
    counted = select(func.count()).select_from(schema.record)
    assert await rows(reader, counted) in ([(0,)], [(500,)])
    await store.commit(batch)
    assert await rows(reader, counted) == [(500,)]


async def test_an_empty_batch_is_no_error(store: Store) -> None:
    await store.commit(Batch())


async def test_a_reader_cannot_write(url: str, reader: Reader) -> None:
    async with reader._engine.connect() as connection:
        with pytest.raises(Exception, match=r"read-?only"):
            await connection.execute(schema.seen.insert().values(pbx="x", seen_until=1.0))


async def test_every_reason_fits_its_column(store: Store, reader: Reader) -> None:
    await store.commit(
        Batch(
            records=tuple(samples.missed(n)._replace(reason=r) for n, r in enumerate(Reason)),
        )
    )
    found = await reader.records(RecordFilter())
    assert sorted(str(record.reason) for record in found) == sorted(Reason)
