"""Moving to another database, in the middle of a course and under workers that go on trying."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from course.errors import LettercourseError
from tests.worker.databases import Databases, SqliteDatabases
from tests.worker.ledger import ACCEPTED, DAY, KEYS, person
from tests.worker.store.going_back import House
from worker.errors import Refused
from worker.keeping.moving import move
from worker.store.copying import quietly, rows_in
from worker.store.engine import open_database


@pytest.fixture
def target_url(
    databases: Databases,
    sqlite_databases: SqliteDatabases,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> Iterator[str]:
    """An empty database of the other kind: without tables, or with all of them."""
    if databases.kind == "postgresql":
        yield f"sqlite:///{tmp_path}/target.db"
        return
    other: Databases = request.getfixturevalue("postgresql_databases")
    with other.lent() as address:
        yield address


def test_everybody_gets_each_letter_once_when_a_course_moves_under_its_workers(
    house: House, target_url: str
) -> None:
    house.world().enroll(*(person(f"p{number}") for number in range(40)))
    house.tick()
    house.clock.advance(2 * DAY)
    moved = threading.Event()

    def work() -> None:
        """Do as a worker does that nobody told: try, and try again."""
        while not moved.is_set():
            with suppress(LettercourseError):
                house.world().courier("stubborn", window=3)
                house.tick()

    worker = threading.Thread(target=work)
    worker.start()
    target = open_database(target_url)
    done = move(house["h1"], target, house.clock, quietly)
    with target.reading() as connection:
        assert sum(rows_in(connection).values()) >= done.rows - 2
    target.close()
    sent = len(house.mailbox.messages)
    with pytest.raises(Refused, match=r"was moved to .*LETTERCOURSE_DATABASE_URL"):
        house["h1"].unsubscribe("p1@example.net", house.clock.now())
    moved.set()
    worker.join(30)
    assert len(house.mailbox.messages) == sent
    house.stop()
    house.url = target_url
    house.deliver_everything()
    assert house["h1"].audit().violations == ()
    copies = Counter(house.came())
    assert copies == Counter((f"p{n}@example.net", key) for n in range(40) for key in KEYS)
    house.world().enroll(person("somebody new"))


def test_what_is_under_way_is_still_settled_and_moves_as_sent(
    house: House, target_url: str
) -> None:
    house.world().enroll(person("ben"))
    house["h1"].look_at_journal(house.clock.now())
    gated = house.world().hand_over()
    target = open_database(target_url)
    mover = threading.Thread(target=move, args=(house["h1"], target, house.clock, quietly))
    mover.start()
    while True:
        with house["h1"]._plain.reading() as connection:
            if "moving" in str(connection.exec_driver_sql("SELECT name FROM meta").all()):
                break
    assert house.world().settle(gated, ACCEPTED).sent == 1
    mover.join(30)
    target.close()
    house.stop()
    house.url = target_url
    assert house["h1"].audit().sent == 1


def test_a_target_that_holds_anything_is_refused_and_the_source_goes_on(
    house: House, target_url: str
) -> None:
    target = open_database(target_url)
    move(house["h1"], target, house.clock, quietly)
    house["h1"].go_on()
    house.world().enroll(person("ben"))
    with pytest.raises(Refused, match="not empty"):
        move(house["h1"], target, house.clock, quietly)
    target.close()
    house.clock.advance(timedelta(minutes=1))
    house.deliver_everything()
    assert house.mailbox.subjects() == list(KEYS)


def test_a_copy_that_fails_leaves_the_source_as_it_was(house: House) -> None:
    house.world().enroll(person("ben"))

    def fails(table: str, _done: int, _rows: int) -> None:
        if table == "deliveries":
            raise Refused("no more")

    target = open_database(f"sqlite:///{house.folder}/target.db")
    with pytest.raises(Refused, match="no more"):
        move(house["h1"], target, house.clock, fails)
    done = move(house["h1"], target, house.clock, quietly)
    assert done.rows > 0
    target.close()
