"""What people write and what is written about them, put into the tables as the doors do."""

from __future__ import annotations

import zlib
from datetime import datetime
from secrets import token_hex

from sqlalchemy import insert, select

from worker.model import ConsentWay, News, NoticePurpose, NoticeState, ReplyKind
from worker.store import Store
from worker.store.schema import (
    consents,
    deliveries,
    enrollments,
    events,
    notices,
    reflections,
    replies,
    subscribers,
)


def enrollment_of(store: Store, address: str) -> int:
    """Return the id of a person's first enrollment."""
    with store._database.reading() as connection:
        rows = connection.execute(
            select(enrollments.c.id)
            .join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
            .where(subscribers.c.address == address)
            .order_by(enrollments.c.id)
        ).all()
    return int(rows[0].id)


def reflect(store: Store, address: str, key: str, text: str, now: datetime) -> None:
    """Keep a reply of a person to a lesson, with its raw mail."""
    enrollment_id = enrollment_of(store, address)
    with store._database.writing() as connection:
        row = connection.execute(select(enrollments).where(enrollments.c.id == enrollment_id)).one()
        letter = connection.scalar(
            select(deliveries.c.id).where(
                deliveries.c.enrollment_id == enrollment_id, deliveries.c.letter_key == key
            )
        )
        mail = f"From: {address}\r\nSubject: Re: {key}\r\n\r\n{text}\r\n".encode()
        reply_id = connection.execute(
            insert(replies)
            .values(
                fingerprint=token_hex(32),
                kind=ReplyKind.REFLECTION,
                why="it answers a lesson",
                subscriber_id=row.subscriber_id,
                enrollment_id=enrollment_id,
                delivery_id=letter,
                message_id=f"<{token_hex(4)}.{address}>",
                verified=True,
                attachments=[[f"{address}.png", "image/png", 3]],
                received_at=now,
                raw=zlib.compress(mail),
            )
            .returning(replies.c.id)
        ).scalar_one()
        connection.execute(
            insert(reflections).values(
                reply_id=reply_id,
                enrollment_id=enrollment_id,
                run=row.run,
                letter_key=key,
                text=text,
                verified=True,
                from_subscriber=True,
                received_at=now,
            )
        )


def write_about(store: Store, address: str, name: str, now: datetime) -> None:
    """Keep a consent, a notice, an event of theirs, and one that nobody could place."""
    enrollment_id = enrollment_of(store, address)
    with store._database.writing() as connection:
        row = connection.execute(select(enrollments).where(enrollments.c.id == enrollment_id)).one()
        who = {"subscriber_id": row.subscriber_id}
        connection.execute(
            insert(consents).values(
                course_id=row.course_id,
                how=ConsentWay.FORM,
                text="I want this course.",
                name=name,
                timezone="Asia/Tokyo",
                asked_at=now,
                given_at=now,
                **who,
            )
        )
        connection.execute(
            insert(notices).values(
                id=token_hex(16),
                purpose=NoticePurpose.LINK,
                course_id=row.course_id,
                subject_id=enrollment_id,
                detail="",
                state=NoticeState.PLANNED,
                created_at=now,
                expires_at=now,
                due_at=now,
                attempts=0,
                outcome=f"450 <{address}> is greylisted",
                **who,
            )
        )
        for owner in (row.subscriber_id, None):
            connection.execute(
                insert(events).values(
                    provider="sendgrid",
                    fingerprint=token_hex(32),
                    kind="delivered",
                    news=News.DELIVERED,
                    undelivered=False,
                    detail=f"250 <{address}> taken" if owner else "",
                    subscriber_id=owner,
                    occurred_at=now,
                    received_at=now,
                    body=f'{{"email": "{address.title()}"}}',
                )
            )
