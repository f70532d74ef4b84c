"""Service mail goes out once, to those who may still get it, and never by guessing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.worker.ledger import (
    ACCEPTED,
    DAY,
    DEFERRED,
    LEASE,
    NO_SUCH_PERSON,
    REFUSED,
    UNKNOWN,
    Mailbox,
    World,
    person,
)
from worker.delivery import tick
from worker.model import (
    DueNotice,
    Message,
    NoticePurpose,
    Outcome,
    SubscriberState,
    Verdict,
)

WEEK = timedelta(days=7)


def ask(world: World, name: str = "ben") -> None:
    world.store.ask_to_join("motivation", person(name), "Yes, please.", world.clock.now())


def begin(world: World, limit: int = 20) -> list[DueNotice]:
    return world.store.begin_notices(world.clock.moment(), limit, LEASE)


def settle(world: World, notice: DueNotice, outcome: Outcome) -> None:
    world.store.settle_notices([(notice, outcome)], world.clock.moment())


def test_what_was_handed_over_is_not_handed_over_again(world: World) -> None:
    ask(world)
    (notice,) = begin(world)
    assert notice.purpose is NoticePurpose.CONFIRM
    assert begin(world) == []
    world.clock.advance(DAY)
    assert begin(world) == []
    settle(world, notice, ACCEPTED)
    assert begin(world) == []


def test_a_worker_that_died_after_the_gate_leaves_a_doubt_and_no_second_mail(world: World) -> None:
    ask(world)
    sent: list[Message] = []

    class Killed(BaseException):
        pass

    def killed(message: Message) -> Outcome:
        sent.append(message)
        raise Killed

    world.mailbox.answer = killed
    with pytest.raises(Killed):
        world.tick()
    assert world.store.is_handing_notices()
    world.clock.advance(LEASE + timedelta(seconds=1))
    world.mailbox = Mailbox()
    world.tick()
    world.let_time_pass()
    assert (len(sent), len(world.mailbox.messages)) == (1, 0)
    assert not world.store.is_handing_notices()
    assert world.store.next_due_at() is None


def test_the_late_answer_of_a_doubted_mail_still_counts(world: World) -> None:
    ask(world)
    (notice,) = begin(world)
    world.clock.advance(LEASE + timedelta(seconds=1))
    world.store.reap(world.clock.moment())
    settle(world, notice, DEFERRED)
    (again,) = [each for _ in range(2) for each in _later(world)]
    assert (again.id, again.attempt) == (notice.id, 2)
    settle(world, notice, ACCEPTED)
    assert world.store.is_handing_notices(), "the first attempt's answer settled the second"


def _later(world: World) -> list[DueNotice]:
    world.clock.advance(timedelta(seconds=10))
    return begin(world)


def test_a_mail_refused_for_now_comes_back_until_it_is_of_no_use(world: World) -> None:
    ask(world)
    tried = 0
    started = world.clock.now()
    while (due_at := world.store.next_due_at()) is not None:
        world.clock.advance(max(due_at - world.clock.now(), timedelta()))
        for notice in begin(world):
            tried += 1
            settle(world, notice, DEFERRED)
    assert tried > 20
    assert timedelta(days=6) < world.clock.now() - started <= WEEK


def test_what_a_provider_asks_for_is_waited_for(world: World) -> None:
    ask(world)
    (notice,) = begin(world)
    hour = timedelta(hours=1)
    settle(world, notice, Outcome(Verdict.DEFERRED, retry_after=hour))
    due_at = world.store.next_due_at()
    assert due_at is not None
    assert hour <= due_at - world.clock.now() <= hour * 1.5


@pytest.mark.parametrize("outcome", [ACCEPTED, REFUSED, UNKNOWN, NO_SUCH_PERSON])
def test_every_other_answer_is_final(world: World, outcome: Outcome) -> None:
    ask(world)
    (notice,) = begin(world)
    settle(world, notice, outcome)
    assert world.store.next_due_at() is None
    assert not world.store.is_handing_notices()


def test_an_address_that_cannot_receive_is_not_written_to_again(world: World) -> None:
    ask(world)
    (notice,) = begin(world)
    settle(world, notice, NO_SUCH_PERSON)
    assert world.store.standing(notice.address).state is SubscriberState.BOUNCED
    ask(world)
    assert begin(world) == []
    assert world.store.next_due_at() is None


def test_nobody_who_left_after_asking_gets_the_confirmation(world: World) -> None:
    ask(world)
    world.clock.advance(timedelta(seconds=1))
    world.store.unsubscribe("ben@example.net", world.clock.now())
    assert begin(world) == []


def test_those_who_left_and_ask_themselves_are_answered(world: World) -> None:
    world.enroll(person("ben"))
    world.store.unsubscribe("ben@example.net", world.clock.now())
    world.clock.advance(timedelta(seconds=1))
    ask(world)
    (notice,) = begin(world)
    assert notice.purpose is NoticePurpose.CONFIRM


def test_a_mail_that_waited_too_long_is_void(world: World) -> None:
    ask(world)
    world.clock.advance(WEEK)
    assert begin(world) == []
    assert world.store.next_due_at() is None


def test_what_is_void_does_not_hide_what_is_due(world: World) -> None:
    for name in ("ann", "ben", "cleo"):
        ask(world, name)
        world.clock.advance(timedelta(seconds=1))
    world.store.unsubscribe("ann@example.net", world.clock.now())
    world.store.unsubscribe("ben@example.net", world.clock.now())
    (notice,) = begin(world, limit=1)
    assert notice.address == "cleo@example.net"


def test_the_name_in_a_form_stands_in_no_mail_before_it_is_confirmed(world: World) -> None:
    ask(world, "mallory")
    (notice,) = begin(world)
    assert notice.name == ""


def test_service_mail_is_due_as_letters_are_but_counts_as_none(world: World) -> None:
    ask(world)
    assert world.store.due_count(world.clock.now(), 10) == 1
    assert world.store.next_due_at() == world.clock.now()
    assert world.tick().claimed == 0
    assert world.store.due_count(world.clock.now(), 10) == 0
    (message,) = world.mailbox.messages
    assert message.recipient == "ben@example.net"
    assert f"Message-ID: <{message.delivery_id}@example.org>".encode() in message.mime


def test_a_tick_sends_all_service_mail_however_much(world: World) -> None:
    for number in range(7):
        ask(world, f"p{number}")
    tick(world.courier(window=2))
    assert len(world.mailbox.messages) == 7


def test_a_courier_that_is_stopping_begins_no_mail(world: World) -> None:
    for number in range(3):
        ask(world, f"p{number}")
    tick(world.courier(stopping=lambda: bool(world.mailbox.messages)))
    assert len(world.mailbox.messages) == 1
    assert not world.store.is_handing_notices()


def test_a_mail_whose_gate_is_stale_is_gated_anew(world: World) -> None:
    ask(world)
    begin_notices = world.store.begin_notices

    def slow(*arguments: object) -> list[DueNotice]:
        passed = begin_notices(*arguments)  # type: ignore[arg-type]
        world.clock.seconds += 6
        return passed

    world.store.begin_notices = slow  # type: ignore[method-assign, assignment]
    world.tick()
    assert world.mailbox.messages == []
    world.store.begin_notices = begin_notices  # type: ignore[method-assign]
    world.clock.advance(timedelta(seconds=10))
    world.tick()
    assert len(world.mailbox.messages) == 1


def test_a_provider_that_raises_leaves_a_doubt(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    ask(world)

    def broken(message: Message) -> Outcome:
        raise ConnectionResetError(f"while writing to {message.recipient}")

    world.mailbox.answer = broken
    world.tick()
    world.let_time_pass()
    assert world.mailbox.messages == []
    assert "ConnectionResetError" in caplog.text
    assert "ben@example.net" not in caplog.text
