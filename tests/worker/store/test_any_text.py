"""Whatever people and servers write, both databases keep the same rows and tell the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tests.worker.databases import Databases, PostgresqlDatabases, SqliteDatabases, query
from tests.worker.ledger import DAY, MONDAY, World, edition, person
from tests.worker.news import told
from worker.model import (
    Event,
    News,
    Outcome,
    Person,
    ReplyKind,
    SubscriberState,
    Verdict,
)
from worker.pseudonyms import Pseudonyms
from worker.store import Clues, Reply
from worker.store.schema import attempts, metadata, notices
from worker.store.suppressing import Suppressed

LOCAL_PARTS = ("a.b", "a-b", "ab", "a_b", "a+b", "ac", "a1", "1a", "~a", "z")
"""Languages sort these otherwise than their characters' codes do."""

words = st.text(st.characters(), max_size=60) | st.sampled_from(
    ["\0", "a\0b", "\ud800", "\udfff\ud800", "\U0010ffff", "\ufeff", "'; --", "%s %(x)s", ":ids"]
)
people = st.lists(
    st.builds(Person, st.sampled_from([f"{each}@example.net" for each in LOCAL_PARTS]), words),
    min_size=2,
    max_size=6,
    unique_by=lambda each: each.address,
)


CHANCE = {notices.c.id, attempts.c.id}
"""The one is random; the other counts in which order a gate let its window through."""

Deed = Callable[[World], object]


def deeds() -> st.SearchStrategy[list[Deed]]:
    """Return what doors do with words that others wrote."""
    one = (
        st.builds(_settled, words)
        | st.builds(_told, words, words, words, words)
        | st.builds(_replied, words, words, words, words)
        | st.builds(_asked, words, words)
        | st.builds(_suppressed, st.sampled_from(LOCAL_PARTS))
        | st.just(_a_day_passes)
    )
    return st.lists(one, min_size=3, max_size=8)


def _settled(said: str) -> Deed:
    def deed(world: World) -> object:
        gated = world.gate(world.claim(limit=1))
        refused = Outcome(Verdict.REFUSED, said)
        return world.store.settle([(each, refused) for each in gated], world.clock.moment())

    return deed


def _told(kind: str, event_id: str, detail: str, body: str) -> Deed:
    def deed(world: World) -> object:
        newest = next(iter(world.store.deliveries()), None)
        event: Event = told(
            News.OTHER,
            newest.id if newest else None,
            world.clock.now(),
            kind=kind[:40],
            event_id=event_id,
            detail=detail,
            body=body,
            address="a.b@example.net",
        )
        return world.store.record_events([event], world.clock.moment())

    return deed


def _replied(text: str, why: str, message_id: str, name: str) -> Deed:
    def deed(world: World) -> object:
        newest = next(iter(world.store.deliveries()), None)
        clues = Clues(tokens=(newest.id,) if newest else ())
        reply = Reply(
            fingerprint=f"{len(query(world.store, 'SELECT id FROM replies')):064x}",
            kind=ReplyKind.REFLECTION,
            why=why,
            origin=world.store.trace(clues),
            message_id=message_id,
            verified=True,
            from_subscriber=True,
            text=text,
            attachments=((name, "image/png", 3),),
            raw=text.encode("utf-8", "surrogatepass"),
        )
        return world.store.file_reply(reply, world.clock.now())

    return deed


def _asked(name: str, text: str) -> Deed:
    def deed(world: World) -> object:
        asked = Person("asking@example.net", name)
        world.store.ask_to_join("motivation", asked, text, world.clock.now())
        return world.store.confirm(1, world.clock.now())

    return deed


def _suppressed(local_part: str) -> Deed:
    gone = Suppressed(f"{local_part}@example.net", SubscriberState.BOUNCED)
    return lambda world: world.store.suppress([gone], world.clock.now())


def _a_day_passes(world: World) -> object:
    world.clock.advance(DAY + timedelta(hours=1))
    return world.tick()


def live(databases: Databases, everybody: list[Person], done: list[Deed]) -> dict[str, Any]:
    """Return all that there is to know of a ledger in which this happened."""
    with databases.lent() as address:
        store = databases.open(address, Pseudonyms(["a secret of at least sixteen bytes"]))
        query(store, "UPDATE meta SET value = 'the same' WHERE name = 'installation'")
        world = World(store)
        world.publish(edition())
        world.publish(edition(course="patience", words={"goals": "others"}))
        world.enroll(*everybody)
        answers = [repr(deed(world)) for deed in done]
        now = world.clock.now()
        rows = {name: _rows(world, name) for name in sorted(metadata.tables) if name != "meta"}
        told_ = {
            "answers": answers,
            "subscribers": store.subscribers(),
            "deliveries": sorted(map(repr, store.deliveries())),
            "suppressed": store.suppressed(),
            "courses": [each.slug for each in store.courses()],
            "reflections": store.reflections("motivation"),
            "explained": [store.explain(each.address, now) for each in everybody],
            "audit": store.audit(),
        }
        store.close()
    return rows | told_


def _rows(world: World, table: str) -> list[str]:
    columns = [each for each in metadata.tables[table].c if each not in CHANCE]
    with world.store._database.reading() as connection:
        return sorted(repr(tuple(row)) for row in connection.execute(select(*columns)))


def test_both_databases_keep_and_tell_the_same(
    sqlite_databases: SqliteDatabases, postgresql_databases: PostgresqlDatabases
) -> None:
    @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(people, deeds())
    def same(everybody: list[Person], done: list[Deed]) -> None:
        here = live(sqlite_databases, everybody, done)
        there = live(postgresql_databases, everybody, done)
        for what, rows in here.items():
            assert rows == there[what], what

    same()


def test_what_is_no_character_is_kept_as_the_mark_for_it(world: World) -> None:
    world.enroll(Person("ben@example.net", "B\0e\ud800n"))
    assert world.store.standing("ben@example.net").name == "B\ufffde\ufffdn"


def test_people_are_told_in_the_order_of_their_characters_codes(world: World) -> None:
    addresses = [f"{each}@example.net" for each in LOCAL_PARTS]
    world.enroll(*(person(each) for each in LOCAL_PARTS))
    assert [each.address for each in world.store.subscribers()] == sorted(addresses)
    first = world.store.subscribers(limit=3)
    assert [each.address for each in first] == sorted(addresses)[:3]
    for each in addresses:
        world.store.unsubscribe(each, MONDAY)
    assert [each.address for each in world.store.suppressed()] == sorted(addresses)
