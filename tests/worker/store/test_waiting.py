"""Lessons that wait for a reflection, and their one reminder."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from course.model import Schedule
from tests.worker.ledger import (
    ACCEPTED,
    DAY,
    DEFERRED,
    LEASE,
    MONDAY,
    REFUSED,
    World,
    accept,
    edition,
    person,
    reflect,
)
from tests.worker.news import told
from worker.model import DeliveryState, EnrollmentState, News
from worker.store.wishes import Wish

HOUR = timedelta(hours=1)
EIGHT = MONDAY + HOUR
"""Everybody's hour on the day of the welcome; ``EIGHT + DAY`` is when the first lesson comes."""

BEN = 1
"""The enrollment of the first one to join."""

WAITS = {"goals": (5, 2)}
PATIENT = edition(waits=WAITS)
"""Goals comes on day 1, its reminder on day 3, and support on day 6 at the latest."""

WITHOUT_NUDGE = edition(waits={"goals": (5, None)})


@pytest.fixture
def waiting(world: World) -> World:
    """Ben was sent the lesson that his course waits on."""
    world.publish(PATIENT)
    world.enroll(person("ben"))
    world.until(EIGHT + DAY)
    assert world.mailbox.subjects() == ["welcome", "goals"]
    return world


def handed(world: World) -> dict[str, datetime | None]:
    return {each.letter: each.handed_at for each in world.store.deliveries()}


def sound(world: World) -> bool:
    return world.store.audit().violations == ()


def test_without_a_reflection_a_reminder_comes_and_then_the_next_letter(waiting: World) -> None:
    assert waiting.store.next_due_at() == EIGHT + 3 * DAY
    waiting.let_time_pass()
    assert waiting.mailbox.subjects() == ["welcome", "goals", "goals~nudge", "support", "finale"]
    assert handed(waiting)["goals~nudge"] == EIGHT + 3 * DAY
    assert handed(waiting)["support"] == EIGHT + 6 * DAY
    assert handed(waiting)["finale"] == EIGHT + 7 * DAY
    assert waiting.stands().state is EnrollmentState.COMPLETED
    assert sound(waiting)


def test_without_a_reminder_the_next_letter_comes_when_the_wait_is_over(world: World) -> None:
    world.publish(WITHOUT_NUDGE)
    world.enroll(person("ben"))
    world.let_time_pass()
    assert world.mailbox.subjects() == ["welcome", "goals", "support", "finale"]
    assert handed(world)["support"] == EIGHT + 6 * DAY


@pytest.mark.parametrize("days", [0, 1, 4])
def test_a_reflection_brings_the_next_letter_at_the_next_slot(waiting: World, days: int) -> None:
    waiting.until(EIGHT + DAY + days * DAY + HOUR)
    assert waiting.reflect("goals")
    waiting.let_time_pass()
    assert handed(waiting)["support"] == EIGHT + (days + 2) * DAY
    assert ("goals~nudge" in handed(waiting)) == (days > 2)
    assert sound(waiting)


def test_a_lesson_that_was_reflected_on_before_its_settle_is_not_waited_on(world: World) -> None:
    world.publish(PATIENT)
    world.enroll(person("ben"))
    world.until(EIGHT + DAY - HOUR)
    world.clock.advance(HOUR)
    gated = world.hand_over()
    assert not world.reflect("goals")
    world.settle(gated, ACCEPTED)
    assert world.store.next_due_at() == EIGHT + 2 * DAY


def test_only_the_persons_own_reflection_on_that_lesson_ends_the_wait(waiting: World) -> None:
    now = waiting.clock.now()
    assert not reflect(waiting.store, "ben@example.net", "goals", now, from_subscriber=False)
    assert not waiting.reflect("welcome")
    assert waiting.store.next_due_at() == EIGHT + 3 * DAY
    assert waiting.reflect("goals~nudge")
    assert not waiting.reflect("goals")
    assert waiting.store.next_due_at() == EIGHT + 2 * DAY


def test_an_answer_skips_a_reminder_before_its_gate(waiting: World) -> None:
    waiting.clock.advance(2 * DAY)
    (claimed,) = waiting.claim()
    assert claimed.letter_key == "goals~nudge"
    waiting.clock.advance(LEASE / 2)
    assert waiting.reflect("goals")
    assert waiting.gate([claimed]) == []
    assert waiting.state_of(claimed.id) is DeliveryState.SKIPPED
    assert waiting.why("goals~nudge") == (
        "skipped",
        "they answered before it was handed over",
    )
    assert waiting.store.next_due_at() == EIGHT + 4 * DAY
    waiting.let_time_pass()
    assert waiting.mailbox.subjects() == ["welcome", "goals", "support", "finale"]
    assert sound(waiting)


def test_an_answer_skips_a_reminder_that_was_refused_for_now(waiting: World) -> None:
    waiting.clock.advance(2 * DAY)
    waiting.settle(waiting.hand_over(), DEFERRED)
    waiting.clock.advance(timedelta(seconds=1))
    assert waiting.reflect("goals")
    assert waiting.store.next_due_at() == EIGHT + 4 * DAY
    waiting.let_time_pass()
    assert waiting.mailbox.subjects() == ["welcome", "goals", "support", "finale"]


@pytest.mark.parametrize("outcome", [ACCEPTED, DEFERRED])
def test_a_reminder_past_its_gate_arrives_or_is_not_tried_again(
    waiting: World, outcome: object
) -> None:
    waiting.clock.advance(2 * DAY)
    gated = waiting.hand_over()
    assert waiting.reflect("goals")
    assert waiting.store.next_due_at() is None
    waiting.settle(gated, outcome)  # type: ignore[arg-type]
    waiting.let_time_pass()
    state = DeliveryState.SENT if outcome is ACCEPTED else DeliveryState.SKIPPED
    assert waiting.state_of(gated.claimed.id) is state
    assert handed(waiting)["support"] == EIGHT + 4 * DAY
    assert sound(waiting)


def test_a_reminder_in_doubt_is_not_sent_again_and_the_wait_goes_on(waiting: World) -> None:
    waiting.clock.advance(2 * DAY)
    waiting.hand_over()
    waiting.clock.advance(2 * LEASE)
    waiting.store.reap(waiting.clock.moment())
    assert waiting.store.next_due_at() == EIGHT + 6 * DAY
    waiting.let_time_pass()
    assert waiting.mailbox.subjects() == ["welcome", "goals", "support", "finale"]


def test_after_an_outage_longer_than_the_wait_nobody_is_reminded(waiting: World) -> None:
    waiting.clock.advance(9 * DAY)
    waiting.tick()
    assert waiting.mailbox.subjects() == ["welcome", "goals", "support"]
    assert waiting.stands().next_at == EIGHT + 11 * DAY


def test_a_reflection_after_the_wait_was_over_delays_nothing(waiting: World) -> None:
    waiting.clock.advance(9 * DAY)
    assert waiting.reflect("goals")
    waiting.tick()
    assert waiting.mailbox.subjects() == ["welcome", "goals", "support"]


def test_a_late_reminder_keeps_the_least_gap_before_the_next_letter(world: World) -> None:
    world.publish(edition(waits={"goals": (3, 2)}, schedule=Schedule(minimum_gap=40 * HOUR)))
    world.enroll(person("ben"))
    world.let_time_pass()
    assert handed(world)["goals~nudge"] == EIGHT + 3 * DAY
    assert handed(world)["support"] == EIGHT + 5 * DAY
    assert sound(world)


def test_waits_count_in_dates_where_the_person_lives(world: World) -> None:
    world.publish(PATIENT)
    world.enroll(person("ben", timezone="America/New_York"))
    world.let_time_pass()  # clocks are put forward on 8 March
    assert handed(world)["goals"] == datetime(2026, 3, 3, 13, tzinfo=UTC)
    assert handed(world)["goals~nudge"] == datetime(2026, 3, 5, 13, tzinfo=UTC)
    assert handed(world)["support"] == datetime(2026, 3, 8, 12, tzinfo=UTC)


def test_a_pause_freezes_a_wait_and_resuming_ends_it(waiting: World) -> None:
    waiting.store.pause("ben@example.net", None, waiting.clock.now())
    waiting.clock.advance(DAY)
    waiting.store.resume("ben@example.net", None, waiting.clock.now())
    assert waiting.stands().next == "support"
    waiting.let_time_pass()
    assert waiting.mailbox.subjects() == ["welcome", "goals", "support", "finale"]
    assert handed(waiting)["support"] == EIGHT + 2 * DAY


def test_a_reflection_in_a_pause_starts_nothing(waiting: World) -> None:
    waiting.store.pause("ben@example.net", None, waiting.clock.now())
    assert waiting.reflect("goals")
    assert waiting.store.next_due_at() is None
    waiting.clock.advance(9 * DAY)
    waiting.store.resume("ben@example.net", None, waiting.clock.now())
    waiting.let_time_pass()
    assert waiting.mailbox.subjects() == ["welcome", "goals", "support", "finale"]


def test_resuming_skips_a_reminder_that_the_pause_froze(waiting: World) -> None:
    waiting.clock.advance(2 * DAY)
    (claimed,) = waiting.claim()
    waiting.store.pause("ben@example.net", None, waiting.clock.now())
    waiting.clock.advance(HOUR)
    waiting.store.resume("ben@example.net", None, waiting.clock.now())
    assert waiting.state_of(claimed.id) is DeliveryState.SKIPPED
    assert waiting.store.next_due_at() == EIGHT + 4 * DAY
    assert sound(waiting)


def test_a_refused_reminder_holds_the_course_until_it_is_resumed(waiting: World) -> None:
    waiting.clock.advance(2 * DAY)
    waiting.settle(waiting.hand_over(), REFUSED)
    assert waiting.stands().state is EnrollmentState.HELD
    waiting.clock.advance(HOUR)
    waiting.store.resume("ben@example.net", None, waiting.clock.now())
    waiting.let_time_pass()
    assert waiting.mailbox.subjects() == ["welcome", "goals", "support", "finale"]
    assert sound(waiting)


def test_a_restart_waits_anew(waiting: World) -> None:
    waiting.reflect("goals")
    waiting.store.restart("ben@example.net", "motivation", waiting.clock.now())
    waiting.let_time_pass()
    assert waiting.mailbox.subjects()[2:] == [
        "welcome",
        "goals",
        "goals~nudge",
        "support",
        "finale",
    ]
    assert sound(waiting)


def test_leaving_ends_a_wait(waiting: World) -> None:
    waiting.store.unsubscribe("ben@example.net", waiting.clock.now())
    assert waiting.reflect("goals")
    assert waiting.store.next_due_at() is None
    assert sound(waiting)


def test_the_next_letter_now_ends_a_wait(waiting: World) -> None:
    waiting.clock.advance(HOUR)
    assert waiting.store.next_now(BEN, "support", waiting.clock.now()) is Wish.GRANTED
    waiting.tick()
    assert waiting.mailbox.subjects() == ["welcome", "goals", "support"]
    assert sound(waiting)


def test_the_next_letter_now_skips_a_reminder_before_its_gate(waiting: World) -> None:
    waiting.clock.advance(2 * DAY)
    waiting.claim()
    assert waiting.store.next_now(BEN, "support", waiting.clock.now()) is Wish.GRANTED
    waiting.tick()
    assert waiting.mailbox.subjects() == ["welcome", "goals", "support"]
    assert waiting.why("goals~nudge")[0] == "skipped"
    assert sound(waiting)


@pytest.mark.parametrize(("hour", "welcomed"), [(20, True), (6, True), (20, False)])
def test_another_hour_moves_what_is_waited_for(world: World, hour: int, welcomed: bool) -> None:
    world.publish(PATIENT)
    world.enroll(person("ben", start=date(2026, 3, 2)))
    if welcomed:
        world.until(EIGHT + DAY)
    world.store.reschedule(BEN, time(hour), "UTC", world.clock.now())
    moved = timedelta(hours=hour - 8)
    assert world.store.next_due_at() == EIGHT + moved + (3 * DAY if welcomed else timedelta())
    world.let_time_pass()
    assert handed(world)["support"] == EIGHT + moved + 6 * DAY
    assert sound(world)


# Edits of the course


def test_a_wait_that_an_edit_removed_sends_the_letter_instead_of_the_reminder(
    waiting: World,
) -> None:
    waiting.publish(edition())
    waiting.let_time_pass()
    assert waiting.mailbox.subjects() == ["welcome", "goals", "support", "finale"]
    assert handed(waiting)["support"] == EIGHT + 3 * DAY


def test_a_reminder_that_an_edit_removed_leaves_the_wait(waiting: World) -> None:
    waiting.publish(WITHOUT_NUDGE)
    waiting.let_time_pass()
    assert waiting.mailbox.subjects() == ["welcome", "goals", "support", "finale"]
    assert handed(waiting)["support"] == EIGHT + 6 * DAY


def test_a_wait_that_an_edit_made_longer_is_waited_out(waiting: World) -> None:
    waiting.publish(edition(waits={"goals": (20, 9)}))
    waiting.let_time_pass()
    assert handed(waiting)["goals~nudge"] == EIGHT + 10 * DAY
    assert handed(waiting)["support"] == EIGHT + 21 * DAY


def test_a_wait_that_an_edit_made_shorter_ends_at_the_reminders_time(waiting: World) -> None:
    waiting.publish(edition(waits={"goals": (2, 1)}))
    waiting.let_time_pass()
    assert waiting.mailbox.subjects() == ["welcome", "goals", "support", "finale"]
    assert handed(waiting)["support"] == EIGHT + 3 * DAY


def test_a_wait_that_an_edit_added_leaves_the_next_letter_when_it_was_due(world: World) -> None:
    world.enroll(person("ben"))
    world.until(EIGHT + DAY)
    world.publish(PATIENT)
    assert not world.reflect("goals")
    world.let_time_pass()
    assert handed(world)["support"] == EIGHT + 2 * DAY


def test_a_lesson_that_an_edit_removed_is_not_waited_on(waiting: World) -> None:
    waiting.publish(edition(("welcome", "support", "finale")))
    waiting.let_time_pass()
    assert waiting.mailbox.subjects() == ["welcome", "goals", "support", "finale"]


def test_a_planned_reminder_whose_wait_is_gone_is_skipped(waiting: World) -> None:
    waiting.clock.advance(2 * DAY)
    waiting.settle(waiting.hand_over(), DEFERRED)
    waiting.publish(edition())
    waiting.let_time_pass()
    assert waiting.why("goals~nudge") == (
        "skipped",
        "their reflection is not waited for any more",
    )
    assert handed(waiting)["support"] == EIGHT + 4 * DAY
    assert sound(waiting)


def test_a_reminder_refused_for_now_until_the_wait_is_over_is_skipped(waiting: World) -> None:
    waiting.clock.advance(2 * DAY)
    waiting.settle(waiting.hand_over(), DEFERRED)
    waiting.clock.advance(3 * DAY)
    waiting.tick()
    assert waiting.mailbox.subjects() == ["welcome", "goals", "support"]


RENAMED = {"goals": "Set a goal.", "aims": "Set a goal."}


def test_a_planned_reminder_behind_letters_that_were_all_dropped_holds_up_nobody(
    waiting: World,
) -> None:
    waiting.enroll(person("cleo"))
    waiting.mailbox.answer = lambda _: DEFERRED
    waiting.until(EIGHT + 3 * DAY)
    waiting.mailbox.answer = accept
    dropped = [
        told(News.DROPPED, each.id, each.handed_at)
        for each in waiting.store.deliveries()
        if each.handed_at is not None
    ]
    waiting.store.record_events(dropped, waiting.clock.moment())
    waiting.let_time_pass()
    assert waiting.why("goals~nudge")[0] == DeliveryState.SKIPPED
    assert waiting.mailbox.subjects("cleo@example.net")[-1] == "finale"
    assert waiting.mailbox.subjects("ben@example.net")[-1] == "finale"
    assert sound(waiting)


def test_a_renamed_lesson_is_waited_on_and_reminded_of_once(world: World) -> None:
    world.publish(edition(waits=WAITS, words=RENAMED))
    world.enroll(person("ben"))
    world.until(EIGHT + 3 * DAY)
    renamed = ("welcome", "aims", "support", "finale")
    world.publish(
        edition(renamed, waits={"aims": (8, 3)}, words=RENAMED, renames=[("goals", "aims")])
    )
    world.let_time_pass()
    assert world.mailbox.subjects() == ["welcome", "goals", "goals~nudge", "support", "finale"]
    assert sound(world)


@pytest.mark.parametrize("called", ["goals", "aims"])
def test_a_reflection_under_any_of_its_lessons_names_ends_the_wait(
    world: World, called: str
) -> None:
    world.publish(edition(waits=WAITS, words=RENAMED))
    world.enroll(person("ben"))
    world.until(EIGHT + DAY)
    renamed = ("welcome", "aims", "support", "finale")
    world.publish(
        edition(renamed, waits={"aims": (8, 3)}, words=RENAMED, renames=[("goals", "aims")])
    )
    assert world.reflect(called)
    assert world.store.next_due_at() == EIGHT + 2 * DAY


# What people are told


def test_a_wait_is_explained(waiting: World) -> None:
    assert waiting.why("goals~nudge") == (
        "scheduled",
        "reminds them on 2026-03-05 08:00 UTC if no reflection comes before",
    )
    assert waiting.why("support") == (
        "scheduled",
        "waits for their reflection until 2026-03-08 08:00 UTC",
    )
    assert waiting.why("finale")[0] == "waiting"
    explained = waiting.store.explain("ben@example.net", waiting.clock.now())
    assert [each.letter for each in explained.courses[0].letters] == [
        "welcome",
        "goals",
        "goals~nudge",
        "support",
        "finale",
    ]


def test_a_reminder_is_no_step_of_the_course(waiting: World) -> None:
    assert (waiting.stands().next, waiting.stands().next_at) == ("support", EIGHT + 6 * DAY)
    waiting.clock.advance(2 * DAY)
    waiting.tick()
    assert waiting.stands().sent == ("welcome", "goals")
    assert (waiting.stands().next, waiting.stands().next_at) == ("support", EIGHT + 6 * DAY)
    assert waiting.why("goals~nudge")[0] == "sent"
    assert "goals~nudge" in [each.letter for each in waiting.store.deliveries()]
    assert sound(waiting)
