"""A number is forgotten in what has to be returned, and in drafts on their way."""

import json
from typing import Any

import pytest
from sqlalchemy import update

from ctid.domain.batch import Batch
from ctid.domain.records import OpenCall, Outcome
from ctid.domain.returns import ReturnState
from ctid.store import outbox, schema, tickets
from ctid.store.forgetting import Ticket, forget
from ctid.store.outbox import OutboxState, Settlement
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from ctid.store.spellings import Spellings
from ctid.store.tickets import Delivery
from tests.integration.store import samples
from tests.integration.store.missed import CUSTOMER, NAME, NUMBER, batch, missed, policy
from tests.integration.store.test_retention import NOON, table

NOW = NOON + 100.0
OTHER = "02161234567"
SPELLINGS = [NUMBER, "+86 138 0000 0001", "008613800000001"]
ALL = tuple(OutboxState)


async def rows(reader: Reader, destination: str = "rt") -> dict[str, Delivery]:
    """By the call that they are about."""
    found = await tickets.deliveries(reader, destination=destination, states=ALL)
    return {row.uniqueid: row for row in found}


async def attempt(
    store: Store,
    state: OutboxState,
    destination: str = "rt",
    *,
    at: float = NOW,
    detail: str | None = None,
) -> None:
    """Claim all that is due for a destination, and settle it so."""

    async def work(connection: Any) -> None:
        claims = await outbox.claim(connection, destination, at, at + 60, 1000)
        settled = [
            Settlement(
                key=claim.key,
                lease_until=at + 60,
                state=state,
                next_at=at + 60,
                attempts=0,
                sent_revision=claim.revision if state is OutboxState.DELIVERED else 0,
                unsure=None,
                remote_id=f"#{n}" if state is OutboxState.DELIVERED else None,
                url=None,
                reason=None,
                detail=detail,
                settled_at=at,
            )
            for n, claim in enumerate(sorted(claims, key=lambda claim: claim.key))
        ]
        await outbox.settle(connection, destination, settled)

    await store.transaction(work)


async def left(reader: Reader) -> str:
    """All that both tables hold."""
    return repr([await table(reader, name) for name in ("to_return", "outbox")])


@pytest.mark.parametrize("given", SPELLINGS)
async def test_nothing_is_left_of_a_caller_who_waits(
    store: Store, reader: Reader, given: str
) -> None:
    here = policy()
    await store.commit(batch(here, [missed(1, NOON)], NOW))
    await store.commit(batch(here, [missed(2, NOON + 9, "+8613800000001")], NOW))
    await store.commit(batch(here, [missed(3, NOON, OTHER)], NOW))
    assert NAME in await left(reader)
    assert CUSTOMER in await left(reader)

    assert (await forget(store, given, NOW + 5)).calls == 2
    for text in (NUMBER, NAME, CUSTOMER):
        assert text not in await left(reader)
    other, mine = await tickets.returns(reader, states=tuple(ReturnState))
    assert (mine.state, mine.settled_at, mine.why) == (ReturnState.CLOSED, NOW + 5, "forgotten")
    assert (other.state, other.shown, other.name) == (ReturnState.OPEN, OTHER, "Li")


async def test_what_waits_is_sent_without_the_caller(store: Store, reader: Reader) -> None:
    await store.commit(batch(policy(), [missed(1, NOON)], NOW))
    (before,) = (await rows(reader)).values()
    assert (await forget(store, NUMBER, NOW)).tickets == ()
    (row,) = (await rows(reader)).values()
    assert row == before._replace(revision=2)

    async with reader.transaction() as connection:
        text = await connection.scalar(outbox_draft())
    assert json.loads(text)["caller"] == dict.fromkeys(("number", "e164", "name", "contact"))


def outbox_draft() -> Any:
    return schema.outbox.select().with_only_columns(schema.outbox.c.draft)


async def test_what_was_under_way_meanwhile_is_sent_again_without_the_caller(
    store: Store, reader: Reader
) -> None:
    await store.commit(batch(policy(), [missed(1, NOON)], NOW))

    async def claim(connection: Any) -> Any:
        return await outbox.claim(connection, "rt", NOW, NOW + 60, 9)

    (claimed,) = await store.transaction(claim)
    assert NUMBER in claimed.draft
    await forget(store, NUMBER, NOW)
    done = Settlement(
        claimed.key, NOW + 60, OutboxState.DELIVERED, NOW, 0, 1, None, "#7", None, None, None, NOW
    )
    await store.transaction(lambda connection: outbox.settle(connection, "rt", [done]))
    (row,) = (await rows(reader)).values()
    assert (row.state, row.revision, row.sent_revision) == (OutboxState.PENDING, 2, 1)


async def test_tickets_that_were_made_are_named_and_not_touched(
    store: Store, reader: Reader
) -> None:
    here = policy()
    await store.commit(batch(here, [missed(1, NOON)], NOW))
    await store.commit(batch(here, [missed(2, NOON, OTHER)], NOW))
    await attempt(store, OutboxState.DELIVERED)
    before = await rows(reader)
    assert (await forget(store, NUMBER, NOW)).tickets == (Ticket("rt", "#0"),)
    assert await rows(reader) == before
    assert (await forget(store, NUMBER, NOW)).calls == 0


@pytest.mark.parametrize("state", [OutboxState.DEAD, OutboxState.DROPPED])
async def test_what_is_not_sent_any_more_loses_the_reason_too(
    store: Store, reader: Reader, state: OutboxState
) -> None:
    await store.commit(batch(policy(), [missed(1, NOON)], NOW))
    await attempt(store, state, detail=f"no such user: {NAME} <0086{NUMBER}>")
    assert (await forget(store, NUMBER, NOW)).calls == 1
    (row,) = (await rows(reader)).values()
    assert (row.state, row.detail) == (state, "no such user: (forgotten) <(forgotten)>")
    assert NUMBER not in await left(reader)


async def test_it_goes_from_the_draft_of_another_caller(store: Store, reader: Reader) -> None:
    mobile = "13900000009"
    here = policy()
    visit = missed(1, NOON, agents_rung=("Li Si", f"9{mobile}"), recording=f"out-{mobile}.wav")
    await store.commit(batch(here, [visit], NOW))
    assert (await forget(store, mobile, NOW)).calls == 1
    assert mobile not in await left(reader)
    assert NUMBER in await left(reader)
    ((_, draft), _) = await tickets.find_deliveries(reader, samples.uniqueid(1))
    assert draft.visits[0].agents_rung == ("Li Si", "(forgotten)")
    assert draft.recording == "out-(forgotten).wav"


async def test_what_people_wrote_about_the_caller_goes(store: Store, reader: Reader) -> None:
    here = policy()
    first = batch(here, [missed(1, NOON)], NOW)
    closed = here.close(first.returns[0], [], NOW, "li", f"{NAME} wrote from {NUMBER}")
    await store.commit(first)
    await store.commit(Batch(returns=closed.returns, wanted=closed.wanted))
    assert (await forget(store, NUMBER, NOW + 5)).calls == 1
    (entry,) = await tickets.returns(reader, states=tuple(ReturnState))
    assert (entry.settled_at, entry.settled_by) == (NOW, "li")
    assert entry.why == "(forgotten) wrote from (forgotten)"
    assert NAME not in await left(reader)


async def test_it_goes_after_the_call_itself_is_gone(store: Store, reader: Reader) -> None:
    first = batch(policy(), [missed(1, NOON)], NOW)
    await store.commit(Batch(returns=first.returns, wanted=first.wanted))
    assert (await forget(store, NUMBER, NOW)).calls == 1
    assert NUMBER not in await left(reader)


async def test_the_draft_of_a_call_that_goes_on_keeps_it(store: Store, reader: Reader) -> None:
    here = policy()
    talking = missed(1, NOON, answered_at=NOON + 5, ended_at=None, open=True, outcome=None)
    state = OpenCall("main", talking.uniqueid, "{}")
    first = batch(here, [talking], NOW)
    await store.commit(first)
    await store.commit(Batch(open_calls=(state,)))
    assert (await forget(store, NUMBER, NOW)).calls == 0
    assert NUMBER in await left(reader)
    over = talking._replace(ended_at=NOON + 50, open=False, outcome=Outcome.ANSWERED)
    await store.commit(batch(here, [over], NOW))
    await store.commit(Batch(open_calls=(state._replace(state=None),)))
    assert (await forget(store, NUMBER, NOW)).calls == 1
    assert NUMBER not in await left(reader)


async def test_a_draft_that_cannot_be_read_loses_it_too(store: Store, reader: Reader) -> None:
    await store.commit(batch(policy(), [missed(1, NOON)], NOW))
    text = json.dumps({"version": 99, "caller": f"+86{NUMBER}"})

    async def newer(connection: Any) -> None:
        await connection.execute(update(schema.outbox).values(draft=text))

    await store.transaction(newer)
    assert (await forget(store, NUMBER, NOW)).calls == 1
    assert NUMBER not in await left(reader)


async def test_what_the_daemon_holds_does_not_write_it_back(store: Store, reader: Reader) -> None:
    here = policy()
    await store.commit(batch(here, [missed(1, NOON)], NOW))
    await attempt(store, OutboxState.DELIVERED)
    waits = batch(here, [missed(2, NOON + 9)], NOW)  # and not committed yet
    decided = here.forget(Spellings(NUMBER), NOW + 5)
    await forget(store, NUMBER, NOW + 5)
    await store.commit(Batch(returns=waits.returns, wanted=waits.wanted))
    await store.commit(Batch(returns=decided.returns, wanted=decided.wanted))
    assert NUMBER not in await left(reader)
    assert NAME not in await left(reader)
    (row,) = (await rows(reader)).values()
    assert (row.state, row.stage.value) == (OutboxState.PENDING, "returned")
    (entry,) = await tickets.returns(reader, states=tuple(ReturnState))
    assert (entry.state, entry.why) == (ReturnState.CLOSED, "forgotten")
