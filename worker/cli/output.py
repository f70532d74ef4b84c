"""How commands answer: JSON alone on standard output, or calm text and tables for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

Command = TypeVar("Command", bound=Callable[..., Any])

PIPE_WIDTH = 10_000
"""Columns where nobody looks at a terminal: a table is cut for no program."""

json_option: Callable[[Command], Command] = click.option(
    "--json", "as_json", is_flag=True, help="Answer in JSON for programs."
)


def answer(value: object) -> object:
    """Return ``value`` as JSON can hold it: records as objects, instants as ISO 8601 in UTC."""
    if is_dataclass(value):
        return {f.name: answer(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, dict):
        return {str(k): answer(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [answer(each) for each in value]
    return value


def print_json(value: object) -> None:
    """Write one answer to standard output."""
    readable = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    click.echo(json.dumps(answer(value), ensure_ascii=not readable, indent=2))


def paper() -> Console:
    """Return standard output for text and tables; colours only on a terminal, never by NO_COLOR."""
    return _console(stderr=False)


def margin() -> Console:
    """Return standard error, for notes and progress beside an answer."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    return console


def say(line: str | Text) -> None:
    """Write a line for a person to standard output, taken literally."""
    paper().print(Text(line) if isinstance(line, str) else line)


def note(line: str | Text) -> None:
    """Write a line for a person to standard error, taken literally."""
    margin().print(Text(line) if isinstance(line, str) else line)


def say_table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """Write a table for a person; cells are taken literally and folded, never cut."""
    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    paper().print(table)


def instant(at: datetime | None) -> str:
    """Return an instant for a table, in UTC to the minute; a dash for none."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}" if at else "–"


def count(number: int, noun: str) -> str:
    """Return ``1 letter``, ``2 letters``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shorten(text: str, width: int) -> str:
    """Return ``text`` in at most ``width`` characters, an ellipsis where it was cut."""
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"
