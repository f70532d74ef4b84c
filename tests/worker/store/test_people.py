"""Joining, pausing, resuming, restarting, leaving."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy import select

from course.model import Schedule
from tests.worker.ledger import (
    DAY,
    KEYS,
    MONDAY,
    NO_SUCH_PERSON,
    REFUSED,
    World,
    edition,
    person,
)
from worker.errors import Refused, UnknownSubscriber
from worker.model import DeliveryState, EnrollmentState, EnrollResult, SubscriberState
from worker.store.schema import enrollments, subscribers

ENROLLED, ALREADY, SUPPRESSED = EnrollResult


def test_a_list_enrolls_everybody_once(world: World) -> None:
    people = [person("ben"), person("cleo"), person("ben")]
    assert world.enroll(*people) == [ENROLLED, ENROLLED, ALREADY]
    assert world.enroll(*people) == [ALREADY, ALREADY, ALREADY]
    assert len(world.store.subscribers()) == 2


def test_enrolling_again_changes_nothing(world: World) -> None:
    world.enroll(person("ben"))
    before = world.store.standing("ben@example.net")
    world.enroll(person("ben", timezone="Asia/Tokyo", send_at=time(20)))
    assert world.store.standing("ben@example.net") == before


def test_the_welcome_is_due_at_once_or_on_the_chosen_day(world: World) -> None:
    world.enroll(person("ben"), person("cleo", timezone="Asia/Tokyo", start=date(2026, 4, 1)))
    assert world.stands("ben").next_at == MONDAY
    assert world.stands("cleo").next_at == datetime(2026, 3, 31, 23, tzinfo=UTC)
    assert world.store.next_due_at() == MONDAY
    assert world.store.due_count(MONDAY, limit=10) == 1


def test_a_chosen_zone_hour_and_day_are_kept_with_the_enrollment(world: World) -> None:
    chosen = {"timezone": "Asia/Tokyo", "send_at": time(7, 5), "start": date(2026, 4, 1)}
    world.enroll(person("ben", **chosen), person("cleo"))
    columns = enrollments.c.zone, enrollments.c.send_at, enrollments.c.start
    with world.store._database.reading() as connection:
        kept = connection.execute(select(*columns).order_by(enrollments.c.id)).all()
        late = select(subscribers.c.address).join(enrollments).where(columns[1] > time(7))
        assert connection.scalars(late).all() == ["ben@example.net"]
    assert [tuple(row) for row in kept] == [tuple(chosen.values()), (None, None, None)]


def test_a_list_of_known_and_unknown_people_is_answered_in_its_order(world: World) -> None:
    world.enroll(person("ben"), person("cleo"))
    world.store.unsubscribe("cleo@example.net", MONDAY)
    named = [person(each) for each in ("eve", "ben", "cleo", "finn", "eve")]
    assert world.enroll(*named) == [ENROLLED, ALREADY, SUPPRESSED, ENROLLED, ALREADY]
    world.publish(edition(course="patience"))
    other = world.store.course("patience")
    answers = world.store.enroll(other, [*named, person("gus")], MONDAY)
    assert answers == [ENROLLED, ENROLLED, SUPPRESSED, ENROLLED, ALREADY, ENROLLED]


def test_whoever_left_is_not_enrolled_again(world: World) -> None:
    world.enroll(person("ben"))
    world.store.unsubscribe("ben@example.net", MONDAY)
    world.publish(edition(course="patience"))
    assert world.enroll(person("ben")) == [SUPPRESSED]
    other = world.store.course("patience")
    assert world.store.enroll(other, [person("ben")], MONDAY) == [SUPPRESSED]


def test_a_second_course_learns_the_name_the_first_one_lacked(world: World) -> None:
    world.store.enroll(
        world.store.course("motivation"), [person("ben").__class__("ben@example.net")], MONDAY
    )
    world.publish(edition(course="patience"))
    world.store.enroll(
        world.store.course("patience"), [person("ben", timezone="Asia/Tokyo")], MONDAY
    )
    stands = world.store.standing("ben@example.net")
    assert (stands.name, stands.timezone) == ("Ben", "Asia/Tokyo")
    assert [each.course for each in stands.enrollments] == ["motivation", "patience"]
    assert len(world.store.subscribers("patience")) == 1
    assert world.store.subscribers(limit=0) == []


def test_thousands_join_in_one_transaction(world: World) -> None:
    crowd = [person(f"p{number}") for number in range(3000)]
    assert world.enroll(*crowd) == [ENROLLED] * 3000
    assert world.enroll(*crowd) == [ALREADY] * 3000


def test_unknown_people_are_named(world: World) -> None:
    world.enroll(person("ben"))
    for ask in (
        lambda: world.store.standing("eve@example.net"),
        lambda: world.store.explain("eve@example.net", MONDAY),
        lambda: world.store.unsubscribe("eve@example.net", MONDAY),
        lambda: world.store.pause("eve@example.net", None, MONDAY),
        lambda: world.store.restart("ben@example.net", "patience", MONDAY),
    ):
        with pytest.raises(UnknownSubscriber):
            ask()


def test_a_paused_person_gets_nothing(world: World) -> None:
    world.enroll(person("ben"))
    world.tick()
    world.store.pause("ben@example.net", None, world.clock.now())
    world.store.pause("ben@example.net", None, world.clock.now())
    for _ in range(10):
        world.clock.advance(DAY)
        world.tick()
    assert world.mailbox.subjects() == ["welcome"]
    assert world.stands().state is EnrollmentState.PAUSED
    assert (world.stands().next, world.stands().next_at) == ("goals", None)
    assert world.why("goals")[0] == "waiting"
    assert "paused" in world.why("goals")[1]


def test_resuming_goes_on_with_the_next_slot(world: World) -> None:
    world.enroll(person("ben", timezone="Europe/Berlin"))
    world.tick()
    world.store.pause("ben@example.net", "motivation", world.clock.now())
    world.clock.advance(10 * DAY + timedelta(hours=2))
    world.store.resume("ben@example.net", "motivation", world.clock.now())
    assert world.stands().next_at == datetime(2026, 3, 13, 7, tzinfo=UTC)
    world.store.resume("ben@example.net", None, world.clock.now())
    assert world.stands().next_at == datetime(2026, 3, 13, 7, tzinfo=UTC)


def test_resuming_before_the_welcome_sends_it_at_once(world: World) -> None:
    world.enroll(person("ben"))
    world.store.pause("ben@example.net", None, MONDAY)
    world.clock.advance(DAY)
    world.store.resume("ben@example.net", None, world.clock.now())
    world.tick()
    assert world.mailbox.subjects() == ["welcome"]


def test_a_pause_takes_a_claimed_letter_back_and_freezes_it(world: World) -> None:
    world.enroll(person("ben"))
    claimed = world.claim()
    world.store.pause("ben@example.net", None, MONDAY)
    assert world.gate(claimed) == []
    assert world.state_of(claimed[0].id) is DeliveryState.PLANNED
    world.clock.advance(DAY)
    assert world.tick().claimed == 0
    world.store.resume("ben@example.net", None, world.clock.now())
    assert world.tick().sent == 1
    assert world.mailbox.subjects() == ["welcome"]


def test_what_is_past_its_gate_arrives_in_a_pause_and_paces_the_course(world: World) -> None:
    world.enroll(person("ben"))
    gated = world.hand_over()
    world.store.pause("ben@example.net", None, MONDAY)
    world.settle(gated, world.mailbox.answer(None))  # type: ignore[arg-type]
    assert world.state_of(gated.claimed.id) is DeliveryState.SENT
    assert world.stands().next_at is None
    world.store.resume("ben@example.net", None, MONDAY)
    assert world.stands().next_at == MONDAY + timedelta(hours=25)


def test_a_held_course_goes_on_when_the_operator_says_so(world: World) -> None:
    world.enroll(person("ben"))
    gated = world.hand_over()
    world.settle(gated, REFUSED)
    assert world.stands().state is EnrollmentState.HELD
    assert world.why("welcome") == (
        "failed",
        "the provider refused it: 554 no spam here; the course is held until: "
        "lettercourse subscribers resume ben@example.net",
    )
    assert "held" in world.why("goals")[1]
    world.clock.advance(DAY)
    assert world.tick().claimed == 0
    world.store.resume("ben@example.net", None, world.clock.now())
    assert world.state_of(gated.claimed.id) is DeliveryState.PLANNED
    assert world.tick().sent == 1
    assert world.stands().sent == ("welcome",)
    (record,) = world.store.deliveries()
    assert record.attempts == 2


def test_a_refused_letter_is_tried_again_as_the_author_mended_it(world: World) -> None:
    world.enroll(person("ben"))
    world.settle(world.hand_over(), REFUSED)
    world.publish(edition(words={"welcome": "No word of spam."}))
    world.store.resume("ben@example.net", None, MONDAY)
    world.tick()
    assert b"No word of spam." in world.mailbox.messages[0].mime


def test_a_held_course_whose_letter_is_gone_goes_on_with_the_next(world: World) -> None:
    world.enroll(person("ben"))
    world.tick()
    world.clock.advance(2 * DAY)
    world.settle(world.hand_over(), REFUSED)
    world.publish(edition(("welcome", "support", "finale")))
    world.store.resume("ben@example.net", None, world.clock.now())
    world.clock.advance(DAY)
    world.tick()
    assert world.mailbox.subjects() == ["welcome", "support"]
    assert world.store.audit().violations == ()


def test_there_is_nothing_to_pause_or_resume_after_the_end(world: World) -> None:
    world.enroll(person("ben"), person("cleo"))
    world.let_time_pass()
    assert world.stands().state is EnrollmentState.COMPLETED
    world.store.unsubscribe("cleo@example.net", world.clock.now())
    for name in ("ben", "cleo"):
        with pytest.raises(Refused, match="motivation is"):
            world.store.pause(f"{name}@example.net", None, world.clock.now())
        with pytest.raises(Refused, match="motivation is"):
            world.store.resume(f"{name}@example.net", None, world.clock.now())


def test_a_restart_sends_every_letter_once_more(world: World) -> None:
    world.enroll(person("ben"))
    world.let_time_pass()
    world.store.restart("ben@example.net", "motivation", world.clock.now())
    assert (world.stands().run, world.stands().sent) == (2, ())
    world.let_time_pass()
    assert world.mailbox.subjects() == [*KEYS, *KEYS]
    assert len({record.id for record in world.store.deliveries()}) == 2 * len(KEYS)
    assert world.store.audit().violations == ()


def test_a_restart_cancels_what_was_waiting(world: World) -> None:
    world.enroll(person("ben"))
    (claimed,) = world.claim()
    world.store.restart("ben@example.net", "motivation", MONDAY)
    assert world.state_of(claimed.id) is DeliveryState.CANCELLED
    assert world.gate([claimed]) == []
    assert world.tick().sent == 1


def test_a_restart_is_refused_while_a_letter_is_handed_over(world: World) -> None:
    world.enroll(person("ben"))
    world.hand_over()
    with pytest.raises(Refused, match="just now"):
        world.store.restart("ben@example.net", "motivation", MONDAY)


def test_a_restart_is_refused_to_those_who_left(world: World) -> None:
    world.enroll(person("ben"))
    world.store.unsubscribe("ben@example.net", MONDAY)
    with pytest.raises(Refused, match="unsubscribed"):
        world.store.restart("ben@example.net", "motivation", MONDAY)


def test_a_restart_is_refused_to_those_who_left_this_course_alone(world: World) -> None:
    world.enroll(person("ben"))
    world.tick()
    world.store.leave_course("ben@example.net", "motivation", MONDAY)
    with pytest.raises(Refused, match="left this course"):
        world.store.restart("ben@example.net", "motivation", MONDAY)
    world.let_time_pass()
    assert world.mailbox.subjects() == ["welcome"]


def test_leaving_ends_every_course_in_any_state(world: World) -> None:
    world.publish(edition(course="patience"))
    world.enroll(person("ben"))
    world.store.enroll(world.store.course("patience"), [person("ben")], MONDAY)
    world.store.pause("ben@example.net", "patience", MONDAY)
    (claimed,) = world.claim()
    world.store.unsubscribe("ben@example.net", MONDAY)
    world.store.unsubscribe("ben@example.net", MONDAY + DAY)
    stands = world.store.standing("ben@example.net")
    assert stands.state is SubscriberState.UNSUBSCRIBED
    assert {each.state for each in stands.enrollments} == {EnrollmentState.STOPPED}
    assert {each.next_at for each in stands.enrollments} == {None}
    assert world.state_of(claimed.id) is DeliveryState.CANCELLED
    assert world.store.next_due_at() is None
    state, why = world.why("goals")
    assert state == "cancelled"
    assert "they unsubscribed on 2026-03-02" in why


def test_one_click_leaves_by_the_enrollment_and_as_often_as_clicked(world: World) -> None:
    world.enroll(person("ben"))
    (claimed,) = world.claim()
    assert world.store.unsubscribe_enrollment(claimed.enrollment_id, MONDAY)
    assert world.store.unsubscribe_enrollment(claimed.enrollment_id, MONDAY)
    assert not world.store.unsubscribe_enrollment(4711, MONDAY)
    assert world.gate([claimed]) == []


def test_a_bounce_stops_every_course_and_a_persons_own_word_outlives_it(world: World) -> None:
    world.publish(edition(course="patience"))
    world.enroll(person("ben"))
    world.store.enroll(world.store.course("patience"), [person("ben")], MONDAY + DAY)
    gated = world.hand_over()
    world.settle(gated, NO_SUCH_PERSON)
    stands = world.store.standing("ben@example.net")
    assert stands.state is SubscriberState.BOUNCED
    assert {each.state for each in stands.enrollments} == {EnrollmentState.STOPPED}
    assert world.state_of(gated.claimed.id) is DeliveryState.FAILED
    world.store.unsubscribe("ben@example.net", MONDAY)
    assert world.store.standing("ben@example.net").state is SubscriberState.UNSUBSCRIBED
    assert world.store.audit().violations == ()


def test_the_courses_hour_follows_the_course_a_persons_own_stays(world: World) -> None:
    world.enroll(person("ben"), person("cleo", send_at=time(6)))
    world.publish(edition(schedule=Schedule(send_at=time(20))))
    world.tick()
    assert world.stands("ben").next_at == datetime(2026, 3, 3, 20, tzinfo=UTC)
    assert world.stands("cleo").next_at == datetime(2026, 3, 3, 6, tzinfo=UTC)
