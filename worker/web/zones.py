"""Time zones as people choose them: by region, then by place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import groupby

from worker.schedule import zone_names

Regions = Sequence[tuple[str, Sequence[tuple[str, str]]]]
"""Regions by their names, each with pairs of IANA name and what people read."""


def regions(_: Callable[[str], str]) -> Regions:
    """Return every place on earth that keeps a time of its own, by region.

    Args:
        _: fetches a phrase in the page's language.
    """
    names = {
        "Africa": _("Africa"),
        "America": _("America"),
        "Antarctica": _("Antarctica"),
        "Arctic": _("Arctic"),
        "Asia": _("Asia"),
        "Atlantic": _("Atlantic"),
        "Australia": _("Australia"),
        "Europe": _("Europe"),
        "Indian": _("Indian Ocean"),
        "Pacific": _("Pacific"),
    }
    return [(names[region], zones) for region, zones in _places() if region in names]


@cache
def _places() -> Regions:
    placed = sorted(name for name in zone_names() if "/" in name)
    return tuple(
        (region, tuple((name, name.partition("/")[2].replace("_", " ")) for name in zones))
        for region, zones in groupby(placed, lambda name: name.partition("/")[0])
    )
