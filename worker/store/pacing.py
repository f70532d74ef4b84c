"""How one letter's hand-over sets the time of the next, on each person's own clock."""

from __future__ import annotations

from datetime import datetime

from course.model import Kind, Schedule
from worker.schedule import next_slot, welcome_at
from worker.store.schema import Record


def slot_after(
    enrollment: Record,
    schedule: Schedule,
    *,
    handed_at: datetime | None,
    kind: Kind | None,
    not_before: datetime,
) -> datetime:
    """Return when the next letter is due.

    Args:
        enrollment: a row with ``zone``, ``send_at`` and ``start``.
        schedule: the newest edition's, for what the person left open.
        handed_at: the run's last hand-over; ``None`` before the welcome's.
        kind: what was handed over then.
        not_before: when sending may go on.
    """
    send_at = enrollment.send_at or schedule.send_at
    zone = enrollment.zone or schedule.timezone
    if handed_at is None:
        return welcome_at(not_before, enrollment.start, send_at, zone)
    return next_slot(
        handed_at,
        schedule,
        send_at=send_at,
        zone=zone,
        after_welcome=kind is Kind.WELCOME,
        not_before=not_before,
    )
