"""What an author may change in the looks: always readable, or refused with what would be."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from course.assets import collect_assets
from course.colour import (
    READABLE,
    WHITE,
    contrast,
    luminance,
    mixed,
    nearest_readable,
    parse_colour,
    readable,
)
from course.compile import compile_edition
from course.errors import ManifestError
from course.fill import fill_html
from course.letters.palette import Scheme, font_stack, palette
from course.manifest import read_manifest
from course.model import Asset, Brand, Pictures
from course.segments import Values
from tests.course.building import course_of

colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def brand(text: str) -> Brand:
    return read_manifest(f"[brand]\n{text}", "course.toml").brand


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.478), ("#0000ff", "#ffffff", 8.592)],
)
def test_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(ratio, abs=0.001)
    assert contrast(other, one) == contrast(one, other)


@given(colours)
@settings(max_examples=200, deadline=None)
def test_black_or_white_can_be_read_on_everything(ground: str) -> None:
    assert max(contrast("#000000", ground), contrast(WHITE, ground)) > READABLE


@given(colours, colours)
@settings(max_examples=200, deadline=None)
def test_the_nearest_colour_can_be_read_and_is_the_same_where_it_could(
    colour: str, ground: str
) -> None:
    found = nearest_readable(colour, (ground,))
    assert readable(found, (ground,))
    assert (found == colour) is readable(colour, (ground,))


@given(colours)
@settings(max_examples=200, deadline=None)
def test_the_nearest_colour_on_white_is_only_as_dark_as_it_has_to_be(colour: str) -> None:
    found = nearest_readable(colour, (WHITE,))
    assert luminance(found) <= luminance(colour)
    if found != colour:
        assert contrast(found, WHITE) < READABLE + 0.2


@given(colours, colours, st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_a_mixture_lies_between_its_parts(one: str, other: str, share: float) -> None:
    lower, upper = sorted((luminance(one), luminance(other)))
    if one[1:3] == one[3:5] == one[5:] and other[1:3] == other[3:5] == other[5:]:
        assert lower - 0.01 <= luminance(mixed(one, other, share)) <= upper + 0.01
    assert mixed(one, other, 0) == one
    assert mixed(one, other, 1) == other


def test_colours_are_written_with_three_or_six_digits() -> None:
    assert parse_colour("#0F5") == "#00ff55"
    assert parse_colour("#0F5E57") == "#0f5e57"
    for text in ("red", "0f5e57", "#12345", "#0f5e57;x", "rgb(0,0,0)", ""):
        assert parse_colour(text) is None


def pairs(scheme: Scheme) -> list[tuple[str, str]]:
    """Return every text of a letter with what it stands on."""
    grounds = [scheme.sheet, scheme.panel, *(ground for _, _, ground in scheme.callouts)]
    return [
        (scheme.aside, scheme.page),
        (scheme.ink, scheme.tint),
        (scheme.ink, scheme.marked),
        (scheme.on_accent, scheme.accent),
        (scheme.on_tint, scheme.tint),
        (scheme.soft_on_tint, scheme.tint),
        *((text, ground) for _, text, ground in scheme.callouts),
        *(
            (text, ground)
            for text in (scheme.ink, scheme.soft, scheme.accent)
            for ground in grounds
        ),
    ]


@given(colours, colours, colours)
@example(Brand().accent, Brand().background, Brand().text)
@settings(max_examples=200, deadline=None)
def test_every_text_can_be_read_by_day_and_by_night_whatever_is_chosen(
    accent: str, background: str, text: str
) -> None:
    chosen = Brand(
        accent=nearest_readable(accent, (WHITE,)),
        background=background,
        text=nearest_readable(text, (WHITE,)),
    )
    looks = palette(chosen)
    for scheme in (looks.day, looks.night):
        for one, ground in pairs(scheme):
            assert contrast(one, ground) >= READABLE, (one, ground)


def test_the_usual_colours_are_taken_as_they_are() -> None:
    day = palette(Brand()).day
    assert (day.accent, day.page, day.ink) == ("#0f5e57", "#f3efe7", "#22262d")


def test_a_colour_that_cannot_be_read_is_refused_with_the_nearest_that_can() -> None:
    with pytest.raises(ManifestError) as refused:
        brand('accent = "#ff8800"')
    (fault,) = refused.value.findings
    assert (fault.rule, fault.line) == ("brand-contrast", 2)
    assert fault.message == "accent #ff8800 has a contrast of 2.3 on white; text needs 4.5"
    nearest = fault.remedy.rpartition(" ")[2]
    assert brand(f"accent = {nearest}").accent == nearest.strip('"')


@pytest.mark.parametrize("text", ['background = "#000"', 'background = "#fff"'])
def test_any_background_will_do(text: str) -> None:
    assert readable(palette(brand(text)).day.aside, (brand(text).background,))


@pytest.mark.parametrize(
    "text",
    [
        'accent = "red"',
        'text = "#22262d;}"',
        "accent = 3",
        'logo = "logo.png"',
        'logo = "https://example.org/logo.png"\nlogo_alt = "x"',
        'font = "Georgia; x"',
        'font = ["\'"]',
        'font = "</style>"',
    ],
)
def test_what_cannot_be_is_refused_at_its_line(text: str) -> None:
    with pytest.raises(ManifestError) as refused:
        brand(text)
    assert [fault.line for fault in refused.value.findings] == [2]


def test_a_misspelt_key_is_named_with_the_one_that_is_meant() -> None:
    (fault,) = read_manifest('[brand]\nacent = "#000"', "course.toml").findings
    assert (fault.rule, fault.line, fault.remedy) == ("unknown-key", 2, "did you mean accent?")


@pytest.mark.parametrize(
    ("fonts", "stack"),
    [
        ((), "Georgia,'Times New Roman',serif"),
        (("sans",), "-apple-system,'Segoe UI',Helvetica,Arial,sans-serif"),
        (("Charter", "Georgia"), "'Charter','Georgia',serif"),
        (("Inter", "sans-serif"), "'Inter',sans-serif"),
    ],
)
def test_a_font_is_a_stack_by_name_or_names_in_order(fonts: tuple[str, ...], stack: str) -> None:
    assert font_stack(fonts) == stack


def test_a_letter_wears_its_brand() -> None:
    chosen = Brand(accent="#7a1fa2", font=("Charter",), logo="l.png", logo_alt="Field <Notes>")
    course = replace(
        course_of("Welcome.", "## One\n\n[a](https://example.org)", "End."), brand=chosen
    )
    logo = Asset("0" * 64, f"{'0' * 64}.png", "image/png", b"", width=600, height=110)
    edition = compile_edition(course, Pictures({"l.png": logo}, ()))
    usual = compile_edition(replace(course, brand=Brand()), Pictures({}, ()))
    html = fill_html(edition.letters[1], Values())
    assert edition.digest != usual.digest
    assert "#0f5e57" not in html
    assert "#7a1fa2" in html
    assert "'Charter',serif" in html
    assert f'/{logo.name}" alt="Field &lt;Notes&gt;" width="240" height="44"' in html


def test_a_logo_is_read_from_beside_the_article(tmp_path: Path) -> None:
    course = replace(course_of("Welcome.", "One.", "End."), brand=Brand(logo="l.png"))
    (tmp_path / "l.png").write_bytes(b"no picture")
    assert [missing.source for missing in collect_assets(course, tmp_path).missing] == ["l.png"]


def test_every_choice_is_a_key_of_the_manifest() -> None:
    written = (
        'accent="#000"\nbackground="#fff"\ntext="#000"\nlogo="a.png"\nlogo_alt="a"\nfont="mono"'
    )
    chosen = brand(written)
    for each in fields(Brand):
        assert getattr(chosen, each.name) != getattr(Brand(), each.name)
