"""The style sheets of letters: the colours put in, and of the rules only those a letter needs.

Every byte of a letter is sent to everybody, so a rule whose elements or classes do not occur in
one is left out of it. The sheets in ``templates/email`` hold one rule a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, StrictUndefined

from course.letters.palette import STACKS, Palette
from course.templates import template_root

PLACE = "/*styles*/"
"""What stands in a frame where its style sheet belongs; no author's text has it within a tag."""

_RULE = re.compile(r"([^{}\n]+)\{([^{}\n]+)\}")
_MEDIA = re.compile(r"(@media[^{]+)\{\n(.*?)\n\}", re.DOTALL)
_TIGHT = re.compile(r"\s*([{}:;,>])\s*")
_CLASS = re.compile(r"\.([a-z-]+)")
_TAG = re.compile(r"(?:^|[\s>+])([a-z][a-z0-9]*)")
_CLASSES_USED = re.compile(r'\bclass="([^"]*)"')
_TAGS_USED = re.compile(r"<([a-z][a-z0-9]*)")
_BY_OUTLOOK = (("background", "[data-ogsb]"), ("", "[data-ogsc]"))


@dataclass(frozen=True, slots=True)
class _Selector:
    text: str
    classes: frozenset[str]
    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Rule:
    """One rule; ``around`` is the media query it stands in, empty for none."""

    around: str
    selectors: tuple[_Selector, ...]
    style: str


def styled(html: str, looks: Palette) -> str:
    """Return a letter with the style sheet that it needs, put in at ``PLACE``."""
    return html.replace(f">{PLACE}<", f">{_needed(_rules(looks), html)}<", 1)


@cache
def article_css(looks: Palette) -> str:
    """Return what is inlined into the author's own text."""
    return _sheet("article", looks)


def _needed(rules: tuple[_Rule, ...], html: str) -> str:
    tags = set(_TAGS_USED.findall(html))
    classes = {name for found in _CLASSES_USED.findall(html) for name in found.split()}
    written, around = "", ""
    for rule in rules:
        wanted = [
            each.text for each in rule.selectors if each.classes <= classes and each.tags <= tags
        ]
        if not wanted:
            continue
        if rule.around != around:
            written += "}\n" * bool(around) + (f"{rule.around}{{" if rule.around else "")
            around = rule.around
        written += f"{','.join(wanted)}{{{rule.style}}}\n"
    return written + "}" * bool(around)


@cache
def _rules(looks: Palette) -> tuple[_Rule, ...]:
    """Return the rules by day, by night, and by night for Outlook on the web and on phones.

    Those programs know no ``prefers-color-scheme`` and mark what they have recoloured themselves:
    text by ``data-ogsc``, grounds by ``data-ogsb``.
    """
    day, night = _sheet("day", looks), _sheet("night", looks)
    rules = [*_read(_MEDIA.sub("", day), "")]
    rules += [rule for media in _MEDIA.findall(day) for rule in _read(media[1], media[0])]
    rules += _read(night, "@media (prefers-color-scheme: dark)")
    rules += _read(_for_outlook(night), "")
    return tuple(rules)


def _read(sheet: str, around: str) -> Iterator[_Rule]:
    for selectors, style in _RULE.findall(sheet):
        yield _Rule(
            _TIGHT.sub(r"\1", around).replace("@media(", "@media ("),
            tuple(
                _Selector(
                    _TIGHT.sub(r"\1", each.strip()),
                    frozenset(_CLASS.findall(each)),
                    frozenset(_TAG.findall(each.strip())),
                )
                for each in selectors.split(",")
            ),
            _TIGHT.sub(r"\1", style.strip()).removesuffix(";").replace(" !important", "!important"),
        )


def _for_outlook(night: str) -> str:
    written = []
    for selectors, style in _RULE.findall(night):
        for property_, marked in _BY_OUTLOOK:
            wanted = [
                each
                for each in style.split(";")
                if each.strip() and each.strip().startswith("background") is bool(property_)
            ]
            if wanted:
                named = ", ".join(f"{marked} {each.strip()}" for each in selectors.split(","))
                written.append(f"{named} {{{';'.join(wanted)}}}")
    return "\n".join(written)


def _sheet(name: str, looks: Palette) -> str:
    # A style sheet is no HTML: escaping would change it.
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, autoescape=False)  # noqa: S701
    source = (template_root() / "email" / f"{name}.css").read_text("utf-8")
    return environment.from_string(source).render(
        day=looks.day, night=looks.night, sans=STACKS["sans"]
    )
