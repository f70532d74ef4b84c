"""Delivering, with a real store and a mailbox in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from course.segments import Encoding, Section, Slot
from tests.worker.ledger import (
    ACCEPTED,
    DAY,
    DEFERRED,
    KEYS,
    LINKS,
    MONDAY,
    HandClock,
    Mailbox,
    World,
    edition,
    person,
)
from worker.delivery import MOST_RINGS, deliver_round, ring_for_due, tick
from worker.model import DeliveryState, Message, Outcome, Tally
from worker.notifying import STALE_GATE


def crowd(world: World, size: int) -> None:
    world.enroll(*(person(f"p{number:03}") for number in range(size)))


def test_a_tick_delivers_everything_that_is_due_and_nothing_else(world: World) -> None:
    crowd(world, 45)
    assert world.tick() == Tally(claimed=45, sent=45)
    assert world.tick() == Tally()
    assert len({message.recipient for message in world.mailbox.messages}) == 45


def test_a_letter_carries_its_deliverys_id_and_its_persons_address(world: World) -> None:
    world.enroll(person("ben"))
    world.tick()
    (message,) = world.mailbox.messages
    (record,) = world.store.deliveries()
    assert message.delivery_id == record.id
    assert (message.sender, message.recipient) == ("ada@example.org", "ben@example.net")
    assert record.message_id.encode() in message.mime


def test_a_window_is_one_gate(world: World) -> None:
    crowd(world, 5)
    assert deliver_round(world.courier(window=2)) == Tally(claimed=2, sent=2)
    assert len(world.mailbox.messages) == 2


def test_everybody_gets_every_letter_once_and_in_order(world: World) -> None:
    zones = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland")
    world.enroll(*(person(zone.split("/")[1].lower(), timezone=zone) for zone in zones))
    world.let_time_pass()
    for recipient in {message.recipient for message in world.mailbox.messages}:
        assert world.mailbox.subjects(recipient) == list(KEYS)
    assert len(world.mailbox.messages) == len(zones) * len(KEYS)
    assert world.store.audit().violations == ()


def test_a_provider_that_is_down_loses_nothing_and_lets_the_tick_end(world: World) -> None:
    crowd(world, 30)
    world.mailbox.answer = lambda _: DEFERRED
    assert world.tick() == Tally(claimed=30)
    assert world.mailbox.messages == []
    world.mailbox = Mailbox()
    world.clock.advance(timedelta(seconds=10))
    assert world.tick() == Tally(claimed=30, sent=30)


def test_a_tick_ends_though_its_clock_goes_on(world: World) -> None:
    crowd(world, 30)

    def slow_and_down(_: Message) -> Outcome:
        world.clock.advance(timedelta(seconds=2))
        return DEFERRED

    world.mailbox.answer = slow_and_down
    tally = world.tick()
    assert tally.sent == 0
    assert world.store.audit().pending == 30


def test_a_provider_that_raises_leaves_a_doubt_and_goes_on(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    crowd(world, 3)
    answered: list[Message] = []

    def broken_once(message: Message) -> Outcome:
        answered.append(message)
        if len(answered) == 2:
            raise ConnectionResetError(f"while writing to {message.recipient}")
        return ACCEPTED

    world.mailbox.answer = broken_once
    assert world.tick() == Tally(claimed=3, sent=2, in_doubt=1)
    assert world.tick() == Tally()
    (doubt,) = world.store.deliveries(state=DeliveryState.IN_DOUBT)
    name = doubt.address.partition("@")[0]
    assert "ConnectionResetError" in world.why("welcome", name)[1]
    assert "ConnectionResetError" in caplog.text
    assert doubt.address not in caplog.text


def test_a_letter_that_cannot_be_filled_waits_and_stops_nobody_else(world: World) -> None:
    published = edition()
    bad = replace(
        published.letters[0],
        mime=(Section("nonsense", present=True, segments=()), Slot("absent", Encoding.HEADER)),
    )
    broken = replace(published, letters=(bad, *published.letters[1:]), digest="broken")
    world.enroll(person("ben"))
    world.publish(broken)
    world.tick()
    world.publish(replace(published, digest="mended"))
    world.enroll(person("cleo"))
    world.clock.advance(timedelta(minutes=1))
    world.tick()
    assert world.mailbox.subjects("cleo@example.net") == ["welcome"]
    assert "cannot be composed" in world.why("welcome", "ben")[1]
    assert world.stands("ben").next == "welcome"


def test_an_interrupted_window_settles_what_is_known_and_gives_the_rest_back(
    world: World,
) -> None:
    crowd(world, 5)

    def interrupted(_: Message) -> Outcome:
        if len(world.mailbox.messages) == 2:
            raise KeyboardInterrupt
        return ACCEPTED

    world.mailbox.answer = interrupted
    with pytest.raises(KeyboardInterrupt):
        world.tick()
    states = [each.state for each in world.store.deliveries()]
    assert states.count(DeliveryState.SENT) == 2
    assert states.count(DeliveryState.HANDING) == 1
    assert states.count(DeliveryState.PLANNED) == 2
    world.mailbox.answer = lambda _: ACCEPTED
    world.clock.advance(timedelta(minutes=1))
    assert world.tick() == Tally(claimed=2, sent=2, in_doubt=1)
    assert len({each.recipient for each in world.mailbox.messages}) == 4


def test_whoever_stops_finishes_the_letter_in_hand_and_gives_the_rest_back(world: World) -> None:
    crowd(world, 5)
    courier = world.courier(stopping=lambda: len(world.mailbox.messages) >= 2)
    assert tick(courier) == Tally(claimed=5, sent=2)
    states = [each.state for each in world.store.deliveries()]
    assert sorted(set(states)) == [DeliveryState.PLANNED, DeliveryState.SENT]
    assert world.tick() == Tally(claimed=3, sent=3)


def test_a_letter_whose_gate_is_too_old_is_gated_anew(world: World) -> None:
    crowd(world, 4)
    dates: list[float] = []

    def slow(_: Message) -> Outcome:
        dates.append(world.clock.seconds)
        world.clock.advance(timedelta(seconds=STALE_GATE - 1))
        return ACCEPTED

    world.mailbox.answer = slow
    tally = world.tick()
    assert tally.sent == 4
    assert len(world.mailbox.messages) == 4
    handed = sorted(each.handed_at for each in world.store.deliveries() if each.handed_at)
    begun = [MONDAY + timedelta(seconds=at) for at in dates]
    assert all(
        timedelta() <= at - gate <= timedelta(seconds=STALE_GATE)
        for at, gate in zip(begun, handed, strict=True)
    )


def test_an_unsubscribe_between_two_letters_of_a_late_window_is_honoured(world: World) -> None:
    crowd(world, 3)

    def slow(message: Message) -> Outcome:
        world.clock.advance(timedelta(seconds=STALE_GATE + 1))
        world.store.unsubscribe("p002@example.net", world.clock.now())
        return ACCEPTED

    world.mailbox.answer = slow
    world.tick()
    assert "p002@example.net" not in {each.recipient for each in world.mailbox.messages}
    assert len(world.mailbox.messages) == 2
    assert world.store.audit().violations == ()


def test_a_doorbell_is_rung_for_every_window_that_is_due(world: World) -> None:
    crowd(world, 45)
    rung: list[int] = []
    assert ring_for_due(world.store, world.clock, lambda: rung.append(1), window=20) == 3
    assert len(rung) == 3
    while deliver_round(world.courier()).claimed:
        pass
    assert ring_for_due(world.store, world.clock, lambda: rung.append(1), window=20) == 0
    assert len(world.mailbox.messages) == 45


def test_doorbells_of_one_round_are_bounded(world: World) -> None:
    crowd(world, MOST_RINGS + 5)
    assert ring_for_due(world.store, world.clock, lambda: None, window=1) == MOST_RINGS
    assert ring_for_due(world.store, world.clock, lambda: None, window=1, most=2) == 2


def test_ringing_takes_back_what_a_dead_worker_held(world: World) -> None:
    world.enroll(person("ben"))
    world.claim("dead")
    assert ring_for_due(world.store, world.clock, lambda: None, window=20) == 0
    world.clock.advance(timedelta(seconds=31))
    assert ring_for_due(world.store, world.clock, lambda: None, window=20) == 1
    assert world.tick().sent == 1


def test_a_rehearsal_months_ahead_delivers_the_course_by_its_own_calendar(world: World) -> None:
    world.enroll(person("ben"))
    world.clock = HandClock(at=MONDAY, machine=MONDAY)
    for day in range(10):
        world.clock.at = MONDAY + day * DAY + timedelta(hours=2)
        world.tick()
    assert world.mailbox.subjects() == list(KEYS)
    assert LINKS.assets().startswith("https://")
