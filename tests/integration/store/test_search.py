"""Records newest first, page by page, on both databases; and by which index."""

from dataclasses import replace
from pathlib import Path

from sqlalchemy import text

from ctid.domain.batch import Batch
from ctid.domain.records import Outcome, Record
from ctid.store.migrate import upgrade
from ctid.store.queries import Reader, RecordFilter, _by_start
from ctid.store.recorder import Store
from tests.integration.store import samples


async def all_pages(reader: Reader, wanted: RecordFilter, size: int) -> list[Record]:
    found: list[Record] = []
    while page := await reader.newest(wanted, size, after=found[-1] if found else None):
        found += page
    return found


async def test_pages_give_each_record_once_newest_first(store: Store, reader: Reader) -> None:
    same_moment = [samples.answered(n)._replace(started_at=samples.BEGAN) for n in range(5)]
    later = [samples.answered(n) for n in range(5, 10)]
    unknown = [samples.missed(n) for n in range(20, 25)]
    await store.commit(Batch(records=(*unknown, *same_moment, *later)))
    expected = [*reversed(later), *reversed(same_moment), *reversed(unknown)]
    for size in (1, 3, 100):
        assert await all_pages(reader, RecordFilter(), size) == expected


async def test_of_a_call_whose_beginning_was_not_seen_any_known_time_counts(
    store: Store, reader: Reader
) -> None:
    await store.commit(Batch(records=(samples.missed(1), samples.answered(2))))
    at = samples.BEGAN + 1
    assert await reader.newest(RecordFilter(started_from=at, started_to=at + 0.5), 9) == [
        samples.missed(1)
    ]
    assert await reader.newest(RecordFilter(started_to=at), 9) == []


async def test_by_agent_outcome_line_and_last_digits(store: Store, reader: Reader) -> None:
    answered, ringing, missed = samples.answered(1), samples.ringing(2), samples.missed(3)
    percent = samples.answered(4)._replace(caller_number="1%2_0", agent=None, rings=())
    await store.commit(Batch(records=(answered, ringing, missed, percent)))
    for wanted, expected in (
        (RecordFilter(agent="Zhang San"), [ringing, answered]),
        (RecordFilter(agent="Li Si"), [percent, answered]),  # who spoke last
        (RecordFilter(agent="nobody"), []),
        (RecordFilter(outcome=Outcome.MISSED), [missed]),
        (RecordFilter(line="desktop"), [missed]),
        (RecordFilter(number_ends="001"), [answered]),
        (RecordFilter(number_ends="2_0"), [percent]),
        (RecordFilter(number_ends="%"), []),
    ):
        assert await reader.newest(wanted, 9) == expected, wanted


async def test_open_calls_are_those_in_memory(store: Store, reader: Reader) -> None:
    await store.commit(samples.begun(1, 2, 3))
    await store.commit(samples.ended(2))
    found = await reader.newest(RecordFilter(open=True), 9)
    assert found == [samples.ringing(3), samples.ringing(1)]


async def test_sqlite_finds_them_by_an_index(sqlite_path: Path) -> None:
    await upgrade(str(sqlite_path))
    async with await Reader.open(str(sqlite_path)) as reader:
        for wanted, index in (
            (RecordFilter(caller_number="1"), "ix_record_caller_number (caller_number=?)"),
            (RecordFilter(), "ix_record_started_at"),
            (RecordFilter(line="a", agent="b", number_ends="123"), "ix_record_started_at"),
            (RecordFilter(open=True), "(pbx=? AND uniqueid=?)"),
            (RecordFilter(started_from=1.0), "ix_record_started_at (started_at>?"),
            (replace(RecordFilter(), uniqueid="1", pbx="main"), "(pbx=? AND uniqueid=?)"),
        ):
            query = _by_start(wanted, None).limit(50)
            sql = str(
                query.compile(reader._engine.sync_engine, compile_kwargs={"literal_binds": True})
            )
            async with reader._engine.connect() as connection:
                plan = (await connection.execute(text(f"EXPLAIN QUERY PLAN {sql}"))).all()
            assert index in plan[0][3], (wanted, plan)
