"""From a folder to an edition: read, plan, gather pictures, write letters, check."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from course.article.source import read_source
from course.assets import collect_assets
from course.codec import dump_letter
from course.letters.fragments import heading_ids
from course.letters.letter import Draft, write_letter
from course.letters.nudge import write_nudge
from course.letters.passages import passages_of
from course.letters.segments import Marks
from course.lint import check
from course.model import Course, Edition, Finding, Letter, Pictures, Schedule, Waiting
from course.plan import plan


@dataclass(frozen=True, slots=True)
class Compiled:
    """Everything that one article made."""

    course: Course
    edition: Edition
    findings: tuple[Finding, ...]


def compile_course(path: Path) -> Compiled:
    """Compile the article, or the folder with a manifest, at ``path``.

    Raises:
        SourceError: there is no article, or it cannot be read.
        ManifestError: the manifest asks for what cannot be done.
    """
    source = read_source(path)
    course, findings = plan(source)
    pictures = collect_assets(course, source.folder)
    edition = compile_edition(course, pictures)
    return Compiled(course, edition, (*findings, *check(course, edition, pictures)))


def compile_edition(course: Course, pictures: Pictures) -> Edition:
    """Return the letters of ``course``; equal input makes equal bytes, on any machine."""
    marks = Marks(_source_hash(course))
    base = marks.address("assets_url")
    draft = Draft(
        course=course,
        marks=marks,
        headings=heading_ids(course),
        pictures={source: f"{base}/{asset.name}" for source, asset in pictures.found.items()},
    )
    letters = tuple(write_letter(lesson, draft) for lesson in course.lessons)
    waits = {
        lesson.key: Waiting(
            lesson.wait_days,
            lesson.nudge_days,
            write_nudge(lesson, draft) if lesson.nudge_days else None,
        )
        for lesson in course.lessons
        if lesson.wait_days
    }
    assets = {asset.name: asset for asset in pictures.found.values()}
    return Edition(
        course=course.slug,
        title=course.title,
        language=course.language,
        sender=course.sender,
        schedule=course.schedule,
        letters=letters,
        blocks=course.blocks,
        renames=tuple(
            (former, lesson.key) for lesson in course.lessons for former in lesson.renamed_from
        ),
        assets=tuple(assets[name] for name in sorted(assets)),
        digest=edition_digest(course, letters, waits),
        waits=waits,
    )


def edition_digest(
    course: Course, letters: tuple[Letter, ...], waits: Mapping[str, Waiting]
) -> str:
    """Return SHA-256 in hex over all that a subscriber could notice, pictures by their names."""
    seen = {
        "course": course.slug,
        "title": course.title,
        "language": course.language,
        "sender": asdict(course.sender) if course.sender else None,
        "schedule": _schedule(course.schedule),
        "letters": [dump_letter(letter) for letter in letters],
        "waits": {
            key: [wait.days, wait.nudge_days, wait.nudge and dump_letter(wait.nudge)]
            for key, wait in waits.items()
        },
    }
    return sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()


def _schedule(schedule: Schedule) -> list[object]:
    gap = schedule.minimum_gap.total_seconds()
    return [schedule.send_at.isoformat(), list(schedule.days), gap, schedule.timezone]


def _source_hash(course: Course) -> str:
    digest = sha256(course.title.encode("utf-8", "replace"))
    for text in _source_texts(course):
        digest.update(text.encode("utf-8", "replace") + b"\0")
    return digest.hexdigest()[:32]


def _source_texts(course: Course) -> Iterator[str]:
    for lesson in course.lessons:
        yield from (lesson.title, lesson.subject, lesson.preheader, lesson.prompt)
        for passage in passages_of(lesson):
            yield from (token.content for token in passage.tokens)
    for passage in course.footnotes.values():
        yield from (token.content for token in passage.tokens)
