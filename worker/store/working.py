"""Who was at work lately."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from worker.store.schema import workers


def seen_since(connection: Connection, instant: datetime) -> Sequence[str]:
    """Return the names of workers that were seen since an instant of the machine's clock."""
    return connection.scalars(
        select(workers.c.name).where(workers.c.seen_at > instant).order_by(workers.c.name)
    ).all()
