"""The workers' signs of life: one row a process, and what those that are gone had counted."""

from __future__ import annotations

import json
from datetime import timedelta

from sqlalchemy import Connection, Select, delete, insert, select, update

from worker.model import GATE_BUCKETS, GateTimes, Heartbeat
from worker.store.engine import insert_new
from worker.store.schema import meta, workers
from worker.store.types import Record

FORGOTTEN_AFTER = timedelta(hours=1)
"""Whoever was not seen for so long was killed; its row goes, what it counted stays."""

_GONE = "gates_of_former_workers"


def beat(connection: Connection, heartbeat: Heartbeat) -> None:
    """Store a process's newest sign of life, and forget those that gave none for long."""
    values = {
        "host": heartbeat.host,
        "pid": heartbeat.pid,
        "version": heartbeat.version,
        "started_at": heartbeat.started_at,
        "seen_at": heartbeat.seen_at,
        "moved_at": heartbeat.moved_at,
        "windows": heartbeat.gates.gates,
        "gate_seconds": heartbeat.gates.seconds,
        "gate_counts": list(zip(GATE_BUCKETS, heartbeat.gates.counts, strict=True)),
        "breaker": heartbeat.breaker,
    }
    known = update(workers).where(workers.c.name == heartbeat.name).values(values)
    if connection.execute(known).rowcount == 0:
        connection.execute(insert(workers).values(name=heartbeat.name, **values))
    lost = select(workers.c.name).where(workers.c.seen_at < heartbeat.seen_at - FORGOTTEN_AFTER)
    _retire(connection, lost.with_for_update(skip_locked=True))


def leave_work(connection: Connection, name: str) -> None:
    """Take a process's row away, because it ends."""
    _retire(connection, select(workers.c.name).where(workers.c.name == name))


def at_work(connection: Connection) -> list[Heartbeat]:
    """Return the newest sign of life of every process, by name."""
    return [_heartbeat(row) for row in connection.execute(select(workers).order_by(workers.c.name))]


def gate_times(connection: Connection) -> GateTimes:
    """Return how long gates took, of all workers that are and were."""
    return sum((each.gates for each in at_work(connection)), start=_of_former(connection))


def _retire(connection: Connection, names: Select[str]) -> None:
    """Remove rows and keep their counts, so that a sum over all workers never falls."""
    gone = connection.execute(
        delete(workers).where(workers.c.name.in_(names)).returning(workers)
    ).all()
    if not gone:
        return
    insert_new(connection, meta, [{"name": _GONE, "value": _packed(GateTimes())}])
    connection.execute(select(meta.c.name).where(meta.c.name == _GONE).with_for_update()).all()
    times = sum((_heartbeat(row).gates for row in gone), start=_of_former(connection))
    connection.execute(update(meta).where(meta.c.name == _GONE).values(value=_packed(times)))


def _of_former(connection: Connection) -> GateTimes:
    value = connection.scalar(select(meta.c.value).where(meta.c.name == _GONE))
    if value is None:
        return GateTimes()
    kept = json.loads(value)
    return GateTimes(_counts(kept["counts"]), kept["gates"], kept["seconds"])


def _packed(times: GateTimes) -> str:
    counts = list(zip(GATE_BUCKETS, times.counts, strict=True))
    return json.dumps({"counts": counts, "gates": times.gates, "seconds": times.seconds})


def _heartbeat(row: Record) -> Heartbeat:
    return Heartbeat(
        name=row.name,
        host=row.host,
        pid=row.pid,
        version=row.version,
        started_at=row.started_at,
        seen_at=row.seen_at,
        moved_at=row.moved_at,
        gates=GateTimes(_counts(row.gate_counts), row.windows, row.gate_seconds),
        breaker=row.breaker,
    )


def _counts(kept: list[tuple[float, int]]) -> tuple[int, ...]:
    """Return counts by today's buckets; a worker of another version may have had others."""
    by_bound = dict(kept)
    return tuple(by_bound.get(bound, 0) for bound in GATE_BUCKETS)
