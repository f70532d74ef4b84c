"""A letter's open segments and one person's values become the final bytes.

This is all that happens at sending: no template, no MJML and no message building.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from html import escape
from urllib.parse import quote

from course.mail import headers, own_words, quoted
from course.model import Letter
from course.segments import Encoding, Literal, Section, Segments, Slot, Values

_ENCODERS: dict[Encoding, Callable[[str], bytes]] = {
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
}
_TEXTS = tuple(each.name for each in fields(Values) if each.name not in ("date", "reflections"))
_MAILBOX_COLUMN = len("To: ")


def fill_subject(letter: Letter, values: Values) -> str:
    """Return the subject line as text, not encoded for a header."""
    return _filled(letter.subject_line, values).decode()


def fill_html(letter: Letter, values: Values) -> str:
    """Return the HTML part, every value escaped for where it stands."""
    return _filled(letter.html, values).decode()


def fill_text(letter: Letter, values: Values) -> str:
    """Return the text part."""
    return _filled(letter.text, values).decode()


def fill_mime(letter: Letter, values: Values) -> bytes:
    r"""Return the whole message: ASCII, lines ended by ``\r\n`` and at most 76 long where ours.

    Raises:
        LettercourseError: the address, or an address of the web, cannot stand in a header.
    """
    return _filled(letter.mime, values)


def fill(segments: Segments, values: Values) -> bytes:
    """Return any segments with one person's values."""
    return _filled(segments, values)


class _Said(dict[str, str]):
    """The values by the names of slots and sections; own words are looked up when asked for."""

    words: Mapping[str, str]

    def __missing__(self, name: str) -> str:
        kind, _, keys = name.partition(":")
        if kind == "words":
            self[name] = own_words.clean_lines(self.words.get(keys, ""))
        elif kind == "reflected":
            self[name] = next(filter(None, (self[f"words:{key}"] for key in keys.split(","))), "")
        else:
            raise KeyError(name)
        return self[name]


def _filled(segments: Segments, values: Values) -> bytes:
    said = _Said((name, headers.clean(getattr(values, name))) for name in _TEXTS)
    said["date"] = headers.date_time(values.date) if values.date else ""
    said.words = values.reflections
    written: list[bytes] = []
    _write(segments, said, {}, written)
    return b"".join(written)


def _write(
    segments: Segments,
    said: _Said,
    encoded: dict[tuple[str, Encoding, str], bytes],
    written: list[bytes],
) -> None:
    for segment in segments:
        if isinstance(segment, Literal):
            written.append(segment.content)
        elif isinstance(segment, Section):
            if bool(said[segment.name]) is segment.present:
                _write(segment.segments, said, encoded, written)
        else:
            key = (segment.name, segment.encoding, segment.fallback)
            if key not in encoded:
                encoded[key] = _encoded(segment, said)
            written.append(encoded[key])


def _encoded(slot: Slot, said: _Said) -> bytes:
    value = said[slot.name] or slot.fallback
    if slot.encoding is Encoding.MAILBOX:
        return headers.mailbox(said["name"], value, _MAILBOX_COLUMN).encode()
    if slot.name == "date":
        return value.encode()
    return _ENCODERS[slot.encoding](value)
