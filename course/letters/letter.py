"""One lesson becomes one letter: its two parts, then the message around them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import quote

from markupsafe import Markup

from course.article.footnotes import reachable
from course.letters.addresses import Addresses, Elsewhere
from course.letters.direction import direction
from course.letters.fragments import HeadingIds
from course.letters.looking_back import any_day, anything, given_back, rail
from course.letters.mjml import html_frame, text_frame
from course.letters.palette import palette
from course.letters.passages import passages_of, tokens_of
from course.letters.render import Setting, render, render_inline
from course.letters.segments import Marks
from course.letters.text import TextPart
from course.letters.wording import Wording, wording
from course.letters.wrapping import hanging, wrap
from course.mail.mime import Envelope, list_headers, message, sender_address
from course.mail.own_words import WIDTH
from course.model import Course, Kind, Lesson, Letter, Passage
from course.reading import lesson_minutes
from course.segments import Literal, Section
from course.words import plain

LOGO_SIZE = (240, 44)
"""Width and height in CSS pixels that a logo takes at most."""

_PADDING = Markup("&#847;&zwnj;&nbsp;")
_PREVIEW = 110
"""Characters of a preview at most; behind a shorter preheader the rest is filled with nothing."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What the letters of one course have in common while they are made.

    Attributes:
        pictures: addresses of the local pictures by their source.
        targets: by letter key, the ids in it by ``anchor_name``.
        sizes: their width and height in CSS pixels, by those addresses.
    """

    course: Course
    marks: Marks
    headings: HeadingIds
    pictures: Mapping[str, str]
    targets: Mapping[str, Mapping[str, str]]
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def write_letter(lesson: Lesson, draft: Draft) -> Letter:
    """Return the letter of ``lesson`` with its slots open."""
    course = draft.course
    words = wording(course.language)
    shared = shared_context(lesson, draft, words)
    setting = _setting(lesson, draft)
    html = html_frame("letter", {**shared, **_html(lesson, course, setting)}, setting.looks)
    text = text_frame("letter", {**shared, **_text(lesson, course, setting, words)})
    return finished(lesson, draft, html, text)


def finished(lesson: Lesson, draft: Draft, html: str, text: str) -> Letter:
    """Return the letter whose two parts are laid out, with marks where its slots are."""
    course = draft.course
    words = wording(course.language)
    html_part, text_part = draft.marks.cut(html, html=True), draft.marks.cut(text, html=False)
    envelope = Envelope(
        sender=course.sender,
        sender_name=course.sender.name if course.sender else course.title,
        subject=lesson.subject,
        language=course.language,
        test_mark=words.test_mark,
        more=list_headers(course.slug, course.title, lesson.key, course.sender),
    )
    mark = Section("test", present=True, segments=(Literal(f"{words.test_mark} ".encode()),))
    return Letter(
        key=lesson.key,
        kind=lesson.kind,
        number=lesson.number,
        title=lesson.title,
        subject=lesson.subject,
        minutes=lesson_minutes(lesson),
        source_digest=source_digest(lesson),
        subject_line=(mark, Literal(lesson.subject.encode())),
        html=html_part,
        text=text_part,
        mime=message(envelope, html_part, text_part),
    )


def source_digest(lesson: Lesson) -> str:
    """Return a hash of the lesson's own words, whatever its key, place or manifest says."""
    said = [plain(passage.tokens) for passage in lesson.passages]
    title = plain(lesson.heading.tokens) if lesson.heading else ""
    return sha256("\n".join((title, *said)).encode("utf-8", "replace")).hexdigest()


def _setting(lesson: Lesson, draft: Draft) -> Setting:
    course = draft.course
    definitions = {label: note.tokens for label, note in course.footnotes.items()}
    tokens = tokens_of(passages_of(lesson))
    labels = reachable(tokens, definitions)
    return Setting(
        addresses=Addresses(
            course.site,
            draft.pictures,
            draft.targets[lesson.key],
            _elsewhere(lesson, draft),
            draft.sizes,
        ),
        headings=draft.headings,
        notes={label: number for number, label in enumerate(labels, 1)},
        direction=direction(course.language),
        looks=palette(course.brand),
        callouts=wording(course.language).callouts,
    )


def _elsewhere(lesson: Lesson, draft: Draft) -> dict[str, Elsewhere]:
    """Return the places in earlier letters that in-document links may mean, by ``anchor_name``."""
    marks = draft.marks
    end = marks.end()
    earlier = {
        other.key: (marks.address(f"letter:{other.key}"), marks.given(f"letter:{other.key}"), other)
        for other in draft.course.lessons
        if other.number < lesson.number
    }
    found: dict[str, Elsewhere] = {}
    for name, key in draft.course.anchors.items():
        if key in earlier:
            address, given, other = earlier[key]
            place = draft.targets[key].get(name)
            whole = f"{address}#{quote(place)}" if place else address
            found[name] = Elsewhere(whole, other.title, given, end)
    return found


def shared_context(lesson: Lesson, draft: Draft, words: Wording) -> dict[str, object]:
    """Return what both parts of a letter are laid out with, all around the lesson's own text."""
    course, marks = draft.course, draft.marks
    lessons = [other for other in course.lessons if other.kind is Kind.LESSON]
    done = {Kind.WELCOME: 0, Kind.LESSON: lesson.number, Kind.FINALE: len(lessons)}[lesson.kind]
    before = [other for other in course.lessons if other.number == lesson.number - 1]
    after = [other for other in course.lessons if other.number == lesson.number + 1]
    way = direction(course.language)
    days = {
        Kind.WELCOME: words.welcome,
        Kind.LESSON: words.day.format(number=lesson.number, lessons=len(lessons)),
        Kind.FINALE: words.finale,
    }
    return {
        "words": words,
        "slot": marks.slot,
        "given": marks.given,
        "absent": marks.absent,
        "end": marks.end,
        "language": course.language or "en",
        "direction": way,
        "start": "right" if way == "rtl" else "left",
        "finish": "left" if way == "rtl" else "right",
        "course_title": course.title,
        "subject": lesson.subject,
        "preheader": lesson.preheader,
        "padding": _PADDING * max(0, _PREVIEW - len(lesson.preheader)) if lesson.preheader else "",
        "logo": _logo(draft),
        "day": days[lesson.kind],
        "minutes": words.minutes(lesson_minutes(lesson)),
        "rail": rail(lesson, course),
        "gap": 6 if len(lessons) <= 12 else 3 if len(lessons) <= 30 else 1,
        "any_day": any_day(lesson, course),
        "given_back": given_back(course, words, marks) if lesson.kind is Kind.FINALE else (),
        "anything": anything(course),
        "progress": words.progress.format(done=done, lessons=len(lessons)),
        "takeaways_title": course.takeaways_title or words.takeaways,
        "questions_title": course.questions_title or words.questions,
        "contents_title": words.contents if lesson.kind is Kind.WELCOME else words.done_title,
        "contents_note": "" if lesson.kind is Kind.WELCOME else words.done,
        "how": words.how if lesson.kind is Kind.WELCOME else (),
        "prompt": lesson.prompt,
        "waits": words.waits(lesson.wait_days) if lesson.wait_days else "",
        "reply_url": _reply_url(lesson, draft, words),
        "previous": before[0].title if before else "",
        "next": after[0].title if after else "",
        "sender": course.sender,
        "address": course.sender.postal_address.splitlines() if course.sender else (),
    }


def _html(lesson: Lesson, course: Course, setting: Setting) -> dict[str, object]:
    heading = lesson.heading
    line = (heading.tokens[0].map or [-1])[0] if heading else -1
    title = render_inline(heading.tokens, setting) if heading else ""
    return {
        "title": Markup(title) if title else lesson.title,  # noqa: S704 - sanitised
        "title_id": setting.headings.get(line, f"letter-{lesson.key}"),
        "takeaways": [_rendered([item], setting) for item in lesson.takeaways],
        "body": _rendered(lesson.passages, setting),
        "questions": [_rendered([item], setting, top=3) for item in lesson.questions],
        "notes": [
            {"number": number, "html": _rendered([course.footnotes[label]], setting)}
            for label, number in setting.notes.items()
        ],
        "contents": [{"mark": mark, "title": title} for mark, title in _contents(lesson, course)],
    }


def _text(lesson: Lesson, course: Course, setting: Setting, words: Wording) -> dict[str, object]:
    part = TextPart(setting, words)
    heading = lesson.heading
    return {
        "title": plain(heading.tokens) if heading else lesson.title,
        "takeaways": [part.render(item.tokens) for item in lesson.takeaways],
        "body": part.render(tokens_of(lesson.passages)),
        "questions": [part.render(item.tokens) for item in lesson.questions],
        "notes": [
            part.hanging(f"[{words.note_mark.format(number=number)}] ", course.footnotes[label])
            for label, number in setting.notes.items()
        ],
        "contents": [
            hanging(mark.ljust(4), wrap(title, WIDTH - 4))
            for mark, title in _contents(lesson, course)
        ],
        "links": part.links,
    }


def _rendered(passages: Iterable[Passage], setting: Setting, top: int = 2) -> Markup:
    tokens = tokens_of(passages)
    return Markup(render(tokens, setting, top=top)) if tokens else Markup()  # noqa: S704 - sanitised


def _contents(lesson: Lesson, course: Course) -> list[tuple[str, str]]:
    if lesson.kind is Kind.LESSON:
        return []
    lessons = (other for other in course.lessons if other.kind is Kind.LESSON)
    if lesson.kind is Kind.FINALE:
        return [("✓", other.title) for other in lessons]
    return [(f"{other.number}.", other.title) for other in lessons]


def _logo(draft: Draft) -> Markup:
    """Return the course's logo, in the size that mail programs without style sheets need told."""
    brand = draft.course.brand
    source = draft.pictures.get(brand.logo)
    if not source:
        return Markup()
    width, height = draft.sizes.get(source, (0, 0))
    shrink = max(width / LOGO_SIZE[0], height / LOGO_SIZE[1], 1)
    size = f' width="{round(width / shrink)}" height="{round(height / shrink)}"' if width else ""
    image = (
        '<img src="{}" alt="{}"' + size + ' style="display:block;max-width:100%;margin:0 0 14px">'
    )
    return Markup(image).format(source, brand.logo_alt)  # noqa: S704 - ours, the rest is escaped


def _reply_url(lesson: Lesson, draft: Draft, words: Wording) -> str:
    sender = draft.course.sender
    if sender is None or not sender.email:
        return ""
    subject = words.reply_subject.format(subject=lesson.subject)
    quoted = "".join(f"> {line}\r\n" for line in lesson.prompt.splitlines())
    address = draft.marks.in_address("reply_to", sender_address(sender))
    return f"mailto:{address}?subject={quote(subject, safe='')}&body={quote(quoted, safe='')}%0D%0A"
