"""What ctid signs with stays the same, whoever asks for it."""

import asyncio
import stat
from pathlib import Path

from ctid.store.migrate import upgrade
from ctid.store.recorder import Store
from ctid.store.secrets import kept_secret


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_the_first_one_counts_also_after_a_restart(url: str) -> None:
    async with await Store.open(url) as store:
        assert await kept_secret(store, "links", b"a" * 32) == b"a" * 32
        assert await kept_secret(store, "links", b"b" * 32) == b"a" * 32
        assert await kept_secret(store, "other", b"\x00\xff" * 16) == b"\x00\xff" * 16
    async with await Store.open(url) as store:
        assert await kept_secret(store, "links", b"c" * 32) == b"a" * 32


async def test_two_that_start_together_have_the_same(url: str) -> None:
    async with await Store.open(url) as one, await Store.open(url) as other:
        found = await asyncio.gather(
            kept_secret(one, "links", b"a" * 32), kept_secret(other, "links", b"b" * 32)
        )
    assert found[0] == found[1]


async def test_not_everybody_may_read_it(sqlite_path: Path) -> None:
    await upgrade(str(sqlite_path))
    async with await Store.open(str(sqlite_path)) as store:
        await kept_secret(store, "links", b"a" * 32)
    assert not mode(sqlite_path) & stat.S_IRWXO
