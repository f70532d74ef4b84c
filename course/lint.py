"""What would embarrass an author: one rule, one function, in the order of ``RULES``.

Splitting has two findings of its own, ``unplaced-section`` and ``unreferenced-footnote``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from course.letters.addresses import SCHEMES, absolute
from course.letters.passages import placed
from course.letters.rawhtml import raw_tags
from course.mail.own_words import BUDGET
from course.model import Course, Edition, Finding, Kind, Lesson, Level, Passage, Pictures
from course.segments import Encoding, Literal, Section, Segment, Slot
from course.splitting.anchors import anchor_name
from course.splitting.split import LONGEST_SUBJECT

CLIPPED_AT = 102 * 1024
"""Bytes of HTML after which Gmail cuts a letter, its footer first."""
NEAR_CLIPPING = 90 * 1024
LONG_VALUE = 300
"""Bytes that are counted for each open slot: a long name, a long link."""
LONG_CHARACTER = 3
"""Bytes that are counted for each character of a person's own words in the finale."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What the rules look at."""

    course: Course
    edition: Edition
    pictures: Pictures

    def in_article(self, rule: str, level: Level, line: int, message: str, remedy: str) -> Finding:
        """Return a finding at a line of the article; 0 means all of it."""
        return Finding(rule, level, self.course.article_file, line, message, remedy)


def check(course: Course, edition: Edition, pictures: Pictures) -> tuple[Finding, ...]:
    """Apply every rule to a compiled course; findings come in the order of the rules."""
    checked = Checked(course, edition, pictures)
    return tuple(finding for rule in RULES for finding in rule(checked))


def missing_image(checked: Checked) -> Iterator[Finding]:
    """A picture that no reader will see: its alt text stands in."""
    for picture in checked.pictures.missing:
        yield checked.in_article(
            "missing-image",
            Level.WARNING,
            picture.line,
            f"the picture {picture.source} is missing: {picture.reason}",
            "put the file there, mend the path, or set site for paths that start with /",
        )


def broken_link(checked: Checked) -> Iterator[Finding]:
    """A link that leads nowhere: in the article, or from a letter, whose words alone are kept."""
    for line, href in _links(checked.course):
        inside = href.startswith("#")
        if not inside and absolute(href, checked.course.site, SCHEMES) is None:
            yield checked.in_article(
                "broken-link",
                Level.WARNING,
                line,
                f"the link {href} cannot be followed from a letter",
                "write the whole address, or set site for links that start with /",
            )
        elif (
            inside
            and href.casefold() not in ("#", "#top")
            and anchor_name(href) not in checked.course.anchors
        ):
            yield checked.in_article(
                "broken-link",
                Level.WARNING,
                line,
                f"the link {href} leads nowhere in the article",
                "mend the link, or the heading it means",
            )


def letter_size(checked: Checked) -> Iterator[Finding]:
    """A letter that Gmail cuts off, or nearly, even with long values in its slots."""
    lessons = {lesson.key: lesson for lesson in checked.course.lessons}
    for letter in checked.edition.letters:
        own_words = BUDGET * LONG_CHARACTER if letter.kind is Kind.FINALE else 0
        size = sum(_longest(segment) for segment in letter.html) + own_words
        if size > NEAR_CLIPPING:
            over = size > CLIPPED_AT
            yield checked.in_article(
                "letter-size",
                Level.ERROR if over else Level.WARNING,
                _line(lessons[letter.key]),
                f"{letter.key} has {size // 1024} KB of HTML; Gmail cuts letters at 102 KB",
                "make two lessons of it",
            )


def subject(checked: Checked) -> Iterator[Finding]:
    """A subject that is empty, or that mail programs cut."""
    for lesson in checked.course.lessons:
        if not lesson.subject.strip():
            yield _about_letter(checked, lesson, Level.ERROR, "has no subject", "write one")
        elif len(lesson.subject) > LONGEST_SUBJECT:
            long = f"has a subject of {len(lesson.subject)} characters"
            remedy = f"shorten it to {LONGEST_SUBJECT}"
            yield _about_letter(checked, lesson, Level.WARNING, long, remedy)


def sender_missing(checked: Checked) -> Iterator[Finding]:
    """A course that may not be sent: the law wants a name, an address to answer, a postal one."""
    sender = checked.course.sender
    if sender is None:
        yield checked.in_article(
            "sender-missing",
            Level.INFO,
            0,
            "publishing needs a course.toml with a sender",
            "name the folder of one, or write it with `lettercourse new`",
        )
        return
    values = {
        "name": sender.name,
        "email": sender.email,
        "postal_address": sender.postal_address,
    }
    missing = [key for key, value in values.items() if not value]
    if missing:
        yield Finding(
            "sender-missing",
            Level.ERROR,
            checked.course.manifest_file,
            checked.course.manifest_lines.get("sender", 0),
            f"the sender has no {', '.join(missing)}",
            "fill them in under [sender]",
        )


Rule = Callable[[Checked], Iterable[Finding]]

RULES: tuple[Rule, ...] = (missing_image, broken_link, letter_size, subject, sender_missing)


def _about_letter(
    checked: Checked, lesson: Lesson, level: Level, what: str, remedy: str
) -> Finding:
    course, message = checked.course, f"{lesson.key} {what}"
    chosen = course.manifest_lines.get(f"{lesson.key}.subject", 0)
    if chosen:
        return Finding("subject", level, course.manifest_file, chosen, message, remedy)
    return checked.in_article("subject", level, _line(lesson), message, remedy)


def _line(lesson: Lesson) -> int:
    passages = _passages(lesson)
    return passages[0].start_line if passages else 0


def _passages(lesson: Lesson) -> tuple[Passage, ...]:
    heading = (lesson.heading,) if lesson.heading else ()
    return (*heading, *lesson.passages, *lesson.takeaways, *lesson.questions)


def _links(course: Course) -> Iterator[tuple[int, str]]:
    """Yield line and address of each link, Markdown's and raw HTML's."""
    for token, line in placed(course):
        if token.type == "link_open":
            yield line, str(token.attrs["href"])
        elif token.type in {"html_block", "html_inline"}:
            for tag in raw_tags([token]):
                if tag.name == "a" and tag.get("href"):
                    yield line, tag.get("href")


def _longest(segment: Segment) -> int:
    match segment:
        case Literal(content):
            return len(content)
        case Section():
            return sum(_longest(inner) for inner in segment.segments)
        case Slot():
            return 0 if segment.encoding is Encoding.LINES_HTML else LONG_VALUE
