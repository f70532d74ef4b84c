"""A letter's open segments and one person's values become the final bytes.

This is all that happens at sending: no template, no MJML and no message building.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from html import escape
from urllib.parse import quote

from course.mail import headers, own_words, quoted
from course.model import Letter
from course.segments import LETTER, Encoding, Literal, Section, Segments, Slot, Values

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
_NO_TEXTS = ("date", "reflections", "letters")
_TEXTS = tuple(each.name for each in fields(Values) if each.name not in _NO_TEXTS)
_TO = len("To: ")


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
    """The values by the names of slots and sections; what has a key is looked up when asked for."""

    words: Mapping[str, str]
    letters: Mapping[str, str]

    def __missing__(self, name: str) -> str:
        kind, _, keys = name.partition(":")
        if kind == "words":
            self[name] = own_words.clean_lines(self.words.get(keys, ""))
        elif kind == "reflected":
            self[name] = next(filter(None, (self[f"words:{key}"] for key in keys.split(","))), "")
        elif kind == LETTER:
            self[name] = headers.clean(self.letters.get(keys, ""))
        else:
            raise KeyError(name)
        return self[name]


@dataclass(frozen=True, slots=True)
class _Layout:
    """What of some segments stands, in order.

    Attributes:
        pieces: the literal bytes, and nothing where a value belongs.
        slots: the values, each with what writes it and the places where it belongs.
    """

    pieces: tuple[bytes, ...]
    slots: tuple[tuple[Slot, Callable[[str], bytes] | None, tuple[int, ...]], ...]


class _Form:
    """Segments made ready to be filled often: laid out once for each choice of sections.

    Attributes:
        segments: what it was made from.
        switches: the names that sections go by, each once.
    """

    def __init__(self, segments: Segments) -> None:
        self.segments = segments
        self.switches = tuple(dict.fromkeys(_names_of_sections(segments)))
        self._layouts: dict[tuple[bool, ...], _Layout] = {}

    def layout(self, on: tuple[bool, ...]) -> _Layout:
        """Return what stands when the ``switches`` are ``on`` or not."""
        known = self._layouts.get(on)
        if known is None:
            if len(self._layouts) >= _REMEMBERED:
                self._layouts.clear()
            standing = _standing(self.segments, dict(zip(self.switches, on, strict=True)))
            known = self._layouts[on] = _laid_out(standing)
        return known


_REMEMBERED = 64
"""Letters whose form is kept in memory, and layouts of each: they share the letters' bytes."""

_forms: dict[int, _Form] = {}


def _form_of(segments: Segments) -> _Form:
    """Return the form of these very segments; of the letters now being sent it is remembered."""
    known = _forms.get(id(segments))
    if known is None or known.segments is not segments:
        if len(_forms) >= _REMEMBERED:
            _forms.clear()
        known = _forms[id(segments)] = _Form(segments)
    return known


def _names_of_sections(segments: Segments) -> Iterator[str]:
    for segment in segments:
        if isinstance(segment, Section):
            yield segment.name
            yield from _names_of_sections(segment.segments)


def _standing(segments: Segments, on: Mapping[str, bool]) -> Iterator[Literal | Slot]:
    for segment in segments:
        if not isinstance(segment, Section):
            yield segment
        elif on[segment.name] is segment.present:
            yield from _standing(segment.segments, on)


def _laid_out(standing: Iterable[Literal | Slot]) -> _Layout:
    pieces: list[bytes] = []
    slots: dict[Slot, list[int]] = {}
    for place, segment in enumerate(standing):
        if isinstance(segment, Slot):
            slots.setdefault(segment, []).append(place)
        pieces.append(segment.content if isinstance(segment, Literal) else b"")
    return _Layout(
        tuple(pieces),
        tuple((slot, _encoder(slot), tuple(places)) for slot, places in slots.items()),
    )


def _filled(segments: Segments, values: Values) -> bytes:
    said = _Said((name, headers.clean(getattr(values, name))) for name in _TEXTS)
    said["date"] = headers.date_time(values.date) if values.date else ""
    said.words, said.letters = values.reflections, values.letters
    form = _form_of(segments)
    layout = form.layout(tuple([bool(said[name]) for name in form.switches]))
    written = list(layout.pieces)
    for slot, encode, places in layout.slots:
        value = said[slot.name] or slot.fallback
        encoded = encode(value) if encode else headers.mailbox(said["name"], value, _TO).encode()
        for place in places:
            written[place] = encoded
    return b"".join(written)


def _encoder(slot: Slot) -> Callable[[str], bytes] | None:
    """Return what writes a slot's value; ``None`` for a mailbox, which is written with a name."""
    if slot.encoding is Encoding.MAILBOX:
        return None
    return str.encode if slot.name == "date" else _ENCODERS[slot.encoding]
