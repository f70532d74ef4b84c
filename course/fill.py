"""A letter's open segments and one person's values become the final bytes.

This is all that happens at sending: no template, no MJML and no message building.
"""

from __future__ import annotations

from course.layout import Form
from course.model import Letter
from course.segments import Segments, Values


def fill_subject(letter: Letter, values: Values) -> str:
    """Return the subject line as text, not encoded for a header."""
    return fill(letter.subject_line, values).decode()


def fill_html(letter: Letter, values: Values) -> str:
    """Return the HTML part, every value escaped for where it stands."""
    return fill(letter.html, values).decode()


def fill_text(letter: Letter, values: Values) -> str:
    """Return the text part."""
    return fill(letter.text, values).decode()


def fill_mime(letter: Letter, values: Values) -> bytes:
    r"""Return the whole message: ASCII, lines ended by ``\r\n`` and at most 76 long where ours.

    Raises:
        LettercourseError: the address, or an address of the web, cannot stand in a header.
    """
    return fill(letter.mime, values)


_REMEMBERED = 64
"""Segments whose form is kept in memory: those of the letters now being sent."""

_forms: dict[int, Form] = {}


def fill(segments: Segments, values: Values) -> bytes:
    """Return any segments with one person's values; they are laid out once, and remembered."""
    form = _forms.get(id(segments))
    if form is None or form.segments is not segments:
        if len(_forms) >= _REMEMBERED:
            _forms.clear()
        form = _forms[id(segments)] = Form(segments)
    return form.filled(values)
