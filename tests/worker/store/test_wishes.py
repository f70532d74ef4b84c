"""What a person may change about a course by its link, and what that never breaks."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import select, update

from tests.worker.databases import Databases
from tests.worker.ledger import (
    DAY,
    DEFERRED,
    KEYS,
    MONDAY,
    REFUSED,
    World,
    edition,
    person,
)
from tests.worker.writings import enrollment_of
from worker.errors import UnknownSubscriber
from worker.model import DeliveryState, EnrollmentState, SubscriberState
from worker.store.schema import deliveries, enrollments, events, subscribers
from worker.store.wishes import Wish

BEN = "ben@example.net"
HOUR = timedelta(hours=1)


@pytest.fixture
def begun(world: World) -> World:
    """Ben, in Berlin, had the welcome an hour ago."""
    world.enroll(person("ben", timezone="Europe/Berlin"))
    world.tick()
    world.clock.advance(HOUR)
    return world


def ben(world: World) -> int:
    return enrollment_of(world.store, BEN)


def pause(world: World) -> Wish:
    return world.store.pause_enrollment(ben(world), world.clock.now())


def resume(world: World) -> Wish:
    return world.store.resume_enrollment(ben(world), world.clock.now())


def reschedule(world: World, at: time, zone: str) -> Wish:
    return world.store.reschedule(ben(world), at, zone, world.clock.now())


def hurry(world: World, expected: str | None = None) -> Wish:
    return world.store.next_now(ben(world), expected, world.clock.now())


def test_who_asks_for_a_letter_that_has_its_row_already_asks_for_that_row(begun: World) -> None:
    begun.clock.advance(2 * DAY)
    begun.claim()
    begun.store.unsubscribe(BEN, begun.clock.now())
    was = deliveries.c.state == DeliveryState.CANCELLED
    back = {"state": EnrollmentState.ACTIVE, "next_at": begun.clock.now() + DAY}
    with begun.store._database.writing() as connection:
        connection.execute(update(deliveries).where(was).values(id="0" * 32))
        connection.execute(update(subscribers).values(state=SubscriberState.ACTIVE))
        connection.execute(update(enrollments).values(**back))
    assert hurry(begun) is Wish.GRANTED
    with begun.store._database.reading() as connection:
        assert connection.scalars(select(events.c.delivery_id)).all() == ["0" * 32]


def test_pausing_and_resuming_are_the_same_as_by_address(begun: World) -> None:
    assert (pause(begun), pause(begun)) == (Wish.GRANTED, Wish.GRANTED)
    assert begun.stands().state is EnrollmentState.PAUSED
    begun.clock.advance(5 * DAY)
    assert begun.tick().claimed == 0
    assert (resume(begun), resume(begun)) == (Wish.GRANTED, Wish.GRANTED)
    assert begun.stands().next_at == datetime(2026, 3, 8, 7, tzinfo=UTC)


def test_a_held_course_waits_for_the_operator_whoever_holds_the_link(world: World) -> None:
    world.enroll(person("ben"))
    world.settle(world.hand_over(), REFUSED)
    assert (pause(world), resume(world), hurry(world)) == (Wish.OVER,) * 3
    assert world.stands().state is EnrollmentState.HELD


def test_what_was_asked_for_may_come_early_as_whatever_an_edit_made_of_it(begun: World) -> None:
    hurry(begun)
    begun.publish(edition(("welcome", "support", "finale")))
    begun.tick()
    assert begun.mailbox.subjects() == ["welcome", "support"]
    assert begun.store.audit().violations == ()


def test_nothing_brings_a_course_back_that_was_left(begun: World) -> None:
    begun.store.leave_enrollment(ben(begun), begun.clock.now())
    answers = (pause(begun), resume(begun), hurry(begun), reschedule(begun, time(9), "UTC"))
    assert answers == (Wish.OVER,) * 4
    assert begun.stands().state is EnrollmentState.STOPPED
    assert begun.store.next_due_at() is None


def test_a_link_of_nobody_is_told_apart(world: World) -> None:
    for ask in (
        lambda: world.store.pause_enrollment(4711, MONDAY),
        lambda: world.store.resume_enrollment(4711, MONDAY),
        lambda: world.store.reschedule(4711, time(8), "UTC", MONDAY),
        lambda: world.store.next_now(4711, None, MONDAY),
        lambda: world.store.ask_link(4711, MONDAY),
    ):
        with pytest.raises(UnknownSubscriber):
            ask()
    assert world.store.membership(4711) is None
    assert world.store.journey(4711, MONDAY) is None
    assert not world.store.leave_enrollment(4711, MONDAY)


def test_another_hour_moves_the_next_letter_to_its_slot(begun: World) -> None:
    assert begun.stands().next_at == datetime(2026, 3, 3, 7, tzinfo=UTC)
    assert reschedule(begun, time(20, 15), "America/New_York") is Wish.GRANTED
    assert begun.stands().next_at == datetime(2026, 3, 4, 1, 15, tzinfo=UTC)
    begun.let_time_pass()
    assert begun.mailbox.subjects() == list(KEYS)
    assert begun.store.audit().violations == ()


def test_a_letter_that_is_due_already_is_not_put_off_by_another_hour(begun: World) -> None:
    begun.clock.advance(2 * DAY)
    reschedule(begun, time(23), "Europe/Berlin")
    assert begun.tick().sent == 1


def test_another_hour_in_a_pause_counts_from_resuming(begun: World) -> None:
    pause(begun)
    assert reschedule(begun, time(6), "Asia/Tokyo") is Wish.GRANTED
    assert begun.stands().next_at is None
    begun.clock.advance(3 * DAY)
    resume(begun)
    assert begun.stands().next_at == datetime(2026, 3, 5, 21, tzinfo=UTC)


def test_a_letter_frozen_by_a_pause_keeps_to_a_new_hour_and_may_be_hurried(world: World) -> None:
    world.enroll(person("ben"))
    world.tick()
    world.clock.advance(2 * DAY)
    (claimed,) = world.claim()
    pause(world)
    world.clock.advance(6 * HOUR)
    resume(world)
    assert world.stands().next_at == MONDAY + 3 * DAY + HOUR
    reschedule(world, time(12), "UTC")
    assert world.stands().next_at == MONDAY + 3 * DAY + 5 * HOUR
    reschedule(world, time(8), "UTC")
    assert hurry(world, "goals") is Wish.GRANTED
    assert world.tick().sent == 1
    assert world.state_of(claimed.id) is DeliveryState.SENT
    assert world.store.audit().violations == ()


def test_asking_for_the_next_letter_ignores_the_gap_and_is_no_broken_promise(begun: World) -> None:
    assert hurry(begun, "goals") is Wish.GRANTED
    assert begun.tick().sent == 1
    assert begun.mailbox.subjects() == ["welcome", "goals"]
    assert begun.store.audit().violations == ()
    assert begun.stands().next_at == datetime(2026, 3, 3, 7, tzinfo=UTC)


def test_asking_twice_brings_one_letter(begun: World) -> None:
    assert hurry(begun, "goals") is Wish.GRANTED
    assert hurry(begun, "goals") is Wish.GRANTED
    gated = begun.hand_over()
    assert hurry(begun, "goals") is Wish.UNDER_WAY
    begun.settle(gated, begun.mailbox.answer(None))  # type: ignore[arg-type]
    assert hurry(begun, "goals") is Wish.UNDER_WAY
    assert begun.tick().claimed == 0


def test_letters_keep_their_order_on_a_calendar_that_stands_still(world: World) -> None:
    world.enroll(person("ben"))
    world.tick()
    assert hurry(world) is Wish.GRANTED
    world.tick()
    world.clock.advance(timedelta(seconds=1))
    world.tick()
    assert world.mailbox.subjects() == ["welcome", "goals"]
    assert world.stands().sent == ("welcome", "goals")
    assert world.store.audit().violations == ()


def test_a_letter_that_a_server_put_off_keeps_its_back_off(begun: World) -> None:
    begun.clock.advance(DAY)
    begun.settle(begun.hand_over(), DEFERRED)
    before = begun.stands().next_at
    assert hurry(begun, "goals") is Wish.UNDER_WAY
    assert begun.stands().next_at == before


def test_asking_for_the_next_letter_ends_a_wait_without_a_reminder(world: World) -> None:
    world.publish(edition(waits={"goals": (5, 2)}))
    world.enroll(person("ben"))
    world.until(MONDAY + DAY + HOUR)
    assert hurry(world, "support") is Wish.GRANTED
    world.tick()
    world.let_time_pass()
    assert world.mailbox.subjects() == list(KEYS)
    assert world.store.audit().violations == ()


def test_a_reminder_that_is_about_to_go_makes_way_for_the_next_letter(world: World) -> None:
    world.publish(edition(waits={"goals": (5, 2)}))
    world.enroll(person("ben"))
    world.until(MONDAY + 3 * DAY)
    world.clock.advance(HOUR)
    (reminder,) = world.claim()
    assert hurry(world, "support") is Wish.GRANTED
    assert world.gate([reminder]) == []
    assert world.tick().sent == 1
    assert world.mailbox.subjects() == ["welcome", "goals", "support"]
    assert world.store.audit().violations == ()


def test_another_hour_moves_a_wait_too(world: World) -> None:
    world.publish(edition(waits={"goals": (5, None)}))
    world.enroll(person("ben"))
    world.until(MONDAY + DAY + HOUR)
    reschedule(world, time(18), "UTC")
    assert world.stands().next_at == MONDAY + 6 * DAY + 11 * HOUR


def test_the_link_is_mailed_a_few_times_an_hour_and_only_to_those_who_stay(begun: World) -> None:
    def mailed() -> int:
        told = begun.store.export(begun.store.subscriber_id(BEN), begun.clock.now())
        return len(told["notices"])

    for _ in range(10):
        begun.store.ask_link(ben(begun), begun.clock.now())
    assert mailed() == 3
    begun.clock.advance(HOUR)
    begun.store.ask_link(ben(begun), begun.clock.now())
    assert mailed() == 4
    begun.clock.advance(2 * HOUR)
    begun.store.unsubscribe(BEN, begun.clock.now())
    begun.store.ask_link(ben(begun), begun.clock.now())
    assert mailed() == 4


def test_leaving_one_course_by_address_leaves_the_others(world: World) -> None:
    world.publish(edition(course="patience"))
    world.enroll(person("ben"))
    world.store.enroll(world.store.course("patience"), [person("ben")], MONDAY)
    claimed = world.claim()
    world.store.leave_course(BEN, "motivation", MONDAY)
    world.store.leave_course(BEN, "motivation", MONDAY + DAY)
    assert len(world.gate(claimed)) == 1
    assert world.stands().state is EnrollmentState.STOPPED
    assert world.stands(course="patience").state is EnrollmentState.ACTIVE
    assert world.store.standing(BEN).state is SubscriberState.ACTIVE
    assert world.why("welcome")[1].startswith("they left this course")


class Life(RuleBasedStateMachine):
    """A person who presses every button in any order while letters go out."""

    databases: Databases
    published: str
    """The address of a database in which the course is published."""

    def __init__(self) -> None:
        super().__init__()
        self.address = self.databases.copy(self.published)
        self.store = self.databases.open(self.address)
        self.world = World(self.store)
        self.world.enroll(person("ben"))
        self.id = enrollment_of(self.store, BEN)

    @rule()
    def pause(self) -> None:
        self.store.pause_enrollment(self.id, self.world.clock.now())

    @rule()
    def resume(self) -> None:
        self.store.resume_enrollment(self.id, self.world.clock.now())

    @rule(expected=st.sampled_from([None, *KEYS]))
    def hurry(self, expected: str | None) -> None:
        self.store.next_now(self.id, expected, self.world.clock.now())

    @rule(
        at=st.times().map(lambda at: at.replace(microsecond=0)),
        zone=st.sampled_from(["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin"]),
    )
    def reschedule(self, at: time, zone: str) -> None:
        self.store.reschedule(self.id, at, zone, self.world.clock.now())

    @rule(hours=st.integers(1, 60))
    def live_on(self, hours: int) -> None:
        self.world.tick()
        self.world.clock.advance(timedelta(hours=hours))
        self.world.tick()

    @invariant()
    def each_letter_once_and_in_order(self) -> None:
        subjects = self.world.mailbox.subjects()
        assert subjects == list(KEYS)[: len(subjects)]

    @invariant()
    def the_calendar_holds_exactly_what_is_missing(self) -> None:
        journey = self.store.journey(self.id, self.world.clock.now())
        assert journey is not None
        keys = [each.key for each in journey.had] + [each.key for each in journey.ahead]
        assert keys == list(KEYS)

    def teardown(self) -> None:
        violations = self.store.audit().violations
        self.store.close()
        self.databases.remove(self.address)
        assert violations == ()


def test_whatever_buttons_are_pressed_no_promise_breaks(
    databases: Databases, database_url: str
) -> None:
    store = databases.open(database_url)
    store.publish(edition(), MONDAY)
    store.close()

    class Here(Life):
        pass

    Here.databases, Here.published = databases, database_url
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=40 if databases.kind == "sqlite" else 10,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
