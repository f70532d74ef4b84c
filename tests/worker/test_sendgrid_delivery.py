"""From the ledger to a SendGrid that resets, stalls and limits: everybody once, nobody twice."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from tests.peers.loopback import CutAfter, CutBefore, Fault, Refuse, Say
from tests.peers.sendgrid import SendGrid, sendgrid
from tests.worker.ledger import KEYS, LINKS, MONDAY, HandClock, Mailbox, World, person
from worker.delivery import Courier, Windows, deliver_round, tick
from worker.model import Message, Outcome, Tally, never
from worker.providers.sendgrid import SendGridProvider

PEOPLE = 30
FAULTS: tuple[Fault | None, ...] = (
    None,
    None,
    CutBefore(),
    CutAfter(),
    CutAfter(reset=False),
    Refuse(503),
    Refuse(429),
    Refuse(401),
    Refuse(400),
    Say(b"what?\r\n\r\n", handled=True),
)


def courier(world: World, provider: SendGridProvider) -> Courier:
    window = max(20, provider.at_once)
    return Courier(world.store, provider, LINKS, world.clock, "w1", window=window)


def carry(world: World, server: SendGrid, batch: int) -> SendGridProvider:
    return SendGridProvider(server.api_key, server.url, world.clock.wall, batch=batch, deadline=5.0)


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_a_course_reaches_everybody(world: World, batch: int) -> None:
    world.enroll(*(person(f"p{number}") for number in range(PEOPLE)))
    with sendgrid() as server:
        provider = carry(world, server, batch)
        while (due_at := world.store.next_due_at()) is not None:
            world.clock.advance(max(due_at - world.clock.at, timedelta()))
            tick(courier(world, provider))
        provider.close()
    got = Counter((mail.recipient, mail.text) for mail in server.accepted)
    assert set(got.values()) == {1}
    assert len(got) == PEOPLE * len(KEYS)
    assert world.store.audit().violations == ()
    calls = -(-PEOPLE // batch) * len(KEYS)
    assert len(server.calls) == calls


@pytest.mark.parametrize("batch", [1, 7])
@pytest.mark.parametrize("seed", range(4))
def test_nobody_gets_a_letter_twice_whatever_the_network_does(
    world: World, batch: int, seed: int
) -> None:
    world.enroll(*(person(f"p{number}") for number in range(PEOPLE)))
    chance = random.Random(seed)
    with sendgrid() as server:
        provider = carry(world, server, batch)
        for _ in range(80):
            if (due_at := world.store.next_due_at()) is None:
                break
            world.clock.advance(max(due_at - world.clock.at, timedelta()))
            server.meet(*(chance.choice(FAULTS) for _ in range(12)))
            if chance.random() < 0.5:
                server.http.drop_idle()
            tick(courier(world, provider))
        provider.close()
    got = Counter((mail.recipient, mail.text) for mail in server.accepted)
    assert set(got.values()) == {1}
    audit = world.store.audit()
    assert audit.violations == ()
    assert audit.in_doubt > 0  # the faults did happen
    # What the ledger calls sent was taken, and what was taken it calls sent or in doubt.
    assert audit.sent <= len(got) <= audit.sent + audit.in_doubt


def test_news_and_ledger_meet_by_the_delivery(world: World) -> None:
    world.enroll(person("ben"))
    with sendgrid() as server:
        provider = carry(world, server, 1)
        tick(courier(world, provider))
        provider.close()
    (mail,) = server.accepted
    (record,) = world.store.deliveries()
    (event,) = server.events(mail, "delivered")
    assert event["lettercourse_delivery"] == record.id
    assert event["smtp-id"] == record.message_id


def test_copies_of_a_letter_are_begun_together_and_others_wait_their_turn(world: World) -> None:
    world.enroll(*(person(f"p{number}") for number in range(3)))
    world.tick()
    world.clock.advance(timedelta(days=1, hours=1))
    world.enroll(*(person(f"q{number}") for number in range(2)))
    waiting = Windows()
    passed = world.gate(world.claim())
    mixed = [passed[number] for number in (0, 3, 1, 4, 2)]
    waiting.put(mixed)
    begun = [waiting.begin(2) for _ in range(4)]
    assert [[each.claimed.letter_key for each in some] for some in begun] == [
        [mixed[0].claimed.letter_key] * 2,
        [mixed[1].claimed.letter_key] * 2,
        [mixed[0].claimed.letter_key],
        [],
    ]
    assert mixed[0].claimed.letter_key != mixed[1].claimed.letter_key


class Together(Mailbox):
    """A mailbox that takes several at once, and fails on the way."""

    def send_all(
        self, messages: Sequence[Message], stopping: Callable[[], bool] = never
    ) -> Sequence[Outcome]:
        raise ConnectionResetError(messages[0].recipient)

    def send(self, message: Message) -> Outcome:
        raise AssertionError("there are others to send with")


def test_a_provider_that_fails_leaves_a_doubt_about_all_of_a_batch(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.enroll(*(person(f"p{number}") for number in range(4)))
    world.mailbox = Together(at_once=10)
    assert deliver_round(world.courier()) == Tally(claimed=4, in_doubt=4)
    assert "@example.net" not in caplog.text
    assert "ConnectionResetError" in caplog.text


def test_a_clock_of_the_machine_counts_how_long_to_wait(world: World) -> None:
    world.enroll(person("ben"))
    world.clock = HandClock()
    reset = str(int(world.clock.wall().timestamp()) + 1800)
    with sendgrid() as server:
        server.meet(Refuse(429, b"", {"X-RateLimit-Reset": reset}))
        provider = carry(world, server, 1)
        tick(courier(world, provider))
        provider.close()
    due_at = world.store.next_due_at()
    assert due_at is not None
    assert due_at >= MONDAY + timedelta(minutes=30)
