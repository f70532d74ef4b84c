"""What two do at the same moment ends as if one had come after the other, whichever that was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from itertools import count

import pytest

from tests.worker.databases import Databases, query
from tests.worker.ledger import ACCEPTED, DAY, LEASE, MONDAY, UNKNOWN, World, edition, person
from tests.worker.news import told
from tests.worker.racing import Race
from tests.worker.writings import enrollment_of
from worker.delivery import tick
from worker.errors import Refused
from worker.model import (
    Command,
    DeliveryState,
    EnrollmentState,
    EnrollResult,
    Event,
    EventTally,
    News,
    ReplyKind,
    SubscriberState,
)
from worker.pseudonyms import Pseudonyms
from worker.store import Clues, Filed, Reply, Store
from worker.store.suppressing import Suppressed

HOUR = timedelta(hours=1)
NUMBERS = count(10_000)


@pytest.fixture
def store(databases: Databases, database_url: str) -> Iterator[Store]:
    """Waits for no disk: nobody loses power here."""
    opened = databases.open(database_url, Pseudonyms(["a secret of at least sixteen bytes"]))
    yield opened
    opened.close()


@pytest.fixture
def race() -> Iterator[Race]:
    with Race() as opened:
        yield opened


def crowd(world: World, size: int) -> list[str]:
    """Enroll people; return their addresses."""
    everybody = [person(f"p{number:03}") for number in range(size)]
    world.enroll(*everybody)
    return [each.address for each in everybody]


def address_of(name: str) -> str:
    return f"{name}@example.net"


def reply(
    world: World, delivery: str, command: Command | None = None, number: int | None = None
) -> Filed:
    """File a mail of the person who got this delivery."""
    mail = Reply(
        fingerprint=f"{next(NUMBERS) if number is None else number:064x}",
        kind=ReplyKind.REFLECTION if command is None else ReplyKind.COMMAND,
        why="",
        origin=world.store.trace(Clues(tokens=(delivery,))),
        message_id="",
        verified=True,
        from_subscriber=True,
        text="I wrote this." if command is None else "",
        attachments=(),
        raw=b"",
        command=command,
    )
    return world.store.file_reply(mail, world.clock.now())


def holds(world: World) -> None:
    """The audit is clean, and nobody was handed anything after they had left."""
    assert world.store.audit().violations == ()
    assert query(
        world.store,
        "SELECT s.address, a.id, s.left_after FROM attempts a"
        " JOIN deliveries d ON d.id = a.delivery_id JOIN enrollments e ON e.id = d.enrollment_id"
        " JOIN subscribers s ON s.id = e.subscriber_id WHERE a.id > s.left_after",
    ) == []  # fmt: skip


# Leaving, and the gate

Leave = Callable[[World, str, str], object]

WAYS_OUT: dict[str, Leave] = {
    "by the operator": lambda world, address, _: world.store.unsubscribe(address, MONDAY),
    "by a link": lambda world, address, _: world.store.unsubscribe_enrollment(
        enrollment_of(world.store, address), MONDAY
    ),
    "by a list": lambda world, address, _: world.store.suppress(
        [Suppressed(address, SubscriberState.UNSUBSCRIBED)], MONDAY
    ),
    "by a word": lambda world, _, delivery: reply(world, delivery, Command.STOP),
    "by an event": lambda world, address, delivery: world.store.record_events(
        [told(News.COMPLAINED, delivery, address=address)], world.clock.moment()
    ),
    "by a nameless event": lambda world, address, _: world.store.record_events(
        [told(News.UNSUBSCRIBED, None, address=address)], world.clock.moment()
    ),
    "erased": lambda world, address, _: world.store.erase(
        world.store.subscriber_id(address), MONDAY
    ),
}

INTERLEAVINGS = 500
WINDOW = 4


@pytest.mark.parametrize("way", WAYS_OUT)
def test_whoever_leaves_while_their_letter_is_at_the_gate_left_before_or_after_it(
    world: World, race: Race, way: str
) -> None:
    size = WINDOW * -(-INTERLEAVINGS // len(WAYS_OUT))
    crowd(world, size)
    claimed = world.claim(limit=size)
    passed: set[str] = set()
    leaving: set[str] = set()
    for start in range(0, size, WINDOW):
        window = claimed[start : start + WINDOW]
        one = window[start // WINDOW % WINDOW]
        leaving.add(one.id)
        gated, _ = race.run(
            partial(world.gate, window), partial(WAYS_OUT[way], world, one.address, one.id)
        )
        assert len(gated) >= WINDOW - 1
        world.store.settle([(each, ACCEPTED) for each in gated], world.clock.moment())
        passed |= {each.claimed.id for each in gated}
        assert world.gate(window) == []  # nothing is let through a second time
    assert 0 < len(leaving & passed) < len(leaving), "nobody raced"
    states = {each.id: each.state for each in world.store.deliveries()}
    for each in claimed:
        sent = each.id in passed
        assert states[each.id] is (DeliveryState.SENT if sent else DeliveryState.CANCELLED)
        assert sent or each.id in leaving
    attempts = query(world.store, "SELECT delivery_id, count(*) FROM attempts GROUP BY delivery_id")
    assert {delivery for delivery, _ in attempts} == passed
    assert {many for _, many in attempts} == {1}
    holds(world)


def test_whoever_pauses_while_their_letter_is_claimed_gets_it_after_resuming(
    world: World, race: Race
) -> None:
    paused = []
    for number in range(60):
        name = f"p{number}"
        world.enroll(person(name))
        paused.append(enrollment_of(world.store, address_of(name)))
        pause = partial(world.store.pause_enrollment, paused[-1], MONDAY)
        claimed, _ = race.run(world.claim, pause)
        assert world.stands(name).state is EnrollmentState.PAUSED
        assert world.gate(claimed) == []
        assert world.claim() == []
    holds(world)
    for each in paused:
        world.store.resume_enrollment(each, MONDAY)
    world.let_time_pass()
    assert set(Counter((m.recipient, m.mime) for m in world.mailbox.messages).values()) == {1}
    assert len(world.mailbox.messages) == 60 * 4


def test_two_couriers_at_once_deliver_everything_once(world: World, race: Race) -> None:
    addresses = crowd(world, 150)
    couriers = [world.courier(owner, window=7) for owner in ("w1", "w2", "w3")]
    tallies = race.run(*(partial(tick, each) for each in couriers))
    assert sorted(each.recipient for each in world.mailbox.messages) == addresses
    assert sum(each.sent for each in tallies) == 150
    holds(world)


# Answers, and what comes in meanwhile


def test_a_reflection_that_comes_while_its_lesson_is_settled_is_not_waited_for(
    world: World, race: Race
) -> None:
    world.publish(edition(waits={"goals": (5, 2)}))
    addresses = crowd(world, 60)
    world.tick()
    world.clock.advance(2 * DAY)
    gated = world.gate(world.claim(limit=60))
    for each in gated:
        race.run(partial(world.settle, each, ACCEPTED), partial(reply, world, each.claimed.id))
    stood = {(world.stands(a.partition("@")[0]).next_at, a) for a in addresses}
    assert len({next_at for next_at, _ in stood}) == 1, "one of them still waits"
    assert query(world.store, "SELECT count(*) FROM enrollments WHERE waits_on IS NOT NULL") == [
        (0,)
    ]
    assert len(world.store.reflections("motivation")) == 60
    holds(world)


def test_a_letter_is_settled_once_by_its_answer_and_its_event(world: World, race: Race) -> None:
    crowd(world, 60)
    for each in world.gate(world.claim(limit=60)):
        delivered = told(News.DELIVERED, each.claimed.id, address=each.claimed.address)
        race.run(
            partial(world.settle, each, UNKNOWN),
            partial(hear, world, delivered),
            partial(world.store.reap, world.clock.moment()),
        )
    assert {each.state for each in world.store.deliveries()} == {DeliveryState.SENT}
    holds(world)


def test_a_restart_while_a_letter_is_settled_comes_before_or_after(
    world: World, race: Race
) -> None:
    crowd(world, 60)
    runs = Counter[int]()
    for each in world.gate(world.claim(limit=60)):
        address = each.claimed.address
        _, restarted = race.run(
            partial(world.settle, each, ACCEPTED),
            partial(world.store.restart, address, "motivation", MONDAY + HOUR),
        )
        stands = world.stands(address.partition("@")[0])
        runs[stands.run] += 1
        assert world.state_of(each.claimed.id) is DeliveryState.SENT
        if isinstance(restarted, Refused):
            assert (stands.run, stands.next) == (1, "goals")
        else:
            assert (stands.run, stands.next, stands.next_at) == (2, "welcome", MONDAY + HOUR)
    assert runs.keys() == {1, 2}, "nobody raced"
    holds(world)


def test_events_in_two_batches_in_opposite_order_wait_in_no_circle_and_count_once(
    world: World, race: Race
) -> None:
    crowd(world, 8)
    gated = world.gate(world.claim())
    for turn in range(40):
        batch = [
            told(
                News.BLOCKED,
                each.claimed.id,
                MONDAY + timedelta(seconds=turn),
                address=each.claimed.address,
            )
            for each in gated
        ]
        strangers = [
            told(
                News.OTHER,
                None,
                MONDAY + timedelta(seconds=turn),
                address=f"{number}@example.com",
            )
            for number in range(8)
        ]
        tallies = race.run(
            partial(hear, world, *batch, *strangers),
            partial(hear, world, *strangers[::-1], *batch[::-1]),
        )
        ours = query(world.store, "SELECT DISTINCT blocks FROM subscribers")
        assert ours == [(turn + 1,)]
        assert sum(each.new for each in tallies) >= len(batch + strangers)
    assert query(world.store, "SELECT count(*) FROM events") == [(40 * 16,)]
    holds(world)


def hear(world: World, *events: Event) -> EventTally:
    return world.store.record_events(events, world.clock.moment())


def test_of_two_copies_of_one_mail_at_once_one_is_filed(world: World, race: Race) -> None:
    world.enroll(person("ben"))
    world.tick()
    (welcome,) = world.store.deliveries()
    for turn in range(40):
        mail = partial(reply, world, welcome.id if turn % 2 else "f" * 32, number=turn)
        assert sorted(filed.is_new for filed in race.run(mail, mail)) == [False, True]


def test_of_two_workers_at_once_one_hands_a_service_mail_over(world: World, race: Race) -> None:
    for turn in range(40):
        name = f"p{turn}"
        world.store.ask_to_join("motivation", person(name), "Yes.", world.clock.now())
        begin = partial(world.store.begin_notices, world.clock.moment(), 5, LEASE)
        assert sum(map(len, race.run(begin, begin, begin))) == 1


# Joining, leaving, coming back


def test_a_list_that_is_enrolled_twice_at_once_enrolls_everybody_once(
    world: World, race: Race
) -> None:
    for turn in range(25):
        listed = [person(f"t{turn}p{number}") for number in range(12)]
        answers = race.run(partial(world.enroll, *listed), partial(world.enroll, *listed[::-1]))
        once = {EnrollResult.ENROLLED: 12, EnrollResult.ALREADY: 12}
        assert Counter([*answers[0], *answers[1]]) == once
    assert query(world.store, "SELECT count(*) FROM enrollments") == [(25 * 12,)]


def test_whoever_confirms_while_they_unsubscribe_is_unsubscribed(world: World, race: Race) -> None:
    for turn in range(60):
        name = f"p{turn}"
        world.store.ask_to_join("motivation", person(name), "Yes.", world.clock.now())
        world.clock.advance(timedelta(seconds=1))
        now = world.clock.now()
        race.run(
            partial(world.store.confirm, turn + 1, now),
            partial(world.store.unsubscribe, address_of(name), now),
        )
        standing = world.store.standing(address_of(name))
        assert standing.state is SubscriberState.UNSUBSCRIBED
        assert {each.state for each in standing.enrollments} <= {EnrollmentState.STOPPED}
        assert world.claim() == []
    holds(world)


def test_who_confirms_twice_at_once_begins_once(world: World, race: Race) -> None:
    for turn in range(30):
        name = f"p{turn}"
        world.store.ask_to_join("motivation", person(name), "Yes.", world.clock.now())
        confirm = partial(world.store.confirm, turn + 1, world.clock.now())
        first, second = race.run(confirm, confirm)
        assert first == second
        assert world.stands(name).run == 1
    assert len(world.claim(limit=60)) == 30


def test_whoever_is_erased_while_a_list_names_them_is_not_enrolled_again(
    world: World, race: Race
) -> None:
    for turn in range(60):
        name = f"p{turn}"
        world.enroll(person(name))
        its = world.store.subscriber_id(address_of(name))
        gone = Suppressed(address_of(name), SubscriberState.BOUNCED)
        other: Callable[[], object] = (
            partial(world.enroll, person(name)),
            partial(world.store.suppress, [gone], MONDAY),
        )[turn % 2]
        race.run(partial(world.store.erase, its, MONDAY), other)
    kept = [each.address for each in world.store.subscribers()]
    assert [each for each in kept if not each.endswith("@erased.invalid")] == []
    holds(world)


def test_the_first_who_is_ever_erased_is_not_enrolled_again_either(
    world: World, race: Race
) -> None:
    for turn in range(40):
        name = f"p{turn}"
        world.enroll(person(name))
        its = world.store.subscriber_id(address_of(name))
        query(world.store, "DELETE FROM suppressions")
        race.run(
            partial(world.store.erase, its, MONDAY),
            partial(world.enroll, person(name), person(f"new{turn}")),
        )
        assert world.enroll(person(name), person(f"new{turn}")) == [
            EnrollResult.SUPPRESSED,
            EnrollResult.ALREADY,
        ]
    holds(world)


def test_nothing_is_kept_of_a_mail_that_came_while_its_person_was_erased(
    world: World, race: Race
) -> None:
    crowd(world, 40)
    world.tick()
    for each in world.store.deliveries():
        its = world.store.subscriber_id(each.address)
        race.run(partial(world.store.erase, its, MONDAY), partial(reply, world, each.id))
    assert query(world.store, "SELECT count(*) FROM reflections") == [(0,)]
    assert query(world.store, "SELECT count(*) FROM replies WHERE raw IS NOT NULL") == [(0,)]


# Courses


def test_an_edition_published_while_letters_are_claimed_confuses_nobody(
    world: World, race: Race
) -> None:
    editions = [edition(words={"goals": f"number {number}"}) for number in range(20)]
    for number, published in enumerate(editions):
        crowd_of_now = [person(f"n{number}p{each}") for each in range(5)]
        world.enroll(*crowd_of_now)
        _, claimed = race.run(
            partial(world.store.publish, published, MONDAY), partial(world.claim, limit=5)
        )
        gated = world.gate(claimed)
        world.store.settle([(each, ACCEPTED) for each in gated], world.clock.moment())
        assert len(gated) == 5
    holds(world)


def test_of_two_who_publish_the_same_at_once_one_changes_something(
    store: Store, race: Race
) -> None:
    for number in range(20):
        published = edition(course=f"course-{number // 2}", words={"goals": str(number)})
        publish = partial(store.publish, published, MONDAY)
        assert sorted(race.run(publish, publish)) == [False, True]
