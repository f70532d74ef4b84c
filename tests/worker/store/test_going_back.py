"""A database that went back in time is found out, sends nothing, and is rebuilt."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select, text

from tests.worker.ledger import DAY, KEYS, REFUSED, edition, person
from tests.worker.racing import Race
from tests.worker.store.going_back import KEYS as SECRETS
from tests.worker.store.going_back import House
from worker.errors import JournalFault, Refused
from worker.journal import BEGINNING, Leave, Place
from worker.model import DeliveryState, EnrollResult
from worker.pseudonyms import Pseudonyms
from worker.store import open_store
from worker.store.agreeing import WentBack
from worker.store.engine import open_database
from worker.store.journaled import JournaledDatabase
from worker.store.schema import consents, enrollments, subscribers
from worker.store.sqlite import SqliteDatabase


def two_days_that_are_lost(house: House) -> Path:
    """Ben and Cleo begin; then a backup; then Dan comes, letters go out, and Cleo leaves."""
    house.world().enroll(person("ben"), person("cleo"))
    house.tick()
    file = house.back_up()
    house.clock.advance(DAY)
    house.world().enroll(person("dan"))
    house.tick()
    house.clock.advance(DAY)
    house.tick()
    house["h1"].unsubscribe("cleo@example.net", house.clock.now())
    return file


def test_no_letter_is_handed_over_before_its_line_is_on_the_disk(house: House) -> None:
    house.world().enroll(person("ben"))
    (gated,) = house.world().gate(house.world().claim())
    journal = house["h1"]._journaled.journal(house.clock.now())  # type: ignore[union-attr]
    (entry,) = [entry for _, entry in journal.read(BEGINNING, pytest.fail)]
    assert (entry.delivery, entry.attempt) == (gated.claimed.id, gated.attempt_id)  # type: ignore[union-attr]
    assert b"ben" not in b"".join(file.read_bytes() for file in journal.folder.iterdir())


def test_a_gate_whose_line_cannot_be_written_hands_nothing_over(house: House) -> None:
    house.world().enroll(person("ben"))
    house.tick()
    house.clock.advance(2 * DAY)
    shutil.move(house.folder / "journal-h1", house.folder / "elsewhere")
    with pytest.raises(JournalFault, match="journal"):
        house.world().tick()
    attempts = house["h1"].deliveries()[0].attempts
    with pytest.raises(JournalFault, match="journal"):
        house.world().tick()
    assert house["h1"].deliveries()[0].attempts == attempts  # stopped before it was made
    assert house.mailbox.subjects() == ["welcome"]
    shutil.move(house.folder / "elsewhere", house.folder / "journal-h1")
    house.deliver_everything()
    assert house.mailbox.subjects() == list(KEYS)
    assert house["h1"].audit().violations == ()


def test_who_compares_while_others_deliver_raises_no_alarm(house: House) -> None:
    house.world().enroll(person("ben"), person("cleo"))
    house.tick()
    house.world().enroll(person("dan"))
    plain, place = open_database(house.url), Place(house.folder / "journal-h1", "h1")

    @contextmanager
    def reading() -> Iterator[Connection]:
        with read() as connection:
            connection.execute(select(func.count()).select_from(subscribers))
            house.tick()  # committed and on the disk, and not in this snapshot
            yield connection

    read, plain.reading = plain.reading, reading  # type: ignore[method-assign]
    JournaledDatabase(plain, place, Pseudonyms(SECRETS).digests).look(house.clock.now())
    plain.close()
    assert house.mailbox.subjects() == ["welcome"] * 3
    house["h1"].look_at_journal(house.clock.now())


def test_processes_of_one_host_that_begin_at_once_share_its_new_journal(house: House) -> None:
    now = house.clock.now()
    with Race() as race:
        for turn in range(20):
            place = Place(house.folder / f"journal-{turn}", f"host {turn}")
            stores = [open_store(house.url, Pseudonyms(SECRETS), place) for _ in range(2)]
            answers = race.run(*(partial(store.look_at_journal, now) for store in stores))
            assert answers == [None, None]
            for store in stores:
                store.close()


def test_who_leaves_is_told_so_only_when_it_stands_outside_too(house: House) -> None:
    house.world().enroll(person("ben"))
    house.tick()
    shutil.move(house.folder / "journal-h1", house.folder / "elsewhere")
    with pytest.raises(JournalFault):
        house["h1"].unsubscribe("ben@example.net", house.clock.now())
    shutil.move(house.folder / "elsewhere", house.folder / "journal-h1")
    house["h1"].unsubscribe("ben@example.net", house.clock.now())
    journal = house["h1"]._journaled.journal(house.clock.now())  # type: ignore[union-attr]
    read = [entry for _, entry in journal.read(BEGINNING, pytest.fail)]
    assert [each.state for each in read if isinstance(each, Leave)] != []


def test_a_database_that_was_put_back_sends_nothing_and_says_the_remedy(house: House) -> None:
    file = two_days_that_are_lost(house)
    house.put_back(file)
    sent = len(house.mailbox.messages)
    with pytest.raises(WentBack, match=r"lacks 4 .* restore --reconcile"):
        house.tick()
    with pytest.raises(Refused):  # nor does who did not look before
        house.world().tick()
    assert len(house.mailbox.messages) == sent


def test_what_was_sent_since_the_backup_is_in_doubt_and_never_sent_again(house: House) -> None:
    file = two_days_that_are_lost(house)
    house.put_back(file)
    found = house["h1"].reconcile(house.clock.now())
    assert (found.hand_overs, found.departures, found.placeholders) == (3, 1, 1)
    assert house["h1"].audit().in_doubt == 3
    again = house["h1"].reconcile(house.clock.now())
    assert not again.changed
    house.deliver_everything()
    assert house.mailbox.subjects("ben@example.net") == list(KEYS)
    assert house.mailbox.subjects("cleo@example.net") == ["welcome", "goals"]
    assert house.mailbox.subjects("dan@example.net") == ["welcome"]
    assert house["h1"].audit().violations == ()


def test_whoever_the_backup_does_not_know_goes_on_where_they_stood(house: House) -> None:
    file = two_days_that_are_lost(house)
    house.put_back(file)
    house.reconcile()
    (zoe, dan) = house.world().enroll(person("zoe"), person("dan", timezone="Asia/Tokyo"))
    assert (zoe, dan) == (EnrollResult.ENROLLED, EnrollResult.ALREADY)
    house.deliver_everything()
    assert house.mailbox.subjects("dan@example.net") == list(KEYS)
    assert house.mailbox.subjects("zoe@example.net") == list(KEYS)
    assert house["h1"].audit().violations == ()


def test_whoever_the_backup_does_not_know_may_come_back_by_the_form(house: House) -> None:
    file = two_days_that_are_lost(house)
    house.put_back(file)
    house.reconcile()
    store, now = house["h1"], house.clock.now()
    store.ask_to_join("motivation", person("dan"), "Yes, send it.", now)
    with store._plain.reading() as connection:
        asked = connection.scalar(select(func.max(consents.c.id)))
    assert store.confirm(asked, now) is not None
    house.deliver_everything()
    assert house.mailbox.subjects("dan@example.net").count("welcome") == 1
    letters = [each for each in house.mailbox.subjects("dan@example.net") if each in KEYS]
    assert letters == list(KEYS)
    assert store.audit().violations == ()


def test_an_old_link_of_somebody_unknown_fits_nobody_new(house: House) -> None:
    file = two_days_that_are_lost(house)
    with house["h1"]._plain.reading() as connection:
        dans = connection.execute(select(func.max(enrollments.c.id))).scalar_one()
    house.put_back(file)
    house.reconcile()
    house.world().enroll(person("zoe"))
    assert house["h1"].unsubscribe_enrollment(dans, house.clock.now())
    assert house["h1"].standing("zoe@example.net").state == "active"
    assert house.world().enroll(person("dan")) == [EnrollResult.SUPPRESSED]


def test_people_enrolled_before_anybody_noticed_keep_their_ids_and_their_letters(
    house: House,
) -> None:
    """Zoe has the ids that Dan had, and Dan is on the list again, under other ids."""
    file = two_days_that_are_lost(house)
    house.put_back(file)
    house.world().enroll(person("zoe"), person("dan"))
    house.reconcile()
    house.deliver_everything()
    assert house.mailbox.subjects("zoe@example.net") == list(KEYS)
    assert house.mailbox.subjects("dan@example.net") == list(KEYS)
    assert house["h1"].audit().violations == ()


def test_a_host_that_gated_before_anybody_noticed_loses_nothing(house: House) -> None:
    """The other host's hand-overs have the ids that the first one's had."""
    house["h2"].look_at_journal(house.clock.now())
    file = two_days_that_are_lost(house)
    back_in_time(house, file)
    house.tick("h2")
    with pytest.raises(WentBack):
        house.tick("h1")
    house.clock.advance(2 * DAY)
    with pytest.raises(Refused, match="journal of h1"):
        house.world("h2").tick()
    house.reconcile("h1")
    house.stop()
    house.deliver_everything("h2")
    assert house["h2"].audit().violations == ()
    counts = Counter(house.came())
    assert counts[("cleo@example.net", "support")] == 0
    assert {what for what, copies in counts.items() if copies > 1} == {
        ("ben@example.net", "goals"),
        ("cleo@example.net", "goals"),
    }  # what h2 sent before anybody could know


def back_in_time(house: House, file: Path) -> None:
    """Put the rows of a backup back behind everybody's back: no command, no new generation."""
    database = open_database(house.url)
    with house["h1"]._plain.reading() as connection:
        generation = connection.scalar(text("SELECT value FROM meta WHERE name = 'generation'"))
    house.put_back(file)
    with database.writing() as connection:
        connection.execute(
            text("UPDATE meta SET value = :it WHERE name = 'generation'"), {"it": generation}
        )
    database.close()
    for host in ("h1", "h2"):
        with database.writing() as connection:
            connection.execute(
                text("UPDATE journals SET generation = :it WHERE host = :host"),
                {"it": generation, "host": host},
            )
    database.close()


def test_a_server_that_lost_its_newest_rows_while_in_use_is_found_out_at_the_next_gate(
    house: House,
) -> None:
    two_days_that_are_lost(house)
    house.clock.advance(DAY)
    with house["h1"]._plain.writing() as connection:
        connection.execute(text("DELETE FROM attempts WHERE id = (SELECT max(id) FROM attempts)"))
        if connection.dialect.name == "postgresql":
            connection.execute(
                text("SELECT setval('attempts_id_seq', (SELECT max(id) FROM attempts))")
            )
    with pytest.raises(WentBack, match="lacks 1"):
        house.world().tick()


def test_every_host_is_asked_after_a_restore_and_a_lost_one_is_named(house: House) -> None:
    house.world().enroll(person("ben"))
    house.tick("h1")
    house.clock.advance(DAY)
    house.tick("h2")
    file = house.back_up()
    house.clock.advance(DAY)
    house.tick("h2")
    house.put_back(file)
    found = house["h1"].reconcile(house.clock.now())
    assert found.waiting == ("h2",)
    with pytest.raises(Refused, match=r"journal of h2 .*--without h2"):
        house.tick("h1")
    with pytest.raises(WentBack):
        house.tick("h2")
    house.reconcile("h2")
    house.deliver_everything()
    assert house.mailbox.subjects() == list(KEYS)


def test_a_host_whose_journal_lacks_nothing_is_compared_by_its_start_alone(house: House) -> None:
    house.world().enroll(person("ben"))
    house["h2"].look_at_journal(house.clock.now())
    house.tick("h1")
    house.put_back(house.back_up())
    house.reconcile("h1")
    with pytest.raises(Refused, match="journal of h2"):
        house.tick("h1")
    house["h2"].look_at_journal(house.clock.now())
    house.deliver_everything()
    assert house.mailbox.subjects() == list(KEYS)


def test_a_host_that_came_after_the_backup_is_asked_where_another_one_has_met_it(
    house: House,
) -> None:
    house.world().enroll(person("ben"), person("cleo"))
    file = house.back_up()
    house.tick("h2")
    house.clock.advance(2 * DAY)
    house.tick("h1")
    house["h2"].unsubscribe("cleo@example.net", house.clock.now())
    house.put_back(file)
    house.reconcile("h1")
    with pytest.raises(Refused, match="journal of h2"):
        house.tick("h1")
    house.reconcile("h2")
    house.deliver_everything()
    assert house.mailbox.subjects("ben@example.net") == list(KEYS)
    assert house.mailbox.subjects("cleo@example.net") == ["welcome", "goals"]
    assert house["h1"].audit().violations == ()


def test_a_lost_journal_is_replaced_and_the_database_goes_on(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.world().enroll(person("ben"))
    house.tick()
    house.stop()
    shutil.rmtree(house.folder / "journal-h1")
    house.clock.advance(DAY)
    house.tick()
    assert "h1 begins a journal; the database knows those of: h1" in caplog.text
    assert [each.host for each in house["h1"].journals()] == ["h1", "h1"]
    file = house.back_up()
    house.put_back(file)
    house.reconcile()
    with pytest.raises(Refused, match="journal of h1"):
        house.tick()
    house["h1"].reconcile(house.clock.now(), without=["h1"])
    assert all(each.is_compared for each in house["h1"].journals())
    house.deliver_everything()
    assert house.mailbox.subjects() == list(KEYS)


def test_a_wiped_database_is_refused_and_filled_again_from_the_journal(
    house: House, tmp_path: Path
) -> None:
    two_days_that_are_lost(house)
    house.stop()
    database = open_database(house.url)
    if isinstance(database, SqliteDatabase):
        database.path.unlink()
    else:
        with database.writing() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    database.close()
    house["h1"].migrate()
    with pytest.raises(Refused, match="another database than the one in use"):
        house.tick()
    with pytest.raises(Refused, match="letter welcome of motivation"):
        house.reconcile()
    house["h1"].publish(edition(), house.clock.now())
    house.reconcile()
    answers = house.world().enroll(*map(person, ("zoe", "dan", "cleo", "ben")))
    assert [str(each) for each in answers] == ["enrolled", "already", "suppressed", "already"]
    house.deliver_everything()
    for name in ("ben", "dan", "zoe"):
        assert house.mailbox.subjects(f"{name}@example.net") == list(KEYS)
    assert house.mailbox.subjects("cleo@example.net") == ["welcome", "goals"]
    assert house["h1"].audit().violations == ()


def test_whoever_was_erased_since_is_erased_again(house: House) -> None:
    file = two_days_that_are_lost(house)
    store = house["h1"]
    for name in ("ben", "dan"):
        store.erase(store.subscriber_id(f"{name}@example.net"), house.clock.now())
    house.put_back(file)
    store = house["h1"]
    found = store.reconcile(house.clock.now())
    assert found.erasures == 2
    with store._plain.reading() as connection:
        addresses = connection.scalars(select(subscribers.c.address)).all()
    assert not any(each.startswith(("ben@", "dan@")) for each in addresses)
    answers = house.world().enroll(person("ben"), person("dan"))
    assert answers == [EnrollResult.SUPPRESSED] * 2
    house.deliver_everything()
    assert store.audit().violations == ()


def test_a_damaged_line_stops_a_rebuilding_until_somebody_says_so(house: House) -> None:
    file = two_days_that_are_lost(house)
    (segment,) = (house.folder / "journal-h1").glob("*.journal")
    lines = segment.read_bytes().splitlines(keepends=True)
    lines[4] = lines[4].replace(b"gate", b"gale")
    segment.write_bytes(b"".join(lines))
    house.put_back(file)
    with pytest.raises(Refused, match=r"line 5, is damaged.*--force"):
        house.reconcile()
    assert house["h1"].audit().in_doubt == 0
    found = house["h1"].reconcile(house.clock.now(), force=True)
    assert found.passed_over == (f"{segment.name}, line 5, is damaged",)
    assert found.hand_overs == 2


def test_a_restart_since_the_backup_is_taken_over(house: House) -> None:
    house.world().enroll(person("ben"))
    house.tick()
    file = house.back_up()
    house.clock.advance(DAY)
    house["h1"].restart("ben@example.net", "motivation", house.clock.now())
    house.tick()
    house.put_back(file)
    house.reconcile()
    assert house.world().stands().run == 2
    house.deliver_everything()
    assert house.mailbox.subjects() == ["welcome", *KEYS]
    assert house["h1"].audit().violations == ()


def test_a_held_course_that_went_on_since_the_backup_goes_on(house: House) -> None:
    house.world().enroll(person("ben"))
    house.mailbox.answer = lambda _: REFUSED
    house.tick()
    assert house.world().stands().state == "held"
    file = house.back_up()
    accepting = type(house.mailbox)().answer
    house.mailbox.answer = accepting
    house["h1"].resume("ben@example.net", None, house.clock.now())
    house.tick()
    house.put_back(file)
    house.reconcile()
    house.deliver_everything()
    assert house.mailbox.subjects() == list(KEYS)
    assert house["h1"].audit().violations == ()


def test_a_letter_put_off_before_the_backup_and_sent_since_is_not_sent_again(house: House) -> None:
    world = house.world()
    world.enroll(person("ben"))
    house.clock.advance(timedelta(seconds=1))
    house["h1"].look_at_journal(house.clock.now())
    gated = world.hand_over()
    file = house.back_up()
    house["h1"].give_back([gated], house.clock.moment())
    house.tick()
    house.put_back(file)
    house.reconcile()
    (delivery,) = house["h1"].deliveries()
    assert (delivery.state, delivery.attempts) == (DeliveryState.IN_DOUBT, 2)
    house.deliver_everything()
    assert house.mailbox.subjects() == list(KEYS)
    assert house["h1"].audit().violations == ()


def test_a_journal_of_another_installation_is_refused(house: House, tmp_path: Path) -> None:
    house.tick()
    other = House(f"sqlite:///{tmp_path}/other.db", tmp_path / "other")
    other["h1"]._journaled._place = Place(house.folder / "journal-h1", "h1")  # type: ignore[union-attr]
    with pytest.raises(Refused, match="another database"):
        other.tick()
    other.stop()
