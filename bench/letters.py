"""Filling a letter for one person."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import format_datetime

from bench.measure import Case, Size, timed
from bench.sample import NOW, edition, values
from course.fill import fill_html, fill_mime, fill_text
from course.model import Letter
from course.segments import Values


def filling(size: Size) -> Iterator[Case]:
    """Fill a letter, against joining its bytes, and against building it by email.message."""
    letter, count = edition().letters[1], size.of(200)
    pieces = [segment.content for segment in letter.mime if hasattr(segment, "content")]

    def ours() -> object:
        return [fill_mime(letter, values(n)) for n in range(count)]

    def floor() -> object:
        return [b"".join(pieces) for _ in range(count)]

    def peer() -> object:
        return [by_email_message(letter, values(n)) for n in range(count)]

    run, unit = timed, "letters/s"
    name = "fill a letter"
    yield Case(name, unit, lambda: run(count, ours), "bare joins/s", lambda: run(count, floor))
    yield Case(name, unit, lambda: run(count, ours), "by email.message/s", lambda: run(count, peer))


def by_email_message(letter: Letter, copy: Values) -> bytes:
    """Build the same letter the usual way, from its two parts."""
    message = EmailMessage()
    message["From"] = "Lettercourse <course@example.org>"
    message["To"] = copy.address
    message["Subject"] = letter.subject
    message["Message-ID"] = copy.message_id
    message["Date"] = format_datetime(NOW)
    message.set_content(fill_text(letter, copy), cte="quoted-printable")
    message.add_alternative(fill_html(letter, copy), subtype="html", cte="quoted-printable")
    return message.as_bytes()
