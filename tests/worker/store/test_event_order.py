"""The same news ends in the same ledger: in any order, however often, around our own settle."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worker.databases import Databases, query
from tests.worker.ledger import (
    ACCEPTED,
    DAY,
    DEFERRED,
    LEASE,
    MONDAY,
    REFUSED,
    UNKNOWN,
    World,
    edition,
    person,
)
from tests.worker.news import told
from worker.model import Event, Gated, Moment, News, Outcome
from worker.store import Store

REAPED = Outcome(UNKNOWN.verdict, "the reaper came first")
OWN: tuple[tuple[Outcome, ...], ...] = (
    (),
    (ACCEPTED,),
    (UNKNOWN,),
    (REAPED,),
    (REAPED, ACCEPTED),
    (DEFERRED,),
    (REFUSED,),
)
"""What we may learn at the hand-over ourselves, in this order; a definite no among it."""

LETTERS = {
    "deliveries": "id, enrollment_id, run, letter_key, state, epoch, owner, lease_until, retry_at,"
    " handed_at, delivered_at, CASE state WHEN 'cancelled' THEN '' ELSE detail END",
    "enrollments": "id, run, state, next_at",
    "subscribers": "id, state, left_at, left_after, blocks",
    "events": "fingerprint, kind, news, undelivered, detail, delivery_id, subscriber_id,"
    " occurred_at, body",
}
"""The rows that must come out alike: all but when we learned what, by which copy, and which of two
reasons came first to stop a letter that nobody was handed."""

Scene = tuple[str, str, Gated, datetime]


@cache
def scene(databases: Databases) -> Scene:
    """Ben had his welcome yesterday, and today's letter is being handed over."""
    address = databases.copy()
    store = databases.open(address)
    store.publish(edition(), MONDAY)
    world = World(store)
    world.enroll(person("ben"))
    world.tick()
    (welcome,) = store.deliveries()
    world.clock.advance(2 * DAY)
    gated = world.hand_over()
    store.close()
    return address, welcome.id, gated, world.clock.at


@contextmanager
def ledger(databases: Databases) -> Iterator[Store]:
    with databases.lent(scene(databases)[0]) as address:
        store = databases.open(address)
        try:
            yield store
        finally:
            store.close()


def rows(store: Store) -> dict[str, list[str]]:
    return {
        table: sorted(map(repr, query(store, f"SELECT {columns} FROM {table}")))
        for table, columns in LETTERS.items()
    }


def outcome_of(
    databases: Databases, steps: list[Event | Outcome], batches: random.Random
) -> dict[str, list[str]]:
    """Return the ledger after these steps; neighbouring events may come in one batch."""
    _, _, gated, now = scene(databases)
    moment = Moment(now, now)
    with ledger(databases) as store:
        waiting: list[Event] = []
        for step in [*steps, None]:
            if isinstance(step, Event):
                waiting.append(step)
            if waiting and (not isinstance(step, Event) or batches.random() < 0.5):
                store.record_events(waiting, moment)
                waiting = []
            if step is REAPED:
                store.reap(Moment(now, now + LEASE + timedelta(seconds=1)))
            elif isinstance(step, Outcome):
                store.settle([(gated, step)], moment)
            assert store.audit().violations == ()
        return rows(store)


@st.composite
def happenings(draw: st.DrawFn, databases: Databases) -> tuple[tuple[Outcome, ...], list[Event]]:
    """Return what we learn ourselves, and a set of events about the two letters and their person.

    News without ids is left out where we know that the provider never had today's letter: whose it
    is then depends on whether we knew it, as it should.
    """
    _, welcome, gated, now = scene(databases)
    own = draw(st.sampled_from(OWN))
    names_itself = set(own) & {DEFERRED, REFUSED}
    letters: list[str | None] = [welcome, gated.claimed.id, gated.claimed.id]
    letters += [] if names_itself else [None]
    events = []
    for number in range(draw(st.integers(1, 5))):
        news = draw(st.sampled_from([*News]))
        seconds = draw(st.sampled_from([-90_000, 0, 1, 60]))
        missed = news in (News.UNSUBSCRIBED, News.COMPLAINED) and draw(st.booleans())
        events.append(
            told(
                news,
                draw(st.sampled_from(letters)),
                now + timedelta(seconds=seconds),
                event_id=draw(st.sampled_from([None, f"event {number}"])),
                kind="dropped" if missed else news.value,
                detail=f"{news} {missed} after {seconds}",
                undelivered=missed,
            )
        )
    return own, events


def test_any_order_and_repetition_around_our_own_settle_ends_in_the_same_ledger(
    databases: Databases,
) -> None:
    @settings(max_examples=60 if databases.kind == "sqlite" else 15, deadline=None)
    @given(happenings(databases), st.integers(0, 2**32))
    def agree(happened: tuple[tuple[Outcome, ...], list[Event]], seed: int) -> None:
        own, events = happened
        chance = random.Random(seed)
        expected = outcome_of(databases, [*own, *events], random.Random(1))
        for _ in range(2):
            again = [
                replace(each, event_id=None if each.event_id is None else f"{each.event_id} again")
                for each in events
                if chance.random() < 0.5
            ]
            steps: list[Event | Outcome] = [*events, *again, *events[:1]]
            steps += own
            chance.shuffle(steps)
            ours = iter(own)
            steps = [next(ours) if isinstance(step, Outcome) else step for step in steps]
            assert outcome_of(databases, steps, chance) == expected

    agree()
