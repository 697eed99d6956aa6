"""What ctid signs with. It lies in the database: so links survive a restart, on PostgreSQL, too.

Who may read it may acknowledge alerts in the name of others; docs/store.md says so.
"""

from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ctid.store import db
from ctid.store.recorder import Store
from ctid.store.schema import secret

LINKS: Final = "links"
"""Signs the links of pages."""


async def kept_secret(store: Store, name: str, fresh: bytes) -> bytes:
    """Give the secret of this name; `fresh` becomes it where there is none yet.

    Raises StoreUnavailable.
    """

    async def write(connection: AsyncConnection) -> bytes:
        insert = db.insert_for(secret, connection.dialect).values(name=name, value=fresh)
        # two daemons with one PostgreSQL may start together: the first one's counts
        await connection.execute(insert.on_conflict_do_nothing(index_elements=["name"]))
        found = await connection.execute(select(secret.c.value).where(secret.c.name == name))
        return bytes(found.scalar_one())

    return await store.transaction(write)
