"""What is asked about call-backs and drafts, and what two daemons do with one outbox."""

from dataclasses import replace

import pytest

from ctid.domain.batch import Batch
from ctid.domain.drafts import VERSION, Stage
from ctid.domain.policy import Wanted
from ctid.store import outbox, tickets
from ctid.store.outbox import OutboxState
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from ctid.store.waiting import Backlog
from tests.drafts import draft

NOW = 1_800_000_000.0


def wanted(destination: str, n: int, at: float = NOW) -> Wanted:
    found = draft(key=f"ctid:desk:main:{n}", uniqueid=str(n), stage=Stage.TO_RETURN)
    return Wanted(destination, replace(found, agent=destination), at)


async def test_drafts_are_found_by_key_each_once(store: Store, reader: Reader) -> None:
    rows = [wanted(name, n) for name in ("rt", "file", "gone") for n in range(1200)]
    over = replace(wanted("rt", 1200).draft, stage=Stage.RETURNED)
    await store.commit(Batch(wanted=(*rows, Wanted("rt", over, NOW))))
    keys = [f"ctid:desk:main:{n}" for n in range(1100, 0, -1)]
    found = await tickets.drafts_to_return(reader, ["rt", "file"], [*keys, over.key, "no"])
    assert [each.key for each in found] == keys


async def test_a_draft_of_a_newer_ctid_is_left_out(store: Store, reader: Reader) -> None:
    newer = replace(wanted("rt", 1).draft, version=VERSION + 1)
    await store.commit(Batch(wanted=(Wanted("rt", newer, NOW), wanted("rt", 2))))
    keys = ["ctid:desk:main:1", "ctid:desk:main:2"]
    found = await tickets.drafts_to_return(reader, ["rt"], keys)
    assert [each.key for each in found] == keys[1:]


async def test_rows_are_found_by_key_or_call(store: Store, reader: Reader) -> None:
    await store.commit(Batch(wanted=(wanted("rt", 1), wanted("file", 1), wanted("rt", 2))))
    found = await tickets.find_rows(reader, ["1", "ctid:desk:main:2", "3"])
    assert sorted(found) == [
        ("file", "ctid:desk:main:1", "1"),
        ("rt", "ctid:desk:main:1", "1"),
        ("rt", "ctid:desk:main:2", "2"),
    ]


async def test_the_backlog_tells_how_many_and_since_when(store: Store, reader: Reader) -> None:
    await store.commit(Batch(wanted=(wanted("rt", 1), wanted("rt", 2, NOW + 9), wanted("file", 1))))
    await tickets.drop(store, [("rt", "ctid:desk:main:1"), ("file", "ctid:desk:main:1")], NOW, "\0")
    assert await tickets.backlogs(reader) == {
        "rt": Backlog({OutboxState.DROPPED: 1, OutboxState.PENDING: 1}, NOW + 9),
        "file": Backlog({OutboxState.DROPPED: 1}, None),
    }


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_two_daemons_never_claim_the_same_row(url: str, store: Store) -> None:
    await store.commit(Batch(wanted=(wanted("rt", 1), wanted("rt", 2))))
    async with await Store.open(url, busy_timeout_seconds=2) as other:

        async def claims_of_other() -> list[outbox.Claim]:
            return await other.transaction(lambda c: outbox.claim(c, "rt", NOW, NOW + 30, 5))

        async def work(connection: object) -> list[outbox.Claim]:
            mine = await outbox.claim(connection, "rt", NOW, NOW + 30, 1)  # type: ignore[arg-type]
            return mine + await claims_of_other()

        claims = await store.transaction(work)
        assert sorted(claim.key for claim in claims) == ["ctid:desk:main:1", "ctid:desk:main:2"]
        assert await claims_of_other() == []
