"""The ``style`` attributes of the author's HTML: declarations, and the colours among them."""

from __future__ import annotations

import re

Colour = tuple[int, int, int]
"""Red, green and blue, each 0 to 255."""

_NAMES = {
    "aqua": "#00ffff", "black": "#000000", "blue": "#0000ff", "brown": "#a52a2a",
    "crimson": "#dc143c", "cyan": "#00ffff", "darkblue": "#00008b", "darkgray": "#a9a9a9",
    "darkgreen": "#006400", "darkgrey": "#a9a9a9", "darkorange": "#ff8c00", "darkred": "#8b0000",
    "dimgray": "#696969", "dimgrey": "#696969", "fuchsia": "#ff00ff", "gold": "#ffd700",
    "gray": "#808080", "green": "#008000", "grey": "#808080", "lightblue": "#add8e6",
    "lightgray": "#d3d3d3", "lightgreen": "#90ee90", "lightgrey": "#d3d3d3",
    "lightyellow": "#ffffe0", "lime": "#00ff00", "magenta": "#ff00ff", "maroon": "#800000",
    "navy": "#000080", "olive": "#808000", "orange": "#ffa500", "pink": "#ffc0cb",
    "purple": "#800080", "red": "#ff0000", "silver": "#c0c0c0", "teal": "#008080",
    "tomato": "#ff6347", "violet": "#ee82ee", "white": "#ffffff", "yellow": "#ffff00",
}  # fmt: skip
"""The names that people use; of a colour by another name nothing is said."""

_HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})")
_RGB = re.compile(r"rgb\(\s*(\d{1,3})\s*[, ]\s*(\d{1,3})\s*[, ]\s*(\d{1,3})\s*\)")
_IMPORTANT = "!important"


def declarations(style: str) -> dict[str, str]:
    """Return the values of a ``style`` attribute by property, both in lower case."""
    found: dict[str, str] = {}
    for part in style.split(";"):
        name, colon, value = part.partition(":")
        if colon and name.strip():
            found[name.strip().lower()] = value.strip().lower().removesuffix(_IMPORTANT).strip()
    return found


def colour(value: str) -> Colour | None:
    """Return an opaque colour; ``None`` for everything else, such as a gradient."""
    value = _NAMES.get(value.strip().lower(), value.strip().lower())
    found = _HEX.fullmatch(value)
    if found:
        digits = found[1] if len(found[1]) == 6 else "".join(digit * 2 for digit in found[1])
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
    parts = _RGB.fullmatch(value)
    if not parts:
        return None
    red, green, blue = (min(255, int(part)) for part in parts.groups())
    return red, green, blue


def written(value: Colour) -> str:
    """Return a colour as ``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*value)
