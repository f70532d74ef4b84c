"""Parse an article into runs of whole lines, so that nothing of it can be lost on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

from markdown_it.token import Token

from course.article.elements import whole_elements
from course.article.footnotes import OPEN, lift, reachable
from course.article.front_matter import split_front_matter, split_lines
from course.article.markdown import MAX_NESTING, markdown_parser
from course.errors import SourceError
from course.model import Passage, Role
from course.words import html_shows_something, plain

LINK_DEFINITION = "link definition: its address is used where the text refers to it"
COMMENT = "HTML that shows nothing of its own, such as a comment"
NOTHING = "it shows nothing"
UNUSED_FOOTNOTE = "nothing refers to this footnote"
SECOND_FOOTNOTE = "a footnote with this label was defined before"


@dataclass(frozen=True)
class Run:
    """One top-level block with the blank lines after it: Markdown's, or an HTML element's.

    Attributes:
        start_line: in the file, 1-based, like ``end_line``, which is inclusive.
        tokens: what it shows; token maps count lines of the body.
        unseen: why it shows nothing; empty when it does show something.
        footnote: the label, when the run is a footnote's definition.
    """

    start_line: int
    end_line: int
    tokens: tuple[Token, ...]
    unseen: str = ""
    footnote: str = ""

    @property
    def kind(self) -> str:
        """The type of its first token, ``_open`` taken off."""
        return self.tokens[0].type.removesuffix("_open") if self.tokens else ""

    @cached_property
    def words(self) -> str:
        """Everything it says, on one line."""
        return plain(self.tokens)

    @property
    def title(self) -> str:
        """The words of a heading; empty for everything that is no heading or has no words."""
        return self.words if self.kind == "heading" else ""

    @cached_property
    def level(self) -> int:
        """1 to 6 for a heading with words, else 0."""
        return int(self.tokens[0].tag[1]) if self.title else 0

    def passage(self, role: Role) -> Passage:
        """Return the run as a part of a letter."""
        return Passage(self.start_line, self.end_line, role, self.tokens)


@dataclass(frozen=True, slots=True)
class Article:
    """A parsed article.

    Attributes:
        file: its path as the author named it.
        front_matter: everything that stood in it, keys as text.
        body_line: the file's line on which the body starts.
        runs: every line of the body exactly once, in order.
        footnotes: the definitions that something refers to, by label.
    """

    file: str
    front_matter: Mapping[str, object]
    body_line: int
    runs: tuple[Run, ...]
    footnotes: Mapping[str, Passage]

    @property
    def title(self) -> str:
        """The front matter's title on one line; empty without one."""
        return self.text("title")

    @property
    def excerpt(self) -> str:
        """What the article is about, in the front matter's words; empty without any."""
        return self.text("excerpt", "description", "summary")

    def text(self, *names: str) -> str:
        """Return the first of these front matter values that is text or a number, on one line."""
        for name in names:
            value = self.front_matter.get(name)
            if isinstance(value, str | int | float) and not isinstance(value, bool):
                return " ".join(str(value).split())
        return ""


def parse_article(source: bytes, file: str) -> Article:
    """Parse an article's bytes.

    Args:
        source: valid UTF-8, perhaps with a BOM.
        file: the article's path, for faults.

    Raises:
        SourceError: the front matter is at fault, or nothing in the body shows.
    """
    lines = split_lines(source.decode("utf-8-sig"))
    front_matter, before = split_front_matter(lines, file)
    runs, footnotes = _runs(lines[before:], before)
    if all(run.unseen or run.footnote or run.kind == "hr" for run in runs):
        raise SourceError("the article is empty", where=file, remedy="write some text into it")
    return Article(file, front_matter, before + 1, tuple(runs), footnotes)


def _runs(body: list[str], before: int) -> tuple[list[Run], dict[str, Passage]]:
    """Parse the lines of the body, which start after ``before`` lines of the file."""
    env: dict[str, Any] = {}
    spans = _spans(markdown_parser().parse("".join(body), env), body)
    text, definitions = lift(chain.from_iterable(group for *_, group in spans), lambda _: True)
    notes = {note.label: note for note in reversed(definitions)}
    used = reachable(text, {label: note.tokens for label, note in notes.items()})
    wanted = {id(notes[label].opening) for label in used}
    addresses = _link_lines(env)
    runs: list[Run] = []
    footnotes: dict[str, Passage] = {}
    for start, end, group in spans:
        shown, lifted = lift(group, lambda token: id(token) in wanted)
        for note in lifted:
            first, last = note.opening.map or (start, end)
            footnotes[note.label] = Passage(
                before + first + 1, before + last, Role.BODY, tuple(note.tokens)
            )
        label = str(group[0].meta["label"]) if group and group[0].type == OPEN else ""
        if label:
            unseen = "" if lifted else SECOND_FOOTNOTE if label in used else UNUSED_FOOTNOTE
        elif group:
            unseen = "" if _shows(shown) else COMMENT if group[0].type == "html_block" else NOTHING
        else:
            unseen = LINK_DEFINITION if addresses.intersection(range(start, end)) else NOTHING
        runs.append(Run(before + start + 1, before + end, tuple(shown), unseen, label))
    return runs, footnotes


def _spans(tokens: list[Token], body: list[str]) -> list[tuple[int, int, list[Token]]]:
    """Cut the body before each top-level block, and before lines that made no token.

    Returns:
        Tuples of first line, line after the last (both 0-based in the body) and tokens. The first
        starts at 0, each starts where the one before ends, the last ends with the body.
    """
    starts: list[tuple[int, list[Token]]] = []
    reached = 0
    for group in (*whole_elements(list(_top_level(tokens))), []):
        first, last = _lines_of(group, reached) if group else (len(body), len(body))
        bare = [line for line in range(reached, first) if body[line].strip(" \t\r\n")]
        if bare:
            starts.append((bare[0], []))
        if group and starts and first <= starts[-1][0]:
            starts[-1][1].extend(group)
        elif group:
            starts.append((first, group))
        reached = max(reached, last)
    edges = [0, *(start for start, _ in starts[1:]), len(body)]
    return [
        (first, last, _legible(group, body[first:last]))
        for first, last, (_, group) in zip(edges, edges[1:], starts, strict=False)
    ]


def _lines_of(group: list[Token], reached: int) -> tuple[int, int]:
    maps = [token.map for token in group if token.level == 0 and token.map]
    return (maps[0][0], max(last for _, last in maps)) if maps else (reached, reached)


def _top_level(tokens: list[Token]) -> Iterator[list[Token]]:
    group: list[Token] = []
    for token in tokens:
        group.append(token)
        if token.level == 0 and token.nesting <= 0:
            yield group
            group = []


def _legible(group: list[Token], lines: list[str]) -> list[Token]:
    """Return ``group``, or its own Markdown as code where the parser gave up on its depth."""
    if all(token.level < MAX_NESTING - 1 for token in group):
        return group
    code = Token("code_block", "code", 0, content="\n".join(map(str.rstrip, lines)), block=True)
    code.map = group[0].map
    return [code]


def _link_lines(env: Mapping[str, Any]) -> set[int]:
    definitions = [*env.get("references", {}).values(), *env.get("duplicate_refs", ())]
    return {line for definition in definitions for line in range(*definition["map"])}


def _shows(tokens: Iterable[Token]) -> bool:
    return any(
        token.type in ("hr", "image")
        or (token.type.startswith("html") and html_shows_something(token.content))
        or (token.type != "inline" and bool(plain([token])))
        or _shows(token.children or ())
        for token in tokens
    )
