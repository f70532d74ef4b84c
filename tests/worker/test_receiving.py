from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from course.model import NUDGE, Waiting
from tests.worker.databases import Databases
from tests.worker.ledger import DAY, MONDAY, World, edition, letter, person
from tests.worker.post import LINKS, REPLIES, PostOffice, bounce, mail
from worker.errors import DatabaseFault
from worker.inbound import MailReader
from worker.model import DeliveryState, EnrollmentState, ReplyKind, SubscriberState
from worker.pseudonyms import Pseudonyms
from worker.store import open_store
from worker.store.schema import metadata

Rows = list[dict[str, object]]


@pytest.fixture(scope="module")
def reader() -> Iterator[MailReader]:
    with MailReader() as opened:
        yield opened


@pytest.fixture
def office(database_url: str, reader: MailReader) -> Iterator[PostOffice]:
    """Ben and Cleo were sent the welcome on Monday and the first lesson on Tuesday."""
    keys = Pseudonyms(["a secret of at least sixteen bytes"])
    store = open_store(database_url, keys)
    world = World(store)
    world.publish(edition())
    world.enroll(person("ben"), person("cleo"))
    world.tick()
    world.clock.advance(DAY + timedelta(hours=2))
    world.tick()
    yield PostOffice(world, reader)
    store.close()


@pytest.fixture
def welcome(office: PostOffice) -> str:
    return office.sent()[0]


@pytest.fixture
def goals(office: PostOffice) -> str:
    return office.sent()[1]


def rows(office: PostOffice, table: str) -> Rows:
    with office.world.store._database.reading() as connection:
        found = connection.execute(select(metadata.tables[table]).order_by(text("1")))
        return [dict(row) for row in found.mappings()]


def answers(office: PostOffice) -> list[object]:
    planned = sorted(rows(office, "notices"), key=lambda row: str(row["created_at"]))
    return [row["detail"] for row in planned]


def state(office: PostOffice, name: str = "ben") -> SubscriberState:
    return office.world.store.standing(f"{name}@example.net").state


# Whose it is


def test_a_reply_becomes_a_reflection_on_the_letter_that_it_answers(
    office: PostOffice, welcome: str, goals: str
) -> None:
    office.take(office.reply_to("I start small.", welcome))
    became = office.take(office.reply_to("- run\n- read\n\nThanks,\nand on.", goals))
    assert (became.kind, became.course, became.lesson) == (
        ReplyKind.REFLECTION,
        "motivation",
        "goals",
    )
    first, second = office.world.store.reflections("motivation")
    assert (first.lesson, first.text, first.verified) == ("welcome", "I start small.", True)
    assert (second.lesson, second.text) == ("goals", "- run\n- read\n\nThanks,\nand on.")
    assert second.address == "ben@example.net"
    assert second.message_id.startswith("<")
    assert office.world.stands().reflections == ("welcome", "goals")
    assert office.world.store.reflections("motivation", "goals") == [second]


def test_the_envelope_outweighs_the_headers(office: PostOffice, welcome: str, goals: str) -> None:
    raw = office.reply_to("Both.", welcome)
    assert office.take(raw, to=(LINKS.reply_address(goals),)).lesson == "goals"


@pytest.mark.parametrize("field", ["Delivered-To", "X-Envelope-To", "Cc"])
def test_the_token_is_found_where_mail_servers_leave_it(
    office: PostOffice, welcome: str, field: str
) -> None:
    became = office.take(mail("Here.", **{field: LINKS.reply_address(welcome).upper()}))
    assert (became.lesson, became.verified) == ("welcome", True)


def test_without_a_token_the_references_lead_to_the_letter(
    office: PostOffice, welcome: str
) -> None:
    became = office.take(mail("By reference.", refers_to=f"<{welcome}@example.org>"))
    assert (became.lesson, became.verified) == ("welcome", True)


def test_of_several_letters_in_a_thread_the_newest_counts(
    office: PostOffice, welcome: str, goals: str
) -> None:
    thread = f"<{welcome}@example.org> <a@b.example> <{goals}@example.org>"
    assert office.take(mail("In a thread.", References=thread)).lesson == "goals"


def test_without_either_the_sender_leads_to_their_newest_letter_unverified(
    office: PostOffice,
) -> None:
    became = office.take(mail("A new mail."))
    assert (became.kind, became.lesson, became.verified) == (ReplyKind.REFLECTION, "goals", False)
    assert office.world.stands().reflections == ("goals",)


def test_a_made_up_token_or_reference_leads_nowhere(office: PostOffice, welcome: str) -> None:
    token = LINKS.reply_address(welcome).partition("@")[0]
    forged = ("b" if token[-1] == "a" else "a").join([token[:-1], ""])
    for raw in (
        mail("x", sender="eve@evil.example", to=f"{forged}@{REPLIES}"),
        mail("y", sender="eve@evil.example", refers_to=f"<{'0' * 32}@example.org>"),
    ):
        assert office.take(raw, vouched=("evil.example",)).kind is ReplyKind.STRANGER
    assert office.world.store.reflections("motivation") == []
    assert [row["raw"] is not None for row in rows(office, "replies")] == [True, True]


def test_a_reply_belongs_to_the_run_of_its_letter(office: PostOffice, goals: str) -> None:
    office.world.store.restart("ben@example.net", "motivation", office.world.clock.now())
    office.take(office.reply_to("Late.", goals))
    assert office.world.stands().reflections == ()
    assert [each.text for each in office.world.store.reflections("motivation")] == ["Late."]


def test_a_renamed_lesson_keeps_what_was_written_about_it(office: PostOffice, goals: str) -> None:
    office.take(office.reply_to("Mine.", goals))
    keys = ("welcome", "aims", "support", "finale")
    office.world.publish(edition(keys, renames=[("goals", "aims")], words={"aims": "goals"}))
    assert office.world.stands().reflections == ("aims",)
    for lesson in ("aims", "goals"):
        (found,) = office.world.store.reflections("motivation", lesson)
        assert found.lesson == "aims"


def test_a_reply_to_a_reminder_is_about_its_lesson_and_ends_the_wait(office: PostOffice) -> None:
    world = office.world
    reminder = letter(f"goals{NUDGE}", 1, 3)
    waits = {"goals": Waiting(days=9, nudge_days=2, nudge=reminder)}
    plain = edition(course="waiting")
    world.publish(replace(plain, waits=waits, digest="0" * 64))
    course = world.store.course("waiting")
    world.store.enroll(course, [person("dan")], world.clock.now())
    for _ in range(4):
        world.tick()
        world.clock.advance(DAY)
    sent = world.mailbox.subjects("dan@example.net")
    assert sent == ["welcome", "goals", f"goals{NUDGE}"]
    raw = office.reply_to("Late, but here.", office.sent("dan")[-1], sender="dan@example.net")
    assert office.take(raw).lesson == "goals"
    (kept,) = world.store.reflections("waiting", "goals")
    assert kept.text == "Late, but here."
    world.clock.advance(DAY)
    world.tick()
    assert world.mailbox.subjects("dan@example.net")[-1] == "support"


def test_a_friend_s_words_end_no_wait(office: PostOffice) -> None:
    world = office.world
    waits = {"goals": Waiting(days=9)}
    world.publish(replace(edition(course="waiting"), waits=waits, digest="0" * 64))
    course = world.store.course("waiting")
    world.store.enroll(course, [person("dan")], world.clock.now())
    for _ in range(3):
        world.tick()
        world.clock.advance(DAY)
    raw = office.reply_to("I am a friend.", office.sent("dan")[-1], sender="eve@friend.example")
    office.take(raw)
    world.clock.advance(DAY)
    world.tick()
    assert world.mailbox.subjects("dan@example.net") == ["welcome", "goals"]


# Who says so


@pytest.mark.parametrize(
    ("vouched", "verified"),
    [
        (("example.net",), True),
        (("mail.example.net",), True),
        (("net",), True),
        (("evil.example", "example.net"), True),
        ((), False),
        (("notexample.net",), False),
        (("evil.example",), False),
    ],
)
def test_a_reply_is_verified_only_when_its_own_domain_vouched(
    office: PostOffice, goals: str, vouched: tuple[str, ...], verified: bool
) -> None:
    assert office.take(office.reply_to("Me.", goals), vouched=vouched).verified is verified
    (kept,) = office.world.store.reflections("motivation")
    assert (kept.verified, kept.from_subscriber) == (verified, True)


def test_a_friend_who_got_the_letter_forwarded_does_not_speak_for_its_person(
    office: PostOffice, goals: str
) -> None:
    raw = office.reply_to("I am a friend.", goals, sender="eve@friend.example")
    assert office.take(raw, vouched=("friend.example",)).verified is False
    (kept,) = office.world.store.reflections("motivation")
    assert (kept.address, kept.from_subscriber) == ("ben@example.net", False)
    assert office.world.stands().reflections == ()


@pytest.mark.parametrize("word", ["pause", "resume", "next"])
def test_a_friend_s_word_does_nothing_and_is_not_answered(
    office: PostOffice, goals: str, word: str
) -> None:
    before = office.world.stands()
    raw = office.reply_to(word, goals, sender="eve@friend.example")
    office.take(raw, vouched=("friend.example",))
    after = office.world.stands()
    assert (after.state, after.next_at) == (before.state, before.next_at)
    assert answers(office) == []


def test_a_word_with_a_forged_sender_is_kept_and_its_person_is_told(
    office: PostOffice, goals: str
) -> None:
    became = office.take(office.reply_to("pause", goals), vouched=("evil.example",))
    assert (became.kind, became.answer) == (ReplyKind.REFLECTION, "not-verified")
    assert office.world.stands().state is EnrollmentState.ACTIVE
    assert answers(office) == ["not-verified"]


# What it does


def test_pause_and_resume_act_on_the_course_that_the_letter_belongs_to(
    office: PostOffice, goals: str
) -> None:
    office.world.publish(edition(course="other"))
    other = office.world.store.course("other")
    office.world.store.enroll(other, [person("ben")], office.world.clock.now())
    assert office.take(office.reply_to("Pause!", goals)).kind is ReplyKind.COMMAND
    assert office.world.stands().state is EnrollmentState.PAUSED
    assert office.world.stands(course="other").state is EnrollmentState.ACTIVE
    office.take(office.reply_to("weiter", goals))
    assert office.world.stands().state is EnrollmentState.ACTIVE
    assert office.world.store.reflections("motivation") == []


def test_next_brings_the_next_letter_at_once_and_only_one(office: PostOffice, goals: str) -> None:
    office.world.clock.advance(timedelta(seconds=1))
    raw = office.reply_to("next", goals)
    assert office.take(raw).answer == "next"
    assert office.take(raw).is_new is False
    office.world.clock.advance(timedelta(seconds=1))  # this letter came at this very instant
    office.world.tick()
    assert sorted(office.world.mailbox.subjects("ben@example.net")) == [
        "Your next letter is on its way",
        "goals",
        "support",
        "welcome",
    ]
    assert office.world.store.audit().violations == ()


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("pause", "nothing-to-pause"),
        ("resume", "nothing-to-resume"),
        ("next", "nothing-to-send"),
    ],
)
def test_a_word_for_a_course_that_is_over_is_told_so(
    office: PostOffice, goals: str, word: str, answer: str
) -> None:
    office.world.let_time_pass()
    assert office.world.stands().state is EnrollmentState.COMPLETED
    assert office.take(office.reply_to(word, goals)).answer == answer
    assert answers(office) == [answer]


@pytest.mark.parametrize(
    "how",
    [
        {"sender": "ben@example.net"},
        {"sender": "eve@friend.example"},
    ],
)
def test_stop_acts_for_whoever_holds_the_address(
    office: PostOffice, goals: str, how: dict[str, str]
) -> None:
    became = office.take(office.reply_to("STOP", goals, **how), vouched=())
    assert (became.kind, became.answer) == (ReplyKind.COMMAND, "stop")
    assert state(office) is SubscriberState.UNSUBSCRIBED
    assert state(office, "cleo") is SubscriberState.ACTIVE
    office.world.let_time_pass()
    assert office.world.mailbox.subjects("ben@example.net") == ["welcome", "goals", "You have left"]


def test_stop_in_a_mail_of_its_own_acts_by_its_sender(office: PostOffice) -> None:
    office.take(mail("\n", subject="Unsubscribe"), vouched=())
    assert state(office) is SubscriberState.UNSUBSCRIBED


def test_stop_acts_before_any_letter_was_sent(office: PostOffice) -> None:
    late = person("dan", start=MONDAY.date() + timedelta(days=30))
    office.world.enroll(late)
    office.take(mail("stop", sender="dan@example.net"))
    assert state(office, "dan") is SubscriberState.UNSUBSCRIBED


def test_what_says_more_than_the_word_is_a_reflection(office: PostOffice, goals: str) -> None:
    office.take(office.reply_to("Please stop!", goals))
    assert state(office) is SubscriberState.ACTIVE
    assert [each.text for each in office.world.store.reflections("motivation")] == ["Please stop!"]


def test_stop_above_a_quoted_letter_and_a_signature_is_a_command(
    office: PostOffice, goals: str
) -> None:
    quoted = "Stop.\n\n-- \nBen\n\nOn Tue, 3 Mar 2026, Ada <ada@example.org> wrote:\n> goals\n"
    assert office.take(office.reply_to(quoted, goals)).kind is ReplyKind.COMMAND


def test_a_mail_to_the_unsubscribe_address_leaves_whatever_it_says(
    office: PostOffice,
) -> None:
    to = LINKS.leaving(1)[1]
    became = office.take(mail("", sender="any@body.example", to=to, subject="unsubscribe"))
    assert became.kind is ReplyKind.UNSUBSCRIBE
    assert state(office) is SubscriberState.UNSUBSCRIBED
    assert answers(office) == []


def test_a_mail_program_that_unsubscribes_by_itself_is_obeyed(office: PostOffice) -> None:
    to = LINKS.leaving(1)[1]
    office.take(mail("unsubscribe", to=to, Auto_Submitted="auto-generated", Precedence="bulk"))
    assert state(office) is SubscriberState.UNSUBSCRIBED


def test_a_bounce_to_the_unsubscribe_address_unsubscribes_nobody(office: PostOffice) -> None:
    office.take(bounce(LINKS.leaving(1)[1], status="4.4.1", action="delayed"))
    assert state(office) is SubscriberState.ACTIVE


def test_one_answer_a_day_and_none_to_a_machine(office: PostOffice, goals: str) -> None:
    for word in ("pause", "resume", "pause"):
        office.take(office.reply_to(word, goals, message_id=f"<{word}-{len(answers(office))}@x.y>"))
    machine = office.reply_to("stop", goals, Auto_Submitted="auto-replied")
    assert office.take(machine).kind is ReplyKind.MACHINE
    assert answers(office) == ["pause"]
    office.world.clock.advance(DAY)
    office.take(office.reply_to("resume", goals, message_id="<tomorrow@x.y>"))
    assert answers(office) == ["pause", "resume"]
    assert state(office) is SubscriberState.ACTIVE


def test_an_answer_to_our_own_answer_is_about_the_same_course(
    office: PostOffice, goals: str
) -> None:
    office.take(office.reply_to("pause", goals))
    (notice,) = rows(office, "notices")
    for how in (
        {"refers_to": f"<{notice['id']}@example.org>"},
        {"to": LINKS.reply_address(str(notice["id"]))},
    ):
        became = office.take(mail("resume", **how))
        assert (became.kind, became.verified) == (ReplyKind.COMMAND, True)
    assert office.world.stands().state is EnrollmentState.ACTIVE


# Machines


def test_a_vacation_note_is_filed_and_no_reflection(office: PostOffice, goals: str) -> None:
    raw = office.reply_to("I am away until May.", goals, Auto_Submitted="auto-replied")
    assert office.take(raw).kind is ReplyKind.MACHINE
    assert office.world.store.reflections("motivation") == []
    (kept,) = rows(office, "replies")
    assert kept["subscriber_id"] is not None
    assert kept["raw"] is not None


def test_a_hard_bounce_settles_its_letter_and_stops_its_person(
    office: PostOffice, goals: str
) -> None:
    raw = bounce(LINKS.bounce_address(goals))
    for _ in range(2):
        assert office.take(raw, sender="").kind is ReplyKind.BOUNCE
    assert office.world.state_of(goals) is DeliveryState.FAILED
    assert state(office) is SubscriberState.BOUNCED
    assert len(rows(office, "events")) == 1


def test_a_bounce_of_our_answer_is_about_that_and_not_about_a_letter(
    office: PostOffice, goals: str
) -> None:
    office.take(office.reply_to("pause", goals))
    office.world.tick()
    (notice,) = rows(office, "notices")
    office.take(bounce(LINKS.bounce_address(str(notice["id"]))), sender="")
    assert state(office) is SubscriberState.BOUNCED
    assert office.world.state_of(goals) is DeliveryState.SENT


@pytest.mark.parametrize(("status", "action"), [("5.2.2", "failed"), ("4.4.1", "delayed")])
def test_a_soft_bounce_stops_nobody(
    office: PostOffice, goals: str, status: str, action: str
) -> None:
    office.take(bounce(LINKS.bounce_address(goals), status=status, action=action), sender="")
    assert state(office) is SubscriberState.ACTIVE


def test_a_bounce_without_a_token_is_known_by_the_letter_it_returns(
    office: PostOffice, goals: str
) -> None:
    office.take(bounce("ada@example.org", original=f"<{goals}@example.org>"), sender="")
    assert state(office) is SubscriberState.BOUNCED


def test_a_bounce_that_only_names_an_address_stops_nobody(office: PostOffice) -> None:
    assert office.take(bounce(f"any@{REPLIES}"), sender="").kind is ReplyKind.BOUNCE
    assert state(office) is SubscriberState.ACTIVE
    assert rows(office, "events") == []


def test_a_complaint_stops_its_person(office: PostOffice, goals: str) -> None:
    raw = (
        f"From: staff@feedback.example\r\nTo: {LINKS.bounce_address(goals)}\r\n"
        "Subject: FW: Goals\r\nMessage-ID: <arf@feedback.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nThis is a complaint.\r\n"
        "--b\r\nContent-Type: message/feedback-report\r\n\r\n"
        "Feedback-Type: abuse\r\nUser-Agent: Feedback/1\r\nVersion: 1\r\n"
        f"\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <{goals}@example.org>\r\n"
        "Subject: Goals\r\n\r\nHello\r\n--b--\r\n"
    ).encode()
    assert office.take(raw).kind is ReplyKind.COMPLAINT
    assert state(office) is SubscriberState.COMPLAINED


# Once, and never lost


def test_a_copy_of_a_mail_changes_nothing_however_it_comes(office: PostOffice, goals: str) -> None:
    raw = office.reply_to("Once.", goals)
    assert office.take(raw).is_new
    again = b"Received: by another.example; Tue, 3 Mar 2026 09:00:00 +0000\r\n" + raw
    for copy in (raw, again):
        assert office.take(copy, to=(LINKS.reply_address(goals),)).is_new is False
    assert len(office.world.store.reflections("motivation")) == 1
    assert len(rows(office, "replies")) == 1


def test_a_copy_that_comes_after_the_next_letter_is_still_a_copy(office: PostOffice) -> None:
    raw = mail("No token in this one.")
    office.take(raw)
    office.world.clock.advance(DAY)
    office.world.tick()
    assert office.take(raw).is_new is False


def test_mails_without_a_message_id_are_told_apart_by_their_bytes(
    office: PostOffice, goals: str
) -> None:
    for words in ("One.", "Two.", "One."):
        office.take(office.reply_to(words, goals, message_id=None))  # type: ignore[arg-type]
    assert [each.text for each in office.world.store.reflections("motivation")] == ["One.", "Two."]


def test_one_mail_to_two_letters_answers_both(office: PostOffice, welcome: str, goals: str) -> None:
    for delivery in (welcome, goals):
        office.take(office.reply_to("Both.", delivery, message_id="<same@mail.example>"))
    assert len(office.world.store.reflections("motivation")) == 2


def test_a_mail_that_could_not_be_filed_is_taken_when_it_comes_again(
    office: PostOffice, goals: str, databases: Databases, database_url: str
) -> None:
    office.world.store.close()
    with databases.away(database_url), pytest.raises(DatabaseFault):
        office.take(office.reply_to("Kept.", goals))
    assert office.take(office.reply_to("Kept.", goals)).is_new
    assert [each.text for each in office.world.store.reflections("motivation")] == ["Kept."]


def test_a_mail_without_words_is_kept_and_is_no_reflection(office: PostOffice, goals: str) -> None:
    assert office.take(office.reply_to(" \n", goals)).kind is ReplyKind.REFLECTION
    assert office.world.store.reflections("motivation") == []
    assert len(rows(office, "replies")) == 1


def test_of_somebody_erased_nothing_is_kept_but_that_a_mail_came(
    office: PostOffice, goals: str, databases: Databases, database_url: str
) -> None:
    store = office.world.store
    store.erase(store.subscriber_id("ben@example.net"), office.world.clock.now())
    for raw in (office.reply_to("Forget me.", goals), mail("Me again.", refers_to="<a@b.c>")):
        assert office.take(raw).kind is ReplyKind.DISCARDED
    for row in rows(office, "replies"):
        assert (row["raw"], row["message_id"], row["attachments"]) == (None, "", [])
    assert store.reflections("motivation") == []
    store.close()
    assert b"Forget me" not in databases.content(database_url)
