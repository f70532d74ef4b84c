"""Take the items of a list of takeaways, and the questions of a FAQ, apart."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

from markdown_it.token import Token

from course.article.parse import Run
from course.splitting.pieces import details, question_rows, summary
from course.words import plain

_LISTS = ("bullet_list", "ordered_list")
_QUESTION_MARK = re.compile(r"[?？؟;][\"'”’»)」』]*$")
_LABEL = re.compile(r"(?:q|question|frage|f|p|問)\s*\d*\s*[:.：)]\s*\S", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One takeaway, or one question with its answer: what is routed as a whole.

    Attributes:
        question: the words that name it: a question, or all of a takeaway.
        answer: the other words; empty for a takeaway.
        pieces: the runs it is made of; parts of a list are runs of their own.
    """

    question: str
    answer: str
    pieces: tuple[Run, ...]

    @property
    def tokens(self) -> tuple[Token, ...]:
        """What it shows."""
        return tuple(token for piece in self.pieces for token in piece.tokens)


@dataclass(frozen=True, slots=True)
class Entries:
    """A section taken apart.

    Attributes:
        entries: at least one.
        others: runs of the section that belong to no entry, its heading not among them.
        heads: the first lines of tables whose rows became entries; they say nothing on their own.
    """

    entries: tuple[Entry, ...]
    others: tuple[Run, ...]
    heads: tuple[Run, ...] = ()


def list_items(run: Run, body_line: int) -> tuple[Run, ...]:
    """Cut a list before each of its items.

    Args:
        run: any run.
        body_line: the file's line on which the body starts.

    Returns:
        One run an item, whose tokens are the item's content; nothing when ``run`` is no list.
    """
    if run.kind not in _LISTS:
        return ()
    items = list(_items(run.tokens))
    starts = [body_line + (item[0].map or (0,))[0] for item in items]
    edges = [run.start_line, *starts[1:], run.end_line + 1]
    if any(start >= end for start, end in pairwise(edges)):
        return ()
    return tuple(
        Run(start, end - 1, tuple(item[1:-1]))
        for item, start, end in zip(items, edges, edges[1:], strict=False)
    )


def _items(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    level = tokens[0].level + 1
    item: list[Token] = []
    for token in tokens[1:-1]:
        item.append(token)
        if token.level == level and token.type == "list_item_close":
            yield item
            item = []


def takeaways(section: Sequence[Run], body_line: int) -> Entries | None:
    """Take a section apart whose lists are takeaways; ``None`` when it has no list."""
    entries: list[Entry] = []
    others: list[Run] = []
    for run in section[1:]:
        items = [item for item in list_items(run, body_line) if item.words]
        if items and items[0].start_line == run.start_line and len(items) == _count(run):
            entries += (Entry(item.words, "", (item,)) for item in items)
        else:
            others.append(run)
    return Entries(tuple(entries), tuple(others)) if entries else None


def _count(run: Run) -> int:
    return sum(1 for _ in _items(run.tokens))


def questions(section: Sequence[Run], body_line: int) -> Entries | None:
    """Take a FAQ apart.

    By sub-headings, ``<details>`` or the rows of a table, else by bold or labelled questions, else
    by list items.
    """
    runs = list(section[1:])
    folded = {run.start_line: details(run, body_line) for run in runs}
    if any(folded.values()):
        parted = [piece for run in runs for piece in folded[run.start_line] or (run,)]
        starts = {piece.start_line for pieces in folded.values() for piece in pieces}
        return _alone(parted, starts)
    rows = {run.start_line: question_rows(run, body_line) for run in runs}
    if any(rows.values()):
        parted = [piece for run in runs for piece in rows[run.start_line] or (run,)]
        heads = {pieces[0].start_line for pieces in rows.values() if pieces}
        starts = {piece.start_line for pieces in rows.values() for piece in pieces[1:]}
        found = _alone([run for run in parted if run.start_line not in heads], starts)
        return replace(found, heads=tuple(run for run in parted if run.start_line in heads))
    levels = [run.level for run in runs if run.level]
    if levels:
        asking = Counter(run.level for run in runs if _QUESTION_MARK.search(run.title))
        level = asking.most_common(1)[0][0] if asking else min(levels)
        return _from(runs, lambda run: run.level == level, lambda run: 0 < run.level < level)
    if any(_asks(run) for run in runs):
        return _from(runs, _asks)
    for index, run in enumerate(runs):
        items = list_items(run, body_line)
        if items and all(_asks(item) or "?" in item.words for item in items):
            starts = {item.start_line for item in items}
            parted = [*runs[:index], *items, *runs[index + 1 :]]
            return _from(parted, partial(_starts_in, starts))
    return None


def _alone(runs: Sequence[Run], starts: Container[int]) -> Entries:
    """Make an entry of each run that starts in one of these lines."""
    return Entries(
        tuple(_entry([run]) for run in runs if run.start_line in starts),
        tuple(run for run in runs if run.start_line not in starts),
    )


def _starts_in(lines: set[int], run: Run) -> bool:
    return run.start_line in lines


def _never(_: Run) -> bool:
    return False


def _from(
    runs: Sequence[Run], starts: Callable[[Run], bool], ends: Callable[[Run], bool] = _never
) -> Entries:
    groups: list[list[Run]] = []
    others: list[Run] = []
    current = others
    for run in runs:
        if starts(run):
            current = []
            groups.append(current)
        elif ends(run):
            current = others
        current.append(run)
    return Entries(tuple(_entry(group) for group in groups), tuple(others))


def _entry(pieces: Sequence[Run]) -> Entry:
    first, *rest = pieces
    question = first.title or summary(first) or _bold(first) or first.words
    words = first.words.removeprefix(question)
    answer = " ".join([words.strip(), *(run.words for run in rest)])
    return Entry(question, answer, tuple(pieces))


def asks(words: str) -> bool:
    """Tell whether words end like a question."""
    return bool(_QUESTION_MARK.search(words))


def _asks(run: Run) -> bool:
    """Tell whether a paragraph is a question: bold from its start, or labelled "Q:"."""
    if not run.tokens or run.kind != "paragraph":
        return False
    words = run.words
    bold = _bold(run)
    return bool((bold and (bold == words or _QUESTION_MARK.search(bold))) or _LABEL.match(words))


def _bold(run: Run) -> str:
    """Return the words in bold type that a run starts with; empty when it starts otherwise."""
    inline = run.tokens[1].children if len(run.tokens) > 1 else None
    children = [token for token in inline or () if token.type != "text" or token.content]
    if not children or children[0].type != "strong_open":
        return ""
    close = next(i for i, token in enumerate(children) if token.type == "strong_close")
    return plain(children[:close])
