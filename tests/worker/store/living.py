"""A ledger that lives: workers that may die at any moment, providers that tell late, and time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache
from itertools import count

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from sqlalchemy import select

from course.errors import LettercourseError
from course.model import Edition
from tests.worker.databases import Databases
from tests.worker.ledger import (
    ACCEPTED,
    DEFERRED,
    LEASE,
    MONDAY,
    NO_SUCH_PERSON,
    REFUSED,
    UNKNOWN,
    HandClock,
    edition,
    person,
)
from tests.worker.news import told
from tests.worker.store.witness import call_witness
from worker.model import (
    Claimed,
    DueNotice,
    EnrollmentState,
    Gated,
    News,
    NoticePurpose,
    Outcome,
)
from worker.pseudonyms import Pseudonyms
from worker.store.schema import courses, enrollments, subscribers

ZONES = {"ben": None, "cleo": "America/New_York", "dan": "Pacific/Auckland"}
COURSES = ("motivation", "focus")
OWNERS = ("w1", "w2")

names = st.sampled_from(sorted(ZONES))
slugs = st.sampled_from(COURSES)
owners = st.sampled_from(OWNERS)

ENDINGS: dict[str, Outcome | None] = {
    "accepted": ACCEPTED,
    "unknown, arrived": UNKNOWN,
    "worker died, arrived": None,
    "unknown, lost": UNKNOWN,
    "accepted, lost": ACCEPTED,
    "worker died, lost": None,
    "deferred": DEFERRED,
    "refused": REFUSED,
    "no such person": NO_SUCH_PERSON,
    "given back": None,
}
FROZEN = "frozen: it may end at any later time"
ARRIVING = ("accepted", "unknown, arrived", "worker died, arrived")
LOST = ("unknown, lost", "accepted, lost", "worker died, lost")

TRUE_NEWS = (
    News.ACCEPTED,
    News.DELIVERED,
    News.BLOCKED,
    News.COMPLAINED,
    News.BOUNCED,
    News.UNSUBSCRIBED,
)
"""What may be told of a letter that arrived; of one that was lost: that it was dropped."""

EDITIONS = (
    edition(),
    edition(("welcome", "early", "goals", "support", "finale")),
    edition(("welcome", "support", "finale")),
    edition(("welcome", "support", "goals", "finale")),
    edition(("welcome", "goals", "people", "finale"), renames=[("support", "people")]),
    edition(waits={"goals": (5, 2), "support": (3, None)}),
    edition(waits={"goals": (4, None), "support": (4, 1)}),
    edition(waits={"goals": (2, 1), "support": (9, 8)}),
    edition(("welcome", "support", "goals", "finale"), waits={"support": (3, 2)}),
    edition(
        ("welcome", "goals", "people", "finale"),
        renames=[("support", "people")],
        waits={"people": (3, 1), "goals": (3, 1)},
    ),
    edition(("welcome", "rest", "finale"), course="focus"),
    edition(("welcome", "rest", "work", "finale"), course="focus", waits={"rest": (3, 1)}),
)


def lesson(claimed: Claimed) -> str:
    """Return the lesson that a letter is or reminds of, by its first name."""
    return claimed.letter_key.removesuffix("~nudge").replace("people", "support")


def address_of(name: str) -> str:
    return f"{name}@example.net"


def name_of(address: str) -> str:
    return address.partition("@")[0]


@cache
def published_ledger(databases: Databases) -> str:
    """Return the address of a database with the courses in it, to be copied."""
    address = databases.copy()
    store = databases.open(address)
    store.publish(EDITIONS[0], MONDAY)
    store.publish(EDITIONS[-2], MONDAY)
    call_witness(store)
    store.close()
    return address


class Living(RuleBasedStateMachine):
    """Three people, two courses, two workers and a sink that keeps everything.

    Nothing here is anybody's wish; what is true of everybody is kept beside the ledger, to hold
    the ledger against it.
    """

    databases: Databases

    @initialize(published=st.sampled_from(EDITIONS))
    def begin(self, published: Edition) -> None:
        self.address = self.databases.copy(published_ledger(self.databases))
        keys = Pseudonyms(["a secret of at least sixteen bytes"])
        self.store = self.databases.open(self.address, keys)
        self.clock = HandClock()
        self.numbers = count(1)
        self.claimed: dict[str, list[Claimed]] = defaultdict(list)
        self.gated: list[Gated] = []
        self.mailing: list[DueNotice] = []
        self.tellable: list[tuple[Gated, bool]] = []
        self.arrived: dict[tuple[int, int], list[Gated]] = defaultdict(list)
        self.passed: list[Claimed] = []
        self.answered: set[tuple[int, int, str]] = set()
        self.gone: set[str] = set()
        self.stopped: set[int] = set()
        self.came_back: dict[int, datetime] = {}
        self.heard = 0
        self.store.publish(published, MONDAY)
        everybody = [person(name, timezone=zone) for name, zone in ZONES.items()]
        self.store.enroll(self.store.course("motivation"), everybody, MONDAY)
        self.store.enroll(self.store.course("focus"), everybody[:2], MONDAY)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.databases.remove(self.address)

    def enrollments(self, name: str) -> dict[str, int]:
        """Return a person's enrollments by course."""
        with self.store._database.reading() as connection:
            rows = connection.execute(
                select(courses.c.slug, enrollments.c.id)
                .join(courses, courses.c.id == enrollments.c.course_id)
                .join(subscribers, subscribers.c.id == enrollments.c.subscriber_id)
                .where(subscribers.c.address == address_of(name))
            )
            return {row.slug: row.id for row in rows}

    def states_beside(self, enrollment_id: int) -> dict[int, EnrollmentState]:
        """Return the states of all enrollments of whoever this one belongs to."""
        with self.store._database.reading() as connection:
            whose = select(enrollments.c.subscriber_id).where(enrollments.c.id == enrollment_id)
            rows = connection.execute(
                select(enrollments.c.id, enrollments.c.state).where(
                    enrollments.c.subscriber_id == whose.scalar_subquery()
                )
            )
            return {row.id: EnrollmentState(row.state) for row in rows}

    # Courses

    @rule(published=st.sampled_from(EDITIONS))
    def publish(self, published: Edition) -> None:
        with suppress(LettercourseError):
            self.store.publish(published, self.clock.now())

    # Time

    @rule(passing=st.sampled_from([10, 31, 3600, *[25 * 3600] * 4, 30 * 24 * 3600]))
    def time_passes(self, passing: int) -> None:
        self.clock.advance(timedelta(seconds=passing))

    # Workers

    @rule(owner=owners, limit=st.integers(1, 4))
    def claim(self, owner: str, limit: int) -> None:
        self.claimed[owner] += self.store.claim(owner, self.clock.moment(), LEASE, limit)

    @rule(owner=owners)
    def gate(self, owner: str) -> None:
        held = self.claimed.pop(owner, [])
        passed = self.store.gate(held, owner, self.clock.moment(), LEASE).passed
        self.keep(passed)

    @rule(owner=owners)
    def claims_are_given_up(self, owner: str) -> None:
        self.store.release(self.claimed.pop(owner, []), owner)

    @rule(owner=owners, committed=st.booleans())
    def a_gate_gets_no_answer(self, owner: str, committed: bool) -> None:
        held = self.claimed.pop(owner, [])
        if committed:
            self.store.gate(held, owner, self.clock.moment(), LEASE)
        self.store.give_back_lost(held, owner, self.clock.moment())

    @precondition(lambda self: self.gated)
    @rule(owner=owners, outcomes=st.lists(st.sampled_from([ACCEPTED, UNKNOWN]), min_size=1))
    def a_window_is_settled_with_the_gate_of_the_next(
        self, owner: str, outcomes: list[Outcome]
    ) -> None:
        answered = list(zip(self.gated, outcomes, strict=False))
        self.gated = self.gated[len(answered) :]
        for gated, _ in answered:
            self.arrived[gated.claimed.enrollment_id, gated.claimed.run].append(gated)
            self.tellable.append((gated, True))
        held = self.claimed.pop(owner, [])
        self.keep(self.store.gate(held, owner, self.clock.moment(), LEASE, answered).passed)

    def keep(self, passed: Sequence[Gated]) -> None:
        for gated in passed:
            claimed = gated.claimed
            assert claimed.address not in self.gone
            assert claimed.enrollment_id not in self.stopped
            of_this_run = (claimed.enrollment_id, claimed.run)
            answered = {key for *run, key in self.answered if (*run,) == of_this_run}
            assert {key.replace("people", "support") for key in gated.reflections} == answered
            if claimed.letter_key.endswith("~nudge"):
                assert lesson(claimed) not in answered
            self.passed.append(claimed)
        self.gated += passed

    @precondition(lambda self: self.gated)
    @rule(which=st.integers(0, 5), ending=st.sampled_from([*ENDINGS]))
    def a_hand_over_ends(self, which: int, ending: str) -> None:
        gated = self.gated.pop(which % len(self.gated))
        if ending in ARRIVING:
            run = (gated.claimed.enrollment_id, gated.claimed.run)
            self.arrived[run].append(gated)
        if ending in (*ARRIVING, *LOST):
            self.tellable.append((gated, ending in ARRIVING))
        if ending == "given back":
            self.store.give_back([gated], self.clock.moment())
        elif (outcome := ENDINGS[ending]) is not None:
            self.store.settle([(gated, outcome)], self.clock.moment())

    @rule()
    def reap(self) -> None:
        self.store.reap(self.clock.moment())

    # Service mail

    @rule(
        limit=st.integers(1, 3),
        outcome=st.none() | st.sampled_from([ACCEPTED, UNKNOWN, DEFERRED, REFUSED]),
    )
    def service_mail_goes_out(self, limit: int, outcome: Outcome | None) -> None:
        begun = self.store.begin_notices(self.clock.moment(), limit, LEASE)
        for notice in begun:
            to_anybody = notice.purpose is NoticePurpose.CONFIRM or notice.detail == "stop"
            assert to_anybody or notice.address not in self.gone
        if outcome is None:
            self.mailing += begun
        else:
            settled = [(notice, outcome) for notice in begun]
            self.store.settle_notices(settled, self.clock.moment())

    @precondition(lambda self: self.mailing)
    @rule(which=st.integers(0, 5), outcome=st.sampled_from([ACCEPTED, DEFERRED, REFUSED]))
    def a_service_mail_ends(self, which: int, outcome: Outcome) -> None:
        notice = self.mailing.pop(which % len(self.mailing))
        self.store.settle_notices([(notice, outcome)], self.clock.moment())

    # The provider

    @precondition(lambda self: self.tellable)
    @rule(which=st.integers(0, 5), again=st.booleans(), news=st.sampled_from(TRUE_NEWS))
    def the_provider_tells(self, which: int, again: bool, news: News) -> None:
        gated, has_arrived = self.tellable[which % len(self.tellable)]
        enrollment_id, address = gated.claimed.enrollment_id, gated.claimed.address
        if not again:
            self.tellable.remove((gated, has_arrived))
        if not has_arrived:
            news = News.DROPPED
        elif news in (News.BOUNCED, News.UNSUBSCRIBED) and address == address_of("ben"):
            news = News.BLOCKED
        at = gated.gated_at + timedelta(seconds=1)
        event = told(news, gated.claimed.id, at, address=address)
        self.store.record_events([event], self.clock.moment())
        if news in (News.BOUNCED, News.COMPLAINED, News.UNSUBSCRIBED):
            long_ago = at - timedelta(1)
            for which_one, state in self.states_beside(enrollment_id).items():
                came_back = self.came_back.get(which_one, long_ago) > at
                if not (came_back and news is News.UNSUBSCRIBED):
                    assert state is EnrollmentState.STOPPED
