"""Blocks that hold several questions, cut into a piece for each: HTML details, rows of a table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from copy import copy
from itertools import pairwise

from markdown_it.token import Token

from course.article.parse import Run
from course.splitting.headings import Purpose, purpose
from course.words import folded, html_text, plain

_DETAILS = re.compile(r"^(?=[ \t]*<details\b)", re.MULTILINE | re.IGNORECASE)
_SUMMARY = re.compile(r"<summary\b[^<>]*>(.*?)</summary\s*>", re.DOTALL | re.IGNORECASE)
_HEAD_LINES = 2
_HEADS = ("q", "question", "frage", "質問", "問")
_QUESTION = re.compile(r"[?？؟]\W*$")


def summary(run: Run) -> str:
    """Return the words of the ``<summary>`` that an HTML run begins with; empty without one."""
    found = _SUMMARY.search(run.tokens[0].content) if run.kind == "html_block" else None
    return " ".join(html_text(found[1]).split()) if found else ""


def details(run: Run, body_line: int) -> tuple[Run, ...]:
    """Cut a run before each ``<details>``; nothing comes back when it is not all made of them.

    Args:
        run: any.
        body_line: the file's line on which the body starts.
    """
    if run.kind != "html_block":
        return ()
    pieces: list[tuple[int, list[Token]]] = []
    for token in run.tokens:
        for line, part, opens in _parted(token):
            if opens:
                pieces.append((body_line + line, []))
            if not pieces:
                return ()
            pieces[-1][1].append(part)
    cut = _runs(run, [line for line, _ in pieces], [tokens for _, tokens in pieces])
    return cut if all(map(summary, cut)) else ()


def _parted(token: Token) -> Iterator[tuple[int, Token, bool]]:
    """Yield the parts of a token, each with its first line and whether it opens a details."""
    first = (token.map or [0])[0]
    if token.type != "html_block":
        yield first, token, False
        return
    text = token.content
    edges = sorted({0, len(text), *(found.start() for found in _DETAILS.finditer(text))})
    for start, end in pairwise(edges):
        part = copy(token)
        part.content = text[start:end]
        line = first + text[:start].count("\n")
        part.map = [line, line + part.content.count("\n")]
        yield line, part, bool(_DETAILS.match(part.content))


def question_rows(run: Run, body_line: int) -> tuple[Run, ...]:
    """Cut a table of questions and answers into its head and its rows.

    A row becomes the question in bold type and a paragraph for each further cell. Nothing comes
    back when the first column does not ask.
    """
    if run.kind != "table":
        return ()
    head, *rows = _cells(run.tokens)
    asks = purpose(plain(head[:1])) is Purpose.QUESTIONS or folded(plain(head[:1])) in _HEADS
    asking = sum(bool(_QUESTION.search(plain(row[:1]))) for row in rows)
    if len(head) < _HEAD_LINES or not rows or not (asks or 2 * asking >= len(rows)):
        return ()
    first = body_line + (run.tokens[0].map or [0])[0]
    lines = [first, *(first + _HEAD_LINES + number for number in range(len(rows)))]
    if first != run.start_line or not all(plain(row) for row in rows) or lines[-1] > run.end_line:
        return ()
    spoken = [_spoken(row, line - body_line) for row, line in zip(rows, lines[1:], strict=True)]
    return _runs(run, lines, [[], *spoken])


def _cells(tokens: Sequence[Token]) -> list[list[Token]]:
    """Return the texts of a table row by row, the head first."""
    rows: list[list[Token]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(token)
    return rows


def _spoken(row: Sequence[Token], line: int) -> list[Token]:
    tokens: list[Token] = []
    for number, cell in enumerate(row):
        if not cell.children:
            continue
        text = copy(cell)
        text.map, text.level = [line, line + 1], 1
        if number == 0:
            strong = Token("strong_open", "strong", 1), Token("strong_close", "strong", -1)
            text.children = [strong[0], *cell.children, strong[1]]
        opening = Token("paragraph_open", "p", 1, map=[line, line + 1], block=True)
        tokens += [opening, text, Token("paragraph_close", "p", -1, block=True)]
    return tokens


def _runs(run: Run, lines: Sequence[int], tokens: Sequence[Sequence[Token]]) -> tuple[Run, ...]:
    """Return the pieces of ``run`` that start in ``lines``, the last to the run's end."""
    edges = [run.start_line, *lines[1:], run.end_line + 1]
    return tuple(
        Run(start, end - 1, tuple(shown))
        for (start, end), shown in zip(pairwise(edges), tokens, strict=True)
    )
