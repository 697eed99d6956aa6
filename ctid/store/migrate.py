"""Brings a database to the schema of this ctid, and refuses one that is newer.

Alembic is imported only where there is something to migrate: it takes 10 MB of memory, for good.
"""

from sqlalchemy import Connection, inspect, select
from sqlalchemy.sql import column, table

from ctid.store import db
from ctid.store.address import Database, database_at
from ctid.store.errors import SchemaTooNew, StoreReason
from ctid.store.failures import failures, unavailable
from ctid.store.schema import REVISIONS

_BUSY_TIMEOUT_SECONDS = 30.0
"""Another ctid may be migrating: wait for it."""

# Alembic's own table, in which it notes what it has done.
_VERSION = table("alembic_version", column("version_num"))


def head() -> str:
    """Give the revision of this ctid's schema."""
    return REVISIONS[-1]


async def upgrade(url: str) -> None:
    """Create the database file if there is none, and run the migrations it lacks, all or none.

    Raises ValueError (url), SchemaTooNew, StoreUnavailable.
    """
    database = database_at(url)
    with failures(database):
        db.create_file(database)
        engine = db.writer_engine(database, _BUSY_TIMEOUT_SECONDS)
        try:
            async with engine.begin() as connection:
                await db.lock_schema(connection)
                await connection.run_sync(_upgrade, database)
        finally:
            await engine.dispose()


def _upgrade(connection: Connection, database: Database) -> None:
    if _revision(connection, database) == head():
        return
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "ctid.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def check(connection: Connection, database: Database) -> None:
    """Raise SchemaTooNew or StoreUnavailable unless the schema is the one of this ctid."""
    revision = _revision(connection, database)
    if revision != head():
        found = f"its schema is {revision or 'missing'}, this ctid needs {head()}"
        raise unavailable(database, StoreReason.NOT_MIGRATED, found)


def _revision(connection: Connection, database: Database) -> str | None:
    if not inspect(connection).has_table(_VERSION.name):
        return None
    revision: str | None = connection.scalar(select(_VERSION.c.version_num))
    if revision and revision not in REVISIONS:
        message = (
            f"database {database}: its schema is revision {revision}, which this ctid "
            f"(newest: {head()}) does not know; install the newer ctid that "
            f"wrote it, or restore the backup made before that"
        )
        raise SchemaTooNew(message)
    return revision
