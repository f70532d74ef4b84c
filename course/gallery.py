"""A course on one page: its letters as readers see them, its findings, and who gets what when.

The page is a template, a style and a script in one file, so that it works from a disk; the course
is data in it. ``preview`` serves the same page and hands it newer data.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from course.codec import files_of
from course.compile import Compiled
from course.fill import fill_html, fill_mime, fill_text
from course.letters.direction import direction
from course.mail.mime import sender_address
from course.model import Course, Edition, Finding, Kind, Letter, Level
from course.segments import Values
from course.templates import template_root

Gallery = dict[str, object]
"""What the page shows, as JSON holds it; ``templates/pages/gallery.js`` reads it."""
Calendar = Mapping[str, object]
"""One person's calendar as JSON holds it."""

FIRST_DAY = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday: when the person in the samples joins, so that every build is the same."""

_SAMPLE = "https://letters.example"
_OWN_WORDS = "Here your reader finds what they wrote to you.\n\nTheir line breaks stay."
_AROUND = 2
_LONGEST_LINE = 400
_GRAVITY = {Level.ERROR: 0, Level.WARNING: 1, Level.INFO: 2}
_BOUNDARY = re.compile(rb'boundary="([^"]+)"')


def sample_values(edition: Edition, letter: Letter) -> Values:
    """Return the values of an example subscriber; the same for every build."""
    domain = sender_address(edition.sender).rpartition("@")[2]
    day = FIRST_DAY + timedelta(days=letter.number)
    return Values(
        name="Ada",
        address="ada@example.org",
        message_id=f"<{letter.key}.{edition.digest[:16]}@{domain}>",
        date=datetime.combine(day, edition.schedule.send_at, UTC),
        view_url=f"{_SAMPLE}/v/{letter.key}",
        unsubscribe_url=f"{_SAMPLE}/u/example",
        page_url=f"{_SAMPLE}/p/example",
        reflections={other.key: _OWN_WORDS for other in edition.letters if other.number % 2},
        letters={other.key: files_of(other)["html"] for other in edition.letters},
    )


def letters_in_order(edition: Edition) -> Iterator[tuple[Letter, str]]:
    """Yield every letter and what it is, each with the reminder that may follow it."""
    lessons = sum(letter.kind is Kind.LESSON for letter in edition.letters)
    for letter in edition.letters:
        lesson = letter.kind is Kind.LESSON
        yield letter, f"lesson {letter.number} of {lessons}" if lesson else letter.kind.value
        wait = edition.waits.get(letter.key)
        if wait and wait.nudge:
            days = f"{wait.nudge_days} day{'' if wait.nudge_days == 1 else 's'}"
            yield wait.nudge, f"reminder after {days} without a reply"


def gallery_of(compiled: Compiled, calendar: Calendar | None = None) -> Gallery:
    """Return everything that the page shows of a compiled course."""
    course, edition = compiled.course, compiled.edition
    findings = sorted(compiled.findings, key=lambda each: _GRAVITY[each.level])
    texts = {course.article_file: compiled.article, course.manifest_file: compiled.manifest}
    preheaders = {lesson.key: lesson.preheader for lesson in course.lessons}
    return {
        "title": edition.title,
        "slug": edition.course,
        "language": edition.language or "en",
        "direction": direction(edition.language),
        "sender": edition.sender.name if edition.sender else edition.title,
        "minutes": sum(letter.minutes for letter in edition.letters),
        "digest": edition.digest,
        "views": f"{_SAMPLE}/v/",
        "sample": f"{_SAMPLE}/",
        "letters": [
            _letter(edition, letter, label, preheaders.get(letter.key, ""))
            for letter, label in letters_in_order(edition)
        ],
        "findings": told(findings, texts, course),
        "calendar": calendar,
    }


def told(
    findings: Iterable[Finding], texts: Mapping[str, str], course: Course | None = None
) -> list[dict[str, object]]:
    """Return findings as the page shows them, each with the lines that it is about.

    Args:
        findings: in the order they are shown.
        texts: what stands in the files that they name.
        course: to say which letter each belongs to.
    """
    lines = {file: _lines(text) for file, text in texts.items() if file}
    return [
        {
            "rule": finding.rule,
            "level": finding.level.value,
            "file": finding.file,
            "line": finding.line,
            "message": finding.message,
            "remedy": finding.remedy,
            "letter": _letter_of(finding, course) if course else None,
            "lines": _around(finding.line, lines.get(finding.file, ())),
        }
        for finding in findings
    ]


def gallery_page(gallery: Gallery | None, *, live: bool = False) -> str:
    """Return the page, whole and without anything to fetch but the letters' pictures.

    Args:
        gallery: what it shows; ``None`` while there is nothing to show yet.
        live: it asks the server that it came from for what is new.
    """
    scripts = [_script("gallery.js"), *([_script("live.js")] if live else [])]
    data = json.dumps(gallery, ensure_ascii=False, separators=(",", ":"))
    return _page().render(
        title=gallery["title"] if gallery else "Lettercourse",
        policy=policy(live=live),
        style=Markup(_read("gallery.css")),  # noqa: S704 - ours
        scripts=[Markup(script) for script in scripts],  # noqa: S704 - ours
        data=Markup(data.replace("<", "\\u003c")),  # noqa: S704 - no tag can stand in it
        letters=gallery["letters"] if gallery else (),
    )


def policy(*, live: bool = False) -> str:
    """Return the page's Content-Security-Policy (CSP Level 3): its own scripts, by their hashes.

    The frames that show letters inherit it, and letters are styled in place as mail has to be; so
    styles are allowed, and pictures from wherever an article has them.
    """
    names = ("gallery.js", "live.js") if live else ("gallery.js",)
    digests = [b64encode(sha256(_script(name).encode()).digest()).decode() for name in names]
    scripts = " ".join(f"'sha256-{digest}'" for digest in digests)
    server = "'self'" if live else "'none'"
    return (
        f"default-src 'none'; script-src {scripts}; connect-src {server}; "
        "style-src 'unsafe-inline'; img-src 'self' file: data: https: http:; frame-src 'self'; "
        "base-uri 'none'; form-action 'none'"
    )


def _letter(edition: Edition, letter: Letter, label: str, preheader: str) -> dict[str, object]:
    values = sample_values(edition, letter)
    html = fill_html(letter, values)
    return {
        "key": letter.key,
        "number": letter.number,
        "kind": letter.kind.value,
        "label": label,
        "reminder": "~" in letter.key,
        "title": letter.title,
        "subject": letter.subject,
        "preheader": preheader,
        "minutes": letter.minutes,
        "size": len(html.encode()),
        "files": files_of(letter),
        "html": html,
        "text": fill_text(letter, values),
        "source": _source(fill_mime(letter, values)),
    }


def _source(mime: bytes) -> str:
    """Return the message's headers and those of its parts, with each part's size."""
    head, _, body = mime.partition(b"\r\n\r\n")
    found = _BOUNDARY.search(head)
    parts = body.split(b"--" + found[1])[1:-1] if found else []
    shown = [head.decode("ascii", "replace")]
    for part in parts:
        part_head, _, content = part.strip(b"\r\n").partition(b"\r\n\r\n")
        shown.append(f"{part_head.decode('ascii', 'replace')}\n\n[{len(content):,} bytes]")
    return "\n\n".join(shown).replace("\r\n", "\n")


def _letter_of(finding: Finding, course: Course) -> str | None:
    if finding.file == course.article_file:
        blocks = (b for b in course.blocks if b.start_line <= finding.line <= b.end_line)
        return next((block.letter for block in blocks), None)
    chosen = (name for name, line in course.manifest_lines.items() if line == finding.line != 0)
    key = next(chosen, "").rpartition(".")[0]
    return key if key in {lesson.key for lesson in course.lessons} else None


def _around(line: int, lines: Sequence[str]) -> list[tuple[int, str]]:
    """Return the lines near one, each with its number; none where the whole file is meant."""
    if not 0 < line <= len(lines):
        return []
    first = max(1, line - _AROUND)
    near = lines[first - 1 : line + _AROUND]
    return [(first + at, text[:_LONGEST_LINE]) for at, text in enumerate(near)]


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


@cache
def _script(name: str) -> str:
    return _read(name)


def _read(name: str) -> str:
    return (template_root() / "pages" / name).read_text("utf-8")


@cache
def _page() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_read("gallery.html"))
