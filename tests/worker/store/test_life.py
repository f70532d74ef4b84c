"""Any order of events, crashes and people's wishes: the promises hold in every state."""

from __future__ import annotations

from contextlib import suppress
from datetime import time, timedelta
from itertools import pairwise

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import func, select

from course.errors import LettercourseError
from course.model import Kind
from tests.worker.databases import Databases
from tests.worker.ledger import ACCEPTED, LEASE, person
from tests.worker.store.living import (
    COURSES,
    ENDINGS,
    FROZEN,
    ZONES,
    Living,
    address_of,
    lesson,
    name_of,
    names,
    owners,
    slugs,
)
from tests.worker.store.witness import hear_witness
from worker.model import (
    Claimed,
    Command,
    EnrollmentState,
    EnrollResult,
    ReplyKind,
    SignUp,
    SubscriberState,
)
from worker.store import Clues, Filed, Reply
from worker.store.leaving import LEFT_STATES
from worker.store.schema import consents, enrollments, notices, subscribers
from worker.store.suppressing import Suppressed
from worker.store.wishes import asked_next, came_early

PLACES = ("UTC", "America/New_York", "Pacific/Apia")
WAYS_OUT = ("by the operator", "by a link", "by a list", "by a list of complaints", "erased")


class Life(Living):
    """What people, programs and the operator may ask for, together with all that may happen."""

    # The operator

    @rule(name=names, wish=st.sampled_from(["pause", "resume", "resume", "restart"]), course=slugs)
    def somebody_wishes(self, name: str, wish: str, course: str) -> None:
        address, now = address_of(name), self.clock.now()
        with suppress(LettercourseError):  # a wish may be refused
            if wish == "restart":
                self.store.restart(address, course, now)
            elif wish == "pause":
                self.store.pause(address, None, now)
            else:
                self.store.resume(address, None, now)

    @rule(name=names, course=slugs, by_program=st.booleans())
    def somebody_is_enrolled(self, name: str, course: str, by_program: bool) -> None:
        published, now = self.store.course(course), self.clock.now()
        theirs = [person(name, timezone=ZONES[name])]
        if by_program:
            (answer,) = self.store.enroll_by_program(published, theirs, "They said yes.", now)
        else:
            (answer,) = self.store.enroll(published, theirs, now)
        if address_of(name) in self.gone:
            assert answer is EnrollResult.SUPPRESSED

    # Leaving, and coming back

    @rule(name=st.sampled_from(["cleo", "dan"]), way=st.sampled_from(WAYS_OUT))
    def somebody_leaves(self, name: str, way: str) -> None:
        address, now = address_of(name), self.clock.now()
        theirs = self.enrollments(name)
        with suppress(LettercourseError):  # nobody may have that address
            if way == "by the operator":
                self.store.unsubscribe(address, now)
            elif way == "by a list":
                self.store.suppress([Suppressed(address, SubscriberState.UNSUBSCRIBED)], now)
            elif way == "by a list of complaints":
                self.store.suppress([Suppressed(address, SubscriberState.COMPLAINED)], now)
            elif way == "erased":
                self.store.erase(self.store.subscriber_id(address), now)
                assert self.enrollments(name) == {}
                self.gone.add(address)
            elif theirs:
                self.store.unsubscribe_enrollment(min(theirs.values()), now)
        for enrollment_id in theirs.values():
            states = self.states_beside(enrollment_id)
            assert {*states.values()} == {EnrollmentState.STOPPED}

    @rule(name=names, course=slugs)
    def somebody_leaves_one_course(self, name: str, course: str) -> None:
        its = self.enrollments(name).get(course)
        if its is not None and (name, course) != ("ben", "motivation"):
            before = self.states_beside(its)
            self.store.leave_enrollment(its, self.clock.now())
            assert self.states_beside(its) == {**before, its: EnrollmentState.STOPPED}

    @rule(name=names, course=slugs)
    def somebody_asks_to_join(self, name: str, course: str) -> None:
        wish = person(name, timezone=ZONES[name])
        self.store.ask_to_join(course, wish, "Yes, send it.", self.clock.now())

    @rule(back=st.integers(0, 3))
    def somebody_confirms(self, back: int) -> None:
        with self.store._database.reading() as connection:
            newest = connection.scalar(select(func.max(consents.c.id))) or 0
        now = self.clock.now()
        before = self.store.confirmation(newest - back, now)
        with suppress(LettercourseError):  # a letter of theirs may be under way
            after = self.store.confirm(newest - back, now)
            if before is None or before.standing is not SignUp.OPEN:
                assert after == before
                return
            assert after is not None
            assert after.enrollment_id is not None
            self.stopped.discard(after.enrollment_id)
            self.came_back[after.enrollment_id] = now
            with self.store._database.reading() as connection:
                self.gone.discard(
                    connection.scalar(
                        select(subscribers.c.address)
                        .join(enrollments, enrollments.c.subscriber_id == subscribers.c.id)
                        .where(enrollments.c.id == after.enrollment_id)
                    )
                    or ""
                )

    # A person's own page

    @rule(name=names, course=slugs, wish=st.sampled_from(["pause", "resume", "next", "link"]))
    def somebody_asks_on_their_page(self, name: str, course: str, wish: str) -> None:
        its, now = self.enrollments(name).get(course), self.clock.now()
        if its is None:
            return
        if wish == "pause":
            self.store.pause_enrollment(its, now)
        elif wish == "resume":
            self.store.resume_enrollment(its, now)
        elif wish == "next":
            self.store.next_now(its, None, now)
        else:
            self.store.ask_link(its, now)

    @rule(name=names, course=slugs, hour=st.integers(0, 23), zone=st.sampled_from(PLACES))
    def somebody_chooses_another_hour(self, name: str, course: str, hour: int, zone: str) -> None:
        its = self.enrollments(name).get(course)
        if its is not None:
            self.store.reschedule(its, time(hour), zone, self.clock.now())

    # Replies

    def reply(self, to: Claimed, command: Command | None, *, own: bool) -> Filed:
        kind = ReplyKind.REFLECTION if command is None else ReplyKind.COMMAND
        return self.store.file_reply(
            Reply(
                fingerprint=str(next(self.numbers)),
                kind=kind,
                why="",
                origin=self.store.trace(Clues(tokens=(to.id,))),
                message_id="",
                verified=own,
                from_subscriber=own,
                text="I wrote this." if command is None else "",
                attachments=(),
                raw=b"I wrote this.",
                command=command,
            ),
            self.clock.now(),
        )

    @rule(
        name=names,
        back=st.sampled_from([0, 0, 0, 1, 2]),
        later=st.sampled_from([0, 1, 60]),
        own=st.sampled_from([True, True, True, False]),
    )
    def somebody_reflects(self, name: str, back: int, later: int, own: bool) -> None:
        self.clock.advance(timedelta(hours=later))
        theirs = [each for each in self.passed if each.address == address_of(name)]
        for claimed in theirs[-1 - back :][:1]:
            filed = self.reply(claimed, None, own=own)
            if own and filed.kind is ReplyKind.REFLECTION:
                self.answered.add((claimed.enrollment_id, claimed.run, lesson(claimed)))

    @rule(name=names, back=st.integers(0, 2), command=st.sampled_from([*Command]))
    def somebody_writes_one_word(self, name: str, back: int, command: Command) -> None:
        theirs = [each for each in self.passed if each.address == address_of(name)]
        for claimed in theirs[-1 - back :][:1]:
            if command is Command.STOP and name == "ben":
                continue
            self.reply(claimed, command, own=True)
            if command is Command.STOP:
                states = self.states_beside(claimed.enrollment_id)
                assert {*states.values()} == {EnrollmentState.STOPPED}

    # Days

    @rule(
        owner=owners,
        endings=st.lists(st.sampled_from([*ENDINGS, FROZEN, FROZEN]), min_size=3),
        answering=st.lists(names, max_size=2),
    )
    def a_day_of_work(self, owner: str, endings: list[str], answering: list[str]) -> None:
        self.clock.advance(timedelta(hours=25))
        self.store.reap(self.clock.moment())
        late = len(self.gated)
        self.claim(owner, 3)
        self.gate(owner)
        for ending in endings[: len(self.gated) - late]:
            if ending == FROZEN:
                late += 1
            else:
                self.a_hand_over_ends(late, ending)
        for name in answering:
            self.somebody_reflects(name, back=0, later=0, own=True)

    @rule(answering=st.sets(names), later=st.sampled_from([0, 5, 60]))
    def left_alone_every_course_comes_to_its_end(self, answering: set[str], later: int) -> None:
        self.clock.advance(LEASE + timedelta(seconds=1))
        self.store.reap(self.clock.moment())
        self.claimed.clear()
        self.gated.clear()
        self.mailing.clear()
        while (due_at := self.store.next_due_at()) is not None:
            self.clock.advance(max(due_at - self.clock.at, timedelta()))
            self.service_mail_goes_out(3, ACCEPTED)
            claimed = self.store.claim("w1", self.clock.moment(), LEASE, 3)
            for gated in self.store.gate(claimed, "w1", self.clock.moment(), LEASE).passed:
                self.keep([gated])
                self.a_hand_over_ends(0, "accepted")
                if (name := name_of(gated.claimed.address)) in answering:
                    self.somebody_reflects(name, back=0, later=later, own=True)
        for standing in self.store.subscribers():
            for enrollment in standing.enrollments:
                assert enrollment.state is not EnrollmentState.ACTIVE
        with self.store._database.reading() as connection:
            waiting = select(notices.c.id).where(notices.c.state.in_(("planned", "handing")))
            assert connection.scalars(waiting).all() == []

    @precondition(lambda self: self.passed)
    @rule(name=names)
    def somebody_looks(self, name: str) -> None:
        now = self.clock.now()
        for enrollment_id in self.enrollments(name).values():
            journey = self.store.journey(enrollment_id, now)
            assert journey is not None
            ahead = [each.key for each in journey.ahead]
            assert not {*ahead} & {each.key for each in journey.had}
            calendar = self.store.projection(enrollment_id, now)
            assert [at for _, at in calendar] == sorted(at for _, at in calendar)
        with suppress(LettercourseError):
            self.store.export(self.store.subscriber_id(address_of(name)), now)
        for course in COURSES:
            self.store.stats(course)
            self.store.reflections(course)

    # Promises

    @invariant()
    def nobody_gets_a_letter_twice(self) -> None:
        for letters in getattr(self, "arrived", {}).values():
            keys = [each.claimed.letter_key.replace("people", "support") for each in letters]
            assert len(keys) == len(set(keys))

    @invariant()
    def letters_keep_their_distance(self) -> None:
        if not hasattr(self, "store"):
            return
        with self.store._database.reading() as connection:
            asked = asked_next(connection)
        for (enrollment_id, _), letters in self.arrived.items():
            in_time = sorted(letters, key=lambda letter: letter.gated_at)
            for earlier, later in pairwise(in_time):
                least = timedelta(hours=8 if earlier.claimed.kind is Kind.WELCOME else 12)
                askings = asked.get(enrollment_id, ())
                hurried = came_early(askings, earlier.gated_at, later.gated_at)
                assert hurried or later.gated_at - earlier.gated_at >= least

    @invariant()
    def who_left_stays_away_until_they_come_back(self) -> None:
        if not hasattr(self, "store"):
            return
        with self.store._database.reading() as connection:
            people = connection.execute(select(subscribers.c.address, subscribers.c.state)).all()
            courses_ = connection.execute(select(enrollments.c.id, enrollments.c.state)).all()
        left = {row.address for row in people if row.state in LEFT_STATES}
        stopped = {row.id for row in courses_ if row.state == EnrollmentState.STOPPED}
        known = {row.address for row in people if row.state != SubscriberState.PENDING}
        assert self.gone & known <= left
        assert self.stopped <= stopped
        self.gone |= left
        self.stopped |= stopped

    @invariant()
    def every_change_is_one_of_a_deliverys_life(self) -> None:
        if hasattr(self, "store"):
            self.heard, broken = hear_witness(self.store, self.heard)
            assert broken == []

    @invariant()
    def the_ledger_breaks_no_promise(self) -> None:
        if not hasattr(self, "store"):
            return
        found = self.store.audit()
        assert found.violations == ()
        parts = (found.pending, found.sent, found.failed, found.in_doubt, found.cancelled)
        assert found.owed == sum(parts) + found.skipped
        for standing in self.store.subscribers():
            self.store.explain(standing.address, self.clock.now())
            if standing.state in LEFT_STATES:
                states = {each.state for each in standing.enrollments}
                assert states <= {EnrollmentState.STOPPED}


def test_whatever_happens_no_promise_breaks(databases: Databases) -> None:
    class Here(Life):
        pass

    Here.databases = databases
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=40 if databases.kind == "sqlite" else 12,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
