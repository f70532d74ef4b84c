"""The letters of one run: each once, in their order, and with the least gap between.

Every check asks the database to compare a letter with those before it in its run; only what looks
wrong comes here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, func, select
from sqlalchemy.ext.compiler import compiles

from course.model import NUDGE, Kind
from worker.model import PACING_STATES, DeliveryState
from worker.schedule import AFTER_WELCOME
from worker.store.engine import chunks
from worker.store.rebuilt_letters import hand_overs_rebuilt
from worker.store.schema import deliveries, editions, letters
from worker.store.wishes import asked_next, came_early

HANDED = (*PACING_STATES, DeliveryState.HANDING)


def each_key_once(connection: Connection) -> Iterator[str]:
    """In one run no letter has two deliveries."""
    twice = (
        select(deliveries.c.enrollment_id, deliveries.c.run, deliveries.c.letter_key)
        .group_by(deliveries.c.enrollment_id, deliveries.c.run, deliveries.c.letter_key)
        .having(func.count() > 1)
    )
    for row in connection.execute(twice):
        yield f"enrollment {row.enrollment_id} has {row.letter_key} twice in run {row.run}"


def each_letter_once_whatever_it_was_called(connection: Connection) -> Iterator[str]:
    """In one run nobody got a letter again under the name that a later edition gave it."""
    renamed = [
        {"edition_id": edition.id, "former": former + what, "present": present + what}
        for edition in connection.execute(select(editions.c.id, editions.c.renames))
        for former, present in edition.renames
        for what in ("", NUDGE)
    ]
    for some in chunks(renamed):
        names = (
            sa.values(
                sa.column("edition_id", sa.Integer),
                sa.column("former", sa.String),
                sa.column("present", sa.String),
            )
            .data([(each["edition_id"], each["former"], each["present"]) for each in some])
            .cte("renamed")
        )
        earlier, later = deliveries.alias("earlier"), deliveries.alias("later")
        again = (
            select(later.c.enrollment_id)
            .join(letters, letters.c.id == later.c.letter_id)
            .join(
                names,
                (names.c.edition_id == letters.c.edition_id)
                & (names.c.present == later.c.letter_key),
            )
            .join(
                earlier,
                (earlier.c.enrollment_id == later.c.enrollment_id)
                & (earlier.c.run == later.c.run)
                & (earlier.c.letter_key == names.c.former),
            )
            .where(
                earlier.c.state.in_(HANDED),
                later.c.state.in_(HANDED),
                earlier.c.handed_at <= later.c.handed_at,
            )
        )
        for (enrollment_id,) in connection.execute(again):
            yield f"enrollment {enrollment_id} got a letter twice"


def in_order(connection: Connection) -> Iterator[str]:
    """No letter was handed over before one that stands in front of it in the same edition.

    Reminders stand in no order.
    """
    run = (deliveries.c.enrollment_id, deliveries.c.run, letters.c.edition_id)
    furthest = func.max(letters.c.position).over(
        partition_by=run,
        order_by=(deliveries.c.handed_at, deliveries.c.id),
        rows=(None, -1),
    )
    handed = (
        select(deliveries.c.id, letters.c.position, furthest.label("furthest"))
        .join(letters, letters.c.id == deliveries.c.letter_id)
        .where(deliveries.c.state.in_(HANDED), letters.c.reminds_of.is_(None))
        .subquery()
    )
    overtook = select(handed.c.id).where(handed.c.position < handed.c.furthest)
    for (delivery_id,) in connection.execute(overtook):
        yield f"delivery {delivery_id} overtook a letter that comes before it"


def apart(connection: Connection) -> Iterator[str]:
    """The least gap lies between two letters; one that its person asked for may come sooner.

    Which gap was followed is that of the edition the later one was planned by: it was the newest
    at some moment between the edition that the earlier letter was made from and that of the later.
    """
    asked: dict[int, Any] | None = None
    rebuilt = hand_overs_rebuilt(connection)  # why they came when they did is not on record
    for row in connection.execute(_TOO_SOON):
        if row.id in rebuilt:
            continue
        if row.handed_at - row.before_at >= timedelta(seconds=row.gap):
            continue  # to the microsecond, as the databases do not reckon
        if asked is None:
            asked = asked_next(connection)
        if not came_early(asked.get(row.enrollment_id, ()), row.before_at, row.handed_at):
            yield f"delivery {row.id} came too soon after the letter before it"


class _Seconds(sa.sql.functions.GenericFunction[float]):
    """Seconds from one instant to a later one; SQLite's are right to about a millisecond."""

    type = sa.Float()
    inherit_cache = True
    name = "lettercourse_seconds"


@compiles(_Seconds, "sqlite")
def _on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    earlier, later = (compiler.process(each, **options) for each in element.clauses)
    return f"((julianday({later}) - julianday({earlier})) * 86400.0)"


@compiles(_Seconds, "postgresql")
def _on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    earlier, later = (compiler.process(each, **options) for each in element.clauses)
    return f"EXTRACT(EPOCH FROM {later} - {earlier})"


def _too_soon() -> sa.Select[Any]:
    def before(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return func.lag(column, type_=column.type).over(
            partition_by=(deliveries.c.enrollment_id, deliveries.c.run),
            order_by=(deliveries.c.handed_at, deliveries.c.id),
        )

    handed = (
        select(
            deliveries.c.id,
            deliveries.c.enrollment_id,
            deliveries.c.handed_at,
            letters.c.edition_id,
            before(deliveries.c.handed_at).label("before_at"),
            before(letters.c.kind).label("kind_before"),
            before(letters.c.edition_id).label("edition_before"),
        )
        .join(letters, letters.c.id == deliveries.c.letter_id)
        .where(deliveries.c.state.in_(HANDED))
        .subquery()
    )
    own, between = editions.alias("own"), editions.alias("between_them")
    least = (
        select(func.min(between.c.minimum_gap))
        .where(
            between.c.course_id == own.c.course_id,
            between.c.id.between(handed.c.edition_before, handed.c.edition_id),
        )
        .correlate(own, handed)
        .scalar_subquery()
    )
    gap = sa.case(
        (handed.c.kind_before == Kind.WELCOME, int(AFTER_WELCOME.total_seconds())),
        (handed.c.edition_before == handed.c.edition_id, own.c.minimum_gap),
        else_=least,
    )
    return (
        select(handed, gap.label("gap"))
        .join(own, own.c.id == handed.c.edition_id)
        .where(
            handed.c.before_at.is_not(None),
            _Seconds(handed.c.before_at, handed.c.handed_at) < gap + _SLACK,
        )
    )


_SLACK = 0.01
"""Seconds that the databases' reckoning may be wrong by."""

_TOO_SOON = _too_soon()
