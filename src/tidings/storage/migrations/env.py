"""Alembic's entry: the connection comes from tidings.storage.migrate, already in a transaction."""

from alembic import context

from tidings.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=False,
)
context.run_migrations()
