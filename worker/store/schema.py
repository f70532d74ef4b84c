"""The tables. What must never happen is a constraint here, not a habit of the code.

Predicates that an index carries are written with literals and used by the queries as they stand:
SQLite takes a partial index only where it can see that the query implies its condition.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table, UniqueConstraint

from course.model import Kind
from worker.model import OPEN_STATES, DeliveryState, EnrollmentState, SubscriberState

Record = sa.Row[*tuple[Any, ...]]
"""A row of a query that names its columns itself."""

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""SQLite numbers rows by itself only where the column's type is exactly INTEGER."""

_ZONED = sa.DateTime(timezone=True)


class Instant(sa.types.TypeDecorator[datetime]):
    """An aware instant in UTC; on SQLite as text of one width, so that it sorts as time does."""

    impl = _ZONED
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Return the column type: text on SQLite, which has no instants."""
        return dialect.type_descriptor(sa.String(32) if dialect.name == "sqlite" else _ZONED)

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        """Write an instant.

        Raises:
            ValueError: the instant is naive, so it is none.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive datetime is no instant: {value!r}")
        utc = value if value.tzinfo is UTC else value.astimezone(UTC)
        return utc.isoformat(" ", "microseconds") if dialect.name == "sqlite" else utc

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        """Read an instant, always in UTC."""
        if value is None:
            return None
        return datetime.fromisoformat(value) if dialect.name == "sqlite" else value.astimezone(UTC)


def those(name: str = "ids") -> sa.BindParameter[Any]:
    """Return the parameter of an ``IN`` in a statement that is built once and used often."""
    return sa.bindparam(name, expanding=True)


def _literals(states: Iterable[StrEnum]) -> str:
    return ", ".join(f"'{state}'" for state in states)


def _one_of(column: str, states: Iterable[StrEnum]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({_literals(states)})", name=column)


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    clause = sa.text(where)
    return Index(name, *columns, unique=unique, sqlite_where=clause, postgresql_where=clause)


_OPEN = f"state IN ({_literals(OPEN_STATES)})"

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

meta = Table(
    "meta",
    metadata,
    Column("name", sa.String(40), primary_key=True),
    Column("value", sa.Text, nullable=False),
)

courses = Table(
    "courses",
    metadata,
    Column("id", Id, primary_key=True),
    Column("slug", sa.String(200), nullable=False, unique=True),
    Column("edition_id", Id),  # the newest of its editions, which refer back to here
)

editions = Table(
    "editions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("course_id", Id, ForeignKey("courses.id"), nullable=False, index=True),
    Column("digest", sa.String(64), nullable=False),
    Column("title", sa.Text, nullable=False),
    Column("sender_name", sa.Text, nullable=False),
    Column("sender_email", sa.Text, nullable=False),
    Column("sender_postal_address", sa.Text, nullable=False),
    Column("send_at", sa.Time, nullable=False),
    Column("days", sa.String(20), nullable=False),  # "0,1,2": Monday is 0
    Column("minimum_gap", sa.Integer, nullable=False),  # seconds
    Column("timezone", sa.String(64), nullable=False),
    Column("renames", sa.JSON, nullable=False),  # [[former key, key]] of every edition so far
    Column("published_at", Instant, nullable=False),
)

letters = Table(
    "letters",
    metadata,
    Column("id", Id, primary_key=True),
    Column("edition_id", Id, ForeignKey("editions.id"), nullable=False),
    Column("position", sa.Integer, nullable=False),
    Column("key", sa.String(200), nullable=False),
    Column("kind", sa.String(8), nullable=False),
    Column("source_digest", sa.String(64), nullable=False),
    Column("body", sa.Text, nullable=False),
    UniqueConstraint("edition_id", "position"),
    UniqueConstraint("edition_id", "key"),
    _one_of("kind", Kind),
)

assets = Table(
    "assets",
    metadata,
    Column("digest", sa.String(64), primary_key=True),
    Column("name", sa.String(100), nullable=False, unique=True),
    Column("media_type", sa.String(100), nullable=False),
    Column("content", sa.LargeBinary, nullable=False),
)

subscribers = Table(
    "subscribers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("address", sa.String(320), nullable=False, unique=True),
    Column("name", sa.Text, nullable=False),
    Column("timezone", sa.String(64)),
    Column("state", sa.String(12), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("left_at", Instant),
    Column("left_after", Id),  # the newest attempt at that moment: none of theirs may be newer
    _one_of("state", SubscriberState),
)

enrollments = Table(
    "enrollments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("subscriber_id", Id, ForeignKey("subscribers.id"), nullable=False),
    Column("course_id", Id, ForeignKey("courses.id"), nullable=False, index=True),
    Column("run", sa.Integer, nullable=False),
    Column("state", sa.String(9), nullable=False),
    Column("zone", sa.String(64)),  # NULL: the course's, whatever it becomes
    Column("send_at", sa.Time),  # likewise
    Column("start", sa.Date),
    Column("next_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),  # when it came into its state
    UniqueConstraint("subscriber_id", "course_id"),
    _one_of("state", EnrollmentState),
    CheckConstraint("next_at IS NULL OR state = 'active'", name="only_active_fall_due"),
    _partial("ix_enrollments_due", "next_at", "id", where="next_at IS NOT NULL"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", sa.String(32), primary_key=True),
    Column("enrollment_id", Id, ForeignKey("enrollments.id"), nullable=False),
    Column("run", sa.Integer, nullable=False),
    Column("letter_key", sa.String(200), nullable=False),
    Column("letter_id", Id, ForeignKey("letters.id"), nullable=False),
    Column("state", sa.String(9), nullable=False),
    Column("epoch", sa.Integer, nullable=False),
    Column("owner", sa.String(200)),
    Column("lease_until", Instant),  # the machine's clock; while handing, the attempt's deadline
    Column("due_at", Instant, nullable=False),
    Column("retry_at", Instant),  # NULL while planned: frozen until the enrollment goes on
    Column("handed_at", Instant),
    Column("settled_at", Instant),
    Column("attempts", sa.Integer, nullable=False),  # hand-overs so far, also those not begun
    Column("deferrals", sa.Integer, nullable=False),  # how often in turn it was refused for now
    Column("detail", sa.Text, nullable=False),
    UniqueConstraint("enrollment_id", "run", "letter_key"),
    _one_of("state", DeliveryState),
    CheckConstraint("retry_at IS NULL OR state = 'planned'", name="only_planned_are_retried"),
    CheckConstraint(
        "(lease_until IS NOT NULL) = (state IN ('claimed', 'handing'))", name="leased_while_owned"
    ),
    _partial("ix_deliveries_open", "enrollment_id", where=_OPEN, unique=True),
    _partial("ix_deliveries_retry", "retry_at", "id", where="retry_at IS NOT NULL"),
    _partial("ix_deliveries_lease", "lease_until", where="lease_until IS NOT NULL"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("delivery_id", sa.String(32), ForeignKey("deliveries.id"), nullable=False),
    Column("number", sa.Integer, nullable=False),
    Column("gated_at", Instant, nullable=False),  # the calendar's
    Column("gated_wall", Instant, nullable=False),
    Column("deadline", Instant, nullable=False),  # the machine's clock
    Column("outcome", sa.String(9)),  # NULL: live, its answer may still come
    Column("detail", sa.Text, nullable=False),
    Column("answered_at", Instant),
    UniqueConstraint("delivery_id", "number"),
    CheckConstraint(
        "outcome IN ('accepted', 'deferred', 'refused', 'unknown', 'not_begun')", name="outcome"
    ),
    _partial("ix_attempts_live", "delivery_id", where="outcome IS NULL", unique=True),
)
