"""Moving an installation to another database: the source stops for good before it is copied.

First nobody gates any more, while what is under way is still settled. Then nobody writes at all.
Either is a row in ``meta``, which every transaction looks at before it commits.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select, text, update

from worker.model import DeliveryState, NoticeState
from worker.store.agreeing import generation_of, renew_generation
from worker.store.engine import insert_new
from worker.store.installation import MOVED, MOVING
from worker.store.schema import deliveries, journals, meta, notices


def stop_gates(connection: Connection, where: str) -> None:
    """Let nothing more be handed over; journals go on agreeing with this database."""
    former = generation_of(connection)
    renewed = renew_generation(connection)
    connection.execute(
        update(journals).where(journals.c.generation == former).values(generation=renewed)
    )
    insert_new(connection, meta, [{"name": MOVING, "value": where}])


def is_under_way(connection: Connection, wall: datetime) -> bool:
    """Tell whether somebody may still settle what was handed over."""
    letters = select(deliveries.c.id).where(
        deliveries.c.state == DeliveryState.HANDING, deliveries.c.lease_until > wall
    )
    mail = select(notices.c.id).where(
        notices.c.state == NoticeState.HANDING, notices.c.lease_until > wall
    )
    return any(connection.scalar(each.limit(1)) is not None for each in (letters, mail))


def stop_writers(connection: Connection, where: str) -> str:
    """Let nobody write any more; return what tells whose transactions began before."""
    insert_new(connection, meta, [{"name": MOVED, "value": where}])
    if connection.dialect.name != "postgresql":
        return ""  # there is one writer, and it is us
    return str(connection.scalar(text("SELECT pg_current_xact_id()")))


def are_done(connection: Connection, since: str) -> bool:
    """Tell whether every transaction that began before the writers were stopped has ended."""
    if not since:
        return True
    return bool(
        connection.scalar(
            text("SELECT pg_snapshot_xmin(pg_current_snapshot()) > CAST(:since AS xid8)"),
            {"since": since},
        )
    )


def go_on(connection: Connection) -> None:
    """Let a database be written to, and send: the copy that arrived, or a source given up on."""
    connection.execute(delete(meta).where(meta.c.name.in_((MOVING, MOVED))))


def moves_to(connection: Connection) -> str | None:
    """Return where the installation is being moved or was moved to."""
    where: str | None = connection.scalar(
        select(meta.c.value).where(meta.c.name.in_((MOVING, MOVED))).limit(1)
    )
    return where
