"""The YAML between two ``---`` lines at an article's head."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import yaml

from course.errors import SourceError

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_KEY = re.compile(r"[\w.-]+:(\s|$)")
# What PyYAML raises for input that is not YAML, its own constructors' slips included.
_NOT_YAML = (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, ArithmeticError)


def split_lines(text: str) -> list[str]:
    """Return the lines of ``text`` with their ends, which are LF, CRLF or CR and nothing else."""
    return _LINE.findall(text)


def split_front_matter(lines: Sequence[str], file: str) -> tuple[Mapping[str, object], int]:
    """Return the front matter and the number of lines it takes, its fences included.

    Raises:
        SourceError: it is not closed, not YAML, or not a mapping.
    """
    if not lines or lines[0].rstrip() != "---" or _is_dividing_line(lines):
        return {}, 0
    for count, line in enumerate(lines[1:], start=2):
        if line.rstrip() in ("---", "..."):
            text = "".join(one.rstrip("\r\n") + "\n" for one in lines[1 : count - 1])
            return _mapping(text, file), count
    raise SourceError(
        "the front matter is not closed", where=f"{file}:1", remedy="end it with a line ---"
    )


def _is_dividing_line(lines: Sequence[str]) -> bool:
    """Tell whether the first ``---`` divides: a blank line follows, and nothing like a key."""
    return not "".join(lines[1:2]).strip() and not any(map(_KEY.match, lines[1:20]))


def _mapping(text: str, file: str) -> Mapping[str, object]:
    try:
        values = yaml.safe_load(text)
    except RecursionError as error:
        raise SourceError(
            "the front matter is nested too deeply", where=f"{file}:2", remedy="write it flat"
        ) from error
    except _NOT_YAML as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise SourceError(
            f"the front matter is not YAML: {problem}",
            where=f"{file}:{mark.line + 2 if mark else 2}",
            remedy="put values with special characters in quotes",
        ) from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise SourceError(
            "the front matter is not a mapping",
            where=f"{file}:2",
            remedy="write lines such as title: My article",
        )
    return {str(key): value for key, value in values.items()}
