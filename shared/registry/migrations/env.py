"""Alembic runs this file: the connection, its transaction and its lock are the caller's (`shared.registry.upgrade`)."""

from alembic import context

from shared.registry.schema import METADATA

if not __name__.startswith("shared."):  # importing it as a module does nothing
    context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
    context.run_migrations()
