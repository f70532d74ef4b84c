"""Lists of addresses that must not be written to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.worker.databases import Databases
from tests.worker.ledger import DAY, MONDAY, World, person
from worker.erasing import erase
from worker.model import EnrollmentState, EnrollResult, SubscriberState
from worker.pseudonyms import Pseudonyms
from worker.store import Store
from worker.store.suppressing import Suppressed, SuppressResult

ADDED, STOPPED, ALREADY = SuppressResult
LEFT, BOUNCED, COMPLAINED = (
    SubscriberState.UNSUBSCRIBED,
    SubscriberState.BOUNCED,
    SubscriberState.COMPLAINED,
)


@pytest.fixture
def store(databases: Databases, database_url: str) -> Iterator[Store]:
    opened = databases.open(database_url, Pseudonyms(["k" * 20]))
    yield opened
    opened.close()


def listed(name: str, reason: SubscriberState = LEFT) -> Suppressed:
    return Suppressed(f"{name}@example.net", reason)


def test_known_people_leave_at_once_and_unknown_ones_are_never_enrolled(world: World) -> None:
    world.enroll(person("ben"), person("cleo"))
    claimed = world.claim()
    results = world.store.suppress([listed("ben"), listed("zoe", BOUNCED)], MONDAY)
    assert (results[STOPPED], results[ADDED], results[ALREADY]) == (1, 1, 0)
    assert len(world.gate(claimed)) == 1
    assert world.stands().state is EnrollmentState.STOPPED
    assert world.enroll(person("zoe")) == [EnrollResult.SUPPRESSED]
    assert world.store.audit().violations == ()


def test_a_list_taken_in_again_changes_nothing(world: World) -> None:
    gone = [listed("zoe", COMPLAINED), listed("amy"), listed("zoe")]
    world.store.suppress(gone, MONDAY)
    again = world.store.suppress(gone, MONDAY + DAY)
    assert (again[ADDED], again[STOPPED], again[ALREADY]) == (0, 0, 2)
    assert world.store.suppressed() == [
        Suppressed("amy@example.net", LEFT, MONDAY),
        Suppressed("zoe@example.net", COMPLAINED, MONDAY),
    ]


def test_what_is_given_out_can_be_taken_in(world: World, databases: Databases) -> None:
    world.enroll(person("ben"), person("cleo"))
    world.store.unsubscribe("ben@example.net", MONDAY + DAY)
    with databases.lent() as address:
        other = databases.open(address)
        other.suppress(world.store.suppressed(), MONDAY)
        assert [each.address for each in other.suppressed()] == ["ben@example.net"]
        other.close()


def test_an_erased_address_on_a_list_is_not_kept_again(world: World) -> None:
    world.enroll(person("ben"))
    erase(world.store, world.mailbox, world.store.subscriber_id("ben@example.net"), MONDAY)
    assert world.store.suppress([listed("ben")], MONDAY)[ALREADY] == 1
    assert "ben@example.net" not in [each.address for each in world.store.suppressed()]


def test_thousands_are_taken_in_at_once(world: World) -> None:
    crowd = [listed(f"p{number}") for number in range(3000)]
    world.enroll(*(person(f"p{number}") for number in range(0, 3000, 2)))
    results = world.store.suppress(crowd, MONDAY)
    assert (results[STOPPED], results[ADDED]) == (1500, 1500)
