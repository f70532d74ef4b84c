"""The few words a course says for its author, in the article's language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from course.catalogue import SOURCE, spoken, translations


@dataclass(frozen=True, slots=True)
class Phrases:
    """What a letter says where the author has chosen nothing; names in braces are put in.

    Attributes:
        prompts: reflection questions on a lesson, taken in turn; none in a language we do not
            speak, for no question is better than one in another language.
        choice: a question about three things that the lesson names; empty likewise.
        finale: the last letter's subject where the article has no conclusion.
    """

    prompts: tuple[str, ...]
    choice: str
    finale: str


@cache
def phrases(language: str) -> Phrases:
    """Return the phrases for a BCP 47 tag."""
    catalogue = translations(language)

    def translated(phrase: str) -> str:
        found = catalogue.gettext(phrase)
        return "" if found == phrase and spoken(language) != SOURCE else found

    return _said(translated)


def _said(_: Callable[[str], str]) -> Phrases:
    prompts = (
        _("“{title}”: what in this do you recognise from your own days, and what surprised you?"),
        _("What is one small thing from “{title}” that you will try before the next letter?"),
        _("If you told a friend about “{title}” tonight, what would you say first?"),
    )
    return Phrases(
        prompts=tuple(prompt for prompt in prompts if prompt),
        choice=_("“{first}”, “{second}”, “{third}”: which of these matters most to you, and why?"),
        finale=_("{title}: looking back") or "{title}",
    )
