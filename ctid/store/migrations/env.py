"""Runs the revisions on the connection that ctid.store.migrate hands over."""

from alembic import context

from ctid.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite's ALTER TABLE is poor: revisions that alter a table copy it.
    render_as_batch=True,
    # Also on SQLite: a start that is interrupted leaves the schema as it was.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
