"""Moments of the daemon's own life that have to outlive it, by name."""

from typing import Final

from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.store.recorder import Store
from ctid.store.schema import mark

BACKUP: Final = "backup"
"""When the last backup was made that was whole and on disk."""
WEEKLY_TEST: Final = "weekly_test"
"""When every channel was tried last, by the weekly plan."""


async def set_mark(store: Store, name: str, at: float) -> None:
    """Write that this last happened at `at` (Unix seconds). Raises StoreUnavailable."""

    async def write(connection: AsyncConnection) -> None:
        await connection.execute(delete(mark).where(mark.c.name == name))
        await connection.execute(insert(mark).values(name=name, at=at))

    await store.transaction(write)
