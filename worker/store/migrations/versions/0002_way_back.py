"""The way back: what providers and people tell us, and service mail."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    op.create_table(
        "suppressions",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=12), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.CheckConstraint(
            "reason IN ('pending', 'active', 'unsubscribed', 'bounced', 'complained')",
            name=op.f("ck_suppressions_reason"),
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_suppressions")),
    )
    op.create_table(
        "consents",
        sa.Column("id", ID, nullable=False),
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("course_id", ID, nullable=False),
        sa.Column("how", sa.String(length=10), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=True),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("given_at", INSTANT, nullable=True),
        sa.CheckConstraint("how IN ('form', 'api', 'list')", name=op.f("ck_consents_how")),
        sa.ForeignKeyConstraint(["course_id"], ["courses.id"], name=op.f("fk_consents_course_id")),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name=op.f("fk_consents_subscriber_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index(op.f("ix_consents_subscriber_id"), "consents", ["subscriber_id"], unique=False)
    op.create_table(
        "events",
        sa.Column("id", ID, nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("provider_event_id", sa.String(length=200), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("news", sa.String(length=12), nullable=False),
        sa.Column("undelivered", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.String(length=32), nullable=True),
        sa.Column("subscriber_id", ID, nullable=True),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "news IN ('accepted', 'delivered', 'blocked', 'bounced', 'dropped', 'complained', "
            "'unsubscribed', 'other')",
            name=op.f("ck_events_news"),
        ),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name=op.f("fk_events_subscriber_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_events_fingerprint")),
        sa.UniqueConstraint("provider_event_id", name=op.f("uq_events_provider_event_id")),
    )
    op.create_index(op.f("ix_events_delivery_id"), "events", ["delivery_id"], unique=False)
    op.create_index(op.f("ix_events_subscriber_id"), "events", ["subscriber_id"], unique=False)
    op.create_table(
        "notices",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("purpose", sa.String(length=10), nullable=False),
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("course_id", ID, nullable=False),
        sa.Column("subject_id", ID, nullable=True),
        sa.Column("detail", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=True),
        sa.Column("lease_until", INSTANT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("handed_at", INSTANT, nullable=True),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(due_at IS NOT NULL) = (state = 'planned')", name=op.f("ck_notices_due_while_planned")
        ),
        sa.CheckConstraint(
            "(lease_until IS NOT NULL) = (state = 'handing')",
            name=op.f("ck_notices_leased_while_handing"),
        ),
        sa.CheckConstraint(
            "purpose IN ('confirm', 'already', 'link', 'answer')", name=op.f("ck_notices_purpose")
        ),
        sa.CheckConstraint(
            "state IN ('planned', 'handing', 'sent', 'failed', 'in_doubt', 'void')",
            name=op.f("ck_notices_state"),
        ),
        sa.ForeignKeyConstraint(["course_id"], ["courses.id"], name=op.f("fk_notices_course_id")),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name=op.f("fk_notices_subscriber_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.create_index(
        "ix_notices_due", "notices", ["due_at"], unique=False, **_where("due_at IS NOT NULL")
    )
    op.create_index(
        "ix_notices_lease",
        "notices",
        ["lease_until"],
        unique=False,
        **_where("lease_until IS NOT NULL"),
    )
    op.create_index("ix_notices_person", "notices", ["subscriber_id", "created_at"], unique=False)
    op.create_table(
        "replies",
        sa.Column("id", ID, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("subscriber_id", ID, nullable=True),
        sa.Column("enrollment_id", ID, nullable=True),
        sa.Column("delivery_id", sa.String(length=32), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("attachments", sa.JSON(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('reflection', 'command', 'unsubscribe', 'machine', 'bounce', 'complaint',"
            " 'stranger', 'discarded')",
            name=op.f("ck_replies_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["enrollment_id"], ["enrollments.id"], name=op.f("fk_replies_enrollment_id")
        ),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name=op.f("fk_replies_subscriber_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replies")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_replies_fingerprint")),
    )
    op.create_index(op.f("ix_replies_subscriber_id"), "replies", ["subscriber_id"], unique=False)
    op.create_table(
        "reflections",
        sa.Column("id", ID, nullable=False),
        sa.Column("reply_id", ID, nullable=False),
        sa.Column("enrollment_id", ID, nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("letter_key", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("from_subscriber", sa.Boolean(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["enrollment_id"], ["enrollments.id"], name=op.f("fk_reflections_enrollment_id")
        ),
        sa.ForeignKeyConstraint(["reply_id"], ["replies.id"], name=op.f("fk_reflections_reply_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reflections")),
        sa.UniqueConstraint("reply_id", name=op.f("uq_reflections_reply_id")),
    )
    op.create_index(
        "ix_reflections_enrollment", "reflections", ["enrollment_id", "run"], unique=False
    )
    op.add_column("deliveries", sa.Column("delivered_at", INSTANT, nullable=True))
    op.add_column(
        "editions", sa.Column("language", sa.String(length=35), server_default="en", nullable=False)
    )
    op.add_column("enrollments", sa.Column("waits_on", sa.String(length=200), nullable=True))
    op.add_column("letters", sa.Column("wait_days", sa.Integer(), nullable=True))
    op.add_column("letters", sa.Column("nudge_days", sa.Integer(), nullable=True))
    op.add_column("letters", sa.Column("reminds_of", sa.String(length=200), nullable=True))
    op.add_column(
        "subscribers", sa.Column("blocks", sa.Integer(), server_default="0", nullable=False)
    )
    _complete_instants()


def _complete_instants() -> None:
    """Give the offset to instants of leaving, which were written in UTC but without saying so."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "UPDATE subscribers SET left_at = left_at || '+00:00' WHERE left_at NOT LIKE '%+00:00'"
        )
