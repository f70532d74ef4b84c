"""Our own phrases in other languages: gettext catalogues, read as they were written.

``course/locale`` holds one PO file a language. There is no compiled form beside it that could be
forgotten or out of date: Babel reads the PO file itself, once a process.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALES = Path(__file__).parent / "locale"

SOURCE = "en"
"""What phrases without a translation are written in."""


@cache
def translations(language: str) -> NullTranslations:
    """Return the catalogue of a BCP 47 tag, or of the nearest around it: ``de-AT``, then ``de``.

    A phrase that a catalogue lacks comes back in English, as does every phrase where there is no
    catalogue; plural forms go by the rule in the catalogue's header.
    """
    file = _files().get(spoken(language))
    return NullTranslations() if file is None else read_catalogue(file)


def spoken(language: str) -> str:
    """Return the language in which we speak to readers of a BCP 47 tag: ``de-AT`` is ``de``.

    That is the nearest with a catalogue, ``en`` for what is English anyway, else ``""``.
    """
    parts = _tag(language).split("-")
    for length in range(len(parts), 0, -1):
        tag = "-".join(parts[:length])
        if tag in _files() or tag == SOURCE:
            return tag
    return ""


def read_catalogue(file: Path) -> GNUTranslations:
    """Return the catalogue in a PO file, phrases marked as fuzzy left out.

    Raises:
        OSError: the file cannot be read.
        babel.messages.pofile.PoFileError: it is no PO file.
    """
    compiled = BytesIO()
    with file.open("rb") as stream:
        write_mo(compiled, read_po(stream, abort_invalid=True))
    compiled.seek(0)
    return GNUTranslations(compiled)


@cache
def _files() -> Mapping[str, Path]:
    return {_tag(file.stem): file for file in LOCALES.glob("*.po")}


def _tag(name: str) -> str:
    return name.replace("_", "-").casefold()
