"""Where the article's links and pictures lead once they stand in a letter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from course.splitting.anchors import anchor_name

SCHEMES = frozenset({"http", "https", "mailto", "tel"})
"""What a link in a letter may use."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A target of in-document links that stands in an earlier letter, which can be reopened.

    Attributes:
        address: where that letter is read, and the target's id in it.
        title: the letter's.
        given, end: marks around what is there only when the address is known.
    """

    address: str
    title: str
    given: str
    end: str


@dataclass(frozen=True, slots=True)
class Addresses:
    """Resolves addresses for one letter.

    Attributes:
        site: what root-relative addresses are appended to; may be empty.
        pictures: addresses of the local pictures that were found, by source.
        fragments: ids that stand in this letter, by ``anchor_name``.
        elsewhere: targets that stand in earlier letters, likewise. What stands in a later one has
            not been sent yet and is no target.
        sizes: width and height in CSS pixels of local pictures, by their addresses in letters.
    """

    site: str
    pictures: Mapping[str, str] = field(default_factory=dict)
    fragments: Mapping[str, str] = field(default_factory=dict)
    elsewhere: Mapping[str, Elsewhere] = field(default_factory=dict)
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def link(self, target: str) -> str | None:
        """Return where a link leads, or ``None`` when a reader of the letter cannot get there."""
        target = target.strip()
        if target.startswith("#"):
            found = self.fragments.get(anchor_name(target))
            earlier = self.earlier(target)
            return f"#{quote(found)}" if found else earlier.address if earlier else None
        return absolute(target, self.site, SCHEMES)

    def earlier(self, target: str) -> Elsewhere | None:
        """Return the place in an earlier letter that an in-document link means, if it does."""
        name = anchor_name(target) if target.strip().startswith("#") else ""
        return None if name in self.fragments else self.elsewhere.get(name)

    def picture(self, source: str) -> str | None:
        """Return where a picture is fetched from, or ``None`` when it is missing."""
        found = self.pictures.get(source)
        return found or absolute(source, self.site, frozenset({"http", "https"}))

    def raw(self, address: str) -> str | None:
        """Return an address of the author's HTML, whichever attribute it stands in."""
        return self.pictures.get(address) or self.link(address)


def absolute(address: str, site: str, schemes: frozenset[str]) -> str | None:
    """Return ``address`` with scheme and host, or ``None`` when they cannot be known."""
    address = address.strip()
    scheme = _SCHEME.match(address)
    if scheme:
        return address if scheme[1].lower() in schemes else None
    if address.startswith("//"):
        return f"https:{address}"
    if address.startswith("/") and site:
        return f"{site.rstrip('/')}{address}"
    return None
