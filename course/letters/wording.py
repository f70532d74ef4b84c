"""The letters' own words, in one place, and which way a language is written."""

from __future__ import annotations

from dataclasses import dataclass, replace

RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})


@dataclass(frozen=True, slots=True)
class Wording:
    """Every phrase of ours that a reader may meet; the braces name what is put in.

    Where a number decides, the phrase is a pair: for one, and for any other number.
    """

    test_mark: str
    test_banner: str
    view: str
    day: str
    welcome: str
    finale: str
    hello: str
    hello_name: str
    minutes: tuple[str, str]
    progress: str
    previously: str
    next: str
    picture: str
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
    contents: str
    how_title: str
    how: tuple[str, ...]
    done_title: str
    done: str
    why: str
    unsubscribe: str

    def count(self, phrase: tuple[str, str], number: int) -> str:
        """Return the form of ``phrase`` for ``number``, with the number put in."""
        return phrase[0 if number == 1 else 1].format(number=number)


ENGLISH = Wording(
    test_mark="[Test]",
    test_banner="This is a test letter. Nobody’s progress in the course has changed.",
    view="View in browser",
    day="Day {number} of {lessons}",
    welcome="Welcome",
    finale="The last letter",
    hello="Hello,",
    hello_name="Hello {name},",
    minutes=("{number} minute to read", "{number} minutes to read"),
    progress="{done} of {lessons} lessons",
    previously="Previously",
    next="Next",
    picture="Picture",
    notes="Notes",
    note_mark="note {number}",
    links="Links",
    takeaways="Key takeaways",
    questions="Questions",
    reflection="Time to reflect",
    reply="Write your answer",
    reply_hint="Or simply reply to this letter: a sentence is enough.",
    reply_only="Simply reply to this letter: a sentence is enough.",
    reply_subject="Re: {subject}",
    contents="What lies ahead",
    how_title="How it works",
    how=(
        "One letter at a time, never two on the same day.",
        "Read it when it suits you, then try the one thing in it that fits your week.",
        "Every letter is a real one: reply whenever you like.",
    ),
    done_title="What you have done",
    done="Every lesson of this course is behind you. The letters are yours to keep.",
    why="You get this letter because you signed up for “{course}”.",
    unsubscribe="Unsubscribe",
)


def wording(language: str) -> Wording:
    """Return the phrases for a BCP 47 tag: so far English for every language.

    In a letter that runs from right to left they are isolated (Unicode UAX 9), or else their
    punctuation would stand on the wrong side.
    """
    if direction(language) == "ltr":
        return ENGLISH
    return replace(
        ENGLISH,
        test_banner=_isolated(ENGLISH.test_banner),
        hello=_isolated(ENGLISH.hello),
        hello_name=_isolated(ENGLISH.hello_name),
        reply_hint=_isolated(ENGLISH.reply_hint),
        reply_only=_isolated(ENGLISH.reply_only),
        how=tuple(map(_isolated, ENGLISH.how)),
        done=_isolated(ENGLISH.done),
        why=_isolated(ENGLISH.why),
    )


def _isolated(sentence: str) -> str:
    """Return a sentence that runs from left to right; what is put in runs as it likes."""
    inner = sentence.replace("{", "\u2068{").replace("}", "}\u2069")
    return f"\u2066{inner}\u2069"


def direction(language: str) -> str:
    """Return ``"rtl"`` for languages written from right to left, else ``"ltr"``."""
    return "rtl" if language.lower().replace("_", "-").split("-")[0] in RIGHT_TO_LEFT else "ltr"
