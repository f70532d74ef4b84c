"""A database of any former revision becomes one of the newest, with everything that was in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from course.codec import dump_letter
from tests.worker.ledger import KEYS, LINKS, MONDAY, SENDER, HandClock, World, edition, person
from worker.model import EnrollmentState, SignUp, SubscriberState
from worker.pseudonyms import Pseudonyms
from worker.store import Store, migrations
from worker.store.engine import Database
from worker.store.schema import metadata

EIGHT = "2026-03-02 08:00:00.000000+00:00"
NAIVE = "2026-03-02 08:30:00.000000"
"""How the instant of leaving was written by the first revision's code."""

LETTER = {letter.key: dump_letter(letter) for letter in edition().letters}


def first_revision(database: Database) -> None:
    """Make a database of the first revision with something in every table.

    Ann waits for her second letter, Ben left, and mail to Cleo bounced. What letters hold is not
    the revision's affair: their format is read by every later version.
    """
    database.make_folder()
    with database.writing() as connection:
        migrations.upgrade(connection, "0001")
        fill(connection)


def fill(connection: Connection) -> None:
    def put(table: str, **values: Any) -> None:
        columns, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
        connection.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({marks})"), values)

    put("meta", name="installation", value="former")
    put("courses", id=1, slug="motivation", edition_id=1)
    put(
        "editions",
        id=1,
        course_id=1,
        digest=edition().digest,
        title="Motivation",
        sender_name=SENDER.name,
        sender_email=SENDER.email,
        sender_postal_address=SENDER.postal_address,
        send_at="08:00:00.000000",
        days="0,1,2,3,4,5,6",
        minimum_gap=43200,
        timezone="UTC",
        renames="[]",
        published_at=EIGHT,
    )
    for position, letter in enumerate(edition().letters):
        put(
            "letters",
            id=1 + position,
            edition_id=1,
            position=position,
            key=letter.key,
            kind=letter.kind,
            source_digest=letter.source_digest,
            body=LETTER[letter.key],
        )
    put("assets", digest="d", name="d.png", media_type="image/png", content=b"picture")
    people = {
        1: ("ann", "active", None, None),
        2: ("ben", "unsubscribed", NAIVE, 2),
        3: ("cleo", "bounced", NAIVE, 3),
    }
    for who, (name, state, left_at, left_after) in people.items():
        put(
            "subscribers",
            id=who,
            address=f"{name}@example.net",
            name=name,
            state=state,
            created_at=EIGHT,
            left_at=left_at,
            left_after=left_after,
        )
        put(
            "enrollments",
            id=who,
            subscriber_id=who,
            course_id=1,
            run=1,
            state="stopped" if left_at else "active",
            next_at=None if left_at else "2026-03-03 08:00:00.000000+00:00",
            created_at=EIGHT,
            changed_at=EIGHT,
        )
        put(
            "deliveries",
            id=f"{who:032x}",
            enrollment_id=who,
            run=1,
            letter_key="welcome",
            letter_id=1,
            state="failed" if state == "bounced" else "sent",
            epoch=1,
            due_at=EIGHT,
            handed_at=EIGHT,
            settled_at=EIGHT,
            attempts=1,
            deferrals=0,
            detail="",
        )
        put(
            "attempts",
            id=who,
            delivery_id=f"{who:032x}",
            number=1,
            gated_at=EIGHT,
            gated_wall=EIGHT,
            deadline=EIGHT,
            outcome="refused" if state == "bounced" else "accepted",
            detail="",
            answered_at=EIGHT,
        )


def migrated(folder: Path) -> World:
    database = Database(f"sqlite:///{folder}/ledger.db")
    first_revision(database)
    store = Store(database, Pseudonyms(["a secret of at least sixteen bytes"]))
    assert not store.schema_is_current()
    store.migrate()
    assert store.schema_is_current()
    return World(store, HandClock(MONDAY.replace(hour=10), MONDAY.replace(hour=10)))


def test_a_course_of_the_first_revision_goes_on(tmp_path: Path) -> None:
    world = migrated(tmp_path)
    assert world.store.audit().violations == ()
    assert world.store.course("motivation").language == "en"
    assert not world.store.publish(edition(), MONDAY)
    world.let_time_pass()
    assert world.mailbox.subjects() == list(KEYS[1:])
    assert world.stands("ann").state is EnrollmentState.COMPLETED
    for name in ("ann", "ben", "cleo"):
        world.store.explain(f"{name}@example.net", world.clock.now())
    assert world.store.audit().violations == ()


def test_when_people_left_the_first_revision_is_an_instant(tmp_path: Path) -> None:
    world = migrated(tmp_path)
    half_past_eight = MONDAY.replace(hour=8, minute=30)
    assert [each.since for each in world.store.suppressed()] == [half_past_eight] * 2
    world.store.erase(world.store.subscriber_id("cleo@example.net"), world.clock.now())
    ben = world.store.subscriber_id("ben@example.net")
    exported = world.store.export(ben, world.clock.now())["subscriber"]
    assert exported["left_at"] == half_past_eight.isoformat()


def test_who_left_the_first_revision_may_come_back(tmp_path: Path) -> None:
    world = migrated(tmp_path)
    world.store.ask_to_join("motivation", person("ben"), "Yes.", world.clock.now())
    world.tick()
    content = world.mailbox.messages[-1].content
    assert content is not None
    consent = LINKS.read_confirm(content.values.action_url.rpartition("/")[2])
    assert consent is not None
    joined = world.store.confirm(consent, world.clock.now())
    assert joined is not None
    assert joined.standing is SignUp.JOINED
    assert world.store.standing("ben@example.net").state is SubscriberState.ACTIVE


def test_the_revisions_make_what_the_tables_say(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/ledger.db")
    first_revision(database)
    with database.writing() as connection:
        migrations.upgrade(connection)
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []
