"""How courses go on behind letters that were settled: when the next one is due, if any is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, case, update

from course.model import Kind
from worker.model import EnrollmentState
from worker.pacing import Plan, slot_after
from worker.progress import is_nudge
from worker.store.editions import Editions
from worker.store.fate import Settled
from worker.store.given import as_given, given, looked_up
from worker.store.prepared import Prepared
from worker.store.runs import hours_of, plans_after
from worker.store.schema import enrollments
from worker.store.types import Id, Instant, Record


def go_on(connection: Connection, editions: Editions, settled: Settled, now: datetime) -> None:
    """Write what becomes of the letters' enrollments, whose rows are locked."""
    for course, going in _going_on(connection, editions, settled).items():
        _GO_ON(connection, given=as_given(going), now=now, **course._asdict())


class _Course(NamedTuple):
    """What courses that go on from one window mostly have in common."""

    run: int
    state: EnrollmentState
    waits_on: str | None


_later = given(id=Id, next_at=Instant)

_GO_ON = Prepared(
    update(enrollments)
    .where(looked_up(enrollments.c.id, _later.c.id), enrollments.c.run == bindparam("run"))
    .values(
        state=bindparam("state"),
        next_at=_later.c.next_at,
        waits_on=bindparam("waits_on"),
        changed_at=case(
            (enrollments.c.state == bindparam("state"), enrollments.c.changed_at),
            else_=bindparam("now", type_=Instant),
        ),
    )
)


def _going_on(
    connection: Connection, editions: Editions, settled: Settled
) -> Mapping[_Course, Sequence[tuple[int, datetime | None]]]:
    """Return the enrollments that change, each with when its next letter is due."""
    going = [row for row, _, change in settled if change.paces and row.run == row.present_run]
    waits = plans_after(connection, editions, going)
    slots = _Slots(connection, editions)
    courses: dict[_Course, list[tuple[int, datetime | None]]] = defaultdict(list)
    for row, _, change in settled:
        if row.run != row.present_run or row.enrollment == EnrollmentState.STOPPED:
            continue
        state, next_at = change.enrollment, None
        waits_on = row.waits_on if is_nudge(row.letter_key) else None
        if change.paces and row.kind == Kind.FINALE:
            state, waits_on = EnrollmentState.COMPLETED, None
        elif change.paces and (state or row.enrollment) == EnrollmentState.ACTIVE:
            plan = waits.get(row.id) or Plan(slots.behind(row))
            state, next_at, waits_on = EnrollmentState.ACTIVE, plan.first_at, plan.waits_on
        if state is not None:
            courses[_Course(row.run, state, waits_on)].append((row.enrollment_id, next_at))
    return courses


class _Slots:
    """When next letters are due; those who share course, hours and hand-over share that too."""

    def __init__(self, connection: Connection, editions: Editions) -> None:
        self._connection = connection
        self._editions = editions
        self._known: dict[tuple[object, ...], datetime] = {}

    def behind(self, row: Record) -> datetime:
        """Return when the letter behind this one is due."""
        shared = (row.edition_id, row.kind, row.handed_at, row.zone, row.send_at, row.start)
        slot = self._known.get(shared)
        if slot is None:
            slot = self._known[shared] = slot_after(
                hours_of(row),
                self._editions.edition(self._connection, row.edition_id).schedule,
                handed_at=row.handed_at,
                kind=Kind(row.kind),
                not_before=row.handed_at,
            )
        return slot
