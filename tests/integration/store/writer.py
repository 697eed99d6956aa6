"""A writer to be killed: `python -m tests.integration.store.writer FILE CALLS_PER_BATCH`.

Writes batch after batch, and prints the number of each one that is committed.
"""

import asyncio
import itertools
import sys

from ctid.store.recorder import Store
from tests.integration.store import samples


async def main(path: str, size: int) -> None:
    async with await Store.open(path) as store:
        for batch in itertools.count():
            numbers = range(batch * size, (batch + 1) * size)
            await store.commit(samples.ended(*numbers))
            print(batch, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
