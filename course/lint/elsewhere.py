"""Rules whose findings are made on the way: by reading the manifest, and by splitting."""

from __future__ import annotations

from collections.abc import Iterator

from course.lint.rule import Example, Rule
from course.model import Level

_LESSON = '[[lesson]]\nkey = "bread"\nsections = ["Bread"]\n'
_FOLLOWED = "No letter is made until it is mended: what the author wants cannot be known."


def _manifest(id: str, summary: str, remedy: str, manifest: str, why: str = _FOLLOWED) -> Rule:  # noqa: A002
    return Rule(id, Level.ERROR, summary, why, remedy, Example(manifest=manifest))


ELSEWHERE: tuple[Rule, ...] = (
    _manifest(
        "toml-syntax",
        "A `course.toml` that is not TOML",
        "mend the line",
        '[welcome]\nsubject = "A loaf a week\n',
    ),
    _manifest(
        "missing-article",
        "An article that is not where the manifest says",
        "write its path as seen from the manifest's folder",
        '[course]\narticle = "bred.md"\n',
    ),
    _manifest(
        "unknown-key",
        "A key that means nothing, such as a misspelt one",
        "write the key that is meant; docs/reference/manifest.md has them all",
        '[welcome]\nsubjekt = "A loaf a week"\n',
        "What it was to change stays as it was. Letters are made without it.",
    ),
    _manifest(
        "wrong-type",
        "A value of another type than its key takes",
        "write text in quotation marks, lists in brackets",
        "[welcome]\nsubject = 7\n",
    ),
    _manifest(
        "bad-value",
        "A value that its key cannot have",
        "write one that the finding names",
        '[schedule]\nsend_at = "8 o\'clock"\n',
    ),
    _manifest(
        "brand-contrast",
        "A colour of `[brand]` that cannot be read on the letter's white",
        "write the nearest colour that can be read; the finding names it",
        '[brand]\naccent = "#ff8800"\n',
    ),
    _manifest(
        "missing-key",
        "A lesson without a `key`, or without `sections`",
        "add it",
        '[[lesson]]\nsections = ["Bread"]\n',
    ),
    _manifest(
        "duplicate-key",
        "Two lessons with one key, present or former",
        "give each lesson a key of its own",
        f'{_LESSON}\n[[lesson]]\nkey = "bread"\nsections = ["Water"]\n',
    ),
    _manifest(
        "unknown-section",
        "A section that the article does not have",
        "write its title as the article has it",
        '[[lesson]]\nkey = "bread"\nsections = ["Rolls"]\n',
    ),
    _manifest(
        "duplicate-section",
        "A section that two letters name",
        "name it once",
        f'{_LESSON}\n[[lesson]]\nkey = "more"\nsections = ["Bread"]\n',
    ),
    _manifest(
        "unknown-takeaway",
        "A takeaway that the article does not have",
        "write its first words as the article has them",
        f'{_LESSON}takeaways = ["Knead less"]\n',
    ),
    _manifest(
        "unknown-question",
        "A question that the article does not have",
        "write its first words as the article has them",
        f'{_LESSON}questions = ["Why salt"]\n',
    ),
    Rule(
        "unplaced-section",
        Level.WARNING,
        "A section that the manifest names in no letter",
        "It goes with the one before it, so that nothing is lost.",
        "name it in the sections of a lesson, or in leave_out",
        Example(manifest=_LESSON),
    ),
    Rule(
        "points-elsewhere",
        Level.WARNING,
        "Words that point at what is in another letter",
        '"As shown above" or "in the next section" means something else, or nothing, in a letter '
        "of its own. English and German phrases are known (`course/splitting/pointers.py`).",
        "name what is meant, link to its heading, or keep the two in one lesson",
        Example(
            "## Bread\n\n| Flour | Water |\n|---|---|\n| 500 g | 350 g |\n\n"
            "## Water\n\nAs the table in the previous section shows, it takes little.\n",
            manifest=f'{_LESSON}\n[[lesson]]\nkey = "water"\nsections = ["Water"]\n',
        ),
    ),
    Rule(
        "unreferenced-footnote",
        Level.WARNING,
        "A footnote that nothing refers to",
        "Nothing that is shown leads to it, so it is left out.",
        "refer to it, or delete it",
        Example("Bread takes time.\n\n[^1]: Two hours at least.\n"),
    ),
)
"""In the order in which an author meets them."""


def faults() -> Iterator[str]:
    """Yield the ids of the rules that stop a course from being made."""
    for each in ELSEWHERE:
        if each.why == _FOLLOWED:
            yield each.id
