"""What a course is called: from the manifest, the front matter, the article."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePath

from course.article.parse import Article
from course.manifest import LANGUAGE, SITE, Manifest
from course.splitting.slugs import slugify

DEFAULT_LANGUAGE = "en"
_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}-?")
_APART = re.compile(r"[-_\s]+")
_SAYS_NOTHING = ("article", "index", "readme", "post", "page", "draft", "content", "")


@dataclass(frozen=True, slots=True)
class Identity:
    """Name, language and home of a course; see ``Course`` for the fields."""

    slug: str
    title: str
    language: str
    site: str


def identify(
    article: Article, manifest: Manifest | None, headline: str, first_lesson: str
) -> Identity:
    """Return what the course is called.

    Args:
        article: its front matter is asked after the manifest, its file's name after ``headline``.
        manifest: the author's choices.
        headline: the document's title; empty without one.
        first_lesson: the first lesson's title, to fall back on.
    """
    course = manifest.course if manifest else None
    title = (
        (course and course.title) or article.title or headline or _named(article) or first_lesson
    )
    language = language_of(article, manifest)
    site = article.text("site")
    return Identity(
        slug=(course and course.slug)
        or slugify(article.text("slug"))
        or slugify(title, language)
        or slugify(_named(article), language)
        or f"course-{sha256(title.encode()).hexdigest()[:8]}",
        title=title,
        language=language,
        site=(course and course.site) or (site if SITE.fullmatch(site) else ""),
    )


def language_of(article: Article, manifest: Manifest | None) -> str:
    """Return the BCP 47 tag of the course: the manifest's, the front matter's, or English."""
    if manifest and manifest.course.language:
        return manifest.course.language
    said = article.text("language", "lang", "locale").replace("_", "-")
    return said if LANGUAGE.fullmatch(said) else DEFAULT_LANGUAGE


def _named(article: Article) -> str:
    """Return what the article's file is called, in words; empty when that says nothing."""
    words = " ".join(
        _DATE.sub("", PurePath(article.file).stem).replace("_", "-").split("-")
    ).strip()
    return "" if words.casefold() in _SAYS_NOTHING else words[:1].upper() + words[1:]
