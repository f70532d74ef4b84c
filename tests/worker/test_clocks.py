"""Time goes by seconds since boot; whatever the wall clock is set to, nobody is brought forward."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worker.ledger import KEYS, LINKS, MONDAY, Mailbox, edition, person
from worker.clocks import CORRECTION, NEVER_SET, SteadyClock
from worker.delivery import Courier, tick
from worker.errors import DatabaseFault
from worker.model import Message, Outcome, Verdict
from worker.schedule import AFTER_WELCOME
from worker.store import Store, open_store
from worker.store.sqlite import SqliteDatabase, choose_driver

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@dataclass
class Machine:
    """A machine in true time, whose wall clock somebody sets."""

    true: datetime = MONDAY
    set_by: timedelta = timedelta()

    def read(self) -> datetime:
        return self.true + self.set_by

    def boot(self) -> float:
        return (self.true - MONDAY).total_seconds()

    def clock(self) -> SteadyClock:
        return SteadyClock(self.read, self.boot)


def test_the_machines_clocks_are_aware_and_go_forward() -> None:
    clock = SteadyClock()
    assert clock.now().utcoffset() == timedelta(0)
    assert clock.now() <= clock.now()
    assert clock.boot() <= clock.boot()
    assert clock.set_by == timedelta()


@pytest.mark.parametrize("jump", [HOUR, DAY, CORRECTION + SECOND, NEVER_SET, -HOUR, -DAY])
def test_a_clock_that_is_set_is_not_believed_and_is_told_of_once(
    jump: timedelta, caplog: pytest.LogCaptureFixture
) -> None:
    machine = Machine()
    clock = machine.clock()
    machine.set_by = jump
    machine.true += SECOND
    assert [clock.now(), clock.now(), clock.wall()] == [machine.true] * 3
    assert clock.set_by == jump
    assert len(caplog.records) == 1
    machine.set_by = timedelta()
    assert clock.now() == machine.true
    assert clock.set_by == timedelta()


@pytest.mark.parametrize(
    "jump", [SECOND, CORRECTION, -CORRECTION, NEVER_SET + SECOND, 20_000 * DAY]
)
def test_a_correction_and_the_first_setting_are_believed(jump: timedelta) -> None:
    machine = Machine()
    clock = machine.clock()
    machine.set_by = jump
    assert clock.now() == clock.wall() == machine.true + jump


def test_a_clock_that_another_machine_keeps_is_read_now_and_then() -> None:
    machine, readings = Machine(), 0

    def read() -> datetime:
        nonlocal readings
        readings += 1
        if readings == 2:
            raise DatabaseFault("the server is away")
        return machine.read()

    clock = SteadyClock(read, machine.boot, every=30.0)
    for _ in range(100):
        machine.true += SECOND
        assert clock.now() == machine.true
    assert readings == 1 + 100 // 30


@dataclass
class Post:
    """A mailbox that notes in true time when each person got what."""

    machine: Machine
    arrived: dict[str, list[tuple[datetime, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def take(self, message: Message) -> Outcome:
        subject = message.mime.split(b"Subject: ")[1].split(b"\r\n")[0].decode()
        self.arrived[message.recipient].append((self.machine.true, subject))
        return Outcome(Verdict.ACCEPTED)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as made:
        yield Path(made)


def store_in(folder: Path, number: int) -> Store:
    hasty = replace(choose_driver(), pragmas=("journal_mode=MEMORY", "synchronous=OFF"))
    return Store(SqliteDatabase(f"sqlite:///{folder}/{number}.db", hasty))


NUMBERS = count()
WAYS = st.lists(
    st.tuples(
        st.sampled_from([HOUR, 5 * HOUR, 11 * HOUR, DAY, 7 * DAY]),
        st.sampled_from([timedelta(), HOUR, -HOUR, DAY, -DAY]),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(ways=WAYS)
def test_whatever_the_clock_is_set_to_the_least_gap_is_kept_and_everybody_arrives(
    folder: Path, ways: Sequence[tuple[timedelta, timedelta]]
) -> None:
    store = store_in(folder, next(NUMBERS))
    store.migrate()
    store.publish(edition(), MONDAY)
    machine = Machine()
    post = Post(machine)
    people = [person("ann", timezone="America/New_York"), person("ben")]
    store.enroll(store.course("motivation"), people, machine.clock().now())
    couriers = [
        Courier(store, Mailbox(post.take), LINKS, machine.clock(), owner) for owner in ("a", "b")
    ]
    for passed, set_by in [*ways, *[(5 * HOUR, timedelta())] * 40]:
        machine.set_by = set_by
        machine.true += passed
        for courier in couriers:
            tick(courier)
    store.close()
    for letters in post.arrived.values():
        assert [key for _, key in letters] == list(KEYS)
        for number, ((earlier, _), (later, _)) in enumerate(pairwise(letters)):
            gap = AFTER_WELCOME if number == 0 else edition().schedule.minimum_gap
            assert later - earlier >= gap
    assert len(post.arrived) == len(people)


@pytest.mark.parametrize("asleep", [timedelta(minutes=10), DAY, 7 * DAY])
def test_a_laptop_that_slept_sends_one_letter_and_goes_on_from_there(
    tmp_path: Path, asleep: timedelta
) -> None:
    store = open_store(f"sqlite:///{tmp_path}/ledger.db")
    store.migrate()
    store.publish(edition(), MONDAY)
    machine = Machine()
    post = Post(machine)
    store.enroll(store.course("motivation"), [person("ben")], MONDAY)
    courier = Courier(store, Mailbox(post.take), LINKS, machine.clock(), "a")
    tick(courier)
    machine.true += DAY + HOUR
    machine.true += asleep
    for _ in range(5):
        tick(courier)
    assert [key for _, key in post.arrived["ben@example.net"]] == ["welcome", "goals"]
    machine.true += DAY
    tick(courier)
    assert [key for _, key in post.arrived["ben@example.net"]] == ["welcome", "goals", "support"]
    store.close()
