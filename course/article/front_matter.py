"""What stands at an article's head: YAML between two ``---`` lines, or TOML between ``+++``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence

import yaml

from course.errors import SourceError

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_KEY = re.compile(r"[\w.-]+:(\s|$)")
_AT_LINE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)")
# What PyYAML raises for input that is not YAML, its own constructors' slips included.
_NOT_YAML = (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, ArithmeticError)


def split_lines(text: str) -> list[str]:
    """Return the lines of ``text`` with their ends, which are LF, CRLF or CR and nothing else."""
    return _LINE.findall(text)


def split_front_matter(lines: Sequence[str], file: str) -> tuple[Mapping[str, object], int]:
    """Return the front matter and the number of lines it takes, its fences included.

    Raises:
        SourceError: it is not closed, cannot be read, or is not a mapping.
    """
    fence = lines[0].rstrip() if lines else ""
    if fence not in _READERS or (fence == "---" and _is_dividing_line(lines)):
        return {}, 0
    ends, read = _READERS[fence]
    for count, line in enumerate(lines[1:], start=2):
        if line.rstrip() in ends:
            text = "".join(one.rstrip("\r\n") + "\n" for one in lines[1 : count - 1])
            return read(text, file), count
    raise SourceError(
        "the front matter is not closed", where=f"{file}:1", remedy=f"end it with a line {fence}"
    )


def _is_dividing_line(lines: Sequence[str]) -> bool:
    """Tell whether the first ``---`` divides: a blank line follows, and nothing like a key."""
    return not "".join(lines[1:2]).strip() and not any(map(_KEY.match, lines[1:20]))


def _toml(text: str, file: str) -> Mapping[str, object]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        found = _AT_LINE.search(str(error))
        line = int(found[1]) + 1 if found and found[1] else text.count("\n") + 1
        raise SourceError(
            f"the front matter is not TOML: {_AT_LINE.sub('', str(error))}",
            where=f"{file}:{line}",
            remedy='write lines such as title = "My article"',
        ) from error


def _yaml(text: str, file: str) -> Mapping[str, object]:
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


_READERS: dict[str, tuple[tuple[str, ...], Callable[[str, str], Mapping[str, object]]]] = {
    "---": (("---", "..."), _yaml),
    "+++": (("+++",), _toml),
}
"""What each fence opens: the lines that may close it, and what reads the lines between."""
