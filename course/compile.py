"""From a folder to an edition: read, plan, gather pictures, write letters, check."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from course.article.front_matter import split_lines
from course.article.source import read_source
from course.assets import collect_assets
from course.codec import dump_letter
from course.letters.fragments import heading_ids, targets_by_letter
from course.letters.letter import Draft, write_letter
from course.letters.nudge import write_nudge
from course.letters.passages import passages_of
from course.letters.segments import Marks
from course.lint.rules import arranged, check
from course.model import Asset, Course, Edition, Finding, Letter, Pictures, Schedule, Waiting
from course.pictures import shown_size
from course.plan import plan


@dataclass(frozen=True, slots=True)
class Compiled:
    """Everything that one article made.

    Attributes:
        article, manifest: the texts that it was made from, for who shows their lines.
    """

    course: Course
    edition: Edition
    findings: tuple[Finding, ...]
    article: str = ""
    manifest: str = ""


def compile_course(path: Path, made: MutableMapping[str, Asset] | None = None) -> Compiled:
    """Compile the article, or the folder with a manifest, at ``path``.

    Args:
        path: of either.
        made: pictures that were fitted before, by the SHA-256 of their files; grows.

    Raises:
        SourceError: there is no article, or it cannot be read.
        ManifestError: the manifest asks for what cannot be done.
    """
    source = read_source(path)
    course, findings = plan(source)
    pictures = collect_assets(course, source.folder, made)
    edition = compile_edition(course, pictures)
    text = source.article.decode("utf-8-sig")
    lines = [line.rstrip("\r\n") for line in split_lines(text)]
    findings = (*findings, *check(course, edition, pictures, lines))
    return Compiled(
        course,
        edition,
        arranged(findings, course.ignored),
        article=text,
        manifest=source.manifest or "",
    )


def compile_edition(course: Course, pictures: Pictures) -> Edition:
    """Return the letters of ``course``; equal input makes equal bytes, on any machine."""
    marks = Marks(_source_hash(course))
    base = marks.address("assets_url")
    headings = heading_ids(course)
    draft = Draft(
        course=course,
        marks=marks,
        headings=headings,
        targets=targets_by_letter(course, headings),
        pictures={source: f"{base}/{asset.name}" for source, asset in pictures.found.items()},
        sizes={
            f"{base}/{asset.name}": shown_size(asset.width, asset.height)
            for asset in pictures.found.values()
            if asset.width
        },
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
