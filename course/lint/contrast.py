"""Colours in the author's HTML that cannot be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from course.colour import READABLE, contrast
from course.letters.rawhtml import Tag
from course.lint.css import Colour, colour, declarations, written
from course.lint.rule import Checked, Example, Spot, rule
from course.lint.shown import Element
from course.model import Level

READABLE_LARGE = 3.0
"""The least contrast of large text (WCAG 2.2, 1.4.3, level AA)."""

_LARGE = frozenset({"h1", "h2", "h3"})
_WITHOUT_END = "area base br col embed hr img input link meta source track wbr"
_VOID = frozenset(_WITHOUT_END.split())


@dataclass(frozen=True, slots=True)
class _Look:
    """What an element's text looks like; ``None`` where it cannot be known."""

    name: str
    ink: Colour | None = (0, 0, 0)
    ground: Colour | None = (255, 255, 255)


@rule(
    "low-contrast",
    Level.INFO,
    "Text in a colour that can hardly be read",
    why="Text needs a contrast of 4.5 to 1, large text 3 to 1 (WCAG 2.2, 1.4.3, level AA). Letters "
    "leave out the colours of an article's HTML, since mail programs in the dark treat them as "
    "they like, and can be read all the same; the article's own page cannot.",
    remedy="choose a darker or lighter colour, or none",
    example=Example('<p style="color: #bbb">As pale as flour.</p>\n'),
)
def low_contrast(checked: Checked) -> Iterator[Spot]:
    """Where an element sets the colour of its text, on the nearest background around it."""
    for element, ink, ground, ratio in _coloured(checked.shown.elements):
        least = READABLE_LARGE if _large(element.tag) else READABLE
        if ratio < least:
            yield Spot(
                element.line,
                f"{written(ink)} on {written(ground)} has a contrast of {ratio:.1f} to 1, "
                f"under {least:g}",
            )


def _coloured(elements: list[Element]) -> Iterator[tuple[Element, Colour, Colour, float]]:
    """Yield each element that sets its colour: with that, the colour behind it, their ratio."""
    around: list[_Look] = [_Look("")]
    opened: Counter[str] = Counter()
    for element in elements:
        tag = element.tag
        if not tag.opens:
            while opened[tag.name]:
                left = around.pop().name
                opened[left] -= 1
                if left == tag.name:
                    break
            continue
        look, own = _look(tag, around[-1])
        if own and look.ink and look.ground:
            ratio = contrast(written(look.ink), written(look.ground))
            yield element, look.ink, look.ground, ratio
        if tag.name not in _VOID:
            around.append(look)
            opened[tag.name] += 1


def _look(tag: Tag, around: _Look) -> tuple[_Look, bool]:
    style = declarations(tag.get("style"))
    ink, ground = around.ink, around.ground
    own = "color" in style or bool(tag.get("color"))
    if own:
        ink = colour(style.get("color") or tag.get("color"))
    behind = style.get("background-color") or style.get("background") or tag.get("bgcolor")
    if behind:
        ground = colour(behind)
    return _Look(tag.name, ink, ground), own


def _large(tag: Tag) -> bool:
    return tag.name in _LARGE or "font-size" in tag.get("style").lower()
