"""The message around a letter: headers and two encoded parts, made once, with slots left open."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from course.errors import LettercourseError, ManifestError
from course.mail import headers, quoted
from course.model import (
    Encoding,
    Literal,
    Section,
    Segment,
    Segments,
    Sender,
    Slot,
)

NOBODY = "author@course.invalid"  # RFC 2606: a domain that can never be reached

_QUOTED = {Encoding.PLAIN: Encoding.QP_PLAIN, Encoding.HTML: Encoding.QP_HTML}


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a letter's headers say, the same for everybody.

    Attributes:
        test_mark: stands before the subject of a test letter.
    """

    course: str
    course_title: str
    language: str
    sender: Sender | None
    key: str
    subject: str
    test_mark: str


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
        return Literal(quoted.encode(segment.content.decode()))
    if isinstance(segment, Slot):
        return Slot(segment.name, _QUOTED[segment.encoding], segment.fallback)
    return Section(segment.name, segment.present, encoded(segment.segments))


def _headers(envelope: Envelope) -> Segments:
    address = sender_address(envelope.sender)
    domain = address.rpartition("@")[2]
    name = envelope.sender.name if envelope.sender else envelope.course_title
    list_id = f"<{envelope.course}.{domain}>"
    list_name = headers.phrase(envelope.course_title, len("List-Id: "))
    mark = f"{envelope.test_mark} "
    subject = headers.words(envelope.subject, len("Subject: ") + len(mark))
    feedback = f"{envelope.key}:{envelope.course}:lettercourse:{domain}"
    return (
        _literal(f"From: {headers.mailbox(name, address, len('From: '))}\r\n"),
        _given("address", "To: ", Encoding.MAILBOX),
        _literal("Subject: "),
        Section("test", present=True, segments=(_literal(mark),)),
        _literal(f"{subject}\r\n"),
        _given("date", "Date: "),
        _given("message_id", "Message-ID: "),
        _literal(f"Reply-To: {address}\r\n"),
        _literal(f"List-Id: {list_name}\r\n {list_id}\r\n"),
        Section(
            "unsubscribe_url",
            present=True,
            segments=(
                _literal("List-Unsubscribe: <"),
                Slot("unsubscribe_url", Encoding.HEADER),
                _literal(">\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"),
            ),
        ),
        _literal(
            f"Feedback-ID: {headers.token(feedback)}\r\n"
            "Auto-Submitted: auto-generated\r\n"
            f"Content-Language: {headers.token(envelope.language or 'en')}\r\n"
        ),
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
