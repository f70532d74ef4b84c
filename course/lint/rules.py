"""The list of all rules, in the order of the documentation, and what applies them to a course."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from difflib import get_close_matches

from course.lint.clients import unsupported_css, unsupported_html
from course.lint.contrast import low_contrast
from course.lint.elsewhere import ELSEWHERE
from course.lint.links import broken_link, insecure_link, short_link, tracking_link
from course.lint.pictures import missing_alt, missing_image, picture_format
from course.lint.placeholders import placeholder
from course.lint.rule import Checked, Example, Rule, Spot, rule
from course.lint.sender import freemail_sender, sender_missing
from course.lint.size import lesson_length, letter_size
from course.lint.spam import (
    fake_reply,
    image_only,
    misleading_link,
    repeated_marks,
    shouting_subject,
)
from course.lint.structure import heading_skipped
from course.lint.subjects import (
    duplicate_subject,
    preheader_length,
    preheader_repeats,
    prompt_missing,
    subject_length,
    subject_missing,
)
from course.model import Course, Edition, Finding, Level, Pictures


@rule(
    "unknown-rule",
    Level.ERROR,
    "A rule to be ignored that does not exist",
    why="A misspelt id would ignore nothing, in silence.",
    remedy="`lettercourse check --rules` lists them",
    example=Example(manifest='[check]\nignore = ["missing-atl"]\n'),
)
def unknown_rule(checked: Checked) -> Iterator[Spot]:
    """In ``[check] ignore`` of the manifest."""
    for name, line in checked.course.ignored.items():
        if name not in IDS:
            message = f'there is no rule "{name}"'
            yield Spot(line, message, remedy=nearest(name), in_manifest=True)


RULES: tuple[Rule, ...] = (
    broken_link,
    insecure_link,
    tracking_link,
    short_link,
    missing_image,
    missing_alt,
    picture_format,
    subject_missing,
    subject_length,
    duplicate_subject,
    preheader_length,
    preheader_repeats,
    prompt_missing,
    letter_size,
    lesson_length,
    heading_skipped,
    unsupported_html,
    unsupported_css,
    low_contrast,
    misleading_link,
    image_only,
    shouting_subject,
    repeated_marks,
    fake_reply,
    placeholder,
    sender_missing,
    freemail_sender,
    unknown_rule,
    *ELSEWHERE,
)

IDS = {each.id: number for number, each in enumerate(RULES)}
"""The place of each rule in the list, by its id."""


def check(
    course: Course, edition: Edition, pictures: Pictures, lines: Sequence[str] = ()
) -> tuple[Finding, ...]:
    """Apply every rule to a compiled course; without ``lines``, not to its front matter."""
    checked = Checked(course, edition, pictures, lines)
    return tuple(finding for each in RULES for finding in each.findings(checked))


def arranged(findings: Iterable[Finding], ignored: Collection[str] = ()) -> tuple[Finding, ...]:
    """Return findings by file and line, each once; an error is never ignored."""
    kept = (
        finding
        for finding in dict.fromkeys(findings)
        if finding.rule not in ignored or finding.level is Level.ERROR
    )
    return tuple(
        sorted(kept, key=lambda found: (found.file, found.line, IDS.get(found.rule, len(IDS))))
    )


def nearest(name: str) -> str:
    """Return what somebody may have meant by the id of a rule that does not exist."""
    near = get_close_matches(name, IDS, n=1)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(IDS)}"
