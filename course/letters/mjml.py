"""The frame of a letter: MJML laid out once a process, then filled by Jinja for each letter.

MJML sees the template alone. What an author wrote is put in afterwards, escaped by Jinja, or
sanitised before if it is HTML, so nothing of it can upset the parser or leave its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache

from jinja2 import Environment, StrictUndefined, Template
from mjml import mjml2html

from course.letters.text import underlined, wrap
from course.templates import template_root

Context = Mapping[str, object]

_BETWEEN_TAGS = re.compile(r">\s*\n\s*<")
_RUNS = re.compile(r"\n\s+")


def html_frame(context: Context) -> str:
    """Return a letter's HTML.

    Raises:
        jinja2.UndefinedError: the context lacks a name that the template uses.
    """
    return _html_template().render(context)


def text_frame(context: Context) -> str:
    """Return a letter's text, ended by one line break."""
    return _text_template().render(context).strip("\n") + "\n"


@cache
def _html_template() -> Template:
    source = (template_root() / "email" / "letter.mjml").read_text("utf-8")
    html = _RUNS.sub("\n", _BETWEEN_TAGS.sub("><", mjml2html(source, include_loader=_include)))
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(html)


@cache
def _text_template() -> Template:
    # Plain text is not HTML: escaping would change the words.
    environment = Environment(
        autoescape=False,  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., str]] = {"wrap": wrap, "underlined": underlined}
    environment.filters.update(filters)
    source = (template_root() / "email" / "letter.txt").read_text("utf-8")
    return environment.from_string(source)


def _include(path: str) -> str:
    return (template_root() / "email" / path).read_text("utf-8")
