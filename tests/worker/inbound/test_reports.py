"""Bounces and complaints: whom they are about, which letter, and whether the address is dead."""

from __future__ import annotations

import pytest

from tests.worker.inbound.mails import parsed
from worker.inbound import MailKind, Report

LETTER = (
    "From: Steps <course@example.net>\n"
    "To: Ada <ada@example.org>\n"
    "Reply-To: r0123abc@reply.example.net\n"
    "Message-ID: <00112233445566778899aabbccddeeff@example.net>\n"
    "Subject: Day 1\n"
)
ORIGINAL = "<00112233445566778899aabbccddeeff@example.net>"


def status_report(group: str, returned: str = "message/rfc822") -> Report:
    found = parsed(
        "--b\n\nIt did not work.\n"
        "--b\nContent-Type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; mx.example.net\n\n{group}\n"
        f"--b\nContent-Type: {returned}\n\n{LETTER}\nThe text of the letter.\n--b--\n",
        "From: MAILER-DAEMON@mx.example.net",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
        envelope_from="",
    )
    assert found.kind is MailKind.BOUNCE
    assert found.report is not None
    return found.report


@pytest.mark.parametrize("returned", ["message/rfc822", "text/rfc822-headers"])
def test_a_status_notification_names_letter_person_and_reason(returned: str) -> None:
    report = status_report(
        "Final-Recipient: rfc822; ADA@Example.org\nAction: failed\nStatus: 5.1.1\n"
        "Diagnostic-Code: smtp; 550 5.1.1 <ada@example.org>: no\n such user here",
        returned,
    )
    assert report == Report(
        original_message_id=ORIGINAL,
        final_recipient="ada@example.org",
        action="failed",
        status="5.1.1",
        diagnostic="550 5.1.1 <address>: no such user here",
        returned=("r0123abc@reply.example.net", "ada@example.org"),
        permanent=True,
    )


@pytest.mark.parametrize(
    ("action", "status", "words", "permanent"),
    [
        ("failed", "5.1.1", "550 5.1.1 unknown", True),
        ("failed", "5.1.10", "550 5.1.10 RecipientNotFound", True),
        ("failed", "5.2.1", "550 5.2.1 disabled", True),
        ("failed", "5.0.0", "550 No such user", True),
        ("failed", "5.0.0", "550 5.1.1 unknown", True),
        ("failed", "", "550 user unknown", True),
        ("failed", "5.2.2", "552 5.2.2 mailbox full", False),
        ("failed", "5.7.1", "550 5.7.1 policy", False),
        ("failed", "5.1.1", "550 5.7.1 blocked by our policy", False),
        ("failed", "5.0.0", "550 blocked for spam", False),
        ("failed", "5.0.0", "554 something else", False),
        ("failed", "5.4.4", "host not found", False),
        ("failed", "4.4.7", "expired", False),
        ("delayed", "4.4.1", "no answer from host", False),
        ("delayed", "5.1.1", "550 5.1.1 unknown", False),
        ("delivered", "2.0.0", "250 ok", False),
    ],
)
def test_only_a_dead_address_is_permanent(
    action: str, status: str, words: str, *, permanent: bool
) -> None:
    report = status_report(
        f"Final-Recipient: rfc822; ada@example.org\nAction: {action}\nStatus: {status}\n"
        f"Diagnostic-Code: smtp; {words}"
    )
    assert report.permanent is permanent
    assert report.action == action


def test_of_several_recipients_the_failed_one_counts() -> None:
    report = status_report(
        "Final-Recipient: rfc822; bob@example.org\nAction: delayed\nStatus: 4.4.1\n\n"
        "Final-Recipient: rfc822; ada@example.org\nAction: failed\nStatus: 5.1.1"
    )
    assert (report.final_recipient, report.action) == ("ada@example.org", "failed")


def test_a_complaint_names_letter_and_person() -> None:
    found = parsed(
        "--b\n\nThis is an abuse report.\n"
        "--b\nContent-Type: message/feedback-report\n\n"
        "Feedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\n"
        "Original-Rcpt-To: <ada@example.org>\n"
        f"--b\nContent-Type: message/rfc822\n\n{LETTER}\ntext\n--b--\n",
        "From: fbl@example.com",
        "Content-Type: multipart/report; report-type=feedback-report; boundary=b",
    )
    assert found.kind is MailKind.COMPLAINT
    assert found.report == Report(
        original_message_id=ORIGINAL,
        final_recipient="ada@example.org",
        feedback_type="abuse",
        returned=("r0123abc@reply.example.net", "ada@example.org"),
    )


def test_praise_by_feedback_report_is_no_complaint() -> None:
    found = parsed(
        "--b\nContent-Type: message/feedback-report\n\n"
        "Feedback-Type: not-spam\nVersion: 1\n--b--\n",
        "Content-Type: multipart/report; report-type=feedback-report; boundary=b",
    )
    assert found.kind is MailKind.AUTO_REPLY


OLD = {
    "qmail": (
        ["From: MAILER-DAEMON@mx.example.com", "Subject: failure notice"],
        "Hi. This is the qmail-send program at mx.example.com.\n"
        "I'm afraid I wasn't able to deliver your message to the following addresses.\n"
        "This is a permanent error; I've given up. Sorry it didn't work out.\n\n"
        "<ada@example.org>:\n192.0.2.1 does not like recipient.\n"
        "Remote host said: 550 5.1.1 User unknown\nGiving up on 192.0.2.1.\n\n"
        f"--- Below this line is a copy of the message.\n\n{LETTER}\ntext\n",
        True,
    ),
    "Exim": (
        [
            "From: Mail Delivery System <Mailer-Daemon@mx.example.com>",
            "Subject: Mail delivery failed: returning message to sender",
            "X-Failed-Recipients: ada@example.org",
        ],
        "This message was created automatically by mail delivery software.\n\n"
        "A message that you sent could not be delivered to one or more of its recipients.\n\n"
        "  ada@example.org\n    SMTP error from remote mail server after RCPT TO:\n"
        "    550 No such user here\n\n"
        f"------ This is a copy of the message, including all the headers. ------\n\n{LETTER}\n",
        True,
    ),
    "a full mailbox": (
        ["From: postmaster@example.org", "Subject: Undeliverable: Day 1"],
        "Delivery to ada@example.org failed.\n\n552 5.2.2 Mailbox full\n\n"
        f"------ Original message ------\n{LETTER}\n",
        False,
    ),
    "a delay": (
        ["From: MAILER-DAEMON@mx.example.com", "Subject: Warning: message delayed"],
        "Your message to ada@example.org has not yet been delivered. It will be retried.\n"
        f"\n--- The header of the message ---\n{LETTER}\n",
        False,
    ),
}


@pytest.mark.parametrize("system", OLD)
def test_a_bounce_in_plain_words_is_read_as_far_as_it_goes(system: str) -> None:
    fields, body, permanent = OLD[system]
    found = parsed(body, *fields, envelope_from=None)
    assert found.kind is MailKind.BOUNCE
    report = found.report
    assert report is not None
    assert report.final_recipient == "ada@example.org"
    assert report.original_message_id == ORIGINAL
    assert report.permanent is permanent
    assert report.action == ("delayed" if system == "a delay" else "failed")
    assert "ada@" not in report.diagnostic
