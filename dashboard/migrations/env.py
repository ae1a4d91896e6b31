"""What Alembic runs for every command: it works on the connection, and in the transaction, of `upgrade`."""

from __future__ import annotations

from alembic import context

from dashboard.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
