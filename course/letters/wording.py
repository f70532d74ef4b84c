"""The letters' own words, in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from gettext import NullTranslations

from course.catalogue import translations
from course.letters.direction import direction


@dataclass(frozen=True, slots=True)
class Wording:
    """Every phrase of ours that a reader of a letter may meet; braces name what is put in."""

    test_mark: str
    test_banner: str
    view: str
    day: str
    welcome: str
    finale: str
    hello: str
    hello_name: str
    progress: str
    reflected: str
    reflected_bars: str
    previously: str
    next: str
    notes: str
    note_mark: str
    links: str
    takeaways: str
    questions: str
    reflection: str
    reply: str
    reply_hint: str
    reply_only: str
    reply_subject: str
    nudge: str
    nudge_title: str
    nudge_subject: str
    nudge_body: tuple[str, ...]
    contents: str
    how_title: str
    how: tuple[str, ...]
    done_title: str
    done: str
    own_words: str
    own_words_note: str
    own_words_none: str
    own_words_page: str
    course_page: str
    why: str
    unsubscribe: str
    page: str
    open_instead: str
    callouts: Mapping[str, str]
    catalogue: NullTranslations

    def minutes(self, number: int) -> str:
        """Return how long a letter takes to read."""
        phrase = self.catalogue.ngettext(
            "{number} minute to read", "{number} minutes to read", number
        )
        return phrase.format(number=number)

    def waits(self, days: int) -> str:
        """Return for how long the next letter waits."""
        phrase = self.catalogue.ngettext(
            "The next letter waits for your answer, {number} day at most.",
            "The next letter waits for your answer, {number} days at most.",
            days,
        )
        return phrase.format(number=days)


@cache
def wording(language: str) -> Wording:
    """Return the phrases for a BCP 47 tag; those without a translation are in English."""
    return _said(phrases_in(language), translations(language))


def phrases_in(language: str) -> Callable[[str], str]:
    """Return what fetches a phrase in the language of a BCP 47 tag.

    In a language from right to left an English sentence is isolated (Unicode UAX 9), or else its
    punctuation would stand on the wrong side.
    """
    translated = translations(language).gettext
    if direction(language) == "ltr":
        return translated

    def isolated(phrase: str) -> str:
        found = translated(phrase)
        return _isolated(found) if found == phrase and phrase[-1] in ".,:?!" else found

    return isolated


def _said(_: Callable[[str], str], catalogue: NullTranslations) -> Wording:
    return Wording(
        test_mark=_("[Test]"),
        test_banner=_("This is a test letter. Nobody’s progress in the course has changed."),
        view=_("View in browser"),
        day=_("Day {number} of {lessons}"),
        welcome=_("Welcome"),
        finale=_("The last letter"),
        hello=_("Hello,"),
        hello_name=_("Hello {name},"),
        progress=_("{done} of {lessons} lessons"),
        reflected=_("You reflected on:"),
        reflected_bars=_("The days you reflected on stand taller."),
        previously=_("Previously"),
        next=_("Next"),
        notes=_("Notes"),
        note_mark=_("note {number}"),
        links=_("Links"),
        takeaways=_("Key takeaways"),
        questions=_("Questions"),
        reflection=_("Time to reflect"),
        reply=_("Write your answer"),
        reply_hint=_("Or simply reply to this letter: a sentence is enough."),
        reply_only=_("Simply reply to this letter: a sentence is enough."),
        reply_subject=_("Re: {subject}"),
        nudge=_("Day {number} of {lessons}, once more"),
        nudge_title=_("One question is still open"),
        nudge_subject=_("Still open: “{title}”"),
        nudge_body=(
            _("In case it went under, here is once more what “{title}” asked you."),
            _(
                "If you would rather let it pass, do nothing: the next letter comes anyway, and "
                "nothing is lost."
            ),
        ),
        contents=_("What lies ahead"),
        how_title=_("How it works"),
        how=(
            _("One letter at a time, never two on the same day."),
            _("Read it when it suits you, then try the one thing in it that fits your week."),
            _("Every letter is a real one: reply whenever you like."),
        ),
        done_title=_("What you have done"),
        done=_("Every lesson of this course is behind you. The letters are yours to keep."),
        own_words=_("In your own words"),
        own_words_note=_("This is what you wrote along the way."),
        own_words_none=_(
            "You kept your thoughts to yourself, and that is fine. The questions stay open: you "
            "can still reply to any of the letters."
        ),
        own_words_page=_("All of it, and your course day by day"),
        course_page=_("Your course, day by day"),
        why=_("You get this letter because you signed up for “{course}”."),
        unsubscribe=_("Unsubscribe"),
        page=_("Your progress, a pause, another hour"),
        open_instead=_("If the button does not work, open this address:"),
        callouts={
            "note": _("Note"),
            "tip": _("Tip"),
            "important": _("Important"),
            "warning": _("Warning"),
            "caution": _("Caution"),
        },
        catalogue=catalogue,
    )


def _isolated(sentence: str) -> str:
    """Return a sentence that runs from left to right; what is put in runs as it likes."""
    inner = sentence.replace("{", "\u2068{").replace("}", "}\u2069")
    return f"\u2066{inner}\u2069"
