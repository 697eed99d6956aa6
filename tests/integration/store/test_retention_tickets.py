"""Callers who were missed, and drafts, go with their calls; what waits to be sent stays."""

import pytest

from ctid.domain.batch import Batch
from ctid.domain.returns import ReturnState
from ctid.store import retention, summary, tickets
from ctid.store.outbox import OutboxState
from ctid.store.queries import Reader, RecordFilter
from ctid.store.recorder import Store
from tests.integration.store import samples
from tests.integration.store.missed import batch, missed, policy
from tests.integration.store.test_forgetting_tickets import ALL, attempt
from tests.integration.store.test_retention import DAY, DESK, NOON

NOW = NOON + 5 * DAY


async def calls(reader: Reader) -> set[str]:
    return {record.uniqueid for record in await reader.records(RecordFilter())}


async def missing(reader: Reader) -> set[str]:
    found = await tickets.returns(reader, states=tuple(ReturnState))
    return {entry.uniqueid for entry in found}


async def drafts(reader: Reader) -> set[tuple[str, str]]:
    found = await tickets.deliveries(reader, states=ALL)
    return {(row.destination, row.uniqueid) for row in found}


async def fill(store: Store, reader: Reader, *batches: Batch) -> None:
    for each in batches:
        await store.commit(each)
    await summary.summarise(store, reader, DESK, NOW)


@pytest.mark.parametrize(
    "state", [OutboxState.DELIVERED, OutboxState.DEAD, OutboxState.DROPPED], ids=str
)
async def test_they_go_with_their_call(store: Store, reader: Reader, state: OutboxState) -> None:
    here = policy()
    old, young = samples.uniqueid(1), samples.uniqueid(2)
    first = batch(here, [missed(1, NOON)], NOW)
    second = batch(here, [missed(2, NOON + 3 * DAY, "02161234567")], NOW)
    await fill(store, reader, first, second)
    for destination in ("rt", "hook"):
        await attempt(store, state, destination, at=NOW)
    assert await retention.retain(store, NOON + 1.5 * DAY) == 1
    assert await calls(reader) == await missing(reader) == {young}
    assert old not in repr(await drafts(reader))
    assert await drafts(reader) == {("rt", young), ("hook", young)}


async def test_what_waits_to_be_sent_stays_with_its_call(store: Store, reader: Reader) -> None:
    await fill(store, reader, batch(policy(), [missed(1, NOON)], NOW))
    await attempt(store, OutboxState.DELIVERED, "rt", at=NOW)
    assert await retention.retain(store, NOON + 1.5 * DAY) == 0
    assert await drafts(reader) == {("rt", samples.uniqueid(1)), ("hook", samples.uniqueid(1))}
    await attempt(store, OutboxState.DEAD, "hook", at=NOW)
    assert await retention.retain(store, NOON + 1.5 * DAY) == 1
    assert await drafts(reader) == set()


async def test_who_was_missed_again_since_has_still_to_be_called(
    store: Store, reader: Reader
) -> None:
    here = policy()
    batches = [batch(here, [missed(n, NOON + n * DAY)], NOW) for n in range(4)]
    await fill(store, reader, *batches)
    for destination in ("rt", "hook"):
        await attempt(store, OutboxState.DELIVERED, destination, at=NOW)
    assert await retention.retain(store, NOON + 1.5 * DAY) == 2
    assert await missing(reader) == {samples.uniqueid(0)}
    await summary.summarise(store, reader, DESK, NOW + 5 * DAY)
    assert await retention.retain(store, NOON + 4.5 * DAY) == 2
    assert await missing(reader) == set()


async def test_many_go_in_chunks(store: Store, reader: Reader) -> None:
    here = policy()
    numbers = [f"1390000{n:04}" for n in range(2 * retention.CALLS_AT_ONCE + 7)]
    kept = {0, retention.CALLS_AT_ONCE, len(numbers) - 1}
    batches = [batch(here, [missed(n, NOON, of)], NOW) for n, of in enumerate(numbers)]
    batches += [batch(here, [missed(1000 + n, NOON + 3 * DAY, numbers[n])], NOW) for n in kept]
    await fill(store, reader, *batches)
    for destination in ("rt", "hook"):
        await attempt(store, OutboxState.DELIVERED, destination, at=NOW)
    await retention.retain(store, NOON + 1.5 * DAY)
    assert await missing(reader) == {samples.uniqueid(n) for n in kept}
