"""Service mail that is asked for: planned here, in the transaction that has the reason for it."""

from __future__ import annotations

from datetime import datetime, timedelta
from secrets import token_hex

from sqlalchemy import Connection, func, insert, select

from worker.model import NoticePurpose, NoticeState
from worker.store.schema import notices

MOST = {
    NoticePurpose.CONFIRM: (3, timedelta(days=1)),
    NoticePurpose.ALREADY: (1, timedelta(days=1)),
    NoticePurpose.LINK: (3, timedelta(hours=1)),
    NoticePurpose.ANSWER: (1, timedelta(days=1)),
}
"""How many of one purpose a person gets in how long: nobody floods a mailbox through us."""


def plan_notice(
    connection: Connection,
    purpose: NoticePurpose,
    *,
    subscriber_id: int,
    course_id: int,
    now: datetime,
    lifetime: timedelta,
    subject_id: int | None = None,
    detail: str = "",
) -> bool:
    """Plan a piece of service mail, due at once; ``False``: they had enough of these lately.

    Args:
        connection: a writing transaction.
        purpose: why it is written.
        subscriber_id: who gets it.
        course_id: whose sender and language it has.
        now: the calendar's instant.
        lifetime: after which it is of no use and is not sent.
        subject_id: what it is about: a consent, an enrollment, a reply.
        detail: which command an answer answers.
    """
    most, within = MOST[purpose]
    lately = connection.scalar(
        select(func.count())
        .select_from(notices)
        .where(
            notices.c.subscriber_id == subscriber_id,
            notices.c.purpose == purpose,
            notices.c.created_at > now - within,
        )
    )
    if (lately or 0) >= most:
        return False
    connection.execute(
        insert(notices).values(
            id=token_hex(16),
            purpose=purpose,
            subscriber_id=subscriber_id,
            course_id=course_id,
            subject_id=subject_id,
            detail=detail,
            state=NoticeState.PLANNED,
            created_at=now,
            expires_at=now + lifetime,
            due_at=now,
            attempts=0,
            outcome="",
        )
    )
    return True
