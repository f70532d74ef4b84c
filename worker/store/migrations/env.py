"""What Alembic runs: always on a connection and a transaction of ours, never on its own."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
