"""Pages are claimed by one and settled once, on both databases."""

from collections.abc import Collection

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.domain.alerts import PageEvent
from ctid.domain.batch import Batch
from ctid.store import alert_queries, pages
from ctid.store.alerts import page_from_json
from ctid.store.pages import Claim, Decided, PageState, Settlement, Tried
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from ctid.store.waiting import Backlog
from tests.alerts import LEAD, LIMIT, alert, page

NOW = LIMIT + 1.0
LEASE = NOW + 60.0

HOUR = 3600.0


async def fill(store: Store, number: int) -> None:
    made = tuple(page(n, due_at=LIMIT - n) for n in range(number))
    await store.commit(Batch(alerts=tuple(alert(n) for n in range(number)), pages=made))


async def claim(
    store: Store,
    channel: str = "robot",
    now: float = NOW,
    limit: int = 1000,
    *,
    known: Collection[str] | None = None,
    farthest: float = float("inf"),
) -> list[Claim]:
    return await store.transaction(
        lambda connection: pages.claim(
            connection, channel, now, now + 60.0, limit, known=known, farthest=farthest
        )
    )


def settled(made: Claim, state: PageState = PageState.DELIVERED, **changes: object) -> Settlement:
    settlement = Settlement(
        *(made.alert, made.seq, made.lease_until, state, made.route, made.channel, made.address),
        next_at=0.0,
        attempts=made.attempts,
        began_at=made.began_at,
        route_at=made.route_at,
        tried=made.tried,
        reason=None,
        detail=None,
        settled_at=NOW,
        message_key=f"{made.alert}-{made.seq}",
    )
    return settlement._replace(**changes)  # type: ignore[arg-type]


async def settle(store: Store, *settlements: Settlement) -> None:
    await store.transaction(lambda connection: pages.settle(connection, settlements))


async def next_due(store: Store, channel: str = "robot") -> float | None:
    return await store.transaction(lambda connection: pages.next_due(connection, channel))


async def test_the_longest_due_first_and_each_once(store: Store) -> None:
    await fill(store, 30)
    first = await claim(store, limit=20)
    assert [each.alert for each in first] == list(range(29, 9, -1))
    assert [each.alert for each in await claim(store, limit=20)] == list(range(9, -1, -1))
    assert await claim(store) == []
    assert await claim(store, "mail") == []
    made = first[0]
    assert page_from_json(made.data) == page(29, due_at=LIMIT - 29)
    assert (made.event, made.recipient, made.address) == (PageEvent.FIRING, "Li Si", "13900000002")
    assert (made.began_at, made.route_at, made.tried) == (NOW, NOW, ())


async def test_a_page_is_due_whatever_the_clock_says_until_it_was_tried(store: Store) -> None:
    await fill(store, 1)
    assert await next_due(store) == 0.0
    assert len(await claim(store, now=NOW - 86_400.0)) == 1


async def test_a_claim_holds_until_its_lease_is_over(store: Store) -> None:
    await fill(store, 1)
    (first,) = await claim(store)
    assert await next_due(store) == first.lease_until == LEASE
    assert await claim(store, now=LEASE - 0.5) == []
    (second,) = await claim(store, now=LEASE)
    assert (second.lease_until, second.began_at, second.route_at) == (LEASE + 60.0, NOW, NOW)
    # the first comes late: it is no longer his
    await settle(store, settled(first))
    assert await claim(store, now=LEASE + 60.0) != []


async def test_the_lease_of_who_is_no_more_can_be_ended(store: Store) -> None:
    await fill(store, 2)
    await claim(store)
    await store.transaction(lambda connection: pages.release(connection, "mail"))
    assert await claim(store) == []
    await store.transaction(lambda connection: pages.release(connection, "robot", [(0, 0)]))
    assert [each.key for each in await claim(store)] == [(1, 0)]
    await store.transaction(lambda connection: pages.release(connection, "robot"))
    assert len(await claim(store)) == 2


async def test_what_waits_counts_for_its_first_channel(store: Store, reader: Reader) -> None:
    await fill(store, 4)
    one, two, three, _four = await claim(store)
    left = tuple(Tried(f"c{n}", NOW + n, "timeout", "") for n in range(2))
    waits = settled(one, PageState.PENDING, channel="mail", settled_at=None)
    await settle(store, waits._replace(tried=left), settled(two))
    await settle(store, settled(three, PageState.PENDING, channel="mail", settled_at=None))
    found = await alert_queries.pages_not_arrived(reader, {"robot"}, 0.0)
    decided_at = page(0).decided_at
    assert found == dict.fromkeys(("c0", "mail", "robot"), (1, decided_at))


async def test_what_was_given_up_has_not_arrived_until_something_has(
    store: Store, reader: Reader
) -> None:
    await fill(store, 3)
    one, two, three = await claim(store)
    left = (Tried("mail", NOW, "timeout", ""),)
    await settle(store, settled(one, PageState.FAILED, tried=left), settled(two, PageState.FAILED))
    waiting = (1, page(0).decided_at)
    waits = {"robot": (2, page(0).decided_at), "mail": waiting}
    assert await alert_queries.pages_not_arrived(reader, {"robot", "mail"}, NOW - 1.0) == waits
    assert await alert_queries.pages_not_arrived(reader, {"robot", "mail"}, NOW + 1.0) == {
        "robot": waiting
    }
    # a channel that was taken out will never have another one
    assert await alert_queries.pages_not_arrived(reader, {"mail"}, NOW - 1.0) == {
        "robot": waiting,
        "mail": waiting,
    }
    await settle(store, settled(three, settled_at=NOW + 1.0))
    assert await alert_queries.pages_not_arrived(reader, {"robot", "mail"}, NOW - 1.0) == {
        "mail": waiting
    }


async def test_what_was_put_off_before_the_clock_was_set_back_is_due(store: Store) -> None:
    await fill(store, 2)
    one, _two = await claim(store)
    await settle(store, settled(one, PageState.PENDING, next_at=NOW + 60.0, settled_at=None))
    assert await claim(store, now=NOW - 3600.0) == []
    found = await claim(store, now=NOW - 3600.0, farthest=NOW - 3600.0 + 450.0)
    assert len(found) == 2


async def test_a_pause_can_be_ended(store: Store) -> None:
    await fill(store, 2)
    one, _two = await claim(store)
    await settle(store, settled(one, PageState.PENDING, next_at=NOW + 60.0, settled_at=None))
    await store.transaction(lambda connection: pages.hurry(connection, "robot"))
    assert [each.key for each in await claim(store)] == [one.key]


async def test_what_is_settled_is_no_more_due(store: Store, reader: Reader) -> None:
    await fill(store, 4)
    states = [PageState.DELIVERED, PageState.FAILED, PageState.DROPPED, PageState.PENDING]
    claims = await claim(store)
    await settle(
        store,
        *(
            settled(each, state, reason="timeout", detail="x" * 1000, next_at=NOW + 5.0)
            for each, state in zip(claims, states, strict=True)
        ),
    )
    assert await next_due(store) == NOW + 5.0
    (again,) = await claim(store, now=NOW + 5.0)
    assert again.key == claims[3].key
    await settle(store, settled(claims[0], PageState.FAILED))
    (row,) = await alert_queries.pages_of(reader, claims[0].alert)
    assert (row.state, row.message_key, row.detail) == (PageState.DELIVERED, "3-0", "x" * 300)


async def test_what_waits_on_untried_keeps_its_reason(store: Store, reader: Reader) -> None:
    await fill(store, 1)
    for reason, state in [
        ("timeout", PageState.PENDING),
        (None, PageState.PENDING),
        (None, PageState.DELIVERED),
    ]:
        (made,) = await claim(store)
        await settle(store, settled(made, state, reason=reason, detail=reason))
        (row,) = await alert_queries.pages_of(reader, 0)
        expected = None if state is PageState.DELIVERED else "timeout"
        assert (row.reason, row.detail) == (expected, expected)


async def test_a_page_goes_on_by_the_next_route_in_the_same_row(
    store: Store, reader: Reader
) -> None:
    await fill(store, 1)
    (made,) = await claim(store)
    left = Tried("robot", NOW, "rejected", "no\0such \ud800robot")
    moved = settled(made, PageState.PENDING, route=1, channel="mail", address=None)
    await settle(store, moved._replace(route_at=None, tried=(left,), settled_at=None))
    assert await claim(store) == []
    (now,) = await claim(store, "mail", now=NOW + 5.0)
    assert (now.route, now.began_at, now.route_at, now.address) == (1, NOW, NOW + 5.0, None)
    assert now.tried == (left._replace(detail="no\ufffdsuch ?robot"),)
    (row,) = await alert_queries.pages_of(reader, 0)
    assert (row.channel, row.tried) == ("mail", now.tried)


async def test_only_the_first_and_the_newest_routes_are_kept(store: Store) -> None:
    await fill(store, 1)
    (made,) = await claim(store)
    tried = tuple(Tried("robot", NOW + n, "denied", "x") for n in range(100))
    await settle(store, settled(made, PageState.PENDING, tried=tried))
    (again,) = await claim(store)
    assert again.tried == (tried[0], *tried[-23:])


async def test_what_is_for_a_channel_that_is_not_there_comes_to_any(store: Store) -> None:
    await fill(store, 1)
    assert await claim(store, "mail", known=["mail", "robot"]) == []
    (made,) = await claim(store, "mail", known=["mail"])
    assert made.channel == "robot"


async def test_who_has_been_told(store: Store) -> None:
    await fill(store, 3)
    await store.commit(Batch(pages=(page(0, 1, recipient=LEAD),)))
    claims = await claim(store)
    await settle(store, *(settled(each) for each in claims if each.alert != 2))
    told = await store.transaction(lambda connection: pages.told(connection, [0, 2, 7]))
    assert told == {(0, "Li Si"), (0, "Wang Wu")}


async def test_what_was_decided_about_some_alerts(store: Store) -> None:
    await fill(store, 3)
    await store.commit(Batch(pages=(page(1, 1, recipient=LEAD, event=PageEvent.RESOLVED),)))
    (made,) = [each for each in await claim(store) if each.key == (1, 0)]
    await settle(store, settled(made))
    found = await store.transaction(lambda connection: pages.decided(connection, [1, 2, 7]))
    assert sorted(found) == [
        Decided(1, 0, "Li Si", PageEvent.FIRING, PageState.DELIVERED),
        Decided(1, 1, "Wang Wu", PageEvent.RESOLVED, PageState.PENDING),
        Decided(2, 0, "Li Si", PageEvent.FIRING, PageState.PENDING),
    ]


async def test_pages_are_counted_by_channel(store: Store, reader: Reader) -> None:
    assert await alert_queries.page_backlogs(reader) == {}
    # due long before they were decided: no daemon ran
    late = tuple(page(n, due_at=LIMIT - HOUR - n, decided_at=LIMIT - n) for n in range(5))
    await store.commit(Batch(alerts=tuple(alert(n) for n in range(5)), pages=late))
    one, two, *_ = await claim(store)
    moved = settled(two, PageState.PENDING, channel="mail", route=1)
    await settle(store, settled(one), moved)
    assert await alert_queries.page_backlogs(reader) == {
        "robot": Backlog({PageState.DELIVERED: 1, PageState.PENDING: 3}, LIMIT - 2),
        "mail": Backlog({PageState.PENDING: 1}, LIMIT - 3),
    }


@pytest.mark.parametrize("limit", [7, 1000])
async def test_two_daemons_get_different_pages(url: str, store: Store, limit: int) -> None:
    await fill(store, 50)
    async with await Store.open(url) as other:
        keys = []
        while found := [*await claim(store, limit=limit), *await claim(other, limit=limit)]:
            keys += [each.key for each in found]
    assert len(keys) == len(set(keys)) == 50


async def test_what_another_is_claiming_just_now_is_passed_over(postgresql_url: str) -> None:
    async with await Store.open(postgresql_url) as store, await Store.open(postgresql_url) as other:
        await fill(store, 10)

        async def both(connection: AsyncConnection) -> tuple[list[Claim], list[Claim]]:
            mine = await pages.claim(connection, "robot", NOW, LEASE, 4)
            return mine, await claim(other)

        mine, theirs = await store.transaction(both)
    assert (len(mine), len(theirs)) == (4, 6)
    assert not {each.key for each in mine} & {each.key for each in theirs}
