"""Colours as numbers: how far two of them stand apart, and the nearest that can be read.

The arithmetic is that of WCAG 2.2: relative luminance and contrast ratio, and 4.5 to 1 as what
success criterion 1.4.3 asks of text (https://www.w3.org/TR/WCAG22/#contrast-minimum).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from colorsys import hls_to_rgb, rgb_to_hls

READABLE = 4.5
"""The least contrast of text on what it stands on, level AA."""

WHITE, BLACK = "#ffffff", "#000000"

_HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
_STEPS = 512


def parse_colour(text: str) -> str | None:
    """Return ``#rrggbb`` for ``#rgb`` or ``#rrggbb`` in any case; ``None`` for anything else."""
    found = _HEX.fullmatch(text)
    if not found:
        return None
    digits = found[1].lower()
    return "#" + (digits if len(digits) == 6 else "".join(digit * 2 for digit in digits))


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#rrggbb``, from 0 for black to 1 for white."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in _parts(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, from 1 to 21, whichever comes first."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def readable(colour: str, grounds: Iterable[str], ratio: float = READABLE) -> bool:
    """Tell whether text of ``colour`` can be read on each of ``grounds``."""
    return all(contrast(colour, ground) >= ratio for ground in grounds)


def nearest_readable(colour: str, grounds: Sequence[str], ratio: float = READABLE) -> str:
    """Return the colour of the same hue, nearest in lightness, that can be read on all ``grounds``.

    Where there is none, black or white, whichever can be read better: on one ground either has at
    least 4.58 to 1.
    """
    if readable(colour, grounds, ratio):
        return colour
    hue, lightness, saturation = rgb_to_hls(*_parts(colour))
    for step in range(1, _STEPS + 1):
        for towards in (lightness - step / _STEPS, lightness + step / _STEPS):
            if 0 <= towards <= 1:
                found = _written(hls_to_rgb(hue, towards, saturation))
                if readable(found, grounds, ratio):
                    return found
    return max(BLACK, WHITE, key=lambda end: min(contrast(end, ground) for ground in grounds))


def mixed(colour: str, other: str, share: float) -> str:
    """Return ``colour`` with so much of ``other`` in it, from 0 to 1."""
    pairs = zip(_parts(colour), _parts(other), strict=True)
    return _written([one + (two - one) * share for one, two in pairs])


def muted(colour: str, share: float) -> str:
    """Return ``colour`` with that share of its saturation."""
    hue, lightness, saturation = rgb_to_hls(*_parts(colour))
    return _written(hls_to_rgb(hue, lightness, saturation * share))


def _parts(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _written(parts: Iterable[float]) -> str:
    return "#" + "".join(f"{round(min(max(part, 0), 1) * 255):02x}" for part in parts)
