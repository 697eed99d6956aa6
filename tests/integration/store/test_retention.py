"""Old calls go; figures stay."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select

from ctid.domain.batch import Batch
from ctid.domain.records import OpenCall
from ctid.domain.tally import Desk
from ctid.store import figures, retention, schema, summary
from ctid.store.figures import Period
from ctid.store.queries import Reader, RecordFilter
from ctid.store.recorder import Store
from tests.integration.store import samples

DAY = 86400.0
NOON = 1_760_011_200.0  # 2025-10-09 12:00 UTC
DESK = Desk("UTC", {}, ("main",))


def call_on(day: int, n: int) -> Batch:
    """A whole call, `day` days after the first, with its history."""
    shift = NOON + day * DAY - samples.BEGAN - n
    record = samples.answered(n)
    moved = record._replace(
        started_at=(record.started_at or 0) + shift,
        offered_at=(record.offered_at or 0) + shift,
        ended_at=(record.ended_at or 0) + shift,
    )
    return Batch(records=(moved,), facts=samples.facts(n))


async def table(reader: Reader, name: str) -> Sequence[tuple[object, ...]]:
    """The rows as tuples, whose repr shows long texts whole; that of a Row does not."""
    async with reader.transaction() as connection:
        found = await connection.execute(select(schema.metadata.tables[name]))
        return [tuple(row) for row in found]


async def rung(reader: Reader, first: date, last: date, now: float) -> list[int]:
    found = await figures.by_day(reader, DESK, Period(first, last), now)
    return [figure.counts.rung for figure in found]


async def test_old_calls_go_with_all_that_belongs_to_them(store: Store, reader: Reader) -> None:
    now = NOON + 5 * DAY
    for day in range(4):
        for n in range(60):
            await store.commit(call_on(day, day * 100 + n))
    await store.commit(samples.gap(NOON, NOON + 9))
    days = (date(2025, 10, 9), date(2025, 10, 12))
    before = await rung(reader, *days, now)
    await summary.summarise(store, reader, DESK, now)

    assert await retention.retain(store, NOON + 1.5 * DAY) == 120
    left = await reader.records(RecordFilter())
    assert {record.uniqueid for record in left} == {
        samples.uniqueid(day * 100 + n) for day in (2, 3) for n in range(60)
    }
    assert len(await table(reader, "ring")) == 2 * len(left)
    assert len(await table(reader, "history")) == len(left)
    assert len(await table(reader, "gap")) == 1
    assert await rung(reader, *days, now) == before == [60] * 4

    await summary.mark_all(store)
    await summary.summarise(store, reader, DESK, now)
    assert await rung(reader, *days, now) == before
    assert await retention.retain(store, NOON + 1.5 * DAY) == 0


async def test_a_day_without_figures_keeps_its_calls(store: Store, reader: Reader) -> None:
    await store.commit(call_on(0, 1))
    assert await retention.retain(store, NOON + 9 * DAY) == 0
    await summary.summarise(store, reader, DESK, NOON + 5 * DAY)
    await store.commit(call_on(0, 2))  # a correction: the day is stale
    assert await retention.retain(store, NOON + 9 * DAY) == 0
    await summary.summarise(store, reader, DESK, NOON + 5 * DAY)
    assert await retention.retain(store, NOON + 9 * DAY) == 2


async def test_an_open_call_is_never_too_old(store: Store, reader: Reader) -> None:
    await store.commit(call_on(0, 1))
    await store.commit(samples.begun(2))
    await summary.summarise(store, reader, DESK, NOON + 5 * DAY)
    await retention.retain(store, NOON + 5 * DAY)
    assert [r.uniqueid for r in await reader.records(RecordFilter())] == [samples.uniqueid(2)]


async def test_a_call_that_goes_on_keeps_all_its_records(store: Store, reader: Reader) -> None:
    began = call_on(0, 1).records[0]
    open_visit = samples.ringing(1)._replace(ordinal=1, line="desktop")
    await store.commit(Batch(records=(began, open_visit)))
    in_memory = call_on(0, 2)
    state = OpenCall("main", samples.uniqueid(2), "{}")
    await store.commit(Batch(records=in_memory.records, open_calls=(state,)))
    await store.commit(call_on(0, 3))
    await summary.summarise(store, reader, DESK, NOON + 5 * DAY)
    assert await retention.retain(store, NOON + 5 * DAY) == 1
    left = await reader.records(RecordFilter())
    assert [(r.uniqueid, r.ordinal) for r in left] == [
        (samples.uniqueid(1), 1),
        (samples.uniqueid(1), 0),
        (samples.uniqueid(2), 0),
    ]
