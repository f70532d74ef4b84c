"""The frames of mail: MJML laid out once a process, then filled by Jinja for each letter.

MJML sees the template alone. What an author wrote is put in afterwards, escaped by Jinja, or
sanitised before if it is HTML, so nothing of it can upset the parser or leave its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup
from mjml import mjml2html

from course.letters.palette import STACKS, Palette
from course.letters.styles import PLACE, styled
from course.letters.wrapping import underlined, wrap
from course.templates import template_root

Context = Mapping[str, object]

_BETWEEN_TAGS = re.compile(r">\s*\n\s*<")
_SANS = f"font-family:{STACKS['sans']};font-size:14px;line-height:21px"
_INCLUDE = re.compile(r'<mj-include path="([^"]+)" />')
_RUNS = re.compile(r"\n\s+")


def html_frame(frame: str, context: Context, looks: Palette) -> str:
    """Return the HTML of a mail whose frame is ``templates/email/{frame}.mjml``.

    Raises:
        jinja2.UndefinedError: the context lacks a name that the template uses.
    """
    return styled(_html_template(frame).render(_all(context, looks)), looks)


def mjml_source(frame: str, context: Context, looks: Palette) -> str:
    """Return the same mail as MJML: for checks by, and comparisons with, other makers of it.

    What it is laid out to may differ from ``html_frame`` in white space, and in nothing else.
    """
    source = _INCLUDE.sub(lambda found: _read(found[1]), _read(f"{frame}.mjml"))
    return styled(_environment().from_string(source).render(_all(context, looks)), looks)


def _all(context: Context, looks: Palette) -> dict[str, object]:
    return {
        **context,
        "day_colours": looks.day,
        "fonts": Markup(looks.fonts),  # noqa: S704 - the manifest takes names of fonts only
        "sans_style": Markup(_SANS),  # noqa: S704 - our own
        "styles": PLACE,
    }


def text_frame(frame: str, context: Context) -> str:
    """Return the text of a mail, ended by one line break; its frame is ``{frame}.txt``."""
    return _text_template(frame).render(context).strip("\n") + "\n"


@cache
def _html_template(frame: str) -> Template:
    html = mjml2html(_read(f"{frame}.mjml"), include_loader=_read)
    return _environment().from_string(_RUNS.sub("\n", _BETWEEN_TAGS.sub("><", html)))


def _environment() -> Environment:
    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)


@cache
def _text_template(frame: str) -> Template:
    # Plain text is not HTML: escaping would change the words.
    environment = Environment(
        autoescape=False,  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., str]] = {"wrap": wrap, "underlined": underlined}
    environment.filters.update(filters)
    return environment.from_string(_read(f"{frame}.txt"))


def _read(path: str) -> str:
    return (template_root() / "email" / path).read_text("utf-8")
