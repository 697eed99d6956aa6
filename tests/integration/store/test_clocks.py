"""What a restart reads of the disk is enough for the clocks of all lines, in random histories."""

import asyncio

import pytest

from ctid.domain.batch import Batch
from ctid.domain.lines_known import Past
from ctid.store.queries import Reader
from ctid.store.recorder import Store
from ctid.store.watching import since_last_answer
from tests.unit.domain.clocks import Ctid, closings, play
from tests.unit.domain.histories import DUTY, Calls


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
