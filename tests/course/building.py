"""Courses built by hand from Markdown, so that letters are tested without the splitter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from markdown_it.token import Token

from course.article.footnotes import lift
from course.article.markdown import markdown_parser
from course.model import Block, Course, Kind, Lesson, Passage, Role, Schedule, Sender

SENDER = Sender("Nora Field", "nora@letters.example", "Field Notes\n1 Mill Lane, Ely")
FIRST_LINE = 5


def course_of(
    *lessons: str,
    sender: Sender | None = SENDER,
    title: str = "Learning to see",
    language: str = "en",
    site: str = "",
    prompts: Sequence[str] = (),
    subjects: Mapping[str, str] | None = None,
    takeaways: str = "",
    questions: str = "",
) -> Course:
    """Return a course whose first text is the welcome, whose last is the finale."""
    texts = [*lessons, takeaways, questions]
    whole, starts = "", []
    for text in texts:
        starts.append(whole.count("\n"))
        whole += text.rstrip("\n") + "\n\n"
    tokens, notes = lift(markdown_parser().parse(whole), lambda _: True)
    starts.append(whole.count("\n"))
    parts = [
        [group for group in _blocks(tokens) if first <= _line(group) < last]
        for first, last in pairwise(starts)
    ]
    made = tuple(
        _lesson(number, len(lessons), part, prompts, subjects or {})
        for number, part in enumerate(parts[: len(lessons)])
    )
    if takeaways or questions:
        first = made[1]
        made = (
            made[0],
            Lesson(
                **{
                    **{name: getattr(first, name) for name in first.__slots__},
                    "takeaways": tuple(_passage(group, Role.TAKEAWAY) for group in parts[-2]),
                    "questions": _entries(parts[-1]),
                }
            ),
            *made[2:],
        )
    return Course(
        slug="learning-to-see",
        title=title,
        language=language,
        site=site,
        lessons=made,
        blocks=(Block(FIRST_LINE, FIRST_LINE + whole.count("\n"), "welcome", Role.BODY, "test"),),
        footnotes={note.label: _passage(note.tokens, Role.BODY) for note in notes},
        takeaways_title="In short" if takeaways else "",
        questions_title="Asked often" if questions else "",
        sender=sender,
        schedule=Schedule(),
        article_file="article.md",
        manifest_file="course.toml" if sender else "",
        body_line=FIRST_LINE,
    )


def _lesson(
    number: int,
    count: int,
    blocks: list[list[Token]],
    prompts: Sequence[str],
    subjects: Mapping[str, str],
) -> Lesson:
    kind = Kind.WELCOME if number == 0 else Kind.FINALE if number == count - 1 else Kind.LESSON
    key = kind.value if kind is not Kind.LESSON else f"lesson-{number}"
    heading = None
    if blocks and blocks[0][0].type == "heading_open":
        heading, blocks = _passage(blocks[0], Role.BODY), blocks[1:]
    title = heading.tokens[1].content if heading else key.title()
    return Lesson(
        key=key,
        kind=kind,
        number=number,
        title=title,
        heading=heading,
        subject=subjects.get(key, title),
        preheader=f"About {title}",
        prompt=prompts[number] if number < len(prompts) else "",
        passages=tuple(_passage(block, Role.BODY) for block in blocks),
    )


def _entries(blocks: list[list[Token]]) -> tuple[Passage, ...]:
    entries: list[list[Token]] = []
    for block in blocks:
        if block[0].type == "heading_open":
            entries.append([])
        entries[-1].extend(block)
    return tuple(_passage(entry, Role.FAQ) for entry in entries)


def _passage(tokens: Sequence[Token], role: Role) -> Passage:
    maps = [token.map for token in tokens if token.map]
    first = min((at[0] for at in maps), default=0)
    last = max((at[1] for at in maps), default=1)
    return Passage(FIRST_LINE + first, FIRST_LINE + last - 1, role, tuple(tokens))


def _blocks(tokens: Sequence[Token]) -> list[list[Token]]:
    groups: list[list[Token]] = []
    depth = 0
    for token in tokens:
        if depth == 0:
            groups.append([])
        groups[-1].append(token)
        depth += token.nesting
    return groups


def _line(group: Sequence[Token]) -> int:
    return group[0].map[0] if group[0].map else 0
