"""Alerts, pages and silences are written with their batch, read again, and go by age."""

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.domain.alerts import Acknowledged, Ending, Kind, PageEvent, Resolved, Unanswered, Warned
from ctid.domain.batch import Batch
from ctid.store import alert_queries, pages, retention, schema
from ctid.store.forgetting import forget
from ctid.store.pages import PageState
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from tests.alerts import AGENT, BEGAN, LEAD, LIMIT, NUMBER, alert, over, page, silence
from tests.integration.store.test_retention import table

NOW = LIMIT + 1.0
ACKNOWLEDGED = Acknowledged(LIMIT, LIMIT + 30.0, "Li Si", "on my way")


async def test_an_alert_is_overwritten_by_its_newest_state(store: Store, reader: Reader) -> None:
    warned = alert(state=Warned(LIMIT - 300.0))
    await store.commit(Batch(alerts=(warned, alert(2))))
    assert await alert_queries.open_alerts(reader) == [warned, alert(2)]
    await store.commit(Batch(alerts=(warned, alert(), alert(state=ACKNOWLEDGED))))
    assert await alert_queries.open_alerts(reader) == [alert(state=ACKNOWLEDGED), alert(2)]
    second, first = await alert_queries.alerts(reader)
    assert (second.number, second.state, second.acknowledged_at) == (2, "firing", None)
    assert (first.state, first.fired_at, first.ended_at) == ("acknowledged", LIMIT, None)
    assert (first.kind, first.line, first.why) == (Kind.UNANSWERED, "network", "on my way")


async def test_it_stays_known_also_where_both_are_written_together(
    store: Store, reader: Reader
) -> None:
    taken = alert(state=Acknowledged(LIMIT, LIMIT + 30.0, "Li Si"))
    await store.commit(Batch(alerts=(alert(), taken, over())))
    (row,) = await alert_queries.alerts(reader, open_only=False)
    assert (row.state, row.acknowledged_by) == ("resolved", "Li Si")
    assert await alert_queries.find_alert(reader, 1) == over()


async def test_who_acknowledged_it_stays_known_when_it_is_over(
    store: Store, reader: Reader
) -> None:
    await store.commit(Batch(alerts=(alert(state=ACKNOWLEDGED),)))
    await store.commit(Batch(alerts=(over(at=NOW),)))
    assert await alert_queries.open_alerts(reader) == []
    assert await alert_queries.alerts(reader) == []
    (row,) = await alert_queries.alerts(reader, open_only=False)
    assert (row.state, row.ended_at, row.ending) == ("resolved", NOW, Ending.ANSWERED)
    assert (row.acknowledged_at, row.acknowledged_by) == (LIMIT + 30.0, "Li Si")
    assert await alert_queries.find_alert(reader, 1) == over(at=NOW)
    assert await alert_queries.find_alert(reader, 2) is None


async def test_history_has_what_was_not_over_before(store: Store, reader: Reader) -> None:
    ended = [over(n, at=BEGAN + n * 1000.0) for n in range(1, 5)]
    await store.commit(Batch(alerts=(*ended, alert(9))))

    async def numbers(since: float, limit: int | None = None) -> list[int]:
        return [row.number for row in await alert_queries.history(reader, since, limit)]

    assert await numbers(0) == [9, 4, 3, 2, 1]
    assert await numbers(BEGAN + 3000.0) == [9, 4, 3]
    assert await numbers(0, 2) == [9, 4]


async def test_a_page_that_is_there_is_left_as_it_is(store: Store, reader: Reader) -> None:
    await store.commit(Batch(alerts=(alert(),), pages=(page(), page(seq=1, recipient=LEAD))))
    await store.transaction(lambda c: pages.claim(c, "robot", NOW, NOW + 60.0, 1))
    before = await table(reader, "page")
    changed = page(event=PageEvent.REPEAT, recipient=LEAD)
    await store.commit(Batch(alerts=(alert(),), pages=(changed,)))
    assert await table(reader, "page") == before
    first, second = await alert_queries.pages_of(reader, 1)
    assert (first.recipient, first.event, first.state) == ("Li Si", "firing", PageState.PENDING)
    assert (first.channel, first.address, first.lease_until) == ("robot", "13900000002", NOW + 60)
    assert (second.recipient, second.role, second.address) == ("Wang Wu", "lead", None)
    assert await alert_queries.pages_of(reader, 2) == []


async def test_what_a_restart_has_to_know(store: Store, reader: Reader) -> None:
    assert await alert_queries.highest_number(reader) == 0
    assert await alert_queries.highest_silence(reader) == 0
    await store.commit(Batch(alerts=(alert(7), over(12)), silences=(silence(4),)))
    assert await alert_queries.highest_number(reader) == 12
    assert await alert_queries.highest_silence(reader) == 4


async def test_silences_that_have_not_ended(store: Store, reader: Reader) -> None:
    later = silence(2, begins_at=BEGAN + 5000.0, ends_at=BEGAN + 6000.0, lines=frozenset())
    await store.commit(Batch(silences=(later, silence(1))))
    assert await alert_queries.silences(reader, BEGAN) == [silence(1), later]
    assert await alert_queries.silences(reader, BEGAN + 3600.0) == [later]
    shorter = silence(1, ends_at=BEGAN - 1.0)
    await store.commit(Batch(silences=(shorter,)))
    assert await alert_queries.silences(reader, BEGAN) == [later]


async def test_what_a_newer_ctid_wrote_stops_no_start(store: Store, reader: Reader) -> None:
    await store.commit(Batch(alerts=(alert(1), alert(2)), silences=(silence(1), silence(2))))
    a, s = schema.alert, schema.silence

    async def newer(connection: AsyncConnection) -> None:
        await connection.execute(
            update(a).where(a.c.number == 1).values(kind="tired", data='{"is": 1}')
        )
        await connection.execute(update(s).where(s.c.number == 1).values(kinds='["tired"]'))

    await store.transaction(newer)
    assert await alert_queries.open_alerts(reader) == [alert(2)]
    assert [row.number for row in await alert_queries.alerts(reader)] == [2]
    assert await alert_queries.silences(reader, BEGAN) == [silence(2)]
    assert await alert_queries.highest_number(reader) == 2


async def test_they_go_by_age_but_for_the_newest(store: Store, reader: Reader) -> None:
    old = [over(n, at=BEGAN) for n in range(1, 2 * retention.CALLS_AT_ONCE + 3)]
    young, last = over(500, at=NOW), over(501, at=BEGAN)
    told = tuple(page(n, seq) for n in (1, 2, 300, 500) for seq in range(2))
    await store.commit(Batch(alerts=(*old, alert(300), young, last), pages=told))
    await store.commit(Batch(silences=(silence(1, ends_at=BEGAN - 1.0), silence(2))))
    await retention.retain(store, BEGAN + 1.0)
    left = [row.number for row in await alert_queries.alerts(reader, open_only=False)]
    assert left == [501, 500, 300]
    assert {row[0] for row in await table(reader, "page")} == {300, 500}
    assert [row[0] for row in await table(reader, "silence")] == [2]


async def test_a_number_is_forgotten_wherever_it_stands(store: Store, reader: Reader) -> None:
    mine = AGENT._replace(name=f"agent {NUMBER}")
    by = Resolved(LIMIT, NOW, Ending.BY_PERSON, f"+86{NUMBER}", f"called {NUMBER}")
    made = page(2, recipient=mine, alert=alert(2, paged=(mine,)))
    other = page(3, alert=alert(3, subject=over().subject, paged=()))
    await store.commit(
        Batch(
            alerts=(alert(1), alert(2, state=by), alert(3)),
            pages=(page(1), made, other),
            silences=(silence(why=f"told by 0{NUMBER}"), silence(2)),
        )
    )
    left = await all_of(reader)
    assert NUMBER in left
    await forget(store, f"+86 {NUMBER}", NOW)
    left = await all_of(reader)
    assert NUMBER not in left
    assert "13900000002" in left
    assert "02161234567" in left
    first, _ = await alert_queries.open_alerts(reader)
    assert isinstance(first.subject, Unanswered)
    assert first.subject.waiting[0].number is None
    (row,) = await alert_queries.pages_of(reader, 2)
    assert row.recipient == "agent (forgotten)"
    ended = await alert_queries.find_alert(reader, 2)
    assert ended is not None
    assert ended.state == Resolved(
        LIMIT, NOW, Ending.BY_PERSON, "(forgotten)", "called (forgotten)"
    )


async def test_the_number_of_somebody_paged_is_forgotten(store: Store, reader: Reader) -> None:
    await store.commit(Batch(alerts=(alert(),), pages=(page(),)))
    await forget(store, "13900000002", NOW)
    assert "13900000002" not in await all_of(reader)
    (row,) = await alert_queries.pages_of(reader, 1)
    assert (row.channel, row.address) == ("robot", None)


async def all_of(reader: Reader) -> str:
    return repr([await table(reader, name) for name in ("alert", "page", "silence")])
