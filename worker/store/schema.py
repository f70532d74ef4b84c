"""The tables. What must never happen is a constraint here, not a habit of the code.

Predicates that an index carries are written with literals and used by the queries as they stand:
SQLite takes a partial index only where it can see that the query implies its condition.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Table, UniqueConstraint

from course.model import Kind
from worker.model import (
    OPEN_STATES,
    ConsentWay,
    Decision,
    DeliveryState,
    EnrollmentState,
    News,
    NoticePurpose,
    NoticeState,
    ReplyKind,
    SubscriberState,
)
from worker.store.types import Id, Instant, Word, Words, by_code

_DELIVERY_ID = by_code(32)


def _literals(states: Iterable[StrEnum]) -> str:
    return ", ".join(f"'{state}'" for state in states)


def _one_of(column: str, states: Iterable[StrEnum]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({_literals(states)})", name=column)


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    clause = sa.text(where)
    return Index(name, *columns, unique=unique, sqlite_where=clause, postgresql_where=clause)


_OPEN = f"state IN ({_literals(OPEN_STATES)})"
_FINAL = f"state IN ({_literals(s for s in DeliveryState if s not in OPEN_STATES)})"

IS_OPEN = sa.text(f"deliveries.{_OPEN}")
IS_FINAL = sa.text(f"deliveries.{_FINAL}")
"""Conditions on a delivery in the words of the indexes that carry them."""

IS_HELD = sa.text("enrollments.state = 'held'")

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
    Column("slug", by_code(200), nullable=False, unique=True),
    Column("edition_id", Id),  # the newest of its editions, which refer back to here
)

editions = Table(
    "editions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("course_id", Id, ForeignKey("courses.id"), nullable=False, index=True),
    Column("digest", sa.String(64), nullable=False),
    Column("title", Words, nullable=False),
    Column("sender_name", Words, nullable=False),
    Column("sender_email", Words, nullable=False),
    Column("sender_postal_address", Words, nullable=False),
    Column("send_at", sa.Time, nullable=False),
    Column("days", sa.String(20), nullable=False),  # "0,1,2": Monday is 0
    Column("minimum_gap", sa.Integer, nullable=False),  # seconds
    Column("timezone", sa.String(64), nullable=False),
    Column("language", sa.String(35), nullable=False, server_default="en"),
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
    Column("wait_days", sa.Integer),  # the next one waits so long for a reflection on this one
    Column("nudge_days", sa.Integer),  # and after so many this one's reminder comes
    Column("reminds_of", sa.String(200)),  # the key of the lesson that this letter reminds of
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
    Column("address", by_code(320), nullable=False, unique=True),
    Column("name", Words, nullable=False),
    Column("timezone", sa.String(64)),
    Column("state", sa.String(12), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("left_at", Instant),
    Column("left_after", Id),  # the newest attempt at that moment: none of theirs may be newer
    Column(
        "blocks", sa.Integer, nullable=False, server_default="0"
    ),  # letters turned away at a door
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
    Column("waits_on", sa.String(200)),  # the lesson whose reflection the next letter waits for
    UniqueConstraint("subscriber_id", "course_id"),
    _one_of("state", EnrollmentState),
    CheckConstraint("next_at IS NULL OR state = 'active'", name="only_active_fall_due"),
    _partial("ix_enrollments_due", "next_at", "id", where="next_at IS NOT NULL"),
    _partial("ix_enrollments_held", "changed_at", where="state = 'held'"),
    postgresql_with={"fillfactor": 50},  # neighbours change together, and stay neighbours
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", _DELIVERY_ID, primary_key=True),
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
    Column("delivered_at", Instant),  # the receiving server took it, as the provider told us
    Column("attempts", sa.Integer, nullable=False),  # hand-overs so far, also those not begun
    Column("deferrals", sa.Integer, nullable=False),  # how often in turn it was refused for now
    Column("detail", Words, nullable=False),
    UniqueConstraint("enrollment_id", "run", "letter_key"),
    _one_of("state", DeliveryState),
    CheckConstraint("retry_at IS NULL OR state = 'planned'", name="only_planned_are_retried"),
    CheckConstraint(
        "(lease_until IS NOT NULL) = (state IN ('claimed', 'handing'))", name="leased_while_owned"
    ),
    _partial("ix_deliveries_open", "enrollment_id", where=_OPEN, unique=True),
    _partial("ix_deliveries_final", "state", where=_FINAL),  # for those who count
    _partial("ix_deliveries_retry", "retry_at", "id", where="retry_at IS NOT NULL"),
    _partial("ix_deliveries_lease", "lease_until", where="lease_until IS NOT NULL"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("delivery_id", _DELIVERY_ID, ForeignKey("deliveries.id"), nullable=False),
    Column("number", sa.Integer, nullable=False),
    Column("gated_at", Instant, nullable=False),  # the calendar's
    Column("gated_wall", Instant, nullable=False),
    Column("deadline", Instant, nullable=False),  # the machine's clock
    Column("outcome", sa.String(9)),  # NULL: live, its answer may still come
    Column("detail", Words, nullable=False),
    Column("answered_at", Instant),
    UniqueConstraint("delivery_id", "number"),
    CheckConstraint(
        "outcome IN ('accepted', 'deferred', 'refused', 'unknown', 'not_begun')", name="outcome"
    ),
    _partial("ix_attempts_live", "delivery_id", where="outcome IS NULL", unique=True),
)

events = Table(
    "events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("provider", sa.String(20), nullable=False),
    Column("provider_event_id", Word(200), unique=True),
    Column("fingerprint", sa.String(64), nullable=False, unique=True),  # what makes two the same
    Column("kind", Word(40), nullable=False),  # the provider's own word
    Column("news", sa.String(12), nullable=False, index=True),
    Column("undelivered", sa.Boolean, nullable=False),
    Column("detail", Words, nullable=False),  # its reason, without addresses
    Column("delivery_id", _DELIVERY_ID, index=True),  # may be of a ledger that this one is not
    Column("subscriber_id", Id, ForeignKey("subscribers.id"), index=True),
    Column("occurred_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("body", Words),  # NULL: its person was erased, or is nobody of ours
    _one_of("news", News),
)

replies = Table(
    "replies",
    metadata,
    Column("id", Id, primary_key=True),
    Column("fingerprint", sa.String(64), nullable=False, unique=True),
    Column("kind", sa.String(12), nullable=False, index=True),
    Column("why", Words, nullable=False),
    Column("subscriber_id", Id, ForeignKey("subscribers.id"), index=True),
    Column("enrollment_id", Id, ForeignKey("enrollments.id")),
    Column("delivery_id", _DELIVERY_ID),
    Column("message_id", Words, nullable=False),
    Column("verified", sa.Boolean, nullable=False),
    Column("attachments", sa.JSON, nullable=False),  # [[name, media type, bytes]]
    Column("received_at", Instant, nullable=False),
    Column("raw", sa.LargeBinary),  # the mail, compressed (zlib); NULL: its person was erased
    _one_of("kind", ReplyKind),
)

reflections = Table(
    "reflections",
    metadata,
    Column("id", Id, primary_key=True),
    Column("reply_id", Id, ForeignKey("replies.id"), nullable=False, unique=True),
    Column("enrollment_id", Id, ForeignKey("enrollments.id"), nullable=False),
    Column("run", sa.Integer, nullable=False),
    Column("letter_key", sa.String(200), nullable=False),  # as it was called then
    Column("text", Words, nullable=False),
    Column("verified", sa.Boolean, nullable=False),
    Column("from_subscriber", sa.Boolean, nullable=False),
    Column("received_at", Instant, nullable=False),
    Index("ix_reflections_enrollment", "enrollment_id", "run"),
)

consents = Table(
    "consents",
    metadata,
    Column("id", Id, primary_key=True),
    Column("subscriber_id", Id, ForeignKey("subscribers.id"), nullable=False, index=True),
    Column("course_id", Id, ForeignKey("courses.id"), nullable=False),
    Column("how", sa.String(10), nullable=False),
    Column("text", Words, nullable=False),  # what they agreed to, word for word
    Column("name", Words, nullable=False),
    Column("timezone", sa.String(64)),
    Column("asked_at", Instant, nullable=False),
    Column("given_at", Instant),  # NULL: not confirmed
    _one_of("how", ConsentWay),
)

notices = Table(
    "notices",
    metadata,
    Column("id", sa.String(32), primary_key=True),
    Column("purpose", sa.String(10), nullable=False),
    Column("subscriber_id", Id, ForeignKey("subscribers.id"), nullable=False),
    Column("course_id", Id, ForeignKey("courses.id"), nullable=False),  # whose sender and language
    Column("subject_id", Id),  # what it is about: a consent, an enrollment, a reply
    Column("detail", sa.String(40), nullable=False),  # which command an answer answers
    Column("state", sa.String(8), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),  # not sent any more from then on
    Column("due_at", Instant),  # NULL: under way or over
    Column("lease_until", Instant),  # the machine's clock
    Column("attempts", sa.Integer, nullable=False),
    Column("handed_at", Instant),
    Column("settled_at", Instant),
    Column("outcome", Words, nullable=False),  # the provider's own words
    _one_of("purpose", NoticePurpose),
    _one_of("state", NoticeState),
    CheckConstraint("(due_at IS NOT NULL) = (state = 'planned')", name="due_while_planned"),
    CheckConstraint("(lease_until IS NOT NULL) = (state = 'handing')", name="leased_while_handing"),
    _partial("ix_notices_due", "due_at", where="due_at IS NOT NULL"),
    _partial("ix_notices_lease", "lease_until", where="lease_until IS NOT NULL"),
    Index("ix_notices_person", "subscriber_id", "created_at"),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("digest", sa.String(64), primary_key=True),  # worker.pseudonyms: of an erased address
    Column("reason", sa.String(12), nullable=False),
    Column("since", Instant, nullable=False),
    _one_of("reason", SubscriberState),
)

settlements = Table(
    "settlements",
    metadata,
    Column("id", Id, primary_key=True),
    Column("delivery_id", _DELIVERY_ID, ForeignKey("deliveries.id"), nullable=False, index=True),
    Column("was", sa.String(9), nullable=False),  # the state that the operator found
    Column("decision", sa.String(6), nullable=False),
    Column("operator", sa.String(200), nullable=False),
    Column("decided_at", Instant, nullable=False),
    Column("detail", Words, nullable=False),
    _one_of("decision", Decision),
)

workers = Table(
    "workers",
    metadata,
    Column("name", sa.String(200), primary_key=True),  # a process: host, number, and what is random
    Column("host", sa.String(255), nullable=False),
    Column("pid", sa.Integer, nullable=False),
    Column("version", sa.String(40), nullable=False),
    Column("started_at", Instant, nullable=False),  # the machine's clock, here and below
    Column("seen_at", Instant, nullable=False, index=True),
    Column("moved_at", Instant),  # when it last finished what it was asked to do
    Column("windows", Id, nullable=False),
    Column("gate_seconds", sa.Float, nullable=False),  # in all
    Column("gate_counts", sa.JSON, nullable=False),  # [[seconds at most, gates]], cumulative
    Column("breaker", Words, nullable=False),  # why it hands nothing over; empty while it does
)

journals = Table(
    "journals",
    metadata,
    Column("id", sa.String(32), primary_key=True),  # stands in the journal's own first line too
    Column("host", sa.String(255), nullable=False),
    Column("joined_at", Instant, nullable=False),
    Column("generation", sa.String(32), nullable=False),  # the database's, when they last agreed
    Column("agreed", sa.String(40), nullable=False),  # up to where in the journal: segment:bytes
)
