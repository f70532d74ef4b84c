"""Segments made ready to be filled often: what is the same in every copy is joined once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import attrgetter

from course.mail import headers, own_words, writing
from course.mail.mime import joined
from course.segments import LETTER, Encoding, Literal, Section, Segments, Slot, Values

Said = bytes | str
"""What is written the same wherever it stands, or a clean text that each place writes its way."""

_SHARED = ("view_url", "assets_url", "test")
"""Fields that are the same in every copy of a letter, as are the addresses of other letters."""

_MOST = 64
"""Layouts that a form keeps; each has bytes of its own, about as many as the letter."""

_TO = len("To: ")


class Form:
    """Segments with a layout for each choice of values that are there, and of what copies share.

    Attributes:
        segments: what it was made from.
    """

    def __init__(self, segments: Segments) -> None:
        self.segments = segments
        encodings: dict[str, set[Encoding]] = {}
        for name, encoding in _names(segments):
            encodings.setdefault(name, set()).update(encoding)
        self._shared = tuple((name, _asked(name)) for name in encodings if _is_shared(name))
        self._own = tuple(name for name in encodings if not _is_shared(name))
        self._say = tuple(_said(name, frozenset(encodings[name])) for name in self._own)
        self._layouts: dict[tuple[object, ...], _Layout] = {}

    def filled(self, values: Values) -> bytes:
        """Return the segments with one person's values."""
        shared = [ask(values) for _, ask in self._shared]
        own = [say(values) for say in self._say]
        which = (*shared, *map(bool, own))
        layout = self._layouts.get(which)
        if layout is None:
            if len(self._layouts) >= _MOST:
                self._layouts.clear()
            layout = self._layouts[which] = self._laid_out(shared, own)
        written = list(layout.pieces)
        for place, number, write, ending in layout.open:
            said = own[number]
            written[place] = said + ending if isinstance(said, bytes) else write(said)
        return b"".join(written)

    def _laid_out(self, shared: Iterable[str], own: Iterable[Said]) -> _Layout:
        texts = {
            name: headers.clean(text) for (name, _), text in zip(self._shared, shared, strict=True)
        }
        there = {name: bool(said) for name, said in zip(self._own, own, strict=True)}
        on = there | {name: bool(text) for name, text in texts.items()}

        def settled(segment: Literal | Slot) -> Literal | Slot:
            if isinstance(segment, Literal) or there.get(_name(segment)):
                return segment
            text = texts.get(segment.name) or segment.fallback
            return Literal(writing.WRITERS[segment.encoding](text))

        numbers = {name: number for number, name in enumerate(self._own)}
        return _Layout(joined(tuple(map(settled, _standing(self.segments, on)))), numbers)


class _Layout:
    """What those get who have values for the same slots.

    Attributes:
        pieces: the bytes in order, none where a person's own value belongs.
        open: where one belongs, its number among the form's own, what writes it when it is a text,
            and what follows it when it is not.
    """

    def __init__(self, segments: Segments, numbers: Mapping[str, int]) -> None:
        self.pieces = [each.content if isinstance(each, Literal) else b"" for each in segments]
        self.open = tuple(
            (
                place,
                numbers[_name(slot)],
                writing.WRITERS[slot.encoding],
                writing.ending(slot.encoding),
            )
            for place, slot in enumerate(segments)
            if isinstance(slot, Slot)
        )


def _is_shared(name: str) -> bool:
    return name in _SHARED or name.startswith(f"{LETTER}:")


def _name(slot: Slot) -> str:
    """Return what a slot's value goes by: a mailbox is not what its bare address is."""
    return f"mailbox:{slot.name}" if slot.encoding is Encoding.MAILBOX else slot.name


def _names(segments: Segments) -> Iterator[tuple[str, tuple[Encoding, ...]]]:
    """Yield each slot's name with its encoding, and each section's."""
    for segment in segments:
        if isinstance(segment, Slot):
            yield _name(segment), (segment.encoding,)
        elif isinstance(segment, Section):
            yield segment.name, ()
            yield from _names(segment.segments)


def _standing(segments: Segments, on: Mapping[str, bool]) -> Iterator[Literal | Slot]:
    for segment in segments:
        if not isinstance(segment, Section):
            yield segment
        elif on[segment.name] is segment.present:
            yield from _standing(segment.segments, on)


def _asked(name: str) -> Callable[[Values], str]:
    """Return what gives a shared value as it was given."""
    kind, _, key = name.partition(":")
    return (lambda values: values.letters.get(key, "")) if kind == LETTER else attrgetter(name)


def _said(name: str, encodings: frozenset[Encoding]) -> Callable[[Values], Said]:
    """Return what gives a person's own value ready for the places where it stands."""
    kind, _, keys = name.partition(":")
    if kind == "date":
        return lambda values: headers.date_time(values.date).encode() if values.date else b""
    if kind == "mailbox":
        return lambda values: _mailbox(values.name, getattr(values, keys))
    if kind == "words":
        return lambda values: own_words.clean_lines(values.reflections.get(keys, ""))
    if kind == "reflected":
        return lambda values: _reflected(values.reflections, keys.split(","))
    field: Callable[[Values], str] = attrgetter(name)
    as_it_is = writing.as_it_is(encodings)

    def said(values: Values) -> Said:
        text = field(values)
        return text.encode() if as_it_is(text) else headers.clean(text)

    return said


def _reflected(said: Mapping[str, str], keys: Iterable[str]) -> str:
    """Return the first of some letters to which the person wrote, if to any."""
    return next((key for key in keys if headers.shows(said.get(key, ""))), "")


def _mailbox(name: str, address: str) -> bytes:
    address = headers.clean(address)
    return headers.mailbox(name, address, _TO).encode() if address else b""
