"""The funnel of a course."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event, update

from tests.worker.ledger import (
    DAY,
    KEYS,
    MONDAY,
    NO_SUCH_PERSON,
    REFUSED,
    UNKNOWN,
    World,
    edition,
    person,
    reflect,
)
from worker.errors import UnknownCourse
from worker.model import CourseStats, LetterStats, Stopped
from worker.store.schema import deliveries

HOUR = timedelta(hours=1)


def funnel(found: CourseStats) -> dict[str, tuple[int, int, int | None, int, int]]:
    return {
        each.letter: (each.owed, each.sent, each.delivered, each.reflected, each.left)
        for each in found.letters
    }


def test_a_course_that_nobody_takes_counts_nothing(world: World) -> None:
    nothing = tuple(LetterStats(key, 0, 0, None, 0, 0) for key in KEYS)
    assert world.store.stats("motivation") == CourseStats(
        "motivation", 0, 0, 0, 0, 0, Stopped(), nothing
    )


def test_an_unknown_course_has_no_stats(world: World) -> None:
    with pytest.raises(UnknownCourse):
        world.store.stats("patience")


def test_the_funnel_counts_people_by_the_letters_they_got(world: World) -> None:
    world.enroll(*(person(name) for name in ("ben", "cleo", "dan", "eve")))
    world.until(MONDAY + HOUR + DAY)
    world.reflect("goals")
    world.reflect("goals", "And this.")
    reflect(world.store, "cleo@example.net", "goals", MONDAY, from_subscriber=False)
    world.store.unsubscribe("dan@example.net", world.clock.now())
    world.store.pause("eve@example.net", None, world.clock.now())
    world.let_time_pass()
    found = world.store.stats("motivation")
    assert (found.enrolled, found.active, found.paused, found.completed) == (4, 0, 1, 2)
    assert found.stopped == Stopped(unsubscribed=1)
    assert funnel(found) == {
        "welcome": (4, 4, None, 0, 0),
        "goals": (4, 4, None, 1, 1),
        "support": (2, 2, None, 0, 0),
        "finale": (2, 2, None, 0, 0),
    }


def test_people_are_counted_by_why_they_stopped(world: World) -> None:
    world.enroll(*(person(name) for name in ("ben", "cleo", "dan")))
    outcomes = {"Ben": NO_SUCH_PERSON, "Cleo": REFUSED, "Dan": UNKNOWN}
    for gated in world.gate(world.claim()):
        world.settle(gated, outcomes[gated.claimed.name])
    found = world.store.stats("motivation")
    assert (found.active, found.held, found.stopped) == (1, 1, Stopped(bounced=1))
    assert funnel(found)["welcome"] == (3, 0, None, 0, 1)


def test_delivered_is_counted_once_a_provider_told_of_any(world: World) -> None:
    world.enroll(person("ben"), person("cleo"))
    world.until(MONDAY + HOUR + DAY)
    with world.store._database.writing() as connection:
        ben = next(each.id for each in world.store.deliveries() if each.letter == "goals")
        connection.execute(
            update(deliveries).where(deliveries.c.id == ben).values(delivered_at=MONDAY)
        )
    counts = funnel(world.store.stats("motivation"))
    assert [delivered for _, _, delivered, _, _ in counts.values()] == [0, 1, 0, 0]


def test_a_reminder_counts_for_its_lesson_and_an_edit_of_names_changes_no_count(
    world: World,
) -> None:
    words = {"goals": "Set a goal.", "aims": "Set a goal."}
    world.publish(edition(waits={"goals": (5, 1)}, words=words))
    world.enroll(person("ben"), person("cleo"))
    world.until(MONDAY + HOUR + 2 * DAY)
    assert sorted(set(world.mailbox.subjects())) == ["goals", "goals~nudge", "welcome"]
    world.reflect("goals~nudge")
    world.store.unsubscribe("cleo@example.net", world.clock.now())
    renamed = ("welcome", "aims", "finale")
    world.publish(edition(renamed, words=words, renames=[("goals", "aims")]))
    assert funnel(world.store.stats("motivation")) == {
        "welcome": (2, 2, None, 0, 0),
        "aims": (2, 2, None, 1, 1),
        "finale": (0, 0, None, 0, 0),
    }


def test_nobody_counts_twice_for_a_course_begun_anew(world: World) -> None:
    world.enroll(person("ben"))
    world.let_time_pass()
    world.store.restart("ben@example.net", "motivation", world.clock.now())
    world.tick()
    world.store.unsubscribe("ben@example.net", world.clock.now())
    counts = funnel(world.store.stats("motivation"))
    assert counts["welcome"] == (1, 1, None, 0, 1)
    assert counts["finale"] == (1, 1, None, 0, 0)


def test_letters_that_only_former_editions_had_follow_at_the_end(world: World) -> None:
    world.enroll(person("ben"))
    world.until(MONDAY + HOUR + DAY)
    world.publish(edition(("welcome", "support", "finale")))
    assert [each.letter for each in world.store.stats("motivation").letters] == [
        "welcome",
        "support",
        "finale",
        "goals",
    ]


def test_the_funnel_takes_as_many_statements_for_many_as_for_few(world: World) -> None:
    def statements() -> int:
        seen: list[str] = []
        engine = world.store._database.engine
        record = lambda *args: seen.append(args[2])  # noqa: E731
        event.listen(engine, "before_cursor_execute", record)
        world.store.stats("motivation")
        event.remove(engine, "before_cursor_execute", record)
        return len(seen)

    world.store.stats("motivation")
    few = statements()
    world.enroll(*(person(f"p{number}") for number in range(50)))
    world.tick()
    assert statements() == few <= 7
