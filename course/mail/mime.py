"""The message around a letter: headers and two encoded parts, made once, with slots left open."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from course.errors import LettercourseError, ManifestError
from course.mail import headers, quoted
from course.model import Sender
from course.segments import Encoding, Literal, Section, Segment, Segments, Slot

NOBODY = "author@course.invalid"  # RFC 2606: a domain that can never be reached

_QUOTED = {
    Encoding.PLAIN: Encoding.QP_PLAIN,
    Encoding.HTML: Encoding.QP_HTML,
    Encoding.LINES: Encoding.QP_LINES,
    Encoding.LINES_HTML: Encoding.QP_LINES_HTML,
    Encoding.URL: Encoding.QP_URL,
}


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the headers of every mail say, the same for everybody.

    Attributes:
        sender_name: stands beside the sender's address.
        test_mark: stands before the subject of a test letter; empty for mail that has no tests.
        automatic: RFC 3834, 5: ``auto-generated``, or ``auto-replied`` for an answer.
        more: header lines of one sort of mail.
    """

    sender: Sender | None
    sender_name: str
    subject: str
    language: str
    test_mark: str = ""
    automatic: str = "auto-generated"
    more: Segments = ()


def message(envelope: Envelope, html: Segments, text: Segments) -> Segments:
    """Return the message: multipart/alternative (RFC 2046), both parts quoted-printable."""
    plain, rich = encoded(text), encoded(html)
    # "=_" stands in no quoted-printable text (RFC 2045, 6.7), whatever the slots are filled with.
    boundary = f"=_lettercourse_{sha256(repr((envelope, plain, rich)).encode()).hexdigest()[:32]}"
    return joined(
        (
            *_headers(envelope),
            _literal(
                f"MIME-Version: 1.0\r\n"
                f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n'
                f"--{boundary}\r\n{_part_headers('plain')}"
            ),
            *plain,
            _literal(f"\r\n--{boundary}\r\n{_part_headers('html')}"),
            *rich,
            _literal(f"\r\n--{boundary}--\r\n"),
        )
    )


def list_headers(course: str, course_title: str, key: str, sender: Sender | None) -> Segments:
    """Return what tells mailbox providers that a letter is one of a course, and how to leave it.

    ``List-Id`` is RFC 2919's, ``List-Unsubscribe`` RFC 2369's and RFC 8058's; ``Feedback-ID`` names
    the letter to providers' complaint reports.
    """
    domain = sender_address(sender).rpartition("@")[2]
    name = headers.phrase(course_title, len("List-Id: "))
    feedback = headers.token(f"{key}:{course}:lettercourse:{domain}")
    mail = (
        _literal(",\r\n <mailto:"),
        Slot("unsubscribe_mail", Encoding.HEADER),
        _literal("?subject=unsubscribe>"),
    )
    leave = (
        _literal("List-Unsubscribe: <"),
        Slot("unsubscribe_url", Encoding.HEADER),
        _literal(">"),
        Section("unsubscribe_mail", present=True, segments=mail),
        _literal("\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"),
    )
    return (
        _literal(f"List-Id: {name}\r\n <{course}.{domain}>\r\n"),
        Section("unsubscribe_url", present=True, segments=leave),
        _literal(f"Feedback-ID: {feedback}\r\n"),
    )


def encoded(segments: Segments) -> Segments:
    """Return segments of a part with literals encoded, and slots that will be."""
    return tuple(_encode(segment) for segment in segments)


def joined(segments: Segments) -> Segments:
    """Return the same segments with neighbouring literals made one."""
    found: list[Segment] = []
    for segment in segments:
        if isinstance(segment, Literal) and found and isinstance(found[-1], Literal):
            found[-1] = Literal(found[-1].content + segment.content)
        else:
            found.append(segment)
    return tuple(found)


def sender_address(sender: Sender | None) -> str:
    """Return the address that letters come from, its domain in IDNA.

    Raises:
        ManifestError: it cannot be written in ASCII.
    """
    if sender is None or not sender.email:
        return NOBODY
    local, _, domain = sender.email.rpartition("@")
    try:
        address = f"{local}@{domain.encode('idna').decode()}"
        headers.mailbox("", address, 0).encode("ascii")
    except (UnicodeError, LettercourseError) as fault:
        raise ManifestError(
            "the sender's address cannot be written into a letter",
            where=sender.email,
            remedy="use an address whose part before the @ is plain ASCII",
        ) from fault
    return address


def _encode(segment: Segment) -> Segment:
    if isinstance(segment, Literal):
        return _quoted(segment)
    if isinstance(segment, Slot):
        return Slot(segment.name, _QUOTED[segment.encoding], segment.fallback)
    return Section(segment.name, segment.present, encoded(segment.segments))


@lru_cache(maxsize=4096)
def _quoted(literal: Literal) -> Literal:
    return Literal(quoted.encode(literal.content.decode()))


def _headers(envelope: Envelope) -> Segments:
    address = sender_address(envelope.sender)
    return (
        _literal(f"From: {headers.mailbox(envelope.sender_name, address, len('From: '))}\r\n"),
        _given("address", "To: ", Encoding.MAILBOX),
        *_subject(envelope),
        _given("date", "Date: "),
        _given("message_id", "Message-ID: "),
        _literal("Reply-To: "),
        Slot("reply_to", Encoding.HEADER, address),
        _literal("\r\n"),
        *envelope.more,
        _literal(
            f"Auto-Submitted: {envelope.automatic}\r\n"
            f"Content-Language: {headers.token(envelope.language or 'en')}\r\n"
        ),
    )


def _subject(envelope: Envelope) -> Segments:
    """Return the subject's line twice where it may be marked: encoded words cannot be joined."""

    def line(subject: str) -> Literal:
        return _literal(f"Subject: {headers.words(subject, len('Subject: '))}\r\n")

    if not envelope.test_mark:
        return (line(envelope.subject),)
    marked = line(f"{envelope.test_mark} {envelope.subject}")
    return (
        Section("test", present=True, segments=(marked,)),
        Section("test", present=False, segments=(line(envelope.subject),)),
    )


def _given(name: str, header: str, encoding: Encoding = Encoding.HEADER) -> Section:
    return Section(
        name, present=True, segments=(_literal(header), Slot(name, encoding), _literal("\r\n"))
    )


def _part_headers(subtype: str) -> str:
    return (
        f"Content-Type: text/{subtype}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )


def _literal(text: str) -> Literal:
    return Literal(text.encode("ascii"))
