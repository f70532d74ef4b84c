"""The operator's questions about one person: what happened to each letter, and what to do now."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.worker.ledger import DEFERRED, LEASE, MONDAY, REFUSED, UNKNOWN, World, person
from worker.model import Decision, Heartbeat

DOWN = "the provider cannot be reached (ConnectionRefusedError)"


@pytest.fixture
def doubt(world: World) -> str:
    """The id of Ben's welcome, which is in doubt."""
    world.enroll(person("ben"))
    gated = world.hand_over()
    world.settle(gated, UNKNOWN)
    world.clock.advance(LEASE)
    return gated.claimed.id


def decide(world: World, which: str, decision: Decision, because: str = "") -> None:
    world.store.decide(which, decision, "ada", because, world.clock.moment())


def beat(world: World, name: str, breaker: str, seen: timedelta = timedelta()) -> None:
    now = world.clock.now()
    world.store.beat(Heartbeat(name, "h", 1, "0.1.0", now, now - seen, breaker=breaker))


def test_a_doubt_comes_with_the_command_that_ends_it(world: World, doubt: str) -> None:
    assert world.why("welcome") == (
        "in_doubt",
        "it may have arrived, so it is not sent again: time-out after the first byte; "
        f"lettercourse deliveries settle {doubt} --as sent|resend|failed",
    )


def test_who_settled_a_doubt_is_told(world: World, doubt: str) -> None:
    decide(world, doubt, Decision.RESEND, "their server lost it")
    settled = "ada settled it as resend on 2026-03-02 07:00 UTC: their server lost it"
    assert world.why("welcome") == (
        "planned",
        f"due: the next worker sends it (last time: time-out after the first byte); {settled}",
    )
    world.tick()
    assert world.why("welcome") == ("sent", f"the provider accepted it; {settled}")


def test_an_operators_word_is_not_taken_for_the_providers(world: World, doubt: str) -> None:
    decide(world, doubt, Decision.FAILED)
    assert world.why("welcome")[1].startswith("the operator says that it did not arrive: time-out")
    decide(world, doubt, Decision.SENT)
    assert world.why("welcome") == (
        "sent",
        "the operator says that it arrived; ada settled it as failed on 2026-03-02 07:00 UTC; "
        "ada settled it as sent on 2026-03-02 07:00 UTC",
    )


def test_a_held_course_comes_with_the_command_that_resumes_it(world: World) -> None:
    world.enroll(person("ben"))
    world.settle(world.hand_over(), REFUSED)
    for key in ("welcome", "goals"):
        assert world.why(key)[1].endswith(
            "the course is held until: lettercourse subscribers resume ben@example.net"
        )


def test_a_letter_that_every_worker_holds_back_says_why(world: World) -> None:
    world.enroll(person("ben"))
    world.settle(world.hand_over(), DEFERRED)
    world.clock.advance(timedelta(minutes=1))
    beat(world, "w1", DOWN)
    beat(world, "w2", DOWN)
    beat(world, "killed", "", seen=timedelta(minutes=2))
    held_back = f"due, and held back: {DOWN}; it goes on by itself"
    assert world.why("welcome")[1] == f"{held_back} (last time: 450 mailbox busy)"
    beat(world, "w2", "")
    assert world.why("welcome")[1].startswith("due: the next worker sends it")


def test_no_sentence_says_its_state_again(world: World, doubt: str) -> None:
    world.enroll(person("cleo"), person("dan"))
    world.settle(world.gate(world.claim(limit=1))[0], REFUSED)
    world.store.unsubscribe("dan@example.net", MONDAY)
    for name in ("ben", "cleo", "dan"):
        explained = world.store.explain(f"{name}@example.net", world.clock.now())
        for each in explained.courses[0].letters:
            assert not each.why.startswith(each.state.replace("_", " "))
