"""What a restart reads of the disk is enough for the clocks of all lines, in random histories."""

import asyncio

import pytest

from ctid.domain.batch import Batch
from ctid.domain.lines_known import LastAnswer, Past
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from ctid.store.watching import since_last_answer
from tests.unit.domain.clocks import Ctid, closings, play
from tests.unit.domain.histories import DUTY, Calls
from tests.unit.domain.missed_calls import answered, record


@pytest.mark.parametrize("seed", range(1000, 1012))
def test_the_clocks_go_on_by_what_is_read(sqlite_url: str, seed: int) -> None:
    with asyncio.Runner() as runner:

        def read(ctid: Ctid, truth: Calls) -> Past:
            return runner.run(_read(sqlite_url, ctid, truth))

        play(seed, read)


async def _read(url: str, ctid: Ctid, truth: Calls) -> Past:
    async with await Store.open(url) as store:
        batch = Batch(tuple(ctid.records.values()), returns=tuple(ctid.entries.values()))
        await store.commit(batch)
    async with await Reader.open(url) as reader:
        since = await since_last_answer(reader, list(DUTY), truth.now)
    return Past(list(DUTY), since.records, since.settled, since.last_answers, closings(truth))


async def test_a_caller_who_waited_for_long_was_answered_last(url: str) -> None:
    """Fifty who came later were served before, and another one gave up."""
    now = 1e9
    served = [answered(now + at, uniqueid=f"b{at}") for at in range(1, 51)]
    patient = answered(now, uniqueid="a", answered_at=now + 600.0, wait_seconds=600.0)
    gave_up = record(now + 500.0, uniqueid="c", wait_seconds=60.0)
    async with await Store.open(url) as store:
        await store.commit(Batch((patient, *served, gave_up)))
    async with await Reader.open(url) as reader:
        found = await since_last_answer(reader, ["network"], now + 700.0)
    assert found.last_answers == {"network": LastAnswer(now + 600.0, "Li", "main")}
    assert found.records == []
