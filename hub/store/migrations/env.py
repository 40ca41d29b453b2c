"""Run by Alembic for each command; the connection is handed in by `hub.store.migrate`."""

from alembic import context

from hub.store.migrate import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=list(METADATA),
    render_as_batch=True,
    compare_type=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
