"""What an inbox shows of a letter, subject and preheader; and the question at its end."""

from __future__ import annotations

import re
from collections.abc import Iterator

from course.letters.wrapping import columns_of
from course.lint.rule import Checked, Example, Spot, rule
from course.model import Kind, Lesson, Level
from course.splitting.proposing import LONGEST_PREHEADER
from course.splitting.split import LONGEST_SUBJECT

_APART = re.compile(r"[\W_]+")
_FEW = 12
"""Letters; what is shorter may well begin the next line, too."""

_TWO = '[[lesson]]\nkey = "bread"\nsections = ["Bread"]\n'


@rule(
    "subject-missing",
    Level.ERROR,
    "A letter without a subject",
    why="Inboxes show “(no subject)”, and filters count it against the letter.",
    remedy="write one",
    example=Example(manifest='[welcome]\nsubject = ""\n'),
)
def subject_missing(checked: Checked) -> Iterator[Spot]:
    """An empty one, or white space alone."""
    for lesson in checked.course.lessons:
        if not lesson.subject.strip():
            yield checked.about(lesson, "subject", f"{lesson.key} has no subject")


@rule(
    "subject-length",
    Level.WARNING,
    "A subject that is cut everywhere",
    why=f"More than {LONGEST_SUBJECT} columns, which is what a line of a message holds (RFC 5322, "
    "2.1.1) and more than any inbox shows; phones show about 40. An ideograph or an emoji takes "
    "two.",
    remedy=f"shorten it to {LONGEST_SUBJECT} columns, better 40",
    example=Example(
        manifest='[welcome]\nsubject = "Everything that you always wanted to know about bread, '
        'but never found the time to ask a baker"\n'
    ),
)
def subject_length(checked: Checked) -> Iterator[Spot]:
    """Measured as it is displayed."""
    for lesson in checked.course.lessons:
        width = columns_of(lesson.subject)
        if width > LONGEST_SUBJECT:
            message = f"{lesson.key} has a subject of {width} columns"
            yield checked.about(lesson, "subject", message)


@rule(
    "duplicate-subject",
    Level.WARNING,
    "Two letters with one subject",
    why="Mail programs put them into one conversation, and readers take the second for the first.",
    remedy="give each letter a subject of its own",
    example=Example(
        manifest='[welcome]\nsubject = "Bread"\n\n[[lesson]]\nkey = "bread"\nsections = ["Bread"]\n'
        'subject = "Bread"\n'
    ),
)
def duplicate_subject(checked: Checked) -> Iterator[Spot]:
    """Whatever case and punctuation; of lessons, or where the author wrote either."""
    lines = checked.course.manifest_lines
    seen: dict[str, Lesson] = {}
    for lesson in checked.course.lessons:
        words = _bare(lesson.subject)
        twin = seen.get(words, lesson)
        ours = lesson.kind is not Kind.LESSON or twin.kind is not Kind.LESSON
        written = any(lines.get(f"{one.key}.subject") for one in (lesson, twin))
        if words and words in seen and (written or not ours):
            message = f"{lesson.key} has the same subject as {seen[words].key}"
            yield checked.about(lesson, "subject", message)
        seen.setdefault(words, lesson)


@rule(
    "preheader-length",
    Level.WARNING,
    "A preheader that is cut",
    why=f"No inbox shows more than about {LONGEST_PREHEADER} columns behind a subject.",
    remedy=f"shorten it to {LONGEST_PREHEADER} columns; its first 40 are what phones show",
    example=Example(
        manifest='[welcome]\npreheader = "One letter a day for a week, each with a recipe that '
        'needs no more than flour, water, salt, a jar, and something that is warm."\n'
    ),
)
def preheader_length(checked: Checked) -> Iterator[Spot]:
    """Only what the author has written: sentences that we chose are cut by us."""
    for lesson in checked.course.lessons:
        width = columns_of(lesson.preheader)
        if width > LONGEST_PREHEADER and checked.course.manifest_lines.get(
            f"{lesson.key}.preheader"
        ):
            message = f"{lesson.key} has a preheader of {width} columns"
            yield checked.about(lesson, "preheader", message)


@rule(
    "preheader-repeats",
    Level.WARNING,
    "A preheader that says the subject again",
    why="It stands right behind the subject in the inbox, and is the place to say one thing more.",
    remedy="say what the subject does not",
    example=Example(
        manifest='[welcome]\nsubject = "A loaf a week"\npreheader = "A loaf a week!"\n'
    ),
)
def preheader_repeats(checked: Checked) -> Iterator[Spot]:
    """Either is the other's beginning; of what the author wrote, not of what we chose."""
    lines = checked.course.manifest_lines
    for lesson in checked.course.lessons:
        if not any(lines.get(f"{lesson.key}.{key}") for key in ("subject", "preheader")):
            continue
        subject, preheader = _bare(lesson.subject), _bare(lesson.preheader)
        begins = min(subject, preheader, key=len)
        same = subject == preheader or (
            len(begins) >= _FEW and f"{max(subject, preheader, key=len)} ".startswith(f"{begins} ")
        )
        if begins and same:
            message = f"{lesson.key} repeats its subject in the preheader"
            yield checked.about(lesson, "preheader", message)


@rule(
    "prompt-missing",
    Level.INFO,
    "A lesson that asks the general question",
    why="The question at the end decides whether people write back, and one that only this lesson "
    "could ask is answered more.",
    remedy="write a prompt that only the reader can answer",
    example=Example(manifest=_TWO),
)
def prompt_missing(checked: Checked) -> Iterator[Spot]:
    """Of lessons that the manifest names; welcome and finale may ask nothing."""
    lines = checked.course.manifest_lines
    for lesson in checked.course.lessons:
        table = lines.get(f"{lesson.key}.key", 0)
        if lesson.kind is Kind.LESSON and table and not lines.get(f"{lesson.key}.prompt"):
            message = f"{lesson.key} has no prompt of its own"
            yield Spot(table, message, in_manifest=True)


def _bare(text: str) -> str:
    return _APART.sub(" ", text.casefold()).strip()
