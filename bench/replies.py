"""Understanding what people write back."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from bench.measure import Case, Run, Size, seconds, timed
from tests.worker.inbound.hostile import HOSTILE
from worker.inbound import InboundMail, MailReader, parse_mail

HOSTILE_BYTES = 200_000


def reading(size: Size) -> Iterator[Case]:
    """Understand an answer, against parsing it by ``email`` and doing no more."""
    raw, count = an_answer(), size.of(300)

    def here() -> Run:
        return timed(count, lambda: [parse_mail(InboundMail(raw)) for _ in range(count)])

    def in_a_child() -> Run:
        with MailReader() as reader:
            reader.read(InboundMail(raw))
            return timed(count, lambda: [reader.read(InboundMail(raw)) for _ in range(count)])

    def peer() -> Run:
        return timed(count, lambda: [by_email(raw) for _ in range(count)])

    yield Case("understand an answer", "mails/s", here, "by email/s", peer)
    yield Case("understand it in the child", "mails/s", in_a_child, "by email/s", peer)


def enduring(size: Size) -> Iterator[Case]:
    """Understand the hostile mail that takes longest, against parsing it by ``email``."""
    hostile = {name: make(size.of(HOSTILE_BYTES, least=1000)) for name, make in HOSTILE.items()}
    took = {
        name: seconds(lambda raw=raw: parse_mail(InboundMail(raw)))  # type: ignore[misc]
        for name, raw in hostile.items()
    }
    name = max(took, key=lambda each: took[each])

    def ours() -> Run:
        return timed(1, lambda: parse_mail(InboundMail(hostile[name])))

    def peer() -> Run:
        return timed(1, lambda: by_email(hostile[name]))

    yield Case(f"slowest hostile: {name}"[:34], "mails/s", ours, "by email/s", peer)


def an_answer() -> bytes:
    """Return an answer above a quoted letter, in both parts."""
    quoted = "".join(f"> Line {n} of a letter that is quoted.\n" for n in range(200))
    answer = EmailMessage()
    answer["From"] = "Ada <ada@example.org>"
    answer["Subject"] = "Re: Day 1"
    answer.set_content(f"I swam.\n\nOn 3/3/25, 8:00 AM, C <c@example.org> wrote:\n\n{quoted}")
    answer.add_alternative(f"<p>I swam.</p><blockquote type=cite>{quoted}</blockquote>", "html")
    return answer.as_bytes()


def by_email(content: bytes) -> int:
    """Parse a mail and decode its parts by the standard library; return how many there are."""
    parts = list(message_from_bytes(content, policy=default).walk())
    return len([each.get_payload(decode=True) for each in parts if not each.is_multipart()])
