"""How a value is written where it stands, and which are written the same everywhere."""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from functools import lru_cache
from html import escape
from urllib.parse import quote

from course.mail import headers, own_words, quoted
from course.segments import Encoding

WRITERS: dict[Encoding, Callable[[str], bytes]] = {
    Encoding.PLAIN: str.encode,
    Encoding.HTML: lambda value: escape(value).encode(),
    Encoding.LINES: lambda value: own_words.as_text(value).encode(),
    Encoding.LINES_HTML: lambda value: own_words.as_html(value).encode(),
    Encoding.URL: lambda value: quote(value, safe="@").encode(),
    Encoding.QP_PLAIN: quoted.encode,
    Encoding.QP_HTML: lambda value: quoted.encode(escape(value)),
    Encoding.QP_LINES: lambda value: quoted.encode(own_words.as_text(value)),
    Encoding.QP_LINES_HTML: lambda value: quoted.encode(own_words.as_html(value)),
    Encoding.QP_URL: lambda value: quoted.encode(quote(value, safe="@")),
    Encoding.HEADER: lambda value: headers.token(value).encode(),
    Encoding.MAILBOX: lambda value: headers.mailbox("", value, 0).encode(),
}
"""What writes a clean text; a mailbox without the name that belongs to it."""

_VISIBLE = frozenset(map(chr, range(33, 127)))
_IN_HTML = _VISIBLE - set("&<>\"'")
_IN_URL = frozenset(string.ascii_letters + string.digits + "_.-~@")
_AS_IT_IS = {
    Encoding.PLAIN: _VISIBLE,
    Encoding.HTML: _IN_HTML,
    Encoding.URL: _IN_URL,
    Encoding.QP_PLAIN: _VISIBLE - {"="},
    Encoding.QP_HTML: _IN_HTML - {"="},
    Encoding.QP_URL: _IN_URL,
    Encoding.HEADER: _VISIBLE,
}
_NOTHING: frozenset[str] = frozenset()


def ending(encoding: Encoding) -> bytes:
    """Return what follows a value that is written as it is: quoted-printable breaks the line."""
    return quoted.SOFT_BREAK if encoding.startswith("qp-") else b""


@lru_cache(maxsize=64)
def as_it_is(encodings: frozenset[Encoding]) -> Callable[[str], object]:
    """Return what is true of texts that each of ``encodings`` writes as they are.

    Such a text is clean, ASCII and short, as are nearly all addresses that we make; none that it
    is true of begins with a dot.
    """
    characters = _VISIBLE.intersection(*(_AS_IT_IS.get(each, _NOTHING) for each in encodings))
    among = f"[{re.escape(''.join(sorted(characters)))}]" if characters else ""
    return re.compile(rf"(?!\.){among}{{0,{quoted.LIMIT - 1}}}" if among else "").fullmatch
