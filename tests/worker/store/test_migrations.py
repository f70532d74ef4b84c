"""A database of any former revision becomes one of the newest, with everything that was in it."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from course.codec import dump_letter
from tests.worker.databases import Databases, PostgresqlDatabases, query
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


RELEASED = ("0001", "0002", "0003", "0004")


def former(database: Database, revision: str) -> None:
    """Make a database of a former revision with something in every table.

    Ann waits for her second letter, Ben left, and mail to Cleo bounced. What letters hold is not
    the revision's affair: their format is read by every later version.
    """
    database.prepare()
    with database.writing() as connection:
        migrations.upgrade(connection, "0001")
        fill(connection)
        if revision > "0001":
            migrations.upgrade(connection, "0002")
            fill_way_back(connection)
        migrations.upgrade(connection, revision)


def put(connection: Connection, table: str, **values: Any) -> None:
    columns, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
    connection.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({marks})"), values)


def fill(connection: Connection) -> None:
    put(connection, "meta", name="installation", value="former")
    put(connection, "courses", slug="motivation", edition_id=1)
    put(
        connection,
        "editions",
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
            connection,
            "letters",
            edition_id=1,
            position=position,
            key=letter.key,
            kind=letter.kind,
            source_digest=letter.source_digest,
            body=LETTER[letter.key],
        )
    put(connection, "assets", digest="d", name="d.png", media_type="image/png", content=b"picture")
    people = {
        1: ("ann", "active", None, None),
        2: ("ben", "unsubscribed", NAIVE, 2),
        3: ("cleo", "bounced", NAIVE, 3),
    }
    for who, (name, state, left_at, left_after) in people.items():
        put(
            connection,
            "subscribers",
            address=f"{name}@example.net",
            name=name,
            state=state,
            created_at=EIGHT,
            left_at=left_at,
            left_after=left_after,
        )
        put(
            connection,
            "enrollments",
            subscriber_id=who,
            course_id=1,
            run=1,
            state="stopped" if left_at else "active",
            next_at=None if left_at else "2026-03-03 08:00:00.000000+00:00",
            created_at=EIGHT,
            changed_at=EIGHT,
        )
        put(
            connection,
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
            connection,
            "attempts",
            delivery_id=f"{who:032x}",
            number=1,
            gated_at=EIGHT,
            gated_wall=EIGHT,
            deadline=EIGHT,
            outcome="refused" if state == "bounced" else "accepted",
            detail="",
            answered_at=EIGHT,
        )


def fill_way_back(connection: Connection) -> None:
    """Put into the tables of the second revision what came back from Ann."""
    ann = {"subscriber_id": 1}
    put(connection, "suppressions", digest="0" * 64, reason="complained", since=EIGHT)
    put(
        connection,
        "consents",
        course_id=1,
        how="form",
        text="Yes, send it.",
        name="Änn",
        timezone="Europe/Berlin",
        asked_at=EIGHT,
        given_at=EIGHT,
        **ann,
    )
    put(
        connection,
        "events",
        provider="sendgrid",
        provider_event_id="e1",
        fingerprint="1" * 64,
        kind="delivered",
        news="delivered",
        undelivered=False,
        detail="250 taken",
        delivery_id=f"{1:032x}",
        occurred_at=EIGHT,
        received_at=EIGHT,
        body='{"event": "delivered"}',
        **ann,
    )
    put(
        connection,
        "notices",
        id="2" * 32,
        purpose="link",
        course_id=1,
        subject_id=1,
        detail="",
        state="planned",
        created_at=EIGHT,
        expires_at="2026-03-02 12:00:00.000000+00:00",
        due_at=EIGHT,
        attempts=0,
        outcome="",
        **ann,
    )
    put(
        connection,
        "replies",
        fingerprint="3" * 64,
        kind="reflection",
        why="it answers a letter",
        enrollment_id=1,
        delivery_id=f"{1:032x}",
        message_id="<1@mail.example>",
        verified=True,
        attachments='[["a.png", "image/png", 3]]',
        received_at=EIGHT,
        raw=zlib.compress(b"I wrote this."),
        **ann,
    )
    put(
        connection,
        "reflections",
        reply_id=1,
        enrollment_id=1,
        run=1,
        letter_key="welcome",
        text="I wrote this — ümlauts.",
        verified=True,
        from_subscriber=True,
        received_at=EIGHT,
    )


@pytest.fixture(params=RELEASED)
def revision(request: pytest.FixtureRequest) -> str:
    """Every revision that was ever released."""
    released: str = request.param
    return released


@pytest.fixture
def database(databases: Databases, revision: str) -> Iterator[Database]:
    """A database of a former revision, of each kind."""
    address = databases.bare()
    opened = databases.hasty(address)
    former(opened, revision)
    yield opened
    opened.close()
    databases.remove(address)


@pytest.fixture
def world(database: Database) -> World:
    """What a former revision's database became."""
    store = Store(database, Pseudonyms(["a secret of at least sixteen bytes"]))
    assert not store.schema_is_current()
    store.migrate()
    assert store.schema_is_current()
    return World(store, HandClock(MONDAY.replace(hour=10), MONDAY.replace(hour=10)))


def test_a_course_of_a_former_revision_goes_on(world: World) -> None:
    assert world.store.audit().violations == ()
    assert world.store.course("motivation").language == "en"
    assert not world.store.publish(edition(), MONDAY)
    world.let_time_pass()
    subjects = [each for each in world.mailbox.subjects() if each in KEYS]
    assert subjects == list(KEYS[1:])
    assert world.stands("ann").state is EnrollmentState.COMPLETED
    for name in ("ann", "ben", "cleo"):
        world.store.explain(f"{name}@example.net", world.clock.now())
    assert world.store.audit().violations == ()


def test_when_people_left_a_former_revision_is_an_instant(world: World) -> None:
    half_past_eight = MONDAY.replace(hour=8, minute=30)
    assert [each.since for each in world.store.suppressed()] == [half_past_eight] * 2
    world.store.erase(world.store.subscriber_id("cleo@example.net"), world.clock.now())
    ben = world.store.subscriber_id("ben@example.net")
    exported = world.store.export(ben, world.clock.now())["subscriber"]
    assert exported["left_at"] == half_past_eight.isoformat()


def test_who_left_a_former_revision_may_come_back(world: World) -> None:
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


@pytest.mark.parametrize("revision", ["0002", "0003", "0004"], indirect=True)
def test_what_came_back_in_a_former_revision_is_still_there(world: World) -> None:
    told = world.store.export(world.store.subscriber_id("ann@example.net"), world.clock.now())
    assert [each["text"] for each in told["reflections"]] == ["I wrote this — ümlauts."]
    assert [each["raw"] for each in told["replies"]] == ["I wrote this."]
    assert told["replies"][0]["attachments"] == [["a.png", "image/png", 3]]
    assert [each["body"] for each in told["events"]] == ['{"event": "delivered"}']
    assert [(each["name"], each["given_at"]) for each in told["consents"]] == [
        ("Änn", MONDAY.replace(hour=8).isoformat())
    ]
    assert world.tick().claimed == 0
    (link,) = world.mailbox.messages
    assert link.recipient == "ann@example.net"


def test_the_revisions_make_what_the_tables_say(database: Database) -> None:
    with database.writing() as connection:
        migrations.upgrade(connection)
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []


def test_ids_of_letters_sort_alike_everywhere(catalogue: Callable[[str], list[Any]]) -> None:
    others = catalogue(
        "SELECT table_name FROM information_schema.columns"
        " WHERE column_name IN ('id', 'delivery_id')"
        " AND (column_name = 'delivery_id' OR table_name = 'deliveries')"
        " AND collation_name IS DISTINCT FROM 'C'"
    )
    assert others == []


def test_tables_on_postgresql_have_the_room_that_they_say(
    catalogue: Callable[[str], list[Any]],
) -> None:
    said = {
        (table.name, tuple(f"{name}={value}" for name, value in options.items()))
        for table in metadata.tables.values()
        if (options := table.dialect_options["postgresql"]["with"])
    }
    rows = catalogue(
        "SELECT relname, reloptions FROM pg_class"
        " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        " AND reloptions IS NOT NULL"
    )
    assert {(name, tuple(options)) for name, options in rows} == said
    assert said


@pytest.fixture
def catalogue(postgresql_databases: PostgresqlDatabases) -> Iterator[Callable[[str], list[Any]]]:
    """What asks the catalogue of a PostgreSQL database that has every revision."""
    with postgresql_databases.lent() as address:
        store = postgresql_databases.open(address)
        yield lambda statement: list(query(store, statement))
        store.close()


@pytest.mark.parametrize("revision", ["0001"], indirect=True)
def test_two_who_migrate_at_once_migrate_once(database: Database, tmp_path: Path) -> None:
    database.close()
    address = database.engine.url.set(drivername=database.engine.dialect.name)
    environment = {
        "LETTERCOURSE_DATABASE_URL": address.render_as_string(hide_password=False),
        "LETTERCOURSE_DATA_DIR": str(tmp_path),
    }
    migrate = [sys.executable, "-m", "worker", "migrate"]
    both = [subprocess.Popen(migrate, env=os.environ | environment) for _ in range(2)]
    assert [each.wait(60) for each in both] == [0, 0]
    assert Store(database).schema_is_current()
