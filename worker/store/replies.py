"""Mail that came in, filed once: its row, its words and what they ask for, in one transaction."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, insert, select

from worker.model import Command, NoticePurpose, ReplyKind, SubscriberState
from worker.progress import lesson_of
from worker.store.commands import obey
from worker.store.editions import Editions
from worker.store.engine import insert_if_new
from worker.store.leaving import leave
from worker.store.locking import lock_people
from worker.store.membership import is_erased
from worker.store.notices import plan_notice
from worker.store.schema import reflections, replies, subscribers
from worker.store.tracing import Origin
from worker.store.waiting import release_wait

ANSWER_LIFE = timedelta(days=1)
"""After which nobody waits for the answer to a word any more."""

NOT_VERIFIED = "not-verified"
"""The answer to a command that may be somebody else's."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One mail as it is to be filed.

    Attributes:
        fingerprint: the same for two copies of one mail; hex, at most 64 digits.
        kind: what it is taken for.
        why: one sentence without personal data.
        origin: whose it is; ``None`` for a stranger's.
        message_id: with its angle brackets; empty without one.
        verified: its letter and its sender are the same person's, whose domain vouched for it.
        from_subscriber: the sender's address is that of the person whose letter it was.
        text: their own words.
        attachments: name, media type and size in bytes of each.
        raw: the mail as it came.
        command: what is done because of it.
        answer: which answer its sender gets although nothing is done.
    """

    fingerprint: str
    kind: ReplyKind
    why: str
    origin: Origin | None
    message_id: str
    verified: bool
    from_subscriber: bool
    text: str
    attachments: tuple[tuple[str, str, int], ...]
    raw: bytes
    command: Command | None = None
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Filed:
    """What became of a mail.

    Attributes:
        is_new: whether it was filed now; a copy of it changes nothing.
        answer: the name of the answer that its sender gets; empty for none.
    """

    kind: ReplyKind
    why: str
    is_new: bool
    answer: str = ""


def pack(raw: bytes) -> bytes:
    """Return a mail as it is kept; a fast pass, as its attachments are packed already."""
    return zlib.compress(raw, 1)


def file_reply(
    connection: Connection,
    editions: Editions,
    installation: str,
    reply: Reply,
    packed: bytes,
    now: datetime,
) -> Filed:
    """File a mail, unless a copy of it was filed before.

    Of somebody who was erased only the fact is kept that a mail came.

    Args:
        connection: a writing transaction.
        editions: what was published.
        installation: its id, from which delivery ids are derived.
        reply: the mail.
        packed: its raw bytes by :func:`pack`, made before the transaction.
        now: the calendar's instant.
    """
    if reply.origin is not None and reply.origin.subscriber_id is not None:
        lock_people(connection, [reply.origin.subscriber_id])
    if reply.origin is not None and _is_erased(connection, reply.origin):
        reply = replace(
            reply,
            kind=ReplyKind.DISCARDED,
            why="its sender was erased",
            message_id="",
            attachments=(),
            command=None,
            answer="",
        )
    reply_id = _insert(connection, reply, packed, now)
    if reply_id is None:
        known = connection.execute(_KNOWN, {"fingerprint": reply.fingerprint}).one()
        return Filed(ReplyKind(known.kind), known.why, is_new=False)
    _reflect(connection, editions, reply, reply_id, now)
    answer = _act(connection, editions, installation, reply, now)
    return Filed(reply.kind, reply.why, is_new=True, answer=answer)


def _insert(connection: Connection, reply: Reply, packed: bytes, now: datetime) -> int | None:
    """Keep the mail itself; ``None`` where a copy of it is kept already."""
    origin = reply.origin
    row = {
        "fingerprint": reply.fingerprint,
        "kind": reply.kind,
        "why": reply.why,
        "subscriber_id": origin.subscriber_id if origin else None,
        "enrollment_id": origin.enrollment_id if origin else None,
        "delivery_id": origin.delivery_id if origin else None,
        "message_id": reply.message_id,
        "verified": reply.verified,
        "attachments": [list(each) for each in reply.attachments],
        "received_at": now,
        "raw": None if reply.kind is ReplyKind.DISCARDED else packed,
    }
    return insert_if_new(connection, replies, row)


def _reflect(
    connection: Connection, editions: Editions, reply: Reply, reply_id: int, now: datetime
) -> None:
    """Keep the words of a reflection, and go on with a course that waited for it."""
    origin = reply.origin
    if origin is None or origin.enrollment_id is None or origin.letter_key is None:
        return
    if reply.kind is ReplyKind.REFLECTION and reply.text:
        connection.execute(
            insert(reflections).values(
                reply_id=reply_id,
                enrollment_id=origin.enrollment_id,
                run=origin.run,
                letter_key=lesson_of(origin.letter_key),
                text=reply.text,
                verified=reply.verified,
                from_subscriber=reply.from_subscriber,
                received_at=now,
            )
        )
        if reply.from_subscriber:
            release_wait(connection, editions, origin.enrollment_id, origin.letter_key, now)


def _act(
    connection: Connection, editions: Editions, installation: str, reply: Reply, now: datetime
) -> str:
    """Do what the mail asks for; return the answer that is planned."""
    origin = reply.origin
    if origin is None or origin.subscriber_id is None:
        return ""
    if reply.kind is ReplyKind.UNSUBSCRIBE:
        leave(connection, [origin.subscriber_id], SubscriberState.UNSUBSCRIBED, now)
    answer = reply.answer
    if reply.command is not None:
        answer = obey(connection, editions, installation, reply.command, origin, now)
    if not answer or origin.course_id is None:
        return ""
    planned = plan_notice(
        connection,
        NoticePurpose.ANSWER,
        subscriber_id=origin.subscriber_id,
        course_id=origin.course_id,
        now=now,
        lifetime=ANSWER_LIFE,
        subject_id=origin.enrollment_id,
        detail=answer,
    )
    return answer if planned else ""


def _is_erased(connection: Connection, origin: Origin) -> bool:
    """Look again: they may have been erased since the mail was traced."""
    if origin.subscriber_id is None:
        return True
    address = connection.scalar(
        select(subscribers.c.address).where(subscribers.c.id == origin.subscriber_id)
    )
    return address is None or is_erased(address)


_KNOWN = select(replies.c.kind, replies.c.why).where(
    replies.c.fingerprint == bindparam("fingerprint")
)
