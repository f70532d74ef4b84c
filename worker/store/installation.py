"""What the database knows about its installation: who it is, and whether it was rehearsed."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from secrets import token_hex

from sqlalchemy import Connection, Select, select, update

from worker.errors import Refused
from worker.store.engine import insert_new
from worker.store.schema import meta

INSTALLATION = "installation"
GENERATION = "generation"
MOVING = "moving"
MOVED = "moved"
REHEARSED_AT = "rehearsed_at"


def name_installation(connection: Connection) -> None:
    """Give the installation its random id, once and for all, and the database its generation."""
    names = [{"name": name, "value": token_hex(16)} for name in (INSTALLATION, GENERATION)]
    insert_new(connection, meta, names)


def installation_id(connection: Connection) -> str:
    """Return the id that every delivery's id is derived from."""
    return connection.execute(_value(INSTALLATION)).scalar_one()


def fingerprint(installation: str) -> str:
    """Return what tells installations apart in public, and says nothing else about one."""
    return sha256(f"lettercourse {installation}".encode()).hexdigest()[:16]


def rehearsed_at(connection: Connection) -> datetime | None:
    """Return the instant that the calendar was last driven to; ``None`` if it never was."""
    value = connection.scalar(_value(REHEARSED_AT))
    return None if value is None else datetime.fromisoformat(value)


def rehearse(connection: Connection, at: datetime) -> None:
    """Mark the database as one whose calendar is driven by hand.

    Raises:
        Refused: ``at`` lies before an earlier rehearsal.
    """
    insert_new(connection, meta, [{"name": REHEARSED_AT, "value": at.isoformat()}])
    locked = connection.execute(_value(REHEARSED_AT).with_for_update()).scalar_one()
    before = datetime.fromisoformat(locked)
    if at < before:
        raise Refused(
            f"the calendar never goes back: it was driven to {before.isoformat()} before",
            where=at.isoformat(),
            remedy="name a later instant",
        )
    connection.execute(update(meta).where(meta.c.name == REHEARSED_AT).values(value=at.isoformat()))


def _value(name: str) -> Select[str]:
    return select(meta.c.value).where(meta.c.name == name)
