"""Signing up: only a yes to the mail counts, once, and leaving outweighs every earlier one."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from tests.worker.ledger import (
    ACCEPTED,
    DAY,
    KEYS,
    LEASE,
    LINKS,
    MONDAY,
    NO_SUCH_PERSON,
    World,
    edition,
    person,
)
from worker.errors import Refused, UnknownCourse
from worker.model import (
    Confirmation,
    EnrollmentState,
    EnrollResult,
    Message,
    SignUp,
    SubscriberState,
)

SECOND = timedelta(seconds=1)


def ask(world: World, name: str = "ben", **choices: object) -> int | None:
    """Fill in the form; return the consent whose link the mail holds, if one came."""
    world.clock.advance(SECOND)
    had = len(world.mailbox.messages)
    world.store.ask_to_join("motivation", person(name, **choices), "Yes.", world.clock.now())
    world.tick()
    return next(
        (link for each in world.mailbox.messages[had:] if (link := consent(each)) is not None), None
    )


def consent(message: Message) -> int | None:
    """Return the consent that a mail asks about."""
    content = message.content
    assert content is not None
    token = urlsplit(content.values.action_url).path.rpartition("/")[2]
    return LINKS.read_confirm(token)


def asked(world: World, name: str = "ben", **choices: object) -> int:
    consent_id = ask(world, name, **choices)
    assert consent_id is not None
    return consent_id


def confirm(world: World, consent_id: int) -> Confirmation:
    world.clock.advance(SECOND)
    found = world.store.confirm(consent_id, world.clock.now())
    assert found is not None
    return found


def state(world: World, name: str = "ben") -> SubscriberState:
    return world.store.standing(f"{name}@example.net").state


def test_whoever_has_not_confirmed_gets_one_mail_and_no_letter(world: World) -> None:
    ask(world)
    world.let_time_pass()
    assert len(world.mailbox.messages) == 1
    assert state(world) is SubscriberState.PENDING
    assert world.store.standing("ben@example.net").enrollments == ()


def test_a_yes_enrolls_and_the_welcome_comes_at_once(world: World) -> None:
    found = confirm(world, asked(world))
    assert found.standing is SignUp.JOINED
    assert found.enrollment_id is not None
    world.tick()
    assert world.mailbox.subjects()[-1] == "welcome"
    assert world.stands().state is EnrollmentState.ACTIVE


def test_name_and_zone_are_what_was_confirmed(world: World) -> None:
    confirm(world, asked(world, timezone="Asia/Tokyo"))
    standing = world.store.standing("ben@example.net")
    assert (standing.name, standing.timezone) == ("Ben", "Asia/Tokyo")


def test_a_second_yes_changes_nothing(world: World) -> None:
    consent_id = asked(world)
    first = confirm(world, consent_id)
    world.let_time_pass()
    letters = world.mailbox.subjects()
    assert confirm(world, consent_id) == first
    world.let_time_pass()
    assert world.mailbox.subjects() == letters


def test_looking_changes_nothing(world: World) -> None:
    consent_id = asked(world)
    for _ in range(2):
        found = world.store.confirmation(consent_id, world.clock.now())
        assert found is not None
        assert found.standing is SignUp.OPEN
    assert state(world) is SubscriberState.PENDING


def test_a_wish_that_never_was_is_no_wish(world: World) -> None:
    assert world.store.confirmation(7, MONDAY) is None
    assert world.store.confirm(7, MONDAY) is None


def test_a_link_opens_for_seven_days(world: World) -> None:
    consent_id = asked(world)
    world.clock.advance(timedelta(days=7) - 2 * SECOND)
    found = world.store.confirmation(consent_id, world.clock.now())
    assert found is not None
    assert found.standing is SignUp.OPEN
    world.clock.advance(2 * SECOND)
    assert confirm(world, consent_id).standing is SignUp.EXPIRED
    assert state(world) is SubscriberState.PENDING


def test_whoever_takes_the_course_is_told_so(world: World) -> None:
    world.enroll(person("ben"))
    world.tick()
    assert ask(world) is None
    assert world.mailbox.messages[-1].content is not None
    assert "/p/" in world.mailbox.messages[-1].content.values.action_url
    assert world.stands().run == 1


def test_who_takes_another_course_confirms_for_this_one(world: World) -> None:
    world.publish(edition(course="bread"))
    world.store.enroll(world.store.course("bread"), [person("ben")], world.clock.now())
    assert confirm(world, asked(world)).standing is SignUp.JOINED
    assert world.stands().state is world.stands(course="bread").state is EnrollmentState.ACTIVE


def test_who_left_comes_back_by_their_own_wish_to_this_course_alone(world: World) -> None:
    world.publish(edition(course="bread"))
    world.store.enroll(world.store.course("bread"), [person("ben")], world.clock.now())
    world.enroll(person("ben"))
    world.tick()
    world.store.unsubscribe("ben@example.net", world.clock.now())
    assert confirm(world, asked(world)).standing is SignUp.JOINED
    assert state(world) is SubscriberState.ACTIVE
    assert world.stands().run == 2
    assert world.stands(course="bread").state is EnrollmentState.STOPPED
    had = len(world.mailbox.messages)
    world.let_time_pass()
    assert world.mailbox.subjects()[had:] == list(KEYS)
    assert world.store.audit().violations == ()


def test_leaving_outweighs_a_yes_to_an_earlier_question(world: World) -> None:
    first, second = asked(world), asked(world)
    confirm(world, first)
    world.clock.advance(SECOND)
    world.store.unsubscribe("ben@example.net", world.clock.now())
    for consent_id in (first, second):
        assert confirm(world, consent_id).standing is SignUp.EXPIRED
    assert state(world) is SubscriberState.UNSUBSCRIBED


def test_who_bounced_is_neither_written_to_nor_let_in(world: World) -> None:
    consent_id = asked(world)
    world.mailbox.answer = lambda _: NO_SUCH_PERSON
    assert ask(world) is None
    assert state(world) is SubscriberState.BOUNCED
    world.mailbox.answer = lambda _: ACCEPTED
    assert ask(world) is None
    assert confirm(world, consent_id).standing is SignUp.BARRED
    assert state(world) is SubscriberState.BOUNCED


def test_nobody_floods_a_mailbox_by_the_form(world: World) -> None:
    wishes = [ask(world) for _ in range(10)]
    assert len([each for each in wishes if each is not None]) == 3
    world.clock.advance(DAY)
    assert ask(world) is not None


def test_a_list_needs_no_confirmation_of_who_asked_before(world: World) -> None:
    ask(world)
    assert world.enroll(person("ben")) == [EnrollResult.ENROLLED]
    assert state(world) is SubscriberState.ACTIVE
    world.tick()
    assert world.mailbox.subjects()[-1] == "welcome"


def test_nobody_is_asked_twice_while_a_letter_of_the_former_run_is_under_way(world: World) -> None:
    world.enroll(person("ben"))
    gated = world.hand_over()
    world.store.unsubscribe("ben@example.net", world.clock.now())
    world.clock.advance(SECOND)
    world.store.ask_to_join("motivation", person("ben"), "Yes.", world.clock.now())
    (notice,) = world.store.begin_notices(world.clock.moment(), 1, LEASE)
    assert notice.subject_id is not None
    with pytest.raises(Refused):
        world.store.confirm(notice.subject_id, world.clock.now())
    world.settle(gated, ACCEPTED)
    assert confirm(world, notice.subject_id).standing is SignUp.JOINED


def test_a_course_that_was_never_published_cannot_be_joined(world: World) -> None:
    with pytest.raises(UnknownCourse):
        world.store.ask_to_join("nothing", person("ben"), "Yes.", MONDAY)


def test_a_program_enrolls_once_and_its_words_are_kept_once(world: World) -> None:
    course = world.store.course("motivation")
    people = [person("ben"), person("cleo"), person("ben")]
    answers = world.store.enroll_by_program(course, people, "They ticked a box.", MONDAY)
    assert answers == [EnrollResult.ENROLLED, EnrollResult.ENROLLED, EnrollResult.ALREADY]
    again = world.store.enroll_by_program(course, people, "They ticked a box.", MONDAY)
    assert again == [EnrollResult.ALREADY] * 3
