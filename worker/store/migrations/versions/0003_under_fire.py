"""Under fire: what operators decided, who works, and which journals stand outside."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


BY_CODE = {"subscribers": ("address", 320), "courses": ("slug", 200)}
"""Text that sorts by its characters' codes, whatever the server's language."""

PRIVATE = {
    "subscribers": ("address", "name", "timezone"),
    "enrollments": ("zone",),
    "deliveries": ("detail",),
    "attempts": ("detail",),
    "events": ("detail", "body"),
    "replies": ("why", "message_id", "attachments", "raw"),
    "reflections": ("text",),
    "consents": ("text", "name", "timezone"),
    "notices": ("outcome",),
}
"""Columns of which PostgreSQL's statistics would keep values that were erased from the rows."""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _suit_postgresql()
    op.create_table(
        "journals",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("joined_at", INSTANT, nullable=False),
        sa.Column("generation", sa.String(length=32), nullable=False),
        sa.Column("agreed", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journals")),
    )
    op.create_table(
        "settlements",
        sa.Column("id", ID, nullable=False),
        sa.Column("delivery_id", sa.String(length=32), nullable=False),
        sa.Column("was", sa.String(length=9), nullable=False),
        sa.Column("decision", sa.String(length=6), nullable=False),
        sa.Column("operator", sa.String(length=200), nullable=False),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "decision IN ('sent', 'resend', 'failed')", name=op.f("ck_settlements_decision")
        ),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["deliveries.id"], name=op.f("fk_settlements_delivery_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlements")),
    )
    op.create_index(
        op.f("ix_settlements_delivery_id"), "settlements", ["delivery_id"], unique=False
    )
    op.create_table(
        "workers",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("moved_at", INSTANT, nullable=True),
        sa.Column("windows", ID, nullable=False),
        sa.Column("gate_seconds", sa.Float(), nullable=False),
        sa.Column("gate_counts", sa.JSON(), nullable=False),
        sa.Column("breaker", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workers")),
    )
    op.create_index(op.f("ix_workers_seen_at"), "workers", ["seen_at"], unique=False)
    for name, table, column, condition in COUNTED:
        where = sa.text(condition) if condition else None
        op.create_index(name, table, [column], sqlite_where=where, postgresql_where=where)


FINAL = "state IN ('sent', 'failed', 'in_doubt', 'cancelled', 'skipped')"
COUNTED = (
    ("ix_deliveries_final", "deliveries", "state", FINAL),
    ("ix_enrollments_held", "enrollments", "changed_at", "state = 'held'"),
    ("ix_events_news", "events", "news", ""),
    ("ix_replies_kind", "replies", "kind", ""),
)
"""Indexes for those who count, so that a count reads no row."""


def _suit_postgresql() -> None:
    for table, (column, length) in BY_CODE.items():
        of_bytes = postgresql.VARCHAR(length, collation="C")
        op.alter_column(table, column, type_=of_bytes, existing_nullable=False)
    for table, columns in PRIVATE.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")
