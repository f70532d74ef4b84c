"""What comes back: claims that nobody took further, hand-overs that nobody began or answered.

A claim comes back by its own owner, or when its lease has run out. A hand-over comes back only by
its own owner, who alone knows that not a byte of it left; once its deadline is past it is in doubt.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, select, update

from worker.model import Claimed, DeliveryState, Gated, Moment, Outcome, Tally, Verdict
from worker.store.editions import Editions
from worker.store.given import among
from worker.store.prepared import Prepared
from worker.store.schema import attempts, deliveries, enrollments, subscribers
from worker.store.settling import doubt, settle_answers
from worker.store.types import Instant

_NOT_BEGUN = Outcome(Verdict.NOT_BEGUN)


def give_back(
    connection: Connection, editions: Editions, gated: Sequence[Gated], moment: Moment
) -> None:
    """Undo the hand-over of letters that their own owner did not begin; they are due at once."""
    answers = {each.attempt_id: (each.claimed.epoch, _NOT_BEGUN) for each in gated}
    settle_answers(connection, editions, answers, moment)


def give_back_lost(
    connection: Connection,
    editions: Editions,
    claimed: Sequence[Claimed],
    owner: str,
    moment: Moment,
) -> None:
    """Undo a gate of which its owner does not know whether it was committed.

    Args:
        connection: a writing transaction.
        editions: the shelf.
        claimed: what was to pass that gate; nothing of it was begun.
        owner: who claimed it.
        moment: now.
    """
    epochs = {each.id: each.epoch for each in claimed}
    passed = {
        row.attempt_id: (row.epoch, _NOT_BEGUN)
        for row in _LIVE(connection, ids=epochs)
        if row.epoch == epochs[row.id]
    }
    settle_answers(connection, editions, passed, moment)
    release(connection, claimed, owner)


def release(connection: Connection, claimed: Sequence[Claimed], owner: str) -> None:
    """Give up claims that were not taken to a gate; they are due at once."""
    epochs = {each.id: each.epoch for each in claimed}
    rows = _HELD(connection, ids=epochs, owner=owner)
    _plan_again(connection, [row.id for row in rows if row.epoch == epochs[row.id]])


def reap(connection: Connection, editions: Editions, moment: Moment) -> Tally:
    """Take back claims whose lease ran out; hand-overs past their deadline become in doubt.

    Their attempts stay live: the same attempt's late answer may still settle them. Whatever
    somebody else works on at this moment waits for the next round.
    """
    ids = [row.id for row in _PAST(connection, wall=moment.wall)]
    if not ids:
        return Tally()
    lapsed = _LAPSED(connection, ids=ids, wall=moment.wall)
    claimed = [row.id for row in lapsed if row.state == DeliveryState.CLAIMED]
    handing = [row.id for row in lapsed if row.state == DeliveryState.HANDING]
    _plan_again(connection, claimed)
    doubt(connection, editions, handing, moment.now)
    return Tally(in_doubt=len(handing))


def _plan_again(connection: Connection, ids: Sequence[str]) -> None:
    if ids:
        _PLAN_AGAIN(connection, ids=ids)


_PAST = Prepared(
    select(deliveries.c.id).where(deliveries.c.lease_until < bindparam("wall", type_=Instant))
)

_LAPSED = Prepared(
    select(deliveries.c.id, deliveries.c.state)
    .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
    .join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
    .where(among(deliveries.c.id), deliveries.c.lease_until < bindparam("wall", type_=Instant))
    .order_by(subscribers.c.id, enrollments.c.id)
    .with_for_update(of=subscribers, key_share=True, skip_locked=True)
    .suffix_with("FOR UPDATE OF enrollments, deliveries SKIP LOCKED", dialect="postgresql")
)

_HELD = Prepared(
    select(deliveries.c.id, deliveries.c.epoch)
    .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
    .join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
    .where(
        among(deliveries.c.id),
        deliveries.c.state == DeliveryState.CLAIMED,
        deliveries.c.owner == bindparam("owner"),
    )
    .order_by(subscribers.c.id, enrollments.c.id)
    .with_for_update(of=subscribers, read=True)
    .suffix_with("FOR UPDATE OF enrollments, deliveries", dialect="postgresql")
)

_PLAN_AGAIN = Prepared(
    update(deliveries)
    .where(among(deliveries.c.id), deliveries.c.state == DeliveryState.CLAIMED)
    .values(state=DeliveryState.PLANNED, owner=None, lease_until=None, retry_at=deliveries.c.due_at)
)

_LIVE = Prepared(
    select(deliveries.c.id, deliveries.c.epoch, attempts.c.id.label("attempt_id"))
    .join(attempts, attempts.c.delivery_id == deliveries.c.id)
    .where(among(deliveries.c.id), attempts.c.outcome.is_(None))
)
