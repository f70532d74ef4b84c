"""``course.toml``: the author's choices, each checked and each knowing its line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from email_validator import EmailNotValidError, validate_email

from course.brand import read_brand
from course.errors import ManifestError
from course.model import Brand, Finding, Schedule, Sender
from course.split_by import SplitChoices, read_split
from course.timetable import read_schedule
from course.toml import UNKNOWN_KEY, Table, Text, read_toml

WELCOME = "welcome"
FINALE = "finale"

_KEY = re.compile(r"(?=.{1,190}$)[a-z0-9]+(?:-[a-z0-9]+)*")
LANGUAGE = re.compile(r"(?=.{2,35}$)[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
SITE = re.compile(r"https?://[^\s<>\"/]+(?:/[^\s<>\"]*)?")
LONGEST_WAIT = 60
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class CourseChoices:
    """The table ``[course]``; empty where the article decides."""

    article: str
    article_line: int
    title: str
    slug: str
    language: str
    site: str
    leave_out: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class LetterChoices:
    """One letter: a ``[[lesson]]``, ``[welcome]`` or ``[finale]``; empty where the article decides.

    Attributes:
        sections: titles of the article's sections, or first words of a paragraph and an ellipsis.
        takeaways: first words of the takeaways that belong here.
        questions: first words of the FAQ's questions that belong here.
        wait_days: for how long the next letter waits for a reflection on this lesson.
        nudge_days: after how long a reminder comes.
        line: where the table stands.
        subject_line: where the subject stands; 0 where it is left to the article.
    """

    key: str
    sections: tuple[Text, ...]
    title: str
    subject: str
    preheader: str
    prompt: str
    renamed_from: tuple[str, ...]
    takeaways: tuple[Text, ...]
    questions: tuple[Text, ...]
    line: int
    subject_line: int
    wait_days: int | None = None
    nudge_days: int | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that ``course.toml`` says.

    Attributes:
        sender_line: 1 without that table.
        findings: keys that nobody knows; they stop publishing, but a course can be made without.
        lines: where ``sender.email``, ``KEY.subject`` and all the others stand.
        texts: every text in it with its line, in order.
        ignored: the ids under ``[check] ignore``, with their lines.
    """

    file: str
    course: CourseChoices
    sender: Sender
    sender_line: int
    schedule: Schedule
    welcome: LetterChoices
    lessons: tuple[LetterChoices, ...]
    finale: LetterChoices
    brand: Brand
    findings: tuple[Finding, ...]
    split: SplitChoices
    lines: Mapping[str, int]
    texts: tuple[tuple[int, str], ...]
    ignored: Mapping[str, int]

    @property
    def letters(self) -> tuple[LetterChoices, ...]:
        """Welcome, lessons, finale."""
        return (self.welcome, *self.lessons, self.finale)


def read_manifest(text: str, file: str) -> Manifest:
    """Return the manifest that ``text`` is.

    Raises:
        ManifestError: with every fault, each with its line; not for unknown keys alone.
    """
    document = read_toml(text.removeprefix("\ufeff"), file)
    root = Table(document, (), document.values)
    manifest = _manifest(root, file)
    root.close()
    _refuse_twins(root, manifest)
    manifest = replace(manifest, lines=document.named_lines(), texts=tuple(document.texts()))
    faults = tuple(sorted(document.faults, key=lambda fault: fault.line))
    if any(fault.rule != UNKNOWN_KEY for fault in faults):
        raise ManifestError.of(faults)
    return replace(manifest, findings=faults)


def _manifest(root: Table, file: str) -> Manifest:
    return Manifest(
        file,
        _course(root.table("course")),
        _sender(root.table("sender")),
        root.line_of("sender"),
        read_schedule(root.table("schedule")),
        _letter(root.table(WELCOME), WELCOME),
        lessons := tuple(_lesson(table) for table in root.tables("lesson")),
        _letter(root.table(FINALE), FINALE),
        read_brand(root.table("brand")),
        findings=(),
        split=read_split(root.table("split"), has_lessons=bool(lessons)),
        lines={},
        texts=(),
        ignored=root.table("check").only("ignore"),
    )


def _course(table: Table) -> CourseChoices:
    article = table.text("article")
    choices = CourseChoices(
        article=article.value,
        article_line=article.line,
        title=_line(table, "title"),
        slug=_matching(table, "slug", _KEY, "use a-z, 0-9 and single hyphens, 190 at most"),
        language=_matching(
            table, "language", LANGUAGE, 'write a BCP 47 tag such as "en" or "pt-BR"'
        ),
        site=_matching(table, "site", SITE, 'write an address such as "https://example.org"'),
        leave_out=table.texts("leave_out"),
    )
    table.close()
    return choices


def _sender(table: Table) -> Sender:
    for key in ("name", "email"):
        text = table.text(key)
        if _CONTROL.search(text.value) or "<" in text.value or ">" in text.value:
            table.fault(
                "bad-value", text.line, f"{key} holds a line break, < or >", f"write only the {key}"
            )
    postal_address = table.text("postal_address").value
    sender = Sender(table.text("name").value, _email(table), postal_address)
    table.close()
    return sender


def _email(table: Table) -> str:
    """Return the sender's address as mail servers take it: in ASCII, its domain in IDNA."""
    text = table.text("email")
    if not text.value or _CONTROL.search(text.value):
        return ""
    try:
        address = validate_email(
            text.value, allow_smtputf8=False, check_deliverability=False, test_environment=True
        )
    except EmailNotValidError as error:
        table.fault(
            "bad-value", text.line, f"email is no address: {error}", "write name@example.org"
        )
        return ""
    return address.ascii_email or ""


def _lesson(table: Table) -> LetterChoices:
    key = _matching(table, "key", _KEY, "use a-z, 0-9 and single hyphens, 190 at most")
    if table.get("key") in (None, ""):
        table.fault("missing-key", table.line, "a lesson without key", 'add key = "..."')
    elif key in (WELCOME, FINALE):
        table.fault(
            "bad-value", table.line_of("key"), f"the key {key} is reserved", "choose another key"
        )
    choices = _letter(table, key)
    if table.get("sections") in (None, []):
        table.fault(
            "missing-key",
            table.line_of("sections"),
            f"the lesson {key} names no sections",
            'add sections = ["a heading of the article"]',
        )
    return choices


def _letter(table: Table, key: str) -> LetterChoices:
    wait_days = nudge_days = None
    if key not in (WELCOME, FINALE):
        table.get("key")
        wait_days, nudge_days = _waiting(table)
        title = _line(table, "title")
        renamed = tuple(
            text.value
            for text in table.texts("renamed_from")
            if _matches(table, "renamed_from", text, _KEY, "write the lesson's former key")
        )
    else:
        title, renamed = "", ()
    choices = LetterChoices(
        key=key,
        sections=table.texts("sections"),
        title=title,
        subject=_line(table, "subject"),
        preheader=_line(table, "preheader"),
        prompt=_line(table, "prompt"),
        renamed_from=renamed,
        takeaways=table.texts("takeaways"),
        questions=table.texts("questions"),
        line=table.line,
        subject_line=0 if table.get("subject") is None else table.line_of("subject"),
        wait_days=wait_days,
        nudge_days=nudge_days,
    )
    table.close()
    return choices


def _waiting(table: Table) -> tuple[int | None, int | None]:
    wait, nudge = (table.number(key, 1, LONGEST_WAIT) for key in ("wait_days", "nudge_days"))
    if nudge is not None and table.get("wait_days") is None:
        message, remedy = "nudge_days without wait_days: nothing waits", "add wait_days"
        table.fault("bad-value", table.line_of("nudge_days"), message, remedy)
    elif nudge is not None and wait is not None and nudge >= wait:
        message = f"nudge_days is {nudge}, but after {wait} the next letter comes anyway"
        table.fault("bad-value", table.line_of("nudge_days"), message, f"write less than {wait}")
    return wait, nudge


def _refuse_twins(root: Table, manifest: Manifest) -> None:
    """A key, present or former, means one lesson: enrollments follow it from edition to edition."""
    taken: dict[str, int] = {}
    for lesson in manifest.lessons:
        for key in (lesson.key, *lesson.renamed_from):
            if key and key in taken:
                message = f"the key {key} is taken by the lesson of line {taken[key]}"
                root.fault(
                    "duplicate-key", lesson.line, message, "give each lesson a key of its own"
                )
            taken.setdefault(key, lesson.line)


def _line(table: Table, key: str) -> str:
    return " ".join(_CONTROL.sub(" ", table.text(key).value).split())


def _matching(table: Table, key: str, pattern: re.Pattern[str], remedy: str) -> str:
    text = table.text(key)
    return text.value if not text.value or _matches(table, key, text, pattern, remedy) else ""


def _matches(table: Table, key: str, text: Text, pattern: re.Pattern[str], remedy: str) -> bool:
    if pattern.fullmatch(text.value):
        return True
    table.fault("bad-value", text.line, f'{key} cannot be "{text.value}"', remedy)
    return False
