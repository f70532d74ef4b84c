"""The table ``[brand]``: a few choices of looks, refused where nobody could read the letters."""

from __future__ import annotations

import re
from dataclasses import dataclass

from course.colour import READABLE, WHITE, contrast, nearest_readable, parse_colour
from course.model import Brand
from course.toml import Table

FONTS = ("serif", "sans", "mono")
"""Names of stacks that most machines have."""

_FAMILY = re.compile(r"[^\W_](?:[\w .-]{0,60}[\w.])?")
_USUAL = Brand()


@dataclass(frozen=True, slots=True)
class _Use:
    """What a colour is for, and whether text of it is written on the white sheet."""

    key: str
    usual: str
    written: bool


_COLOURS = (
    _Use("accent", _USUAL.accent, written=True),
    _Use("background", _USUAL.background, written=False),
    _Use("text", _USUAL.text, written=True),
)


def read_brand(table: Table) -> Brand:
    """Return the looks that an author chose; what is refused is remembered as a fault.

    Letters stand on white by day, so ``accent`` and ``text`` need the contrast of WCAG 2.2, 1.4.3
    on it; the fault names the nearest colour that has it. All else is derived.
    """
    accent, background, text = (_colour(table, use) for use in _COLOURS)
    logo, alt = table.text("logo"), table.text("logo_alt")
    if logo.value and not alt.value:
        table.fault(
            "bad-value",
            logo.line,
            "logo without logo_alt: where pictures are off, nothing stands there",
            'add logo_alt = "the name that the logo shows"',
        )
    if "://" in logo.value or logo.value.startswith(("/", "data:")):
        table.fault(
            "bad-value",
            logo.line,
            f'logo cannot be "{logo.value}"',
            "put the picture beside the article and write its path",
        )
    brand = Brand(
        accent=accent,
        background=background,
        text=text,
        logo=logo.value,
        logo_alt=" ".join(alt.value.split()),
        font=_fonts(table),
    )
    table.close()
    return brand


def _colour(table: Table, use: _Use) -> str:
    text = table.text(use.key)
    if not text.value:
        return use.usual
    colour = parse_colour(text.value)
    if colour is None:
        message = f'{use.key} cannot be "{text.value}"'
        table.fault("bad-value", text.line, message, f'write a colour such as "{use.usual}"')
        return use.usual
    ratio = contrast(colour, WHITE)
    if use.written and ratio < READABLE:
        message = (
            f"{use.key} {text.value} has a contrast of {_below(ratio)} on white; "
            f"text needs {READABLE}"
        )
        nearest = nearest_readable(colour, (WHITE,))
        table.fault("brand-contrast", text.line, message, f'the nearest that has it is "{nearest}"')
    return colour


def _below(ratio: float) -> str:
    """Return a ratio that is too low, cut to a digit so that it does not look like enough."""
    return f"{int(ratio * 10) / 10}"


def _fonts(table: Table) -> tuple[str, ...]:
    names = table.texts("font")
    for name in names:
        if not _FAMILY.fullmatch(name.value):
            table.fault(
                "bad-value",
                name.line,
                f'font cannot be "{name.value}"',
                f'write "{FONTS[0]}", "{FONTS[1]}" or names such as ["Charter", "Georgia"]',
            )
    return tuple(name.value for name in names)
