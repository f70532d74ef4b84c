from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from course.article.parse import Article, parse_article
from course.article.source import Source
from course.errors import ManifestError, SourceError
from course.manifest import read_manifest
from course.model import Block, Course, Kind, Role
from course.propose import propose_manifest
from course.splitting.cut import cut_lessons
from course.splitting.phrases import phrases
from course.splitting.split import split
from course.words import plain
from tests.course.articles import FIXTURES, articles, body_of, shown_words

FIXTURE_FILES = sorted(FIXTURES.glob("*.md"))


def parsed(source: bytes) -> Article:
    try:
        return parse_article(source, "article.md")
    except SourceError as error:
        assume(not any(fault in str(error) for fault in ("empty", "not closed", "not a mapping")))
        raise


def check_blocks(source: bytes, course: Course) -> None:
    lines = body_of(source, course)
    first = course.body_line
    spans = [lines[b.start_line - first : b.end_line - first + 1] for b in course.blocks]
    assert "".join("".join(span) for span in spans) == "".join(lines)
    assert all(spans)
    keys = {lesson.key for lesson in course.lessons}
    for block in course.blocks:
        assert block.reason
        assert (block.letter is None) == (block.role is Role.LEFT_OUT)
        assert block.letter is None or block.letter in keys


def words_of(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text))


def left_out_words(article: Article, blocks: tuple[Block, ...]) -> str:
    starts = {block.start_line for block in blocks if block.letter is None}
    return " ".join(plain(run.tokens) for run in article.runs if run.start_line in starts)


def check_words(article: Article, course: Course) -> None:
    everything = words_of(" ".join(plain(run.tokens) for run in article.runs))
    everything += words_of(" ".join(plain(n.tokens) for n in article.footnotes.values()))
    kept = words_of(shown_words(course)) + words_of(left_out_words(article, course.blocks))
    assert not everything - kept


def check_course(course: Course) -> None:
    kinds = [lesson.kind for lesson in course.lessons]
    assert kinds == [Kind.WELCOME, *[Kind.LESSON] * (len(kinds) - 2), Kind.FINALE]
    assert len(kinds) > 2
    assert [lesson.number for lesson in course.lessons] == list(range(len(kinds)))
    keys = [lesson.key for lesson in course.lessons]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", key) for key in (*keys, course.slug))
    assert all(lesson.title and lesson.subject for lesson in course.lessons)
    assert all(len(lesson.subject) <= 78 for lesson in course.lessons)
    assert all(len(lesson.preheader) <= 110 for lesson in course.lessons)
    if phrases(course.language).prompts:
        assert all(lesson.prompt for lesson in course.lessons if lesson.kind is Kind.LESSON)
    subjects = [lesson.subject for lesson in course.lessons[1:-1]]
    assert len(set(subjects)) == len(subjects)
    assert all(p.tokens for lesson in course.lessons for p in lesson.passages)


@given(articles())
@settings(max_examples=150, deadline=None)
def test_spans_are_the_body_and_no_word_is_lost(source: bytes) -> None:
    article = parsed(source)
    course, _ = split(article, None)
    check_blocks(source, course)
    check_words(article, course)
    check_course(course)


@given(articles())
@settings(max_examples=60, deadline=None)
def test_a_proposed_manifest_splits_the_same(source: bytes) -> None:
    article = parsed(source)
    course, _ = split(article, None)
    text = propose_manifest(Source(source, "article.md", FIXTURES, None, ""))
    again, findings = split(article, read_manifest(text, "course.toml"))
    assert [finding for finding in findings if finding.rule == "unplaced-section"] == []
    assert again.lessons == course.lessons
    assert [(b.start_line, b.end_line, b.letter, b.role) for b in again.blocks] == [
        (b.start_line, b.end_line, b.letter, b.role) for b in course.blocks
    ]


@given(articles())
@settings(max_examples=25, deadline=None)
def test_splitting_is_deterministic(source: bytes) -> None:
    article = parsed(source)
    assert split(article, None) == split(parsed(source), None)


@given(articles(), st.data())
@settings(max_examples=60, deadline=None)
def test_with_any_manifest_nothing_is_lost(source: bytes, data: st.DataObject) -> None:
    article = parsed(source)
    shown = [run for run in article.runs if not run.unseen and not run.footnote]
    titles = sorted({run.title for run in shown if run.level})
    assume(titles)
    named = data.draw(st.lists(st.sampled_from(titles), min_size=1, max_size=6, unique=True))
    tables = ["leave_out", "welcome", "finale", "a", "b", "c"]
    places = [data.draw(st.sampled_from(tables)) for _ in named]
    listed = {t: [n for n, p in zip(named, places, strict=True) if p == t] for t in tables}
    toml = ["[course]", f"leave_out = {quote(listed['leave_out'])}"]
    toml += [f"[{t}]\nsections = {quote(listed[t])}" for t in ("welcome", "finale")]
    toml += [f'[[lesson]]\nkey = "{t}"\nsections = {quote(listed[t])}' for t in "abc" if listed[t]]
    manifest = read_manifest("\n".join(toml), "course.toml")
    try:
        course, _ = split(article, manifest)
    except ManifestError as error:
        assume("nothing is left for a lesson" not in str(error))
        raise
    check_blocks(source, course)
    check_words(article, course)


SPLITS = ['by = "heading"\nlevel = 1', 'by = "heading"\nlevel = 6', 'by = "minutes"\nminutes = 1']


@given(articles(), st.sampled_from(SPLITS))
@settings(max_examples=80, deadline=None)
def test_by_heading_and_by_minutes_nothing_is_lost(source: bytes, how: str) -> None:
    article = parsed(source)
    manifest = read_manifest(f"[split]\n{how}\n", "course.toml")
    try:
        course, _ = split(article, manifest)
    except ManifestError as error:
        assume("starts a lesson" not in str(error))
        raise
    check_blocks(source, course)
    check_words(article, course)
    assert split(parsed(source), manifest)[0] == course


@given(articles())
@settings(max_examples=60, deadline=None)
def test_no_lesson_begins_inside_a_block(source: bytes) -> None:
    article = parsed(source)
    for how in SPLITS[1:]:
        for part in cut_lessons(article.runs, read_manifest(f"[split]\n{how}", "c").split).lessons:
            assert all(run in article.runs for run in part.runs)
            assert sum(token.nesting for run in part.runs for token in run.tokens) == 0


def quote(names: list[str]) -> str:
    return (
        "["
        + ", ".join('"' + n.replace("\\", "\\\\").replace('"', '\\"') + '"' for n in names)
        + "]"
    )


@pytest.mark.parametrize("path", FIXTURE_FILES, ids=lambda path: path.stem)
def test_our_own_articles_are_kept_whole(path: Path) -> None:
    source = path.read_bytes()
    article = parse_article(source, str(path))
    course, _ = split(article, None)
    check_blocks(source, course)
    check_words(article, course)
    check_course(course)
