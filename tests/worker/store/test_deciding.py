"""What an operator may say about a letter, and what it does to the course."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.worker.ledger import (
    ACCEPTED,
    DAY,
    DEFERRED,
    LEASE,
    MONDAY,
    NO_SUCH_PERSON,
    REFUSED,
    UNKNOWN,
    World,
    edition,
    person,
)
from tests.worker.news import told
from worker.errors import Refused, UnknownDelivery
from worker.model import Decision, DeliveryState, EnrollmentState, Gated, News, Settlement
from worker.store.schema import attempts, settlements

SENT, RESEND, FAILED = Decision.SENT, Decision.RESEND, Decision.FAILED
SECOND = timedelta(seconds=1)


def decide(world: World, which: Gated | str, decision: Decision, because: str = "") -> Settlement:
    name = which if isinstance(which, str) else which.claimed.id
    return world.store.decide(name, decision, "ada", because, world.clock.moment())


@pytest.fixture
def lost(world: World) -> Gated:
    """Ben's welcome: handed over, and never heard of again."""
    world.enroll(person("ben"))
    gated = world.hand_over()
    world.clock.advance(LEASE + SECOND)
    world.store.reap(world.clock.moment())
    assert world.state_of(gated.claimed.id) is DeliveryState.IN_DOUBT
    return gated


def holds(world: World) -> bool:
    return world.store.audit().violations == ()


def test_a_doubt_settled_as_sent_leaves_the_course_as_it_was(world: World, lost: Gated) -> None:
    before = world.stands()
    answer = decide(world, lost, SENT)
    assert answer == Settlement(lost.claimed.id, DeliveryState.IN_DOUBT, SENT, DeliveryState.SENT)
    assert world.state_of(lost.claimed.id) is DeliveryState.SENT
    assert world.stands() == before
    assert holds(world)
    world.let_time_pass()
    assert world.mailbox.subjects() == ["goals", "support", "finale"]


def test_a_doubt_settled_as_failed_holds_the_course_until_it_is_resumed(
    world: World, lost: Gated
) -> None:
    decide(world, lost, FAILED)
    assert world.state_of(lost.claimed.id) is DeliveryState.FAILED
    assert world.stands().state is EnrollmentState.HELD
    assert holds(world)
    world.store.resume("ben@example.net", None, world.clock.now())
    world.let_time_pass()
    assert world.mailbox.subjects() == ["welcome", "goals", "support", "finale"]
    assert holds(world)


def test_a_resend_is_the_same_letter_in_a_further_attempt(world: World, lost: Gated) -> None:
    answer = decide(world, lost, RESEND)
    assert answer.state is DeliveryState.PLANNED
    again = world.hand_over()
    assert again.claimed.id == lost.claimed.id
    assert again.claimed.epoch == lost.claimed.epoch + 1
    assert again.attempt_id > lost.attempt_id
    world.settle(again, ACCEPTED)
    (record,) = world.store.deliveries()
    assert (record.state, record.attempts) == (DeliveryState.SENT, 2)
    assert holds(world)
    world.let_time_pass()
    assert world.mailbox.subjects() == ["goals", "support", "finale"]


@pytest.mark.parametrize("answer", [ACCEPTED, REFUSED, DEFERRED, UNKNOWN, NO_SUCH_PERSON])
@pytest.mark.parametrize("regated", [False, True])
def test_a_late_answer_to_the_first_copy_does_not_settle_the_second(
    world: World, lost: Gated, answer: object, regated: bool
) -> None:
    decide(world, lost, RESEND)
    if regated:
        world.hand_over()
    state = world.state_of(lost.claimed.id)
    world.store.settle([(lost, answer)], world.clock.moment())  # type: ignore[list-item]
    assert world.state_of(lost.claimed.id) is state
    assert world.stands().state is EnrollmentState.ACTIVE
    assert holds(world)


@pytest.mark.parametrize("decision", [SENT, FAILED])
def test_a_late_answer_does_not_overrule_the_operator(
    world: World, lost: Gated, decision: Decision
) -> None:
    decide(world, lost, decision)
    world.settle(lost, ACCEPTED if decision is FAILED else REFUSED)
    assert world.state_of(lost.claimed.id) == DeliveryState(decision)


def test_what_the_provider_tells_overrules_the_operator(world: World, lost: Gated) -> None:
    decide(world, lost, FAILED)
    news = told(News.DELIVERED, lost.claimed.id, at=world.clock.now())
    world.store.record_events([news], world.clock.moment())
    assert world.state_of(lost.claimed.id) is DeliveryState.SENT
    assert world.stands().state is EnrollmentState.ACTIVE
    assert holds(world)


def test_news_of_the_first_copy_stops_a_resend_that_is_not_under_way(
    world: World, lost: Gated
) -> None:
    decide(world, lost, RESEND)
    news = told(News.DELIVERED, lost.claimed.id, at=MONDAY + SECOND)
    world.store.record_events([news], world.clock.moment())
    assert world.state_of(lost.claimed.id) is DeliveryState.SENT
    world.let_time_pass()
    assert world.mailbox.subjects() == ["goals", "support", "finale"]
    assert holds(world)


def test_a_resend_waits_for_the_deadline_of_the_attempt(world: World) -> None:
    world.enroll(person("ben"))
    gated = world.hand_over()
    world.settle(gated, UNKNOWN)
    with pytest.raises(Refused, match=r"at work on it \(try again after 2026-03-02 07:00:30 UTC"):
        decide(world, gated, RESEND)
    world.clock.advance(LEASE)
    assert decide(world, gated, RESEND).state is DeliveryState.PLANNED


def test_nothing_is_sent_again_behind_a_later_letter(world: World, lost: Gated) -> None:
    world.clock.advance(DAY + timedelta(hours=1))
    (later,) = world.claim()
    with pytest.raises(Refused, match="goals came after it"):
        decide(world, lost, RESEND)
    world.settle(world.gate([later])[0], ACCEPTED)
    with pytest.raises(Refused, match="goals came after it"):
        decide(world, lost, RESEND)
    assert decide(world, lost, FAILED).state is DeliveryState.FAILED
    assert world.stands().state is EnrollmentState.ACTIVE
    world.let_time_pass()
    assert world.mailbox.subjects() == ["support", "finale"]
    assert holds(world)


def test_nothing_is_sent_again_to_who_left(world: World, lost: Gated) -> None:
    world.store.leave_course("ben@example.net", "motivation", world.clock.now())
    with pytest.raises(Refused, match="they left this course"):
        decide(world, lost, RESEND)
    world.store.unsubscribe("ben@example.net", world.clock.now())
    with pytest.raises(Refused, match="they unsubscribed"):
        decide(world, lost, RESEND)
    assert decide(world, lost, SENT).state is DeliveryState.SENT
    assert holds(world)


def test_nothing_is_sent_again_of_a_former_run(world: World, lost: Gated) -> None:
    world.store.restart("ben@example.net", "motivation", world.clock.now())
    with pytest.raises(Refused, match="restarted"):
        decide(world, lost, RESEND)
    decide(world, lost, FAILED)
    assert world.stands().state is EnrollmentState.ACTIVE
    assert holds(world)


def test_a_resend_waits_for_a_paused_course(world: World, lost: Gated) -> None:
    world.store.pause("ben@example.net", None, world.clock.now())
    decide(world, lost, RESEND)
    world.clock.advance(30 * DAY)
    assert world.claim() == []
    world.store.resume("ben@example.net", None, world.clock.now())
    world.let_time_pass()
    assert world.mailbox.subjects() == ["welcome", "goals", "support", "finale"]
    assert holds(world)


def test_a_finale_that_is_sent_again_opens_its_course_and_completes_it(world: World) -> None:
    world.publish(edition(["welcome", "finale"]))
    world.enroll(person("ben"))
    world.tick()
    world.clock.advance(2 * DAY)
    finale = world.hand_over()
    world.settle(finale, UNKNOWN)
    assert world.stands().state is EnrollmentState.COMPLETED
    world.clock.advance(LEASE)
    decide(world, finale, RESEND)
    assert world.stands().state is EnrollmentState.ACTIVE
    world.let_time_pass()
    assert world.mailbox.subjects() == ["welcome", "finale"]
    assert world.stands().state is EnrollmentState.COMPLETED
    assert holds(world)


def test_the_wait_for_a_reflection_begins_with_the_copy_that_was_sent(world: World) -> None:
    world.publish(edition(waits={"goals": (5, None)}))
    world.enroll(person("ben"))
    world.tick()
    world.clock.advance(DAY + timedelta(hours=1))
    goals = world.hand_over()
    world.settle(goals, UNKNOWN)
    world.clock.advance(3 * DAY)
    decide(world, goals, RESEND)
    again_at = world.clock.now()
    world.tick()
    assert world.stands().next_at is not None
    assert world.stands().next_at >= again_at + 4 * DAY  # type: ignore[operator]
    assert holds(world)


def test_a_refused_letter_that_did_arrive_lets_its_course_go_on(world: World) -> None:
    world.enroll(person("ben"))
    gated = world.hand_over()
    world.settle(gated, REFUSED)
    decide(world, gated, SENT)
    assert world.stands().state is EnrollmentState.ACTIVE
    world.let_time_pass()
    assert world.mailbox.subjects() == ["goals", "support", "finale"]
    assert holds(world)


def test_nobody_says_sent_of_what_the_provider_saw_fail(world: World) -> None:
    world.enroll(person("ben"))
    gated = world.hand_over()
    world.settle(gated, ACCEPTED)
    news = told(News.DROPPED, gated.claimed.id, at=MONDAY + SECOND)
    world.store.record_events([news], world.clock.moment())
    with pytest.raises(Refused, match="did not arrive"):
        decide(world, gated, SENT)
    assert holds(world)


def test_what_is_no_doubt_cannot_be_settled(world: World) -> None:
    world.enroll(person("ben"))
    (claimed,) = world.claim()
    for decision in Decision:
        with pytest.raises(Refused, match="under way"):
            decide(world, claimed.id, decision)
    (gated,) = world.gate([claimed])
    with pytest.raises(Refused, match="under way"):
        decide(world, gated, SENT)
    world.settle(gated, REFUSED)
    with pytest.raises(Refused, match="lettercourse subscribers resume"):
        decide(world, gated, RESEND)
    with pytest.raises(Refused, match="failed already"):
        decide(world, gated, FAILED)
    decide(world, gated, SENT)
    for decision in Decision:
        with pytest.raises(Refused, match="sent already"):
            decide(world, gated, decision)


def test_an_id_that_names_nothing_is_refused(world: World) -> None:
    with pytest.raises(UnknownDelivery, match="no such letter"):
        decide(world, "0" * 32, SENT)


def test_who_decided_what_and_when_is_kept(world: World, lost: Gated) -> None:
    decide(world, lost, RESEND, "their server lost its mail\nof Monday")
    with world.store._database.reading() as connection:
        (row,) = connection.execute(select(settlements)).all()
        (live,) = connection.execute(select(attempts)).all()
    assert (row.delivery_id, row.was, row.decision) == (lost.claimed.id, "in_doubt", "resend")
    assert (row.operator, row.decided_at) == ("ada", world.clock.now())
    assert row.detail == "their server lost its mail of Monday"
    assert (live.outcome, live.answered_at) == ("unknown", world.clock.now())


def test_of_two_operators_at_once_one_decides(world: World, lost: Gated) -> None:
    def attempt(decision: Decision) -> bool:
        try:
            decide(world, lost, decision)
        except Refused:
            return False
        return True

    with ThreadPoolExecutor() as pool:
        assert sum(pool.map(attempt, [SENT, RESEND, FAILED, SENT])) <= 2
    with world.store._database.reading() as connection:
        kept = connection.execute(select(settlements).order_by(settlements.c.id)).all()
    assert (kept[0].was, len({row.was for row in kept})) == ("in_doubt", len(kept))
    assert holds(world)
