"""The installation in numbers: right, and quick to ask however much there is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import sqlite

from tests.worker.ledger import ACCEPTED, LEASE, MONDAY, REFUSED, UNKNOWN, World, person
from tests.worker.news import told
from worker.model import Decision, DeliveryState, Lag, Moment, News, ReplyKind
from worker.store import vitals

MINUTE = timedelta(minutes=1)


def lag(world: World) -> Lag:
    return world.store.vital_signs(world.clock.moment()).lag


def test_the_census_counts_what_is_there(world: World) -> None:
    names = ("sent", "doubt", "fail", "left", "wait")
    world.enroll(*(person(name) for name in names))
    outcomes = {"Sent": ACCEPTED, "Doubt": UNKNOWN, "Fail": REFUSED}
    for gated in world.gate(world.claim(limit=4)):
        if gated.claimed.name in outcomes:
            world.settle(gated, outcomes[gated.claimed.name])
    world.claim()
    found = world.store.census()
    assert {state.value: count for state, count in found.letters.items()} == {
        "planned": 0,
        "claimed": 1,
        "handing": 1,
        "sent": 1,
        "failed": 1,
        "in_doubt": 1,
        "cancelled": 0,
        "skipped": 0,
    }
    assert (found.owed, found.held) == (5, 1)
    (sent,) = world.store.deliveries(state=DeliveryState.SENT)
    world.store.record_events([told(News.DELIVERED, sent.id)], world.clock.moment())
    found = world.store.census()
    assert (found.events[News.DELIVERED], sum(found.events.values())) == (1, 1)
    assert dict.fromkeys(ReplyKind, 0) == found.replies


def test_an_empty_installation_is_counted_too(world: World) -> None:
    found = world.store.census()
    assert (found.owed, found.held, set(found.letters)) == (0, 0, set(DeliveryState))
    assert lag(world) == Lag(0, None)


def test_the_lag_is_that_of_the_oldest_letter_that_is_due(world: World) -> None:
    world.enroll(person("ben"))
    world.clock.advance(MINUTE)
    world.enroll(person("cleo"))
    world.clock.advance(MINUTE)
    found = lag(world)
    assert (found.due, found.oldest_due_at) == (2, MONDAY)
    assert found.seconds(world.clock.now()) == 120
    world.tick()
    assert lag(world) == Lag(0, None)
    assert lag(world).seconds(world.clock.now()) == 0


def test_what_is_due_later_is_no_lag(world: World) -> None:
    world.enroll(person("ben"))
    world.tick()
    assert world.store.next_due_at() is not None
    assert lag(world) == Lag(0, None)


def test_what_a_lost_worker_claimed_counts_as_due(world: World) -> None:
    world.enroll(person("ben"))
    world.claim()
    assert lag(world) == Lag(0, None)
    world.clock.advance(LEASE + MINUTE)
    assert lag(world) == Lag(1, MONDAY)


def test_a_letter_that_is_sent_again_is_due_from_then(world: World) -> None:
    world.enroll(person("ben"))
    gated = world.hand_over()
    world.settle(gated, UNKNOWN)
    world.clock.advance(LEASE)
    now = world.clock.moment()
    world.store.decide(gated.claimed.id, Decision.RESEND, "ada", "", now)
    assert lag(world) == Lag(1, now.now)


@pytest.mark.parametrize("statement", ["_FINAL", "_OPEN", "_HELD", "_EVENTS", "_REPLIES"])
def test_a_count_goes_by_an_index(world: World, statement: str) -> None:
    with world.store._database.engine.connect() as connection:
        query = str(getattr(vitals, statement).compile(dialect=connection.dialect))
        if connection.dialect.name == sqlite.dialect.name:
            plan = connection.execute(text(f"EXPLAIN QUERY PLAN {query}")).all()
            assert "INDEX ix_" in plan[0].detail
        else:
            connection.execute(text("SET enable_seqscan = off"))
            plan = connection.execute(text(f"EXPLAIN {query}")).all()
            assert any("ix_" in row[0] for row in plan), plan


def test_the_calendar_says_what_is_due_and_the_machine_what_is_lost(world: World) -> None:
    world.enroll(person("ben"))
    world.claim()
    later = MONDAY + LEASE + MINUTE
    assert world.store.vital_signs(Moment(MONDAY, later)).lag.due == 1
    assert world.store.vital_signs(Moment(later, MONDAY)).lag.due == 0
