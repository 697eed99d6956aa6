"""Old calls go, callers are forgotten; figures stay."""

import json
from collections.abc import Sequence
from datetime import date

import pytest
from sqlalchemy import select

from ctid.domain.records import Batch, Direction, Fact
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


async def table(reader: Reader, name: str) -> Sequence[object]:
    async with reader.transaction() as connection:
        return (await connection.execute(select(schema.metadata.tables[name]))).all()


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


async def test_a_caller_is_forgotten_and_the_figures_stay(store: Store, reader: Reader) -> None:
    mine, other = call_on(0, 1), call_on(0, 2)
    number = str(mine.records[0].caller_number)
    told = Fact("main", samples.uniqueid(1), 9, NOON, "call_began", number, {"caller": number})
    await store.commit(Batch(records=mine.records, facts=(*mine.facts, told)))
    await store.commit(other)
    back = (
        call_on(1, 3)
        .records[0]
        ._replace(direction=Direction.OUTBOUND, line=None, caller_number="101", did=number)
    )
    rings = (back.rings[0]._replace(agent=number, channel=f"Local/{number}@out-1;1"),)
    await store.commit(Batch(records=(back._replace(rings=rings),)))
    days = (date(2025, 10, 9), date(2025, 10, 10))
    before = await rung(reader, *days, NOON + 5 * DAY)

    assert await retention.forget(store, number) == 2
    for name in schema.metadata.tables:
        assert number not in repr(await table(reader, name)), name
    first, second, third = await reader.records(RecordFilter())
    assert (first.caller_number, first.caller_name) == (None, None)
    assert second == other.records[0]
    assert (third.caller_number, third.did) == ("101", None)
    assert await rung(reader, *days, NOON + 5 * DAY) == before
    assert await retention.forget(store, number) == 0


async def test_the_history_stays_readable(store: Store, reader: Reader) -> None:
    mine = call_on(0, 1)
    await store.commit(mine)
    await retention.forget(store, str(mine.records[0].caller_number))
    assert await reader.facts("main", samples.uniqueid(1)) == list(mine.facts)
    assert json.dumps((await reader.records(RecordFilter()))[0].transfers[0].to) == '"102"'


@pytest.mark.parametrize("number", ["", "nobody"])
async def test_who_never_called_is_no_error(store: Store, number: str) -> None:
    await store.commit(call_on(0, 1))
    assert await retention.forget(store, number) == 0
