"""Our phrases in other languages: every one is there, none is left over, and numbers agree."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Catalog
from babel.messages.frontend import CommandLineInterface
from babel.messages.pofile import PoFileError, read_po

from course.catalogue import LOCALES, read_catalogue, translations
from course.letters.wording import wording

ROOT = Path(__file__).parents[2]
CATALOGUES = sorted(LOCALES.glob("*.po"))

FOUR_PLURALS = """\
msgid ""
msgstr ""
"Language: sl\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=4; plural=(n%100==1 ? 0 : n%100==2 ? 1 : n%100==3 || n%100==4 ? 2 : 3);\\n"

msgid "{number} minute to read"
msgid_plural "{number} minutes to read"
msgstr[0] "{number} minuta"
msgstr[1] "{number} minuti"
msgstr[2] "{number} minute"
msgstr[3] "{number} minut"

#, fuzzy
msgid "Next"
msgstr "guessed"
"""

ENDS = ".?!…。？！؟"
ENOUGH = range(1000)
"""Numbers that meet every plural form of any language."""

Id = str | tuple[str, ...]


def phrases(catalogue: Catalog) -> dict[Id, tuple[str, ...]]:
    """Return every phrase of a catalogue with its translations, one a plural form."""
    return {
        message.id if isinstance(message.id, str) else tuple(message.id): (
            (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
        )
        for message in catalogue
        if message.id
    }


def read(file: Path) -> Catalog:
    with file.open("rb") as stream:
        return read_po(stream, abort_invalid=True)


def placeholders(text: str) -> set[str]:
    named = set(re.findall(r"%\((\w+)\)s", text))
    return named | {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def whole(catalogue: Catalog) -> Iterator[tuple[str, str]]:
    """Yield each translation with its phrase; the last of a plural's is the one for many."""
    for source, translated in phrases(catalogue).items():
        for text in translated:
            yield (source if isinstance(source, str) else source[-1]), text


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> set[Id]:
    """Extract every phrase of the sources, as docs/how-to/translate.md says."""
    template = tmp_path_factory.mktemp("phrases") / "lettercourse.pot"
    sources = [str(ROOT / name) for name in ("course", "worker", "templates")]
    mapping = str(ROOT / "pyproject.toml")
    CommandLineInterface().run(  # type: ignore[no-untyped-call]
        ["pybabel", "--quiet", "extract", "-F", mapping, "-o", str(template), *sources]
    )
    return set(phrases(read(template)))


def test_there_is_a_catalogue_beside_english() -> None:
    assert {"ar", "de", "ja"} <= {file.stem for file in CATALOGUES}


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_every_phrase_of_ours_is_in_every_catalogue_and_nothing_else(
    file: Path, ours: set[Id]
) -> None:
    assert len(ours) > 20
    assert set(phrases(read(file))) == ours
    assert not read(file).obsolete


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_a_translation_is_finished_and_fills_in_what_its_phrase_does(file: Path) -> None:
    assert not [message.id for message in read(file) if message.fuzzy and message.id]
    for source, translated in whole(read(file)):
        assert translated.strip(), source
        assert placeholders(translated) <= placeholders(source)
        assert translated[0].isspace() == source[0].isspace()
        assert (translated[-1] in ENDS) == (source[-1] in ENDS), translated


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_a_catalogue_names_its_language_and_has_all_its_plural_forms(file: Path) -> None:
    catalogue = read(file)
    assert str(catalogue.locale_identifier) == file.stem
    for message in catalogue:
        if message.pluralizable:
            assert len(message.string or ()) == catalogue.num_plurals


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_only_a_plural_form_for_a_single_number_may_leave_that_number_out(file: Path) -> None:
    catalogue, found = read(file), read_catalogue(file)
    for source, forms in phrases(catalogue).items():
        if isinstance(source, str):
            assert placeholders(forms[0]) == placeholders(source)
            continue
        meant = Counter(found.ngettext(source[0], source[-1], number) for number in ENOUGH)
        assert set(meant) == set(forms), "a plural form that no number has"
        for form in forms:
            left_out = placeholders(source[-1]) - placeholders(form)
            assert not left_out or (left_out == {"number"} and meant[form] == 1)


@pytest.mark.parametrize(
    ("language", "number", "said"),
    [
        ("ar", 1, "دقيقة واحدة للقراءة"),
        ("ar", 2, "دقيقتان للقراءة"),
        ("ar", 3, "3 دقائق للقراءة"),
        ("ar", 11, "11 دقيقة للقراءة"),
        ("ar", 100, "100 دقيقة للقراءة"),
        ("ja", 1, "読むのに約1分"),
        ("ja", 7, "読むのに約7分"),
    ],
)
def test_numbers_are_said_as_a_reader_of_the_language_says_them(
    language: str, number: int, said: str
) -> None:
    assert wording(language).minutes(number) == said


@pytest.mark.parametrize("language", ["de", "de-AT", "DE_de", "de-Latn-DE-1996"])
def test_a_language_is_found_by_the_nearest_tag_around_it(language: str) -> None:
    assert translations(language) is not translations("en")
    assert translations(language).gettext("Unsubscribe") == "Abmelden"
    assert wording(language).day == "Tag {number} von {lessons}"


@pytest.mark.parametrize("language", ["en", "en-GB", "", "tlh", "d", "../de"])
def test_english_and_unknown_languages_are_as_the_source_has_them(language: str) -> None:
    assert translations(language).gettext("Unsubscribe") == "Unsubscribe"
    assert wording(language).minutes(1) == "1 minute to read"
    assert wording(language).minutes(0) == "0 minutes to read"


def test_plural_forms_go_by_the_rule_of_the_language(tmp_path: Path) -> None:
    file = tmp_path / "sl.po"
    file.write_text(FOUR_PLURALS, encoding="utf-8")
    found = read_catalogue(file)
    said = [
        found.ngettext("{number} minute to read", "{number} minutes to read", number)
        for number in (1, 2, 3, 5, 101)
    ]
    assert [each.partition(" ")[2] for each in said] == [
        "minuta", "minuti", "minute", "minut", "minuta",
    ]  # fmt: skip


def test_what_is_not_translated_for_certain_stays_english(tmp_path: Path) -> None:
    file = tmp_path / "sl.po"
    file.write_text(FOUR_PLURALS, encoding="utf-8")
    found = read_catalogue(file)
    assert found.gettext("Next") == "Next"
    assert found.gettext("Never written") == "Never written"


def test_a_broken_catalogue_is_not_half_read(tmp_path: Path) -> None:
    file = tmp_path / "xx.po"
    file.write_text('msgid "a"\nmsgstr "b"\nand so on\n', encoding="utf-8")
    with pytest.raises(PoFileError):
        read_catalogue(file)


def test_english_sentences_are_isolated_in_a_letter_from_right_to_left() -> None:
    persian, german = wording("fa"), wording("de")
    assert persian.hello_name == "\u2066Hello \u2068{name}\u2069,\u2069"
    assert persian.how[0] == "\u2066One letter at a time, never two on the same day.\u2069"
    assert "\u2066" not in repr(german)
    assert "\u2066" not in repr(wording("ar"))
