"""From what an author wrote to the letters it will become."""

from __future__ import annotations

from dataclasses import replace

from course.article.parse import parse_article
from course.article.source import Source
from course.manifest import read_manifest
from course.model import Course, Finding
from course.splitting.split import split


def plan(source: Source) -> tuple[Course, tuple[Finding, ...]]:
    """Parse and split ``source``.

    Returns:
        The course, and what was found on the way: ``unknown-key`` in the manifest,
        ``unplaced-section``, ``unreferenced-footnote`` and ``points-elsewhere`` while splitting.

    Raises:
        SourceError: the article is at fault.
        ManifestError: the manifest is, or it names what the article does not have.
    """
    article = parse_article(source.article, source.article_file)
    manifest = (
        None if source.manifest is None else read_manifest(source.manifest, source.manifest_file)
    )
    course, findings = split(article, manifest)
    if manifest is None:
        return course, findings
    return replace(course, brand=manifest.brand), (*manifest.findings, *findings)
