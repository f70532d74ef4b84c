"""Ids of letters are compared by their characters' codes, whatever the server's language."""

from __future__ import annotations

from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

IDS = (
    ("deliveries", "id"),
    ("attempts", "delivery_id"),
    ("settlements", "delivery_id"),
    ("events", "delivery_id"),
    ("replies", "delivery_id"),
)
"""Every column that has a delivery's id: two are compared by an index only if it sorts as both."""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table, column in IDS:
            op.alter_column(table, column, type_=postgresql.VARCHAR(32, collation="C"))
