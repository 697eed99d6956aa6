"""Brings a database to the schema of this ctid, and refuses one that is newer."""

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from ctid.store import db
from ctid.store.errors import SchemaTooNew, StoreReason

_BUSY_TIMEOUT_SECONDS = 30.0
"""Another ctid may be migrating: wait for it."""


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", "ctid.store:migrations")
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """Give the revision of this ctid's schema."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None, "the package lacks its migrations"  # noqa: S101 - broken build
    return revision


async def upgrade(url: str) -> None:
    """Create the database file if there is none, and run the migrations it lacks, all or none.

    Raises ValueError (url), SchemaTooNew, StoreUnavailable.
    """
    database = db.parse(url)
    with db.failures(database):
        db.create_file(database)
        engine = db.writer_engine(database, _BUSY_TIMEOUT_SECONDS)
        try:
            async with engine.begin() as connection:
                await db.lock_schema(connection)
                await connection.run_sync(_upgrade, database)
        finally:
            await engine.dispose()


def _upgrade(connection: Connection, database: db.Database) -> None:
    if _revision(connection, database) != head():
        command.upgrade(_config(connection), "head")


def check(connection: Connection, database: db.Database) -> None:
    """Raise SchemaTooNew or StoreUnavailable unless the schema is the one of this ctid."""
    revision = _revision(connection, database)
    if revision != head():
        found = f"its schema is {revision or 'missing'}, this ctid needs {head()}"
        raise db.unavailable(database, StoreReason.NOT_MIGRATED, found)


def _revision(connection: Connection, database: db.Database) -> str | None:
    revision = MigrationContext.configure(connection).get_current_revision()
    scripts = ScriptDirectory.from_config(_config())
    if revision and revision not in {script.revision for script in scripts.walk_revisions()}:
        message = (
            f"database {database}: its schema is revision {revision}, which this ctid "
            f"(newest: {scripts.get_current_head()}) does not know; install the newer ctid that "
            f"wrote it, or restore the backup made before that"
        )
        raise SchemaTooNew(message)
    return revision
