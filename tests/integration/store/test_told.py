"""Customer and tickets of callers who were missed, out of their drafts."""

from dataclasses import replace

from sqlalchemy import update

from ctid.domain.batch import Batch
from ctid.domain.drafts import VERSION, Caller, Contact, Draft, Stage
from ctid.domain.policy import Wanted
from ctid.domain.records import Outcome
from ctid.domain.returns import Miss, ReturnState, ToReturn
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from ctid.store.schema import outbox
from ctid.store.told import Ticket, Told, told
from tests.drafts import draft

NOW = 1_800_000_000.0


def entry(*calls: int) -> ToReturn:
    misses = tuple(Miss("main", str(n), NOW + n, Outcome.MISSED, None) for n in calls)
    state = ReturnState.OPEN
    return ToReturn("main", str(calls[0]), "network", "+86138", "138", None, state, misses, NOW)


def about(n: int, customer: str | None = None, **changes: object) -> Draft:
    contact = None if customer is None else Contact(customer)
    caller = Caller("138", "+86138", None, contact)
    made = draft(key=f"ctid:{n}", uniqueid=str(n), stage=Stage.TO_RETURN, caller=caller)
    return replace(made, **changes)  # type: ignore[arg-type]


async def delivered(store: Store, ids: dict[tuple[str, int], str]) -> None:
    async def write(connection: object) -> None:
        for (backend, n), name in ids.items():
            mine = (outbox.c.destination == backend, outbox.c.key == f"ctid:{n}")
            values = {"remote_id": name, "url": f"https://{backend}.example.org/{name}"}
            await connection.execute(update(outbox).where(*mine).values(values))  # type: ignore[attr-defined]

    await store.transaction(write)


async def test_the_newest_ticket_of_each_system(store: Store, reader: Reader) -> None:
    drafts = {1: about(1, "Old Ltd."), 2: about(2, "New Ltd."), 3: about(3)}
    wanted = [Wanted(name, each, NOW) for each in drafts.values() for name in ("rt", "zammad")]
    await store.commit(Batch(wanted=tuple(wanted)))
    await delivered(store, {("rt", 1): "11", ("rt", 2): "12", ("zammad", 1): "71"})
    rt = Ticket("rt", "12", "https://rt.example.org/12")
    zammad = Ticket("zammad", "71", "https://zammad.example.org/71")
    # 3 was not delivered yet, and 9 is a call that makes no ticket
    assert await told(reader, [entry(9), entry(1, 2, 3)]) == [
        Told(None, ()),
        Told("New Ltd.", (rt, zammad)),
    ]


async def test_a_key_is_nothing_to_open(store: Store, reader: Reader) -> None:
    await store.commit(Batch(wanted=(Wanted("file", about(1, "Ltd."), NOW),)))
    await delivered(store, {("file", 1): "ctid:1"})
    assert await told(reader, [entry(1)]) == [Told("Ltd.", ())]


async def test_a_draft_of_a_newer_ctid_hides_no_ticket(store: Store, reader: Reader) -> None:
    newer = about(1, "Ltd.", version=VERSION + 1)
    await store.commit(Batch(wanted=(Wanted("rt", newer, NOW),)))
    await delivered(store, {("rt", 1): "11"})
    (found,) = await told(reader, [entry(1)])
    assert (found.customer, [ticket.ticket for ticket in found.tickets]) == (None, ["11"])


async def test_many(store: Store, reader: Reader) -> None:
    drafts = tuple(Wanted("rt", about(n, f"{n}"), NOW) for n in range(1100))
    await store.commit(Batch(wanted=drafts))
    found = await told(reader, [entry(n) for n in range(1099, -1, -1)])
    assert [one.customer for one in found] == [f"{n}" for n in range(1099, -1, -1)]
    assert await told(reader, []) == []
