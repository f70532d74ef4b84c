"""Zero mails of machines are taken for a person's, and no person's for a machine's."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worker.inbound.mails import mail, parsed
from worker.inbound import MailKind, parse_mail
from worker.inbound.machines import RULES

AWAY = "I am out of the office until Monday.\n"
NO_ANSWER = "Subject: Hello"

MACHINES: dict[str, tuple[MailKind, str, list[str]]] = {
    "Auto-Submitted": (MailKind.AUTO_REPLY, AWAY, ["Auto-Submitted: auto-replied"]),
    "Auto-Submitted, with a comment": (
        MailKind.AUTO_REPLY,
        AWAY,
        ["Auto-Submitted: auto-replied (vacation); owner-email=ada@example.org"],
    ),
    "any keyword of Auto-Submitted": (MailKind.AUTO_REPLY, AWAY, ["auto-submitted: auto-notified"]),
    "Precedence auto_reply": (MailKind.AUTO_REPLY, AWAY, ["Precedence: auto_reply"]),
    "Precedence bulk": (MailKind.AUTO_REPLY, AWAY, ["Precedence: bulk"]),
    "Precedence junk": (MailKind.AUTO_REPLY, AWAY, ["Precedence: Junk"]),
    "Precedence list": (MailKind.LIST, AWAY, ["Precedence: list"]),
    "X-Autoreply": (MailKind.AUTO_REPLY, AWAY, ["X-Autoreply: yes"]),
    "X-Autorespond": (MailKind.AUTO_REPLY, AWAY, ["X-Autorespond: Re: Day 1"]),
    "X-Autoresponder": (MailKind.AUTO_REPLY, AWAY, ["X-Autoresponder: qmail"]),
    "Return-Path": (MailKind.AUTO_REPLY, AWAY, ["Return-Path: <>"]),
    "an Exchange rule": (
        MailKind.AUTO_REPLY,
        AWAY,
        ["X-Auto-Response-Suppress: All", "X-MS-Exchange-Inbox-Rules-Loop: ada@example.org"],
    ),
    "a rules agent": (
        MailKind.AUTO_REPLY,
        AWAY,
        ["X-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent"],
    ),
    "a postmaster": (MailKind.AUTO_REPLY, AWAY, ["From: Postmaster <postmaster@example.org>"]),
    "a silent sender": (MailKind.AUTO_REPLY, AWAY, ["From: Desk <no-reply@example.org>"]),
    "a list's copy": (MailKind.LIST, "Hi all\n", ["List-Id: <l.example.org>"]),
    "a list's posts": (MailKind.LIST, "Hi all\n", ["List-Post: <mailto:l@example.org>"]),
    "a newsletter": (MailKind.LIST, "News\n", ["List-Unsubscribe: <https://example.org>"]),
    "our own letter": (
        MailKind.LOOP,
        "Day 1\n",
        ["Feedback-ID: goals:steps:lettercourse:example.net", "Auto-Submitted: auto-generated"],
    ),
    "our address in X-Loop": (MailKind.LOOP, "x\n", ["X-Loop: course@example.net"]),
    "an absence without an answer's form": (
        MailKind.AUTO_REPLY,
        AWAY,
        [NO_ANSWER, "X-Auto-Response-Suppress: All"],
    ),
    "words that say so": (
        MailKind.AUTO_REPLY,
        "This is an automatically generated message.\n",
        [NO_ANSWER],
    ),
    "an absence in an answer's headers": (
        MailKind.AUTO_REPLY,
        "Hello, I am away until Monday.\n",
        ["Subject: Day 1", "In-Reply-To: <1@example.net>"],
    ),
    "one word for an absence in an answer's headers": (
        MailKind.AUTO_REPLY,
        "Back on Monday.\n",
        ["Subject: Absence", "References: <1@example.net>"],
    ),
    "one word for an absence, and what it tells": (
        MailKind.AUTO_REPLY,
        AWAY,
        ["Subject: Away from my desk"],
    ),
    "a subject that ends so": (
        MailKind.AUTO_REPLY,
        "Back on Monday.\n",
        ["Subject: Re: Day 1 (Out of Office)"],
    ),
    "words of a read receipt": (
        MailKind.AUTO_REPLY,
        "Your message\n\n   To: Ada\n   Subject: Day 1\n\nwas read on Monday, 8:00.\n",
        ["Subject: Read: Day 1"],
    ),
    "a recalled mail": (
        MailKind.AUTO_REPLY,
        'Ada would like to recall the message, "Day 1".\n',
        ["Subject: Recall: Day 1"],
    ),
    "a desk's receipt": (
        MailKind.AUTO_REPLY,
        "Hello Ada,\n\nYour request (12345) has been received and is being reviewed.\n",
        [],
    ),
    "a desk's receipt above our letter": (
        MailKind.AUTO_REPLY,
        "Your request (12345) has been received.\n\n> What did you do today?\n",
        [],
    ),
    "automatic words above our letter": (
        MailKind.AUTO_REPLY,
        "*** This is an automated response. ***\n\n> What did you do today?\n",
        [],
    ),
    "a desk's thanks": (
        MailKind.AUTO_REPLY,
        "Thank you for contacting us. We have received your message and will answer soon.\n",
        [],
    ),
    "a desk's subject": (MailKind.AUTO_REPLY, "x\n", ["Subject: [Request received] Day 1"]),
    "a filter's question": (
        MailKind.AUTO_REPLY,
        "I am protecting myself from receiving junk mail. Click the link below once.\n",
        ["Subject: Re: Day 1 (verification)"],
    ),
    "a filter's mark": (MailKind.AUTO_REPLY, "Please confirm.\n", ["X-Boxbe: 1"]),
    "a mail system that does not say so": (
        MailKind.BOUNCE,
        "****\nYour message could not be delivered to\nada@example.org\n****\n",
        [],
    ),
    "a list's program": (MailKind.LIST, "Loop\n", ["X-MLServer: fml 4"]),
    "a calendar's answer": (
        MailKind.AUTO_REPLY,
        "BEGIN:VCALENDAR\n",
        ["Content-Type: text/calendar"],
    ),
    "a read receipt": (
        MailKind.AUTO_REPLY,
        "--b\n\nread\n--b\nContent-Type: message/disposition-notification\n\nx: y\n--b--\n",
        ["Content-Type: multipart/report; report-type=disposition-notification; boundary=b"],
    ),
    "any other report": (
        MailKind.AUTO_REPLY,
        "--b\n\nreport\n--b--\n",
        ["Content-Type: multipart/report; report-type=x-new; boundary=b"],
    ),
}

AWAY_SUBJECTS = """\
Automatic reply: Day 1
Auto: Day 1
[Auto] Day 1
Autoreply: Day 1
Auto-Reply: Day 1
Autoreply (Re: Day 1)
Out of Office: Day 1
Out of the office
Out of Office AutoReply: Day 1
Out of Office Re: Day 1
[AUTO GENERATED] Day 1
Yahoo! Auto Response
Vacation reply
Automatische Antwort: Tag 1
Abwesenheitsnotiz: Tag 1
Abwesenheitsnotiz
Réponse automatique : Jour 1
Réponse automatique\u00a0: Jour 1
Absence du bureau
Respuesta automática: Día 1
Fuera de la oficina: Día 1
Resposta automática: Dia 1
Risposta automatica: Giorno 1
Fuori ufficio: Giorno 1
Automatisch antwoord: Dag 1
Afwezigheidsbericht: Dag 1
Autosvar: Dag 1
Automatisk svar: Dag 1
Automatiskt svar: Dag 1
Frånvaro: Dag 1
Automaattinen vastaus: Päivä 1
Automatyczna odpowiedź: Dzień 1
Automatická odpověď: Den 1
Automatikus válasz: 1. nap
Răspuns automat: Ziua 1
Автоответ: День 1
Автоматический ответ: День 1
Автоматична відповідь: День 1
Αυτόματη απάντηση: Ημέρα 1
Otomatik yanıt: 1. gün
自動返信: 一日目
自动回复: 第一天
자동 회신: 첫째 날
Trả lời tự động: Ngày 1
תשובה אוטומטית: יום 1
رد تلقائي: اليوم 1""".splitlines()

BOUNCE_SUBJECTS = """\
Undelivered Mail Returned to Sender
Delivery Status Notification (Failure)
failure notice
Mail delivery failed: returning message to sender
Undeliverable: Day 1
Unzustellbar: Tag 1
Returned mail: see transcript for details
Mail System Error - Returned Mail
Delivery Notification: Delivery has failed
Warning: message 1abc delayed 24 hours
Delayed Mail (still being retried)
DELIVERY FAILURE: User ada (ada@example.org) not listed in Domino Directory
Your message could not be delivered
Non remis : Jour 1
配信不能""".splitlines()

PEOPLE: dict[str, list[str]] = {
    "an answer": [],
    "Exchange": [
        "X-Auto-Response-Suppress: DR, RN, NRN, OOF, AutoReply",
        "X-MS-Exchange-Organization-AuthAs: Internal",
        "X-MS-Has-Attach: ",
        "X-MS-TNEF-Correlator: ",
    ],
    "Exchange's All": ["X-Auto-Response-Suppress: All"],
    "Auto-Submitted no": ["Auto-Submitted: no"],
    "X-Autoreply no": ["X-Autoreply: no"],
    "Precedence normal": ["Precedence: normal"],
    "Precedence first-class": ["Precedence: first-class"],
    "Precedence urgent": ["Precedence: urgent"],
    "Amazon's relay": ["Feedback-ID: 1.eu-west-1.abc=:AmazonSES"],
    "a forwarding's X-Loop": ["X-Loop: ada@university.example"],
    "an answer to an automatic subject": ["Subject: Re: [Auto] Automatic reply: Day 1"],
    "a German one": ["Subject: AW: Abwesenheitsnotiz: Tag 1"],
    "automatic thoughts": ["Subject: Automatic thoughts"],
    "automatic reply to stress": ["Subject: Automatic reply to stress is what I noticed"],
    "a car": ["Subject: Autofahren ohne Eile"],
    "out of office as a theme": ["Subject: Out of office life begins at six"],
    "an undelivered promise": ["Subject: Undelivered promises I made to myself"],
    "a returned mail in a talk": ["Subject: Re: Returned mail"],
    "an absence as a theme": ["Subject: Absence"],
    "an absence at a theme's end": ["Subject: Re: Day 1 (my thoughts out of office)"],
    "a ticket": ["Subject: Ticket to the lake received with joy"],
    "a new mail about leave": ["Subject: On leave"],
    "Return-Path": ["Return-Path: <ada@example.org>"],
    "a name like a mailer's": ["From: Maila Daimon <maila.daimon@example.org>"],
}


@pytest.mark.parametrize("case", MACHINES)
def test_what_only_machines_send_is_a_machines(case: str) -> None:
    kind, body, fields = MACHINES[case]
    envelope = None if "Return-Path: <>" in fields else "ada@example.org"
    found = parsed(body, *fields, envelope_from=envelope)
    assert found.kind is kind
    assert "ada@" not in found.why


@pytest.mark.parametrize("subject", AWAY_SUBJECTS)
def test_an_automatic_subject_is_a_machines_and_an_answer_to_it_a_persons(subject: str) -> None:
    assert parsed("x\n", f"Subject: {subject}").kind is MailKind.AUTO_REPLY
    assert parsed("x\n", f"Subject: Re: {subject}").kind is MailKind.PERSON


@pytest.mark.parametrize("subject", BOUNCE_SUBJECTS)
@pytest.mark.parametrize(
    "sender", ["MAILER-DAEMON@example.org", "Mail Delivery System <x@example.org>"]
)
def test_a_mail_systems_subject_is_a_bounce(subject: str, sender: str) -> None:
    body = "Your message could not be delivered to ada@example.org.\n550 5.1.1 User unknown\n"
    found = parsed(body, f"Subject: {subject}", f"From: {sender}")
    assert found.kind is MailKind.BOUNCE
    assert found.report is not None


@pytest.mark.parametrize("case", PEOPLE)
def test_what_people_send_is_a_persons(case: str) -> None:
    found = parsed("I swam.\n\n> What did you do?\n", *PEOPLE[case])
    assert found.kind is MailKind.PERSON, found.why


def test_an_empty_envelope_sender_is_a_machines_whatever_the_header_says() -> None:
    assert parsed(AWAY, envelope_from="").kind is MailKind.AUTO_REPLY
    assert parsed(AWAY, "Return-Path: <>", envelope_from="a@b.example").kind is MailKind.PERSON


def test_a_person_may_tell_of_an_absence() -> None:
    told = "I am out of the office this week, so I swam.\n"
    assert parsed(told, "X-Auto-Response-Suppress: All").kind is MailKind.PERSON
    assert parsed(told, NO_ANSWER).kind is MailKind.PERSON
    assert parsed("I was absent, so I walked.\n", "Subject: Absent").kind is MailKind.PERSON
    assert parsed("We have received your message with joy.\n").kind is MailKind.PERSON
    assert parsed("Peace is protected by me.\n").kind is MailKind.PERSON
    assert parsed("This is an automatic response of mine: I run away.\n").kind is MailKind.PERSON


@given(
    machine=st.sampled_from(sorted(MACHINES)),
    more=st.lists(st.sampled_from([f for fields in PEOPLE.values() for f in fields]), max_size=6),
)
@settings(max_examples=200, deadline=None)
def test_no_further_header_makes_a_person_of_a_machine(machine: str, more: list[str]) -> None:
    _, body, fields = MACHINES[machine]
    taken = {each.partition(":")[0].lower() for each in fields}
    added = [each for each in more if each.partition(":")[0].lower() not in taken | {"subject"}]
    inbound = mail(body, *fields, *added, envelope_from=None)
    assert parse_mail(inbound).kind is not MailKind.PERSON


def test_every_rule_says_what_it_rests_on() -> None:
    assert all(rule.__doc__ for rule in RULES)
    assert len({rule.__name__ for rule in RULES}) == len(RULES)
