"""Service mail: what an installation says about a course, outside of its letters."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

from course.letters.direction import direction
from course.letters.mjml import html_frame, text_frame
from course.letters.notices import ANSWERS, NOTICES, Notice
from course.letters.palette import palette
from course.letters.segments import Marks
from course.letters.wording import phrases_in, wording
from course.mail.headers import clean
from course.mail.mime import Envelope, message
from course.model import Brand, Kind, Letter, Sender
from course.segments import Literal

ANSWER = "answer"


@lru_cache(maxsize=256)
def service_letter(
    purpose: str, *, course_title: str, language: str, sender: Sender, detail: str = ""
) -> Letter:
    """Return a piece of service mail with its slots open.

    Its slots are ``name``, ``address``, ``message_id``, ``date`` and ``reply_to``, and for its
    button ``action_url`` (``confirm``, ``link``) or ``page_url`` (``already``, every answer but
    that to ``stop``); without a value the button is not there. It carries no header of a list.

    Args:
        purpose: ``confirm``, ``already``, ``link`` or ``answer``.
        course_title: the course it is about.
        language: BCP 47 tag.
        sender: whom it comes from, as the course's letters do.
        detail: for an answer, which of ``ANSWERS``.

    Raises:
        ValueError: there is no such piece of mail.
    """
    known = ANSWERS.get(detail) if purpose == ANSWER else NOTICES.get(purpose)
    if known is None:
        raise ValueError(f"no service mail is written for {purpose!r} {detail!r}")
    notice = known(phrases_in(language))
    subject = clean((notice.subject or notice.title).format(course=course_title))
    marks = Marks(sha256(repr((notice, course_title, sender)).encode()).hexdigest()[:32])
    context = {"subject": subject, **_context(notice, course_title, language, sender, marks)}
    html = marks.cut(html_frame("service", context, palette(Brand())), html=True)
    text = marks.cut(text_frame("service", context), html=False)
    envelope = Envelope(
        sender=sender,
        sender_name=sender.name,
        subject=subject,
        language=language,
        automatic="auto-replied" if notice.answers else "auto-generated",
    )
    return Letter(
        key=f"{purpose}:{detail}" if detail else purpose,
        kind=Kind.LESSON,
        number=0,
        title=notice.title,
        subject=subject,
        minutes=1,
        source_digest="",
        subject_line=(Literal(subject.encode()),),
        html=html,
        text=text,
        mime=message(envelope, html, text),
    )


def _context(
    notice: Notice, course_title: str, language: str, sender: Sender, marks: Marks
) -> dict[str, object]:
    way = direction(language)
    return {
        "words": wording(language),
        "slot": marks.slot,
        "given": marks.given,
        "absent": marks.absent,
        "end": marks.end,
        "language": language or "en",
        "direction": way,
        "start": "right" if way == "rtl" else "left",
        "course_title": course_title,
        "notice": notice,
        "paragraphs": [line.format(course=course_title) for line in notice.paragraphs],
        "reason": notice.reason.format(course=course_title),
        "sender": sender,
        "address": sender.postal_address.splitlines(),
    }
