"""A database that goes away while letters are on the wire: nobody twice, nothing lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from tests.worker.databases import Databases
from tests.worker.ledger import ACCEPTED, LEASE, World, person
from worker.delivery import Courier, deliver_round, tick
from worker.delivery.keeping import KEPT_FOR
from worker.errors import DatabaseFault
from worker.model import Claimed, DeliveryState, Message, Outcome, Tally
from worker.store import Gate, Store
from worker.store.sqlite import choose_driver

PEOPLE = 6
"""Two windows of three under one claim."""


@contextmanager
def away(databases: Databases, address: str, store: Store) -> Iterator[None]:
    """Let nobody write for as long as the block takes."""
    if databases.kind == "postgresql":
        with databases.away(address):
            yield
        return
    pooled = store._database.engine.raw_connection()
    pooled.cursor().execute("PRAGMA busy_timeout = 1")
    pooled.close()
    other = choose_driver().module.connect(make_url(address).database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


@dataclass
class Absence:
    """A database that is away from a letter on, for so many rests of whoever waits for it."""

    world: World
    databases: Databases
    address: str
    rests: float
    waited: list[float] = field(default_factory=list)
    gone: ExitStack = field(default_factory=ExitStack)

    def answer(self, _: Message) -> Outcome:
        if len(self.world.mailbox.messages) == 2:
            store = self.world.store
            self.gone.enter_context(away(self.databases, self.address, store))
        return ACCEPTED

    def rest(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.world.clock.advance(timedelta(seconds=seconds))
        if len(self.waited) >= self.rests:
            self.gone.close()


def absent(world: World, databases: Databases, address: str, rests: float) -> Absence:
    world.enroll(*(person(f"p{number}") for number in range(PEOPLE)))
    absence = Absence(world, databases, address, rests)
    world.mailbox.answer = absence.answer
    return absence


def courier(world: World, rest: Callable[[float], None], **changes: Any) -> Courier:
    return replace(world.courier(window=3), ahead=2, rest=rest, **changes)


def recipients(world: World) -> list[str]:
    return sorted(message.recipient for message in world.mailbox.messages)


def test_answers_are_kept_until_the_database_is_back(
    world: World, databases: Databases, database_url: str
) -> None:
    absence = absent(world, databases, database_url, rests=4)
    assert tick(courier(world, absence.rest)) == Tally(claimed=9, sent=6)
    assert len(absence.waited) == 4
    assert len(recipients(world)) == len({*recipients(world)}) == PEOPLE
    assert world.store.audit().in_doubt == 0
    assert world.store.audit().violations == ()


def test_what_cannot_be_settled_in_time_is_in_doubt_and_never_sent_again(
    world: World, databases: Databases, database_url: str
) -> None:
    absence = absent(world, databases, database_url, rests=float("inf"))
    with pytest.raises(DatabaseFault):
        tick(courier(world, absence.rest))
    assert KEPT_FOR <= sum(absence.waited) <= KEPT_FOR + 5
    absence.gone.close()
    world.mailbox.answer = lambda _: ACCEPTED
    world.clock.advance(LEASE)
    assert world.tick() == Tally(claimed=3, sent=3, in_doubt=3)
    assert len(recipients(world)) == len({*recipients(world)}) == PEOPLE


def test_whoever_is_told_to_stop_does_not_wait_for_the_database(
    world: World, databases: Databases, database_url: str
) -> None:
    absence = absent(world, databases, database_url, rests=float("inf"))

    def once_it_is_away() -> bool:
        return len(world.mailbox.messages) >= 3

    with pytest.raises(DatabaseFault):
        deliver_round(courier(world, absence.rest, stopping=once_it_is_away))
    assert absence.waited == []
    absence.gone.close()


class Mute:
    """A store whose first gates are committed, or not, and never answered."""

    def __init__(self, store: Store, *, committed: bool, times: int = 1) -> None:
        self._store = store
        self._committed = committed
        self._left = times

    def gate(self, claimed: Sequence[Claimed], *rest: Any) -> Gate:
        if self._left == 0:
            return self._store.gate(claimed, *rest)
        self._left -= 1
        if self._committed:
            self._store.gate(claimed, *rest)
        raise DatabaseFault("the connection broke", where="a commit")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@pytest.mark.parametrize("committed", [False, True])
def test_a_gate_without_an_answer_is_undone_by_its_own_owner(world: World, committed: bool) -> None:
    world.enroll(*(person(f"p{number}") for number in range(PEOPLE)))
    mute: Any = Mute(world.store, committed=committed)
    assert tick(courier(world, lambda _: None, store=mute)).sent == PEOPLE
    assert len(recipients(world)) == len({*recipients(world)}) == PEOPLE
    assert world.store.audit().violations == ()
    attempts = {each.attempts for each in world.store.deliveries()}
    assert attempts == ({1, 2} if committed else {1})


def test_answers_that_went_along_with_a_lost_gate_are_settled_once(world: World) -> None:
    world.enroll(*(person(f"p{number}") for number in range(PEOPLE)))
    claimed = world.claim()
    first = world.gate(claimed[:3])
    answered = [(gated, ACCEPTED) for gated in first]
    moment = world.clock.moment()
    world.store.gate(claimed[3:], "w1", moment, LEASE, answered)
    assert world.store.settle(answered, moment) == Tally()
    world.store.give_back_lost(claimed[3:], "w1", moment)
    states = [each.state for each in world.store.deliveries()]
    assert states.count(DeliveryState.SENT) == 3
    assert states.count(DeliveryState.PLANNED) == 3
    assert world.store.audit().violations == ()


def test_a_lost_gate_of_a_former_claim_is_left_alone(world: World) -> None:
    world.enroll(person("ben"))
    former = world.claim()
    world.clock.advance(2 * LEASE)
    world.store.reap(world.clock.moment())
    (gated,) = world.gate(world.claim("w2"), "w2")
    world.store.give_back_lost(former, "w1", world.clock.moment())
    world.store.release(former, "w1")
    assert world.state_of(gated.claimed.id) is DeliveryState.HANDING


def test_claims_that_were_given_up_are_due_at_once(world: World) -> None:
    world.enroll(person("ben"), person("cleo"))
    claimed = world.claim()
    world.store.release(claimed, "w2")
    assert world.claim("w2") == []
    world.store.release(claimed, "w1")
    assert {each.epoch for each in world.claim("w2")} == {2}
