"""The colours of a letter by day and by night, all derived from the few that an author chooses.

Every pair of text and ground in here has the contrast of ``course.colour.READABLE`` or more.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from course.colour import WHITE, mixed, muted, nearest_readable
from course.model import Brand

SHEET = WHITE
"""What letters are written on by day."""

_NIGHT_PAGE, _NIGHT_SHEET, _NIGHT_INK = "#121517", "#1b1f22", "#e7e4dd"
_NIGHT_CONTRAST = 7.0

_CALLOUTS = {
    "note": "#0a5fc2",
    "tip": "#1a7f37",
    "important": "#7a4fd0",
    "warning": "#9a6700",
    "caution": "#c62828",
}

_SERIF = "Georgia,'Times New Roman',serif"
STACKS = {
    "serif": _SERIF,
    "sans": "-apple-system,'Segoe UI',Helvetica,Arial,sans-serif",
    "mono": "Menlo,Consolas,'Liberation Mono',monospace",
}
"""Stacks of fonts by the names that ``[brand]`` has for them."""

_GENERIC = ("serif", "sans-serif", "monospace", "cursive", "system-ui", "ui-serif", "ui-sans-serif")


@dataclass(frozen=True, slots=True)
class Scheme:
    """The colours of a letter in one light.

    Attributes:
        page: around the sheet; ``aside`` is the text on it.
        sheet: what the letter stands on; ``ink``, ``soft`` and ``accent`` are text on it.
        tint: the cards on the sheet; ``on_tint`` is the accent on it, ``soft_on_tint`` small text.
        on_accent: the words of a button.
        panel: behind code.
        line: rules and the edges of tables.
        ahead: the days of the rail that are still to come.
        marked: behind words that are marked; they are in ``ink``.
        callouts: kind, text and ground of each.
    """

    page: str
    aside: str
    sheet: str
    ink: str
    soft: str
    accent: str
    on_accent: str
    tint: str
    on_tint: str
    soft_on_tint: str
    panel: str
    line: str
    ahead: str
    marked: str
    callouts: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Palette:
    """What letters of one course look like."""

    day: Scheme
    night: Scheme
    fonts: str


@cache
def palette(brand: Brand) -> Palette:
    """Return the colours and fonts of a brand."""
    day = _scheme(brand.background, SHEET, brand.text, brand.accent, marked="#fbe9b7", tint=0.09)
    accent = nearest_readable(
        muted(brand.accent, 0.65), (_NIGHT_SHEET, _NIGHT_PAGE), _NIGHT_CONTRAST
    )
    night = _scheme(_NIGHT_PAGE, _NIGHT_SHEET, _NIGHT_INK, accent, marked="#5c4a17", tint=0.11)
    return Palette(day, night, font_stack(brand.font))


def font_stack(fonts: tuple[str, ...]) -> str:
    """Return the fonts as CSS has them, ended by a generic one; serif where there are none."""
    if not fonts:
        return _SERIF
    if len(fonts) == 1 and fonts[0] in STACKS:
        return STACKS[fonts[0]]
    names = [name if name in _GENERIC else f"'{name}'" for name in fonts]
    return ",".join(names if fonts[-1] in _GENERIC else [*names, "serif"])


def _scheme(page: str, sheet: str, ink: str, accent: str, *, marked: str, tint: float) -> Scheme:
    card, panel = mixed(sheet, accent, tint), mixed(sheet, ink, 0.06)
    callouts = tuple((kind, *_callout(colour, sheet)) for kind, colour in _CALLOUTS.items())
    grounds = (sheet, panel, *(ground for _, _, ground in callouts))
    soft, link = mixed(ink, sheet, 0.3), nearest_readable(accent, grounds)
    return Scheme(
        page=page,
        aside=nearest_readable(soft, (page,)),
        sheet=sheet,
        ink=nearest_readable(ink, (*grounds, card, marked)),
        soft=nearest_readable(soft, grounds),
        accent=link,
        on_accent=nearest_readable(sheet, (link,)),
        tint=card,
        on_tint=nearest_readable(accent, (card,)),
        soft_on_tint=nearest_readable(soft, (card,)),
        panel=panel,
        line=mixed(sheet, ink, 0.16),
        ahead=mixed(sheet, ink, 0.17),
        marked=marked,
        callouts=callouts,
    )


def _callout(colour: str, sheet: str) -> tuple[str, str]:
    ground = mixed(sheet, colour, 0.08 if sheet == SHEET else 0.16)
    return nearest_readable(colour, (ground,)), ground
