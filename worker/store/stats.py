"""The funnel of a course, measured by what was sent and what was written, never by opens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, ScalarSelect, Select, case, func, select

from course.model import NUDGE
from worker.model import (
    CourseStats,
    DeliveryState,
    EnrollmentState,
    LetterStats,
    PublishedCourse,
    Stopped,
    SubscriberState,
)
from worker.store.schema import courses, deliveries, enrollments, reflections, subscribers

Counts = Select[*tuple[Any, ...]]
"""A query for one row a letter."""


def stats(connection: Connection, course: PublishedCourse) -> CourseStats:
    """Count enrollments by state and people by letter, in four statements."""
    course_id = select(courses.c.id).where(courses.c.slug == course.slug).scalar_subquery()
    states, stopped = _totals(connection, course_id)
    return CourseStats(
        course=course.slug,
        enrolled=sum(states.values()),
        active=states[EnrollmentState.ACTIVE],
        paused=states[EnrollmentState.PAUSED],
        held=states[EnrollmentState.HELD],
        completed=states[EnrollmentState.COMPLETED],
        stopped=stopped,
        letters=_funnel(connection, course, course_id),
    )


def _totals(connection: Connection, course_id: ScalarSelect[int]) -> tuple[Counter[str], Stopped]:
    rows = connection.execute(
        select(
            enrollments.c.state, subscribers.c.state.label("person"), func.count().label("people")
        )
        .join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
        .where(enrollments.c.course_id == course_id)
        .group_by(enrollments.c.state, subscribers.c.state)
    ).all()
    states: Counter[str] = Counter()
    why: Counter[str] = Counter()
    for row in rows:
        states[row.state] += row.people
        if row.state == EnrollmentState.STOPPED:
            why[row.person] += row.people
    return states, Stopped(
        unsubscribed=why[SubscriberState.UNSUBSCRIBED],
        bounced=why[SubscriberState.BOUNCED],
        complained=why[SubscriberState.COMPLAINED],
        course=why[SubscriberState.ACTIVE] + why[SubscriberState.PENDING],
    )


def _funnel(
    connection: Connection, course: PublishedCourse, course_id: ScalarSelect[int]
) -> tuple[LetterStats, ...]:
    its = enrollments.c.course_id == course_id
    renames = dict(course.renames)
    made = {row.letter: row for row in connection.execute(_made(its, renames))}
    reflected = _by_letter(connection, _reflected(its, renames))
    left = _by_letter(connection, _left(its, renames))
    told = any(row.delivered for row in made.values())
    former = sorted(made.keys() - set(course.keys))
    return tuple(
        LetterStats(
            letter=key,
            owed=made[key].owed if key in made else 0,
            sent=made[key].sent if key in made else 0,
            delivered=(made[key].delivered if key in made else 0) if told else None,
            reflected=reflected.get(key, 0),
            left=left.get(key, 0),
        )
        for key in (*course.keys, *former)
    )


def _made(its: ColumnElement[bool], renames: Mapping[str, str]) -> Counts:
    """Ask how many people each letter was owed, sent and delivered to; reminders left out."""
    who = deliveries.c.enrollment_id
    sent = deliveries.c.state == DeliveryState.SENT
    return (
        select(
            _called_now(deliveries.c.letter_key, renames).label("letter"),
            func.count(who.distinct()).label("owed"),
            func.count(case((sent, who)).distinct()).label("sent"),
            func.count(case((deliveries.c.delivered_at.is_not(None), who)).distinct()).label(
                "delivered"
            ),
        )
        .join(enrollments, enrollments.c.id == who)
        .where(its, deliveries.c.letter_key.not_like(f"%{NUDGE}"))
        .group_by("letter")
    )


def _reflected(its: ColumnElement[bool], renames: Mapping[str, str]) -> Counts:
    """Ask how many people wrote about each lesson themselves."""
    return (
        select(
            _called_now(reflections.c.letter_key, renames).label("letter"),
            func.count(reflections.c.enrollment_id.distinct()).label("people"),
        )
        .join(enrollments, enrollments.c.id == reflections.c.enrollment_id)
        .where(its, reflections.c.from_subscriber)
        .group_by("letter")
    )


def _left(its: ColumnElement[bool], renames: Mapping[str, str]) -> Counts:
    """Ask behind which letter people stopped; a reminder counts for its lesson."""
    newest_first = func.row_number().over(
        partition_by=deliveries.c.enrollment_id,
        order_by=(deliveries.c.handed_at.desc(), deliveries.c.due_at.desc()),
    )
    handed = (
        select(
            _called_now(deliveries.c.letter_key, renames).label("letter"),
            newest_first.label("place"),
        )
        .join(enrollments, enrollments.c.id == deliveries.c.enrollment_id)
        .where(
            its,
            enrollments.c.state == EnrollmentState.STOPPED,
            deliveries.c.run == enrollments.c.run,
            deliveries.c.handed_at.is_not(None),
        )
        .subquery()
    )
    return (
        select(handed.c.letter, func.count().label("people"))
        .where(handed.c.place == 1)
        .group_by(handed.c.letter)
    )


def _called_now(key: Column[str], renames: Mapping[str, str]) -> ColumnElement[str]:
    """Return what a letter is called now, a reminder by its lesson, in SQL."""
    lesson = func.replace(key, NUDGE, "")
    return case(renames, value=lesson, else_=lesson) if renames else lesson


def _by_letter(connection: Connection, query: Counts) -> dict[str, int]:
    return {row.letter: row.people for row in connection.execute(query)}
