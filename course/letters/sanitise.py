"""What HTML may stand in a letter: an allow-list, applied to everything an author can write."""

from __future__ import annotations

import re
from html import escape, unescape

import nh3

from course.article.callouts import KINDS
from course.letters.addresses import SCHEMES, Addresses
from course.letters.grids import Grid
from course.letters.rawhtml import SILENT

_ALLOWED = (
    "a abbr b blockquote br caption cite code dd del details div dl dt em figcaption figure "
    "h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp section small span strong "
    "sub summary sup table tbody td tfoot th thead tr u ul var"
)
TAGS = frozenset(_ALLOWED.split())
"""Elements that a letter may hold; of others the content stays."""

_ATTRIBUTES = {
    "*": {"id", "lang", "dir"},
    "a": {"href"},
    "abbr": {"title"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start"},
    "td": {"colspan", "rowspan", "style"},
    "th": {"colspan", "rowspan", "style", "scope"},
}
_CLASSES: dict[str, set[str]] = {
    "div": {"callout", *KINDS},
    "span": {"missing", "cell"},
    "table": {shown.value for shown in Grid},
    "li": {"task"},
    "ul": {"tasks"},
    "p": {"picture", "name"},
}
_WITHOUT_SOURCE = re.compile(r'<img((?: (?!src=)[a-z]+="[^"]*")*)>')
_ALT = re.compile(r' alt="([^"]*)"')
_ROW = re.compile(r"<tr[ >].*?</tr>", re.DOTALL)
_HEADER = re.compile(r"<th(?=[ >])(?![^>]* scope=)")
_PICTURE = re.compile(r'<img(?P<attributes> [^>]*?src="(?P<source>[^"]*)"[^>]*)>')
_SIZED = re.compile(r' (?:width|height)="')
_EMPTY_LINK = re.compile(r"<a>(.*?)</a>", re.DOTALL)


def sanitise(html: str, addresses: Addresses) -> str:
    """Return ``html`` balanced, with allowed tags, attributes and addresses only.

    An id that stands there already is dropped the second time; a picture without a source
    becomes its alternative text, and one of known size says it, so that nothing jumps later.
    """
    taken: set[str] = set()

    def allow(_tag: str, attribute: str, value: str) -> str | None:
        if attribute == "id":
            if value in taken or not value:
                return None
            taken.add(value)
        return value

    clean = nh3.clean(
        html,
        tags=set(TAGS),
        clean_content_tags=set(SILENT),
        attributes=_ATTRIBUTES,
        attribute_filter=allow,
        allowed_classes=_CLASSES,
        filter_style_properties={"text-align"},
        url_schemes=set(SCHEMES),
        url_relative=addresses.raw,
        link_rel=None,
    )

    def sized(picture: re.Match[str]) -> str:
        size = addresses.sizes.get(unescape(picture["source"]))
        if size is None or _SIZED.search(picture["attributes"]):
            return picture[0]
        return f'<img{picture["attributes"]} width="{size[0]}" height="{size[1]}">'

    captioned = _WITHOUT_SOURCE.sub(_caption, _PICTURE.sub(sized, _ROW.sub(_scoped, clean)))
    return _EMPTY_LINK.sub(r"\1", captioned)


def _scoped(row: re.Match[str]) -> str:
    """Say of a row's header cells what they head: their columns, or beside other cells the row."""
    scope = "row" if "<td" in row[0] else "col"
    return _HEADER.sub(f'<th scope="{scope}"', row[0])


def missing_picture(alt: str) -> str:
    """Return what stands in for a picture that cannot be shown."""
    return f'<span class="missing">{escape(alt)}</span>' if alt.strip() else ""


def _caption(picture: re.Match[str]) -> str:
    alt = _ALT.search(picture[1])
    return f'<span class="missing">{alt[1]}</span>' if alt and alt[1].strip() else ""
