"""Fills a disk for real: `python -m tests.integration.store.full_disk FOLDER`.

FOLDER is an empty, small file system. Prints what the store said when it was full; afterwards
frees space, gives the refused batch again, and prints how many calls are there.
"""

import asyncio
import sys
from pathlib import Path

from ctid.store.errors import StoreUnavailable
from ctid.store.migrate import upgrade
from ctid.store.queries import Reader, RecordFilter
from ctid.store.recorder import Store
from tests.integration.store import samples


async def main(folder: Path) -> None:
    url = str(folder / "ctid.sqlite3")
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(1_000_000))
    await upgrade(url)
    committed = 0
    async with await Store.open(url) as store:
        while True:
            batch = samples.ended(*range(committed, committed + 50))
            try:
                await store.commit(batch)
            except StoreUnavailable as error:
                print(error.reason, error, sep="\t")
                break
            committed += 50
        async with await Reader.open(url) as reader:
            found = len(await reader.records(RecordFilter()))
            print(committed, found, sep="\t")
            ballast.unlink()
            await store.commit(batch)
            print(committed + 50, len(await reader.records(RecordFilter())), sep="\t")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
