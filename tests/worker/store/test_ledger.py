"""The life of a delivery: every transition as a claim about what may and may not happen."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise, product

import pytest
from sqlalchemy import update

from course.model import Kind, Schedule
from tests.worker.ledger import (
    ACCEPTED,
    DAY,
    DEFERRED,
    KEYS,
    LEASE,
    MONDAY,
    NO_SUCH_PERSON,
    REFUSED,
    UNKNOWN,
    World,
    edition,
    person,
)
from worker.model import (
    DeliveryState,
    EnrollmentState,
    Moment,
    Outcome,
    SubscriberState,
    Tally,
    Verdict,
)
from worker.store import Store, open_store
from worker.store.claiming import NEIGHBOURS, delivery_id
from worker.store.fate import LONGEST_BACK_OFF, back_off
from worker.store.gating import Window, gate
from worker.store.schema import deliveries, enrollments, subscribers


def test_a_claim_makes_the_delivery_and_clears_what_was_due(world: World) -> None:
    world.enroll(person("ben"))
    (claimed,) = world.claim()
    assert (claimed.letter_key, claimed.kind, claimed.epoch) == ("welcome", Kind.WELCOME, 1)
    assert (claimed.address, claimed.name, claimed.due_at) == ("ben@example.net", "Ben", MONDAY)
    assert world.claim("w2") == []
    assert world.store.next_due_at() is None
    assert world.stands().next == "welcome"
    name = world.store.installation_id()
    assert claimed.id == delivery_id(name, claimed.enrollment_id, 1, "welcome")


def test_letters_of_neighbours_have_ids_side_by_side_and_each_its_own() -> None:
    numbers = product(range(NEIGHBOURS), (1, 2), ("welcome", "goals"))
    ids = [delivery_id("here", *each) for each in numbers]
    assert len(set(ids)) == len(ids)
    assert {len(each) for each in ids} == {32}
    (near,) = {each[:8] for each in ids}
    others = delivery_id("here", NEIGHBOURS, 1, "welcome"), delivery_id("there", 0, 1, "welcome")
    assert near not in {each[:8] for each in others}


def test_a_letter_that_comes_next_again_is_the_row_that_it_was(world: World) -> None:
    world.enroll(person("ben"))
    (claimed,) = world.claim()
    world.store.unsubscribe("ben@example.net", MONDAY)
    with world.store._database.writing() as connection:
        connection.execute(update(deliveries).values(id="0" * 32))  # as another rule had made it
        connection.execute(update(subscribers).values(state=SubscriberState.ACTIVE))
        back = {"state": EnrollmentState.ACTIVE, "next_at": MONDAY}
        connection.execute(update(enrollments).values(**back))
    (again,) = world.claim()
    assert (again.id, again.letter_key, again.epoch) == ("0" * 32, "welcome", claimed.epoch + 1)
    assert world.gate([again])
    assert len(world.store.deliveries()) == 1


def test_a_claim_takes_the_longest_due_first_and_no_more_than_asked(world: World) -> None:
    world.enroll(person("ben"))
    world.clock.advance(DAY)
    world.enroll(person("cleo"), person("dan"))
    assert [each.name for each in world.claim(limit=2)] == ["Ben", "Cleo"]
    assert [each.name for each in world.claim(limit=2)] == ["Dan"]


def test_nothing_is_claimed_before_it_is_due(world: World) -> None:
    world.enroll(person("ben"))
    world.tick()
    world.clock.advance(timedelta(hours=24, minutes=59))
    assert world.claim() == []
    world.clock.advance(timedelta(minutes=1))
    assert [each.letter_key for each in world.claim()] == ["goals"]


def test_a_lost_claim_comes_back_when_its_lease_ends(world: World) -> None:
    world.enroll(person("ben"))
    (lost,) = world.claim("w1")
    world.store.reap(world.clock.moment())
    assert world.claim("w2") == []
    world.clock.advance(LEASE + timedelta(seconds=1))
    world.store.reap(world.clock.moment())
    (taken,) = world.claim("w2")
    assert (taken.id, taken.epoch) == (lost.id, 2)
    assert world.gate([lost], "w1") == []
    assert len(world.gate([taken], "w2")) == 1


def test_a_lease_that_ran_out_passes_no_gate(world: World) -> None:
    world.enroll(person("ben"))
    claimed = world.claim()
    world.clock.advance(LEASE)
    assert world.gate(claimed) == []
    assert world.state_of(claimed[0].id) is DeliveryState.CLAIMED


def test_leases_run_on_the_machines_clock_while_the_calendar_is_driven(world: World) -> None:
    world.enroll(person("ben"))
    world.claim()
    world.store.reap(Moment(now=MONDAY + 30 * DAY, wall=MONDAY))
    assert world.store.due_count(MONDAY + 30 * DAY, limit=10) == 0


def test_the_gate_is_passed_once(world: World) -> None:
    world.enroll(person("ben"))
    claimed = world.claim()
    (gated,) = world.gate(claimed)
    assert gated.gated_at == MONDAY
    assert world.gate(claimed) == []


def test_windows_that_wait_pass_together_and_each_courier_gets_its_own(world: World) -> None:
    """One of the first has left, one of the second is the third's by now."""
    names = [f"p{number}" for number in range(9)]
    world.enroll(*(person(name) for name in names))
    owners = ("w1", "w2", "w3")
    moment = world.clock.moment()
    windows = [Window(world.claim(owner, 3), owner, moment, LEASE) for owner in owners]
    world.store.unsubscribe(windows[0].claimed[0].address, moment.now)
    stray = replace(windows[1], claimed=[*windows[1].claimed, windows[2].claimed[0]])
    with world.store._database.writing() as connection:
        gates = gate(connection, world.store._editions, [windows[0], stray, windows[2]])
    passed = [[gated.claimed for gated in each.passed] for each in gates]
    assert passed == [windows[0].claimed[1:], windows[1].claimed, windows[2].claimed]
    assert [each.cancelled for each in gates] == [0, 0, 0]  # its own leaving had cancelled it
    answered = [(gated, ACCEPTED) for gated in gates[0].passed]
    also = [(gated, REFUSED) for gated in gates[1].passed]
    with world.store._database.writing() as connection:
        last = [
            Window([], owner, moment, LEASE, answers)
            for owner, answers in zip(owners, (answered, also, ()), strict=True)
        ]
        gates = gate(connection, world.store._editions, last)
    assert [(each.settled.sent, each.settled.failed) for each in gates] == [(2, 0), (0, 3), (0, 0)]
    assert world.store.audit().violations == ()


def test_a_letter_that_its_owner_claimed_again_passes_the_gate_once(world: World) -> None:
    world.enroll(person("ben"))
    former = world.claim()
    world.clock.advance(2 * LEASE)
    world.store.reap(world.clock.moment())
    latter = world.claim()
    passed = world.gate([*former, *latter])
    assert [gated.claimed for gated in passed] == latter


def test_an_unsubscribe_before_the_gate_stops_the_letter(world: World) -> None:
    world.enroll(person("ben"))
    claimed = world.claim()
    world.store.unsubscribe("ben@example.net", MONDAY)
    assert world.store.gate(claimed, "w1", world.clock.moment(), LEASE).passed == ()
    assert world.state_of(claimed[0].id) is DeliveryState.CANCELLED
    assert world.why("welcome")[1] == "they unsubscribed before it was handed over"


def test_an_unsubscribe_after_the_gate_stops_the_rest(world: World) -> None:
    world.enroll(person("ben"))
    gated = world.hand_over()
    world.store.unsubscribe("ben@example.net", MONDAY)
    assert world.settle(gated, ACCEPTED) == Tally(sent=1)
    assert world.state_of(gated.claimed.id) is DeliveryState.SENT
    assert world.stands().state is EnrollmentState.STOPPED
    assert world.store.next_due_at() is None
    assert world.store.audit().violations == ()


@pytest.mark.parametrize(
    ("outcome", "state"),
    [(ACCEPTED, DeliveryState.SENT), (UNKNOWN, DeliveryState.IN_DOUBT)],
)
def test_sent_and_in_doubt_pace_the_course_alike(
    world: World, outcome: Outcome, state: DeliveryState
) -> None:
    world.enroll(person("ben"))
    gated = world.hand_over()
    world.clock.advance(timedelta(seconds=20))
    world.settle(gated, outcome)
    assert world.state_of(gated.claimed.id) is state
    assert world.stands().next_at == MONDAY + timedelta(hours=25)
    assert world.stands().next == "goals"
    assert world.why("welcome")[0] == state


def test_refused_for_now_is_tried_again_within_ten_seconds(world: World) -> None:
    world.enroll(person("ben"))
    world.settle(world.hand_over(), DEFERRED)
    due_at = world.store.next_due_at()
    assert due_at is not None
    assert MONDAY < due_at <= MONDAY + timedelta(seconds=10)
    assert "tried again" in world.why("welcome")[1]
    world.clock.advance(timedelta(seconds=10))
    assert world.tick().sent == 1


def test_back_off_doubles_to_an_hour_and_heeds_the_provider() -> None:
    waits = [back_off("a" * 32, turn, None) for turn in range(1, 30)]
    for turn, wait in enumerate(waits):
        full = min(timedelta(seconds=10 * 2**turn), LONGEST_BACK_OFF)
        assert full / 2 <= wait <= full
    assert len({back_off(f"{number:032}", 1, None) for number in range(50)}) > 40
    asked = timedelta(hours=3)
    assert asked <= back_off("a" * 32, 1, asked) <= asked * 1.5


@pytest.mark.parametrize("asked", [None, timedelta(minutes=1)])
def test_a_thousand_letters_put_off_together_come_back_spread_out(asked: timedelta | None) -> None:
    waits = [back_off(f"{number:032x}", 1, asked) for number in range(1000)]
    in_one_second = Counter(int(wait.total_seconds()) for wait in waits)
    assert max(in_one_second.values()) < 300
    assert min(waits) >= (asked or timedelta())


def test_what_the_provider_asked_for_is_waited_for(world: World) -> None:
    world.enroll(person("ben"))
    hour = timedelta(hours=1)
    world.settle(world.hand_over(), Outcome(Verdict.DEFERRED, "429", retry_after=hour))
    due_at = world.store.next_due_at()
    assert due_at is not None
    assert MONDAY + hour <= due_at <= MONDAY + hour * 1.5


def test_an_address_that_cannot_receive_stops_the_person(world: World) -> None:
    world.enroll(person("ben"))
    assert world.settle(world.hand_over(), NO_SUCH_PERSON) == Tally(failed=1)
    assert world.stands().state is EnrollmentState.STOPPED
    assert "bounced" in world.why("goals")[1]


def test_any_other_refusal_holds_the_course(world: World) -> None:
    world.enroll(person("ben"))
    assert world.settle(world.hand_over(), REFUSED) == Tally(failed=1)
    assert world.stands().state is EnrollmentState.HELD
    world.clock.advance(30 * DAY)
    assert world.claim() == []


def test_an_answer_counts_once(world: World) -> None:
    world.enroll(person("ben"))
    gated = world.hand_over()
    assert world.settle(gated, ACCEPTED) == Tally(sent=1)
    assert world.settle(gated, REFUSED) == Tally()
    assert world.state_of(gated.claimed.id) is DeliveryState.SENT


def test_a_hand_over_without_an_answer_is_in_doubt_never_sent_again(world: World) -> None:
    world.enroll(person("ben"))
    gated = world.hand_over()
    world.clock.advance(LEASE + timedelta(seconds=1))
    assert world.store.reap(world.clock.moment()) == Tally(in_doubt=1)
    assert world.store.reap(world.clock.moment()) == Tally()
    assert world.state_of(gated.claimed.id) is DeliveryState.IN_DOUBT
    assert world.stands().next_at == MONDAY + timedelta(hours=25)
    world.let_time_pass()
    assert world.mailbox.subjects() == ["goals", "support", "finale"]


def test_the_same_attempts_late_answer_settles_a_doubt(world: World) -> None:
    world.enroll(person("ben"))
    gated = world.hand_over()
    world.clock.advance(DAY)
    world.store.reap(world.clock.moment())
    due_at = world.stands().next_at
    assert world.settle(gated, ACCEPTED) == Tally(sent=1)
    assert world.state_of(gated.claimed.id) is DeliveryState.SENT
    assert world.stands().next_at == due_at


@pytest.mark.parametrize("finale", [False, True])
def test_a_late_refusal_for_now_plans_the_letter_again_in_its_place(
    world: World, finale: bool
) -> None:
    world.enroll(person("ben"))
    while finale and world.stands().next != "finale":
        world.clock.advance(DAY)
        world.tick()
    world.clock.advance(2 * DAY)
    gated = world.hand_over()
    world.clock.advance(LEASE + timedelta(seconds=1))
    world.store.reap(world.clock.moment())
    assert world.settle(gated, DEFERRED).sent == 0
    assert world.state_of(gated.claimed.id) is DeliveryState.PLANNED
    assert world.stands().state is EnrollmentState.ACTIVE
    world.let_time_pass()
    assert world.mailbox.subjects() == list(KEYS)
    assert world.store.audit().violations == ()


def test_a_late_refusal_after_the_next_letter_was_made_is_a_failure(world: World) -> None:
    world.enroll(person("ben"))
    gated = world.hand_over()
    world.clock.advance(2 * DAY)
    world.store.reap(world.clock.moment())
    (later,) = world.gate(world.claim())
    assert world.settle(gated, DEFERRED) == Tally(failed=1)
    assert world.settle(later, ACCEPTED) == Tally(sent=1)
    assert world.stands().sent == ("goals",)
    assert world.why("welcome") == ("failed", "the provider refused it: 450 mailbox busy")
    world.let_time_pass()
    assert world.mailbox.subjects() == ["support", "finale"]
    assert world.store.audit().violations == ()


def test_a_late_refusal_of_a_former_run_changes_nothing_of_the_new_one(world: World) -> None:
    world.enroll(person("ben"))
    gated = world.hand_over()
    world.clock.advance(DAY)
    world.store.reap(world.clock.moment())
    world.store.restart("ben@example.net", "motivation", world.clock.now())
    assert world.settle(gated, REFUSED) == Tally(failed=1)
    assert world.stands().state is EnrollmentState.ACTIVE
    world.let_time_pass()
    assert world.mailbox.subjects() == list(KEYS)


def test_a_letter_not_begun_goes_back_and_is_due_at_once(world: World) -> None:
    world.enroll(person("ben"))
    gated = world.hand_over()
    world.store.give_back([gated], world.clock.moment())
    assert world.state_of(gated.claimed.id) is DeliveryState.PLANNED
    (again,) = world.gate(world.claim("w2"), "w2")
    assert (again.claimed.id, again.claimed.epoch) == (gated.claimed.id, 2)
    world.store.give_back([gated], world.clock.moment())
    assert world.state_of(gated.claimed.id) is DeliveryState.HANDING
    assert world.settle(gated, ACCEPTED) == Tally()
    assert world.settle(again, DEFERRED) == Tally()
    due_at = world.store.next_due_at()
    assert due_at is not None
    assert due_at <= MONDAY + timedelta(seconds=10)


def test_a_letter_given_back_after_its_person_left_is_cancelled(world: World) -> None:
    world.enroll(person("ben"))
    gated = world.hand_over()
    world.store.unsubscribe("ben@example.net", MONDAY)
    world.store.give_back([gated], world.clock.moment())
    assert world.state_of(gated.claimed.id) is DeliveryState.CANCELLED
    assert world.tick() == Tally()


def test_the_finale_completes_the_course(world: World) -> None:
    world.enroll(person("ben"))
    world.let_time_pass()
    assert world.mailbox.subjects() == list(KEYS)
    assert world.stands().state is EnrollmentState.COMPLETED
    assert (world.stands().next, world.stands().next_at) == (None, None)
    assert {world.why(key)[1] for key in KEYS} == {"the provider accepted it"}


def test_after_an_outage_one_letter_is_due_and_the_course_shifts(world: World) -> None:
    world.enroll(person("ben"))
    world.tick()
    world.clock.advance(20 * DAY)
    assert world.tick().sent == 1
    assert world.tick().sent == 0
    assert world.stands().next_at == MONDAY + 21 * DAY + timedelta(hours=1)


def test_people_follow_the_newest_edition_forward_only(world: World) -> None:
    world.enroll(person("ben"))
    world.tick()
    world.clock.advance(2 * DAY)
    world.tick()
    newest = ("welcome", "early", "goals", "support", "time", "finale")
    world.publish(edition(newest))
    assert world.stands().next == "support"
    assert world.why("early")[0] == "skipped"
    world.let_time_pass()
    assert world.mailbox.subjects() == ["welcome", "goals", "support", "time", "finale"]


def test_a_renamed_letter_does_not_come_twice(world: World) -> None:
    words = {"goals": "Set a goal.", "aims": "Set a goal."}
    world.publish(edition(words=words))
    world.enroll(person("ben"))
    world.tick()
    world.clock.advance(2 * DAY)
    world.tick()
    renamed = ("welcome", "aims", "support", "finale")
    world.publish(edition(renamed, words=words, renames=[("goals", "aims")]))
    world.let_time_pass()
    assert world.mailbox.subjects() == ["welcome", "goals", "support", "finale"]
    assert world.stands().sent == ("welcome", "aims", "support", "finale")
    assert world.why("aims") == ("sent", "the provider accepted it")
    assert world.store.audit().violations == ()


def test_a_waiting_letter_whose_place_is_gone_is_skipped(world: World) -> None:
    world.enroll(person("ben"))
    world.tick()
    world.clock.advance(2 * DAY)
    world.settle(world.hand_over(), DEFERRED)
    world.publish(edition(("welcome", "support", "finale")))
    world.clock.advance(timedelta(minutes=1))
    assert world.tick().sent == 1
    assert world.mailbox.subjects() == ["welcome", "support"]
    assert world.why("goals") == ("skipped", "the course no longer has this letter")
    world.publish(edition(("welcome", "support", "goals", "finale")))
    world.let_time_pass()
    assert world.mailbox.subjects() == ["welcome", "support", "goals", "finale"]
    assert world.store.audit().violations == ()


def test_a_delivery_keeps_the_edition_it_was_made_from(world: World) -> None:
    world.enroll(person("ben"))
    world.settle(world.hand_over(), DEFERRED)
    world.publish(edition(words={"welcome": "Reworded."}))
    world.let_time_pass()
    assert b"Reworded." not in world.mailbox.messages[0].mime


def test_the_ledger_adds_up(world: World) -> None:
    names = ("sent", "doubt", "fail", "left", "wait", "late")
    world.enroll(*(person(name) for name in names))
    outcomes = {"Sent": ACCEPTED, "Doubt": UNKNOWN, "Fail": REFUSED, "Wait": DEFERRED}
    for gated in world.gate(world.claim(limit=5)):
        if gated.claimed.name in outcomes:
            world.settle(gated, outcomes[gated.claimed.name])
        else:
            world.store.give_back([gated], world.clock.moment())
    world.store.unsubscribe("left@example.net", MONDAY)
    found = world.store.audit()
    assert (found.owed, found.pending, found.sent) == (5, 1, 1)
    assert (found.failed, found.in_doubt, found.cancelled, found.skipped) == (1, 1, 1, 0)
    assert found.violations == ()
    failed = world.store.deliveries(state=DeliveryState.FAILED)
    assert [each.address for each in failed] == ["fail@example.net"]
    assert failed[0].message_id == f"<{failed[0].id}@example.org>"
    assert len(world.store.deliveries(course="motivation", limit=2)) == 2


def test_lessons_that_were_merged_came_once_each(world: World) -> None:
    world.enroll(person("ben"))
    for _ in range(3):
        world.tick()
        world.clock.advance(DAY + timedelta(hours=1))
    assert world.stands().sent == ("welcome", "goals", "support")
    world.publish(
        edition(("welcome", "both", "finale"), renames=[("goals", "both"), ("support", "both")])
    )
    world.tick()
    assert world.stands().sent[-1] == "finale"
    assert world.store.audit().violations == ()


def test_the_minimum_gap_lies_between_any_two_letters(world: World) -> None:
    world.publish(edition(schedule=Schedule(minimum_gap=timedelta(hours=40))))
    world.enroll(person("ben"))
    world.let_time_pass()
    handed = sorted(each.handed_at for each in world.store.deliveries() if each.handed_at)
    gaps = [later - earlier for earlier, later in pairwise(handed)]
    assert gaps[1:] == [timedelta(days=2)] * 2


CROWD = 120


def processes() -> Executor:
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))


@pytest.mark.parametrize("workers", [lambda: ThreadPoolExecutor(2), processes])
def test_workers_side_by_side_never_claim_the_same_letter(
    world: World, database_url: str, workers: Callable[[], Executor]
) -> None:
    world.enroll(*(person(f"p{number}") for number in range(CROWD)))
    with workers() as pool:
        claims = list(pool.map(claim_everything, [database_url] * 2, ["w1", "w2"]))
    claimed = [each for ids in claims for each in ids]
    assert len(claimed) == len(set(claimed)) == CROWD


def claim_everything(url: str, owner: str) -> list[str]:
    """Claim, three at a time, until nothing is due."""
    store = open_store(url)
    ids: list[str] = []
    while claimed := store.claim(owner, Moment(MONDAY, MONDAY), LEASE, limit=3):
        ids += [each.id for each in claimed]
    store.close()
    return ids


def test_threads_share_one_store(store: Store) -> None:
    store.publish(edition(), MONDAY)
    crowd = [person(f"p{number}") for number in range(CROWD)]
    course = store.course("motivation")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: store.enroll(course, [one], MONDAY), crowd))
    assert len(store.subscribers()) == CROWD
