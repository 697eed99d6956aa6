"""Which callers have to be called back, as lists and figures give them."""

from ctid.domain.batch import Batch
from ctid.domain.records import Outcome
from ctid.domain.returns import Miss, ReturnState, ToReturn
from ctid.store import tickets
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from ctid.store.tickets import OpenReturns


def entry(
    call: str, due_at: float, number: str | None = "+8613800000001", line: str = "network"
) -> ToReturn:
    miss = Miss("main", call, 1.0, Outcome.MISSED, None)
    return ToReturn("main", call, line, number, number, None, ReturnState.OPEN, (miss,), due_at)


def settled(call: str, at: float) -> ToReturn:
    return entry(call, 1.0)._replace(state=ReturnState.REACHED, settled_at=at)


ENTRIES = (
    entry("withheld", 1.0, None),
    settled("long ago", 5.0),
    entry("later", 30.0),
    settled("just now", 9.0),
    entry("first", 10.0)._replace(state=ReturnState.ATTEMPTED),
    entry("other line", 20.0, line="server"),
)


async def test_due_first_then_without_a_number_then_settled_last_first(
    store: Store, reader: Reader
) -> None:
    await store.commit(Batch(returns=ENTRIES))
    found = await tickets.returns(reader, states=tuple(ReturnState))
    assert [each.uniqueid for each in found] == [
        *("first", "other line", "later", "withheld", "just now", "long ago")
    ]
    # those without a number do not take the place of those who can be called
    assert [each.uniqueid for each in await tickets.returns(reader, limit=2)] == [
        *("first", "other line")
    ]


async def test_who_cannot_be_called_is_not_overdue(store: Store, reader: Reader) -> None:
    await store.commit(Batch(returns=ENTRIES))
    assert await tickets.count_returns(reader, 25.0) == {
        "network": OpenReturns(2, 1),
        "server": OpenReturns(1, 1),
    }
