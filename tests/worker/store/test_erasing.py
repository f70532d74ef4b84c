"""Having everything about oneself, and having it erased."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from tests.worker.databases import Databases
from tests.worker.ledger import ACCEPTED, DAY, MONDAY, World, edition, person
from tests.worker.writings import enrollment_of, reflect, write_about
from worker.erasing import erase, sweep
from worker.errors import Refused, UnknownSubscriber
from worker.model import DeliveryState, EnrollResult, Outcome, Person, SubscriberState
from worker.pseudonyms import Pseudonyms
from worker.store import Store, open_store
from worker.store.erasing import Erased
from worker.store.schema import attempts, deliveries, replies
from worker.store.suppressing import Suppressed

BEN = "ben@example.net"
WORDS = "I walked to the river, and it was enough."


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = open_store(database_url, Pseudonyms(["k" * 20]))
    yield opened
    opened.close()


@pytest.fixture
def lived(world: World) -> World:
    """Ben and Cleo had two letters; Ben answered, and everything was written about him."""
    world.enroll(Person(BEN, "Benvenuto", "Asia/Tokyo"), person("cleo"))
    world.tick()
    world.clock.advance(2 * DAY)
    world.tick()
    reflect(world.store, BEN, "goals", WORDS, world.clock.now())
    write_about(world.store, BEN, "Benedictus", world.clock.now())
    with world.store._database.writing() as connection:
        words = f"450 <{BEN.upper()}> wait"
        its = deliveries.c.enrollment_id == enrollment_of(world.store, BEN)
        letters = select(deliveries.c.id).where(its)
        connection.execute(update(deliveries).where(its).values(detail=words))
        connection.execute(
            update(attempts).where(attempts.c.delivery_id.in_(letters)).values(detail=words)
        )
    return world


def erase_ben(world: World) -> Erased:
    store = world.store
    return erase(store, world.mailbox, store.subscriber_id(BEN), world.clock.now())


def test_an_export_leaves_nothing_out(lived: World) -> None:
    store = lived.store
    told = store.export(store.subscriber_id(BEN), lived.clock.now())
    assert json.loads(json.dumps(told)) == told
    assert told["subscriber"]["address"] == BEN
    assert [each["name"] for each in told["consents"]] == ["Benedictus"]
    assert [each["course"] for each in told["enrollments"]] == ["motivation"]
    assert [each["letter_key"] for each in told["deliveries"]] == ["welcome", "goals"]
    assert [len(each["tries"]) for each in told["deliveries"]] == [1, 1]
    assert [each["text"] for each in told["reflections"]] == [WORDS]
    assert [each["kind"] for each in told["events"]] == ["delivered"]
    assert [each["purpose"] for each in told["notices"]] == ["link"]
    (reply,) = told["replies"]
    assert reply["raw_encoding"] == "text"
    assert WORDS in reply["raw"]
    assert "cleo" not in json.dumps(told)


def test_every_key_of_an_export_is_documented_and_every_documented_one_is_there(
    lived: World,
) -> None:
    page = (Path(__file__).parents[3] / "docs/reference/answers.md").read_text("utf-8")
    section = page.partition("## subscribers export")[2].partition("\n## ")[0]
    told = lived.store.export(lived.store.subscriber_id(BEN), lived.clock.now())

    def keys(value: object) -> set[str]:
        if isinstance(value, dict):
            return set(value).union(*map(keys, value.values()))
        return set().union(*map(keys, value)) if isinstance(value, list) else set()

    assert keys(told) == set(re.findall(r'"(\w+)"', section.partition("`raw`")[0]))


def test_mail_that_is_no_text_is_exported_in_base64(lived: World) -> None:
    with lived.store._database.writing() as connection:
        connection.execute(update(replies).values(raw=zlib.compress(b"\xff\xfe mail")))
    told = lived.store.export(lived.store.subscriber_id(BEN), lived.clock.now())
    assert (told["replies"][0]["raw_encoding"], told["replies"][0]["raw"]) == (
        "base64",
        "//4gbWFpbA==",
    )


def test_after_erasing_no_byte_of_them_is_in_the_files(
    lived: World, databases: Databases, database_url: str
) -> None:
    lived.store.close()
    traces = (b"ben@example", b"Benvenuto", b"Benedictus", b"the river", b"Tokyo")
    assert all(trace in databases.content(database_url) for trace in traces)
    erased = erase_ben(lived)
    assert (erased.reflections, erased.replies, erased.events) == (1, 1, 2)
    lived.store.close()
    left = databases.content(database_url)
    for trace in traces:
        assert trace.lower() not in left.lower()
    assert b"cleo@example.net" in left


def test_erasing_takes_the_copies_of_their_letters_and_nobody_elses(lived: World) -> None:
    assert len(lived.mailbox.messages) == 4
    erase_ben(lived)
    assert {each.recipient for each in lived.mailbox.messages} == {"cleo@example.net"}


def test_the_ledger_still_adds_up_after_erasing(lived: World) -> None:
    before = lived.store.audit()
    erase_ben(lived)
    after = lived.store.audit()
    assert (after.sent, after.violations) == (before.sent, ())
    states = {each.address: each.state for each in lived.store.subscribers()}
    assert set(states.values()) == {SubscriberState.ACTIVE, SubscriberState.UNSUBSCRIBED}
    lived.let_time_pass()
    assert {each.recipient for each in lived.mailbox.messages} == {"cleo@example.net"}


def test_no_list_enrolls_an_erased_person_again(lived: World) -> None:
    erase_ben(lived)
    answers = lived.enroll(person("ben"), person("dora"), person("ben"))
    assert answers == [EnrollResult.SUPPRESSED, EnrollResult.ENROLLED, EnrollResult.SUPPRESSED]
    with pytest.raises(UnknownSubscriber):
        lived.store.subscriber_id(BEN)
    assert lived.store.was_erased(BEN)
    assert not lived.store.was_erased("cleo@example.net")


def test_a_key_that_came_later_still_finds_the_erased(lived: World, database_url: str) -> None:
    erase_ben(lived)
    rotated = open_store(database_url, Pseudonyms(["k" * 20, "n" * 20]))
    course = rotated.course("motivation")
    assert rotated.enroll(course, [person("ben")], MONDAY) == [EnrollResult.SUPPRESSED]
    rotated.close()


def test_erasing_again_changes_nothing_and_completes_what_a_crash_left(lived: World) -> None:
    store = lived.store
    ben = store.subscriber_id(BEN)
    copies = list(lived.mailbox.messages)
    store.erase(ben, lived.clock.now())
    assert lived.mailbox.messages == copies  # killed here: the rows are gone, the copies not
    assert erase(store, lived.mailbox, ben, lived.clock.now()) == Erased()
    assert {each.recipient for each in lived.mailbox.messages} == {"cleo@example.net"}


def test_without_a_key_nobody_is_erased(database_url: str) -> None:
    store = open_store(database_url)
    store.publish(edition(), MONDAY)
    world = World(store)
    world.enroll(person("ben"))
    with pytest.raises(Refused, match="SECRET_KEYS"):
        erase_ben(world)
    assert store.standing(BEN).state is SubscriberState.ACTIVE
    store.close()


def test_a_complaint_outlives_erasing_as_the_reason(lived: World) -> None:
    lived.store.suppress([Suppressed(BEN, SubscriberState.COMPLAINED)], lived.clock.now())
    erase_ben(lived)
    (gone,) = [each for each in lived.store.suppressed() if each.address != "cleo@example.net"]
    assert gone.reason is SubscriberState.COMPLAINED


def test_a_letter_in_hand_while_erasing_is_settled(world: World) -> None:
    world.enroll(person("ben"))
    gated = world.hand_over()
    erase_ben(world)
    world.settle(gated, ACCEPTED)
    assert world.state_of(gated.claimed.id) is DeliveryState.SENT
    assert world.store.audit().violations == ()


def test_the_copy_of_a_letter_that_was_in_hand_is_removed_once_it_is_settled(world: World) -> None:
    world.enroll(person("ben"))

    def erased_meanwhile(_: object) -> Outcome:
        if world.store.standing(BEN).state is SubscriberState.ACTIVE:
            erase_ben(world)
        return ACCEPTED

    world.mailbox.answer = erased_meanwhile
    assert world.tick().sent == 1
    assert world.mailbox.messages == []
    assert world.store.audit().violations == ()


def test_a_letter_not_past_its_gate_is_stopped_by_erasing(world: World) -> None:
    world.enroll(person("ben"))
    claimed = world.claim()
    erase_ben(world)
    assert world.gate(claimed) == []
    assert world.state_of(claimed[0].id) is DeliveryState.CANCELLED


def test_a_database_that_somebody_reads_is_scrubbed_later(
    lived: World, databases: Databases, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = lived.store._database
    with database.reading() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM courses").one()
        database.engine.pool.dispose()
        monkeypatch.setattr("worker.store.sqlite.BUSY_TIMEOUT", 0.05)
        monkeypatch.setattr("worker.store.postgresql.SCRUB_PATIENCE", 0.05)
        hasty = open_store(database_url, Pseudonyms(["k" * 20]))
        hasty.erase(hasty.subscriber_id(BEN), lived.clock.now())
        assert not sweep(hasty, lived.mailbox)
        hasty.close()
    assert sweep(lived.store, lived.mailbox)
    lived.store.close()
    assert b"ben@example" not in databases.content(database_url)


NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=5, max_size=60
)


def test_whatever_somebody_is_called_and_wrote_is_gone(databases: Databases) -> None:
    @settings(max_examples=50 if databases.kind == "sqlite" else 10, deadline=None)
    @given(name=NAMES, words=NAMES, others=st.integers(0, 30))
    def gone(name: str, words: str, others: int) -> None:
        with databases.lent() as address:
            store = open_store(address, Pseudonyms(["k" * 20]))
            store.publish(edition(), MONDAY)
            world = World(store)
            unique = f"{name}~{words}"
            course = store.course("motivation")
            crowd = [person(f"p{number}") for number in range(others)]
            store.enroll(course, [*crowd, Person(BEN, unique)], MONDAY)
            world.tick()
            reflect(store, BEN, "welcome", unique, MONDAY)
            erase_ben(world)
            assert enrollment_of(store, f"erased-{others + 1}@erased.invalid")
            store.close()
            left = databases.content(address)
        assert unique.encode() not in left
        assert b"ben@example.net" not in left

    gone()
