"""Every invariant that the audit knows, broken behind the ledger's back and named by the audit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import Connection, text

from course.model import Schedule
from tests.worker.databases import Databases
from tests.worker.ledger import ACCEPTED, DAY, LEASE, MONDAY, UNKNOWN, World, edition, person
from worker.store import Store, open_store
from worker.store.auditing import CHECKS, LONG_LOST, NAMED, audit

HOUR = timedelta(hours=1)
LATER = "'2026-03-09 07:00:00.000000+00:00'"
SOON_AFTER = "'2026-03-03 09:00:00.000000+00:00'"


@contextmanager
def tampered(store: Store, *statements: str, loose: Sequence[str] = ()) -> Iterator[Connection]:
    """Change rows behind the ledger's back, in tables without their constraints, for a while."""
    with store._database.engine.connect() as connection:
        cascade = "CASCADE"
        if connection.dialect.name == "sqlite":
            cascade = ""
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.exec_driver_sql("BEGIN")
        for table in loose:
            connection.execute(text(f"CREATE TABLE loose AS SELECT * FROM {table}"))
            connection.execute(text(f"DROP TABLE {table} {cascade}"))
            connection.execute(text(f"ALTER TABLE loose RENAME TO {table}"))
        for statement in statements:
            assert connection.execute(text(statement)).rowcount > 0, statement
        yield connection
        connection.rollback()
        connection.invalidate()


def violations(store: Store, *statements: str, loose: Sequence[str] = ()) -> tuple[str, ...]:
    """Return what the audit finds after a change that is undone again."""
    with tampered(store, *statements, loose=loose) as connection:
        return audit(connection).violations


def of(key: str, enrollment: int = 1) -> str:
    return f"enrollment_id = {enrollment} AND letter_key = '{key}'"


def id_of(key: str, enrollment: int = 1) -> str:
    return f"(SELECT id FROM deliveries WHERE {of(key, enrollment)})"


def another(table: str, changes: dict[str, str], where: str) -> str:
    """Return the statement that inserts a copy of a row with some columns changed."""
    columns = {
        "deliveries": "id enrollment_id run letter_key letter_id state epoch owner lease_until "
        "due_at retry_at handed_at settled_at delivered_at attempts deferrals detail",
        "attempts": "id delivery_id number gated_at gated_wall deadline outcome detail answered_at",
    }[table].split()
    values = ", ".join(changes.get(column, column) for column in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} WHERE {where}"


BROKEN = {
    "every_state_is_known": (
        ["UPDATE deliveries SET state = 'lost' WHERE " + of("goals")],
        "is in a state that nobody knows",
    ),
    "one_live_attempt": (
        [
            f"UPDATE attempts SET outcome = NULL WHERE delivery_id = {id_of('support', 3)}",
            another(
                "attempts",
                {"id": "99", "number": "2"},
                f"delivery_id = {id_of('support', 3)}",
            ),
            "UPDATE deliveries SET attempts = 2, epoch = 2 WHERE " + of("support", 3),
        ],
        "has more than one live attempt",
    ),
    "one_open_delivery": (
        ["UPDATE deliveries SET state = 'planned', settled_at = NULL WHERE enrollment_id = 1"],
        "has more than one open delivery",
    ),
    "attempts_in_order": (
        [
            f"UPDATE attempts SET number = 3 WHERE delivery_id = {id_of('goals')}",
        ],
        "has an attempt 3 out of its order",
    ),
    "attempts_as_counted": (
        ["UPDATE deliveries SET attempts = 2 WHERE " + of("goals")],
        "counts 2 attempts in epoch 1, and has 1",
    ),
    "live_where_an_answer_may_come": (
        [f"UPDATE attempts SET outcome = NULL WHERE delivery_id = {id_of('goals')}"],
        "is sent, but an attempt of it is live",
    ),
    "instants_as_the_state_says": (
        ["UPDATE deliveries SET settled_at = NULL WHERE " + of("goals")],
        "is sent, but its instants say something else",
    ),
    "sent_was_answered": (
        [f"UPDATE attempts SET outcome = 'unknown' WHERE delivery_id = {id_of('goals')}"],
        "is sent, but nobody said that it was taken",
    ),
    "nobody_after_leaving": (
        ["UPDATE subscribers SET left_after = 2 WHERE id = 1"],
        "was handed over after the person had left",
    ),
    "nobody_is_stuck": (
        ["UPDATE enrollments SET next_at = NULL WHERE id = 1"],
        "enrollment 1 is active, but no letter comes next",
    ),
    "nothing_waits_for_those_who_left": (
        [
            "UPDATE enrollments SET state = 'stopped', next_at = NULL WHERE id = 1",
            "UPDATE deliveries SET state = 'planned', settled_at = NULL WHERE " + of("goals"),
        ],
        "still waits though its course was stopped",
    ),
    "completed_with_the_finale": (
        ["UPDATE enrollments SET state = 'completed', next_at = NULL WHERE id = 1"],
        "enrollment 1 is completed without the finale",
    ),
    "as_the_providers_told": (
        [
            "INSERT INTO events (id, provider, fingerprint, kind, news, undelivered, detail,"
            f" delivery_id, occurred_at, received_at) SELECT 1, 'sendgrid', 'f', 'delivered',"
            f" 'delivered', FALSE, '', id, {LATER}, {LATER} FROM deliveries"
            f" WHERE {of('support', 3)}"
        ],
        "is in_doubt, though its provider told what became of it",
    ),
    "nobody_waits_for_what_came": (
        [
            "UPDATE enrollments SET waits_on = 'goals' WHERE id = 1",
            "INSERT INTO replies (id, fingerprint, kind, why, message_id, verified, attachments,"
            f" received_at) VALUES (1, 'f', 'reflection', '', '', TRUE, '[]', {LATER})",
            "INSERT INTO reflections (id, reply_id, enrollment_id, run, letter_key, text, verified,"
            f" from_subscriber, received_at) VALUES (1, 1, 1, 1, 'goals', '', TRUE, TRUE, {LATER})",
        ],
        "enrollment 1 waits for a reflection that came",
    ),
    "each_key_once": (
        [another("deliveries", {"id": "'copy'", "state": "'cancelled'"}, of("goals"))],
        "enrollment 1 has goals twice in run 1",
    ),
    "each_letter_once_whatever_it_was_called": (
        [
            'UPDATE editions SET renames = \'[["welcome", "goals"]]\'',
        ],
        "enrollment 1 got a letter twice",
    ),
    "in_order": (
        [
            "UPDATE deliveries SET handed_at = (SELECT min(due_at) FROM deliveries) WHERE "
            + of("support")
        ],
        "overtook a letter that comes before it",
    ),
    "apart": (
        [f"UPDATE deliveries SET handed_at = {SOON_AFTER} WHERE " + of("support")],
        "came too soon after the letter before it",
    ),
}


@pytest.fixture(scope="module")
def lived(databases: Databases) -> Iterator[Store]:
    """Three people with three letters each, the last one's third in doubt; for every test here."""
    with databases.lent() as url:
        yield from three_people(open_store(url))


def three_people(store: Store) -> Iterator[Store]:
    store.publish(edition(), MONDAY)
    world = World(store)
    world.enroll(person("ben"), person("cleo"), person("dan"))
    for _ in range(2):
        world.tick()
        world.clock.advance(DAY + HOUR)
    for gated in world.gate(world.claim()):
        world.settle(gated, UNKNOWN if gated.claimed.name == "Dan" else ACCEPTED)
    assert store.audit().violations == ()
    yield store
    store.close()


def test_every_check_is_broken_here() -> None:
    assert list(BROKEN) == [check.__name__ for check in CHECKS]


@pytest.mark.parametrize("broken", BROKEN)
def test_what_must_not_be_is_named(lived: Store, broken: str) -> None:
    statements, says = BROKEN[broken]
    found = violations(lived, *statements, loose=("deliveries", "attempts", "enrollments"))
    assert any(says in each for each in found), found


def test_the_counts_are_those_of_the_rows(lived: Store) -> None:
    found = lived.audit()
    assert (found.owed, found.sent, found.in_doubt, found.pending) == (9, 8, 1, 0)


def test_of_many_violations_some_are_named_and_all_are_counted(world: World) -> None:
    world.enroll(*(person(f"p{number}") for number in range(NAMED + 5)))
    found = violations(world.store, "UPDATE enrollments SET next_at = NULL")
    assert len(found) == NAMED + 1
    assert found[-1] == "... and 5 more of this kind"


def test_the_gap_is_that_of_the_editions_the_two_letters_were_made_from(world: World) -> None:
    world.publish(edition(schedule=Schedule(minimum_gap=timedelta(hours=40))))
    world.enroll(person("ben"))
    for _ in range(3):
        world.tick()
        world.clock.advance(3 * DAY)
    world.publish(edition(schedule=Schedule(minimum_gap=HOUR)))
    assert world.store.audit().violations == ()
    less = "'2026-03-07 16:00:00.000000+00:00'"  # 39 hours before: enough by the newest edition
    (violation,) = violations(
        world.store,
        f"UPDATE deliveries SET handed_at = {LATER} WHERE " + of("support"),
        f"UPDATE deliveries SET handed_at = {less} WHERE " + of("goals"),
    )
    assert "came too soon" in violation


@pytest.mark.parametrize(("at", "count"), [("20:00:00.000000", 0), ("19:59:59.999999", 1)])
def test_the_gap_counts_to_the_microsecond(lived: Store, at: str, count: int) -> None:
    eight = "'2026-03-03 08:00:00.000000+00:00'"
    statements = (
        f"UPDATE deliveries SET handed_at = {eight} WHERE " + of("goals"),
        f"UPDATE deliveries SET handed_at = '2026-03-03 {at}+00:00' WHERE " + of("support"),
    )
    assert len(violations(lived, *statements)) == count


def test_what_no_worker_looks_after_is_late_but_breaks_no_promise(world: World) -> None:
    world.enroll(person("ben"), person("cleo"))
    first, second = world.claim()
    world.gate([first])
    world.clock.advance(LEASE + LONG_LOST)
    assert world.store.audit(world.clock.moment()).late == ()
    world.clock.advance(timedelta(seconds=1))
    found = world.store.audit(world.clock.moment())
    assert found.violations == ()
    assert set(found.late) == {
        f"delivery {first.id} was being handed over until 2026-03-02 07:00 UTC, "
        "and since then no worker looked",
        f"delivery {second.id} was claimed until 2026-03-02 07:00 UTC, "
        "and since then no worker looked",
    }
    assert world.store.audit().late == ()
