"""Whatever happened before and after a backup: restored from it, the promises hold."""

from __future__ import annotations

import shutil
from collections import Counter
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from course.errors import LettercourseError
from tests.worker.databases import Databases
from tests.worker.ledger import DAY, LEASE, edition, person
from tests.worker.store.going_back import House
from worker.model import EnrollResult, Message, Outcome, Verdict

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
NAMES = ("ann", "ben", "cleo", "dan")
HOSTS = ("h1", "h2")
LONGER = edition(("welcome", "early", "goals", "support", "finale"))

names = st.sampled_from(NAMES)
hosts = st.sampled_from(HOSTS)

actions = st.one_of(
    st.tuples(st.just("enroll"), names, hosts),
    st.tuples(st.just("days"), st.integers(1, 3), hosts),
    st.tuples(st.just("leave"), names, hosts),
    st.tuples(st.just("leave one course"), names, hosts),
    st.tuples(st.just("erase"), names, hosts),
    st.tuples(st.just("pause"), names, hosts),
    st.tuples(st.just("resume"), names, hosts),
    st.tuples(st.just("put off"), names, hosts),
    st.tuples(st.just("worker dies"), names, hosts),
    st.tuples(st.just("publish"), names, hosts),
)

lives = st.lists(actions, max_size=9)


Action = tuple[str, object, str]


def do(house: House, action: Action, gone: set[str]) -> None:
    """Let one thing happen at one host; what is refused does not happen."""
    what, whom, host = action
    store, address = house[host], f"{whom}@example.net"
    house.clock.advance(LEASE / 10)
    now = house.clock.now()
    with suppress(LettercourseError):
        match what:
            case "enroll":
                house.world(host).enroll(person(str(whom)))
            case "days":
                assert isinstance(whom, int)
                for _ in range(whom):
                    house.clock.advance(DAY)
                    house.tick(host)
            case "leave":
                store.unsubscribe(address, now)
                gone.add(address)
            case "leave one course":
                store.leave_course(address, "motivation", now)
                gone.add(address)
            case "erase":
                store.erase(store.subscriber_id(address), now)
                gone.add(address)
            case "pause":
                store.pause(address, None, now)
            case "resume":
                store.resume(address, None, now)
            case "put off":
                house.mailbox.answer = lambda _: Outcome(Verdict.DEFERRED, "450 later")
                house.tick(host)
                house.mailbox.answer = accept
            case "worker dies":
                house.world(host).gate(house.world(host).claim())
            case "publish":
                store.publish(LONGER, now)


def accept(_: Message) -> Outcome:
    return Outcome(Verdict.ACCEPTED)


@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each life takes a second
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(before=lives, after=lives, unnoticed=st.booleans())
def test_nobody_gets_a_letter_twice_and_nobody_who_left_hears_again(
    databases: Databases,
    before: list[Action],
    after: list[Action],
    unnoticed: bool,
) -> None:
    folder = Path(mkdtemp(dir=MEMORY))
    with databases.lent() as address:
        house = House(address, folder)
        gone: set[str] = set()
        for host in HOSTS:  # what the backup does not know of, it cannot wait for
            house[host].look_at_journal(house.clock.now())
        try:
            for action in before:
                do(house, action, gone)
            file = house.back_up()
            for action in after:
                do(house, action, gone)
            letters = len(house.mailbox.messages)
            house.put_back(file)
            if unnoticed:  # everybody is enrolled again, in another order, and workers are started
                house.world().enroll(*map(person, reversed(NAMES)))
                for host in HOSTS:
                    with suppress(LettercourseError):
                        house.tick(host)
            heard = len(house.mailbox.messages)
            if not unnoticed:
                assert heard == letters
            is_longer = any(what == "publish" for what, *_ in (*before, *after))
            house["h1"].publish(LONGER if is_longer else edition(), house.clock.now())
            for host in HOSTS:
                house[host].reconcile(house.clock.now())
            assert house["h1"].audit().violations == ()
            answers = house.world().enroll(*map(person, NAMES))
            for name, answer in zip(NAMES, answers, strict=True):
                if f"{name}@example.net" in gone:
                    assert answer is EnrollResult.SUPPRESSED
            for name in NAMES:
                with suppress(LettercourseError):
                    house["h1"].resume(f"{name}@example.net", None, house.clock.now())
            house.deliver_everything()
            copies = Counter(house.came())
            assert [what for what, times in copies.items() if times > 1] == []
            later = house.came()[letters:]
            assert [who for who, _ in later if who in gone] == []
            assert house["h1"].audit().violations == ()
            for name in NAMES:
                whose = f"{name}@example.net"
                if whose not in gone:
                    (standing,) = house["h1"].standing(whose).enrollments
                    assert standing.state == "completed"
        finally:
            house.stop()
            shutil.rmtree(folder)
