"""What a word of command does, in the transaction that files the mail it came in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from worker.model import Command, SubscriberState
from worker.store.editions import Editions
from worker.store.leaving import leave
from worker.store.tracing import Origin
from worker.store.wishes import Wish, next_now, pause_enrollment, resume_enrollment

NOTHING = {
    Command.PAUSE: "nothing-to-pause",
    Command.RESUME: "nothing-to-resume",
    Command.NEXT: "nothing-to-send",
}
"""The answer where there was nothing to do."""


def obey(
    connection: Connection,
    editions: Editions,
    installation: str,
    command: Command,
    origin: Origin,
    now: datetime,
) -> str:
    """Do what a person asked for; return which answer they get.

    Args:
        connection: a writing transaction.
        editions: what was published.
        installation: its id, from which delivery ids are derived.
        command: ``STOP`` is for everything, the others for the course that the mail is about.
        origin: whose mail it is.
        now: the calendar's instant.
    """
    if command is Command.STOP:
        if origin.subscriber_id is not None:
            leave(connection, [origin.subscriber_id], SubscriberState.UNSUBSCRIBED, now)
        return command
    enrollment = origin.enrollment_id
    if enrollment is None:
        return NOTHING[command]
    if command is Command.PAUSE:
        wish = pause_enrollment(connection, enrollment, now)
    elif command is Command.RESUME:
        wish = resume_enrollment(connection, editions, enrollment, now)
    else:
        wish = next_now(connection, editions, installation, enrollment, None, now)
    return NOTHING[command] if wish is Wish.OVER else command
