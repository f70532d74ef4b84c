"""What a few articles become is what was last looked at; ``make golden`` writes it anew."""

from __future__ import annotations

import pytest

from tests.golden import ARTICLES, FOLDER, documents


@pytest.mark.parametrize("name", ARTICLES)
def test_an_article_becomes_what_it_became_before(name: str) -> None:
    for file, text in documents(ARTICLES[name]).items():
        assert text == (FOLDER / name / file).read_text(encoding="utf-8"), f"{name}/{file}"


def test_there_is_no_document_of_an_article_that_is_gone() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(ARTICLES)
