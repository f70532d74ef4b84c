"""What an operator decides about letters that nobody else can settle, and what they decided.

The ledger alone never sends a letter again that may have arrived. The operator may, as long as that
breaks no other promise: the provider can no longer be at work on the first copy, nothing later was
handed over, and the person did not leave. The letter keeps its id, and so its Message-ID.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, update

from worker.errors import Refused, UnknownDelivery
from worker.model import (
    OPEN_STATES,
    Decision,
    DeliveryState,
    EnrollmentState,
    Moment,
    Outcome,
    Settlement,
    Verdict,
)
from worker.progress import is_nudge
from worker.store.editions import Editions
from worker.store.engine import rows_of
from worker.store.fate import shortened, strongest
from worker.store.leaving import LEFT_STATES, WHY_COURSE_LEFT, WHY_LEFT
from worker.store.locking import lock_people_of
from worker.store.news import heard_of, of_newest
from worker.store.schema import attempts, deliveries, enrollments, settlements, subscribers
from worker.store.settling import settle_told
from worker.store.types import Record, those

LONGEST_NAME = 200


def decide(
    connection: Connection,
    editions: Editions,
    delivery_id: str,
    decision: Decision,
    operator: str,
    because: str,
    moment: Moment,
) -> Settlement:
    """Settle one letter as its operator says, and keep who said so.

    An attempt whose answer might still come is closed, so that this answer settles nothing any
    more, least of all the letter's next copy. What the provider's events tell still does.

    Args:
        connection: a writing transaction.
        editions: for the schedules by which courses go on.
        delivery_id: which letter.
        decision: what became of it.
        operator: who says so.
        because: why, in their own words; may be empty.
        moment: ``wall`` is held against the attempt's deadline.

    Raises:
        UnknownDelivery: there is no such letter.
        Refused: it cannot be settled so.
    """
    case = Case(_locked(connection, delivery_id), decision, moment)
    for objection in OBJECTIONS:
        why_not = objection(connection, case)
        if why_not is not None:
            raise Refused(why_not.what, where=delivery_id, remedy=why_not.remedy)
    row = case.row
    connection.execute(_CLOSE, {"which": row.id, "at": moment.now})
    if decision is Decision.RESEND:
        state = _send_again(connection, row, moment.now)
    else:
        verdict = Verdict.ACCEPTED if decision is Decision.SENT else Verdict.REFUSED
        settle_told(connection, editions, {row.id: Outcome(verdict, row.detail)}, moment.now)
        state = DeliveryState(decision)
    connection.execute(
        insert(settlements).values(
            delivery_id=row.id,
            was=row.state,
            decision=decision,
            operator=operator[:LONGEST_NAME],
            decided_at=moment.now,
            detail=shortened(because),
        )
    )
    return Settlement(row.id, DeliveryState(row.state), decision, state)


def decided_about(connection: Connection, ids: Sequence[str]) -> dict[str, list[Record]]:
    """Return what operators decided about these deliveries, oldest first."""
    found: dict[str, list[Record]] = defaultdict(list)
    for row in rows_of(connection, _DECIDED, ids):
        found[row.delivery_id].append(row)
    return dict(found)


@dataclass(frozen=True, slots=True)
class Case:
    """One letter about which something is to be decided."""

    row: Record
    decision: Decision
    moment: Moment

    @property
    def resends(self) -> bool:
        """Whether it is to be sent once more."""
        return self.decision is Decision.RESEND


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why a letter cannot be settled in that way."""

    what: str
    remedy: str = ""


def under_way(_: Connection, case: Case) -> WhyNot | None:
    """A letter that a worker has in hand, or that waits for one, is not in doubt yet."""
    if case.row.state not in OPEN_STATES:
        return None
    return WhyNot("it is under way", "wait for its end")


def no_doubt(_: Connection, case: Case) -> WhyNot | None:
    """What became of a letter is known, unless it is in doubt or was refused."""
    row, decision = case.row, case.decision
    if row.state == DeliveryState.IN_DOUBT:
        return None
    if row.state == DeliveryState.FAILED and decision is Decision.RESEND:
        remedy = f"lettercourse subscribers resume {row.address}"
        return WhyNot("a letter that failed is tried again by resuming its course", remedy)
    if row.state == DeliveryState.FAILED and decision is Decision.SENT:
        return None
    return WhyNot(f"it is {row.state} already")


def told_otherwise(connection: Connection, case: Case) -> WhyNot | None:
    """Nobody says ``sent`` of a letter that its provider saw fail."""
    row = case.row
    if case.decision is not Decision.SENT or row.gated_wall is None:
        return None
    told = heard_of(connection, [row.id]).get(row.id, ())
    last = strongest(of_newest(told, row.attempts, row.gated_wall))
    if last is None or not last.undelivered:
        return None
    return WhyNot("its provider told that it did not arrive")


def person_left(_: Connection, case: Case) -> WhyNot | None:
    """Nobody who left hears from us again."""
    row = case.row
    if not case.resends:
        return None
    if row.subscriber in LEFT_STATES or row.enrollment == EnrollmentState.STOPPED:
        why = WHY_LEFT.get(row.subscriber, WHY_COURSE_LEFT)
        return WhyNot(f"it is not sent again: {why}", "settle it as sent or failed")
    return None


def before_deadline(_: Connection, case: Case) -> WhyNot | None:
    """A provider that still works on the first copy would make the second one a double."""
    deadline = case.row.deadline
    if not case.resends or deadline is None or deadline <= case.moment.wall:
        return None
    at = f"{deadline:%Y-%m-%d %H:%M:%S} UTC"
    return WhyNot("its provider may still be at work on it", f"try again after {at}")


def course_moved_on(connection: Connection, case: Case) -> WhyNot | None:
    """Letters come in their order, one at a time."""
    row = case.row
    if not case.resends:
        return None
    if row.run != row.present_run:
        return WhyNot("it is not sent again: the course was restarted", "settle it as sent")
    which = {"which": row.id, "whose": row.enrollment_id, "run": row.run, "at": row.handed_at}
    later = connection.scalar(_LATER, which)
    if later is None:
        return None
    remedy = "settle it as sent or failed"
    return WhyNot(f"it is not sent again: {later} came after it", remedy)


OBJECTIONS: tuple[Callable[[Connection, Case], WhyNot | None], ...] = (
    under_way,
    no_doubt,
    told_otherwise,
    person_left,
    before_deadline,
    course_moved_on,
)
"""Why a letter may not be settled in some way; the first that holds is told."""


def _locked(connection: Connection, delivery_id: str) -> Record:
    which = {"which": delivery_id}
    enrollment_id = connection.scalar(_WHOSE, which)
    if enrollment_id is None:
        raise UnknownDelivery(
            "there is no such letter", where=delivery_id, remedy="see: lettercourse deliveries list"
        )
    lock_people_of(connection, [enrollment_id])
    return connection.execute(_LOCKED, which).one()


def _send_again(connection: Connection, row: Record, now: datetime) -> DeliveryState:
    """Plan the letter once more, due now; a paused course goes on with it when it goes on."""
    is_paused = row.enrollment == EnrollmentState.PAUSED
    connection.execute(
        _PLAN, {"which": row.id, "expected": row.epoch, "at": None if is_paused else now}
    )
    if not is_paused:
        connection.execute(
            _GO_ON,
            {
                "which": row.enrollment_id,
                "waiting": row.waits_on if is_nudge(row.letter_key) else None,
                "at": row.changed_at if row.enrollment == EnrollmentState.ACTIVE else now,
            },
        )
    return DeliveryState.PLANNED


_WHOSE = select(deliveries.c.enrollment_id).where(deliveries.c.id == bindparam("which"))

_LOCKED = (
    select(
        deliveries.c.id,
        deliveries.c.enrollment_id,
        deliveries.c.run,
        deliveries.c.letter_key,
        deliveries.c.state,
        deliveries.c.epoch,
        deliveries.c.handed_at,
        deliveries.c.attempts,
        deliveries.c.detail,
        attempts.c.gated_wall,
        attempts.c.deadline,
        enrollments.c.state.label("enrollment"),
        enrollments.c.run.label("present_run"),
        enrollments.c.waits_on,
        enrollments.c.changed_at,
        subscribers.c.state.label("subscriber"),
        subscribers.c.address,
    )
    .select_from(enrollments)
    .join(deliveries, deliveries.c.enrollment_id == enrollments.c.id)
    .join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
    .outerjoin(
        attempts,
        (attempts.c.delivery_id == deliveries.c.id) & (attempts.c.number == deliveries.c.attempts),
    )
    .where(deliveries.c.id == bindparam("which"))
    .with_for_update(of=(enrollments, deliveries))
)

_LATER = (
    select(deliveries.c.letter_key)
    .where(
        deliveries.c.enrollment_id == bindparam("whose"),
        deliveries.c.run == bindparam("run"),
        deliveries.c.id != bindparam("which"),
        deliveries.c.state.in_(OPEN_STATES) | (deliveries.c.handed_at > bindparam("at")),
    )
    .order_by(deliveries.c.due_at)
    .limit(1)
)

_CLOSE = (
    update(attempts)
    .where(attempts.c.delivery_id == bindparam("which"), attempts.c.outcome.is_(None))
    .values(outcome=Verdict.UNKNOWN, detail="the operator decided", answered_at=bindparam("at"))
)

_PLAN = (
    update(deliveries)
    .where(
        deliveries.c.id == bindparam("which"),
        deliveries.c.state == DeliveryState.IN_DOUBT,
        deliveries.c.epoch == bindparam("expected"),
    )
    .values(
        state=DeliveryState.PLANNED,
        retry_at=bindparam("at"),
        handed_at=None,
        settled_at=None,
        delivered_at=None,
        deferrals=0,
    )
)

_GO_ON = (
    update(enrollments)
    .where(enrollments.c.id == bindparam("which"))
    .values(
        state=EnrollmentState.ACTIVE,
        next_at=None,
        waits_on=bindparam("waiting"),
        changed_at=bindparam("at"),
    )
)

_DECIDED = (
    select(settlements).where(settlements.c.delivery_id.in_(those())).order_by(settlements.c.id)
)
