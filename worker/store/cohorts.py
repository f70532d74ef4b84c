"""Where people stand in a course, and what comes for them before and after an edit; reads only.

People are grouped by the database: whoever has the same letters, clock and due time has the same
calendar, which is worked out once, by the same walk as everybody's own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, case, exists, func, select

from course.model import NUDGE, Kind
from worker.calendar import walk
from worker.model import (
    OPEN_STATES,
    PACING_STATES,
    Cohort,
    Coming,
    EnrollmentState,
    Passed,
    Proposed,
    PublishedCourse,
    SubscriberState,
    Syllabus,
)
from worker.pacing import Handed, Hours, Run
from worker.progress import called_now, is_nudge, kind_of, lesson_of
from worker.store.explaining import CAME_TOO_LATE
from worker.store.membership import GOING_ON
from worker.store.schema import courses, deliveries, enrollments, reflections, subscribers
from worker.store.types import Instant, Record

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for a hand-over whose instant decides nothing any more."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where people stand; letters by the names that the published course has for them."""

    state: EnrollmentState
    had: frozenset[str]
    under_way: str | None
    waits_on: str | None


@dataclass(slots=True)
class _Sum:
    """The calendars of everybody in one place: of each letter, when the first and last get it."""

    people: int = 0
    before: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    after: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)


def cohorts(
    connection: Connection, newest: PublishedCourse, after: Proposed, now: datetime
) -> Iterator[Cohort]:
    """Yield people by where they stand, those who had least first."""
    sums: dict[_Place, _Sum] = defaultdict(_Sum)
    renames = dict(newest.renames)
    for row in connection.execute(_GROUPS, {"course": newest.slug, "now": now}):
        place = _Place(
            EnrollmentState(row.state),
            frozenset(called_now(renames, key) for key in _keys(row.had)),
            row.under_way and called_now(renames, row.under_way),
            row.waits_on and called_now(renames, row.waits_on),
        )
        total = sums[place]
        total.people += row.people
        _widen(total.before, _calendar(newest, row, now))
        _widen(total.after, _calendar(after, row, now))
    states = [*GOING_ON]
    for place in sorted(
        sums,
        key=lambda each: (
            _furthest(newest, each.had),
            len(each.had),
            states.index(each.state),
            str(each.under_way),
            str(each.waits_on),
            sorted(each.had),
        ),
    ):
        yield _cohort(newest, after, place, sums[place])


def _calendar(course: Syllabus, row: Record, now: datetime) -> list[tuple[str, datetime]]:
    """Return the letters to come for one group of people.

    A course that stands still waits for no reflection any more when it goes on, and the reminder
    that is under way is skipped then.
    """
    renames = dict(course.renames)
    under_way = row.under_way and called_now(renames, row.under_way)
    if row.state != EnrollmentState.ACTIVE and under_way and is_nudge(under_way):
        under_way = None
    steps = walk(
        course,
        Hours(row.zone, row.send_at),
        _run(course, renames, row),
        due_at=row.under_way_at or row.next_at or now,
        now=now,
        reflected_on=[called_now(renames, lesson_of(key)) for key in _keys(row.reflected)],
        under_way=under_way,
    )
    return [(step.key, step.at) for step in steps if not is_nudge(step.key)]


def _run(course: Syllabus, renames: Mapping[str, str], row: Record) -> Run:
    """Return a group's run; only a wait needs to know when things were handed over."""
    at = {called_now(renames, key): _LONG_AGO for key in _keys(row.had)}
    lesson = row.waits_on and called_now(renames, row.waits_on)
    if lesson in at and row.lesson_at:
        at[lesson] = row.lesson_at
        if row.last_at > row.lesson_at:
            at[lesson + NUDGE] = row.last_at
    return Run(
        handed=tuple(Handed(key, _kind(course, key), at[key]) for key in at),
        nudged=frozenset(lesson_of(called_now(renames, key)) for key in _keys(row.nudged)),
        waits_on=lesson if lesson in at and row.lesson_at else None,
    )


def _kind(course: Syllabus, key: str) -> Kind:
    return Kind.LESSON if is_nudge(key) else kind_of(course.keys, key)


def _widen(
    spans: dict[str, tuple[datetime, datetime]], calendar: Iterable[tuple[str, datetime]]
) -> None:
    for key, at in calendar:
        first, last = spans.get(key, (at, at))
        spans[key] = (min(first, at), max(last, at))


def _cohort(newest: PublishedCourse, after: Proposed, place: _Place, total: _Sum) -> Cohort:
    renames = dict(after.renames)
    expected = {called_now(renames, key) for key in total.before}
    had = {called_now(renames, key) for key in place.had}
    behind = {called_now(renames, key) for key in _behind(newest, place.had)}
    goes_on = place.state is EnrollmentState.ACTIVE
    return Cohort(
        people=total.people,
        state=place.state,
        had=tuple(sorted(place.had, key=lambda key: (_furthest(newest, {key}), key))),
        under_way=place.under_way,
        waits_on=place.waits_on,
        before=_coming(total.before, dated=goes_on),
        after=_coming(total.after, dated=goes_on),
        gained=tuple(key for key in total.after if key not in expected),
        lost=tuple(key for key in total.before if called_now(renames, key) not in total.after),
        passed=tuple(
            Passed(key, CAME_TOO_LATE)
            for key in _behind(after, had)
            if key not in behind and key not in total.after
        ),
    )


def _furthest(course: Syllabus, had: Collection[str]) -> int:
    """Return the place of the last letter that was had; -1 before the first."""
    return max((course.keys.index(key) for key in had if key in course.keys), default=-1)


def _behind(course: Syllabus, had: Collection[str]) -> list[str]:
    """Return the letters that come no more, because a later one was had."""
    return [key for key in course.keys[: max(_furthest(course, had), 0)] if key not in had]


def _coming(spans: Mapping[str, tuple[datetime, datetime]], *, dated: bool) -> tuple[Coming, ...]:
    return tuple(Coming(key, *(span if dated else (None, None))) for key, span in spans.items())


def _keys(joined: str | None) -> list[str]:
    return joined.split(" ") if joined else []


OF_COURSE = (
    enrollments.c.course_id
    == select(courses.c.id).where(courses.c.slug == bindparam("course")).scalar_subquery()
)

_GOES_ON = enrollments.c.state == EnrollmentState.ACTIVE
_WAITS = _GOES_ON & enrollments.c.waits_on.is_not(None)
_IS_NUDGE = deliveries.c.letter_key.endswith(NUDGE)
_IS_HAD = deliveries.c.state.in_(PACING_STATES)
_IS_OPEN = deliveries.c.state.in_(OPEN_STATES)


def _only(condition: ColumnElement[bool], value: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((condition, value), else_=None)


def _not_past(at: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return an instant, or now where it is earlier: whatever is overdue is one group."""
    now = bindparam("now", type_=Instant)
    return case((at < now, now), else_=at)


def _joined(condition: ColumnElement[bool], keys: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.aggregate_strings(_only(condition, keys), " ")


_reflected_on = func.replace(reflections.c.letter_key, NUDGE, "")

_AHEAD_OF_TIME = (
    select(
        reflections.c.enrollment_id,
        func.aggregate_strings(_reflected_on, " ").label("lessons"),
    )
    .join(enrollments, enrollments.c.id == reflections.c.enrollment_id)
    .where(
        OF_COURSE,
        reflections.c.run == enrollments.c.run,
        reflections.c.from_subscriber,
        ~exists().where(
            deliveries.c.enrollment_id == reflections.c.enrollment_id,
            deliveries.c.run == reflections.c.run,
            deliveries.c.letter_key == _reflected_on,
            _IS_HAD,
        ),
    )
    .group_by(reflections.c.enrollment_id)
    .subquery()
)
"""Lessons that are reflected on and not had: they will not be waited on."""

_EACH = (
    select(
        enrollments.c.state,
        enrollments.c.waits_on,
        _only(_GOES_ON, enrollments.c.zone).label("zone"),
        _only(_GOES_ON, enrollments.c.send_at).label("send_at"),
        _not_past(enrollments.c.next_at).label("next_at"),
        _joined(_IS_HAD & ~_IS_NUDGE, deliveries.c.letter_key).label("had"),
        _joined(_WAITS & _IS_NUDGE, deliveries.c.letter_key).label("nudged"),
        func.max(_only(_IS_OPEN, deliveries.c.letter_key)).label("under_way"),
        func.max(_only(_IS_OPEN, _not_past(deliveries.c.retry_at))).label("under_way_at"),
        func.max(_only(_WAITS & _IS_HAD & ~_IS_NUDGE, deliveries.c.handed_at)).label("lesson_at"),
        func.max(_only(_WAITS & _IS_HAD, deliveries.c.handed_at)).label("last_at"),
        func.max(_AHEAD_OF_TIME.c.lessons).label("reflected"),
    )
    .select_from(enrollments)
    .join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
    .outerjoin(
        deliveries,
        (deliveries.c.enrollment_id == enrollments.c.id) & (deliveries.c.run == enrollments.c.run),
    )
    .outerjoin(_AHEAD_OF_TIME, _AHEAD_OF_TIME.c.enrollment_id == enrollments.c.id)
    .where(
        OF_COURSE,
        enrollments.c.state.in_(GOING_ON),
        subscribers.c.state == SubscriberState.ACTIVE,
    )
    .group_by(enrollments.c.id)
    .subquery()
)

_GROUPS = select(*_EACH.c, func.count().label("people")).group_by(*_EACH.c)
