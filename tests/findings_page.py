"""Writes docs/reference/findings.md from the list of rules: ``python -m tests.findings_page``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from course.lint.rule import Rule
from course.lint.rules import RULES

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "findings.md"

ARTICLE = """\
---
title: Bread for people with jobs
---

## Bread

Flour, water, salt and time.

## Water

From the tap, as warm as your hand.
"""
"""What the manifests of the examples are manifests of."""

_HEAD = """\
# Findings

What [`lettercourse check`](commands.md#check) reports. Each finding has a rule, a level, a file
with line, and a remedy. An `error` stops publishing and nothing else; building always works. A
`warning` is something that readers would notice. An `info` is advice.

To leave out what is meant as it is, name the rule in the manifest ([`[check]`](manifest.md#check))
or on the command line (`--ignore ID`). Errors are never left out.

Every rule has an example here that yields it; the page is written from `course/lint/rules.py`, the
list of all rules. Where an example is a `course.toml` alone, this `article.md` lies beside it:

"""

FAMILIES = {
    "links": "Links",
    "pictures": "Pictures",
    "spam": "What filters take for spam",
    "subjects": "What the inbox shows",
    "size": "Size",
    "structure": "Structure",
    "clients": "What mail programs do not show",
    "contrast": "What cannot be read",
    "placeholders": "What was not filled in",
    "sender": "Who writes",
    "rules": "The manifest, and how it splits the article",
    "": "The manifest, and how it splits the article",
}


def page() -> str:
    """Return the page as it ought to be."""
    parts = [_HEAD, fenced("markdown", ARTICLE), "\n", *_table()]
    for family, rules in groupby(RULES, _family):
        parts.append(f"\n## {family}\n")
        parts += [_section(each) for each in rules]
    return "".join(parts)


def fenced(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```\n"


def _family(rule: Rule) -> str:
    return FAMILIES[rule.look.__module__.rpartition(".")[2] if rule.look else ""]


def _table() -> Iterator[str]:
    yield "| Rule | Level | What it finds |\n|---|---|---|\n"
    for each in RULES:
        yield f"| [`{each.id}`](#{each.id}) | {_levels(each)} | {each.summary} |\n"


def _levels(rule: Rule) -> str:
    return ", ".join(level.value for level in (rule.level, *rule.also))


def _section(rule: Rule) -> str:
    example = rule.example
    said = [f"\n### {rule.id}\n\n{rule.summary}: {_levels(rule)}. {rule.why}\n\n"]
    said.append(f"**What to do:** {rule.remedy}.\n\n")
    if example.article:
        said.append(fenced("markdown", example.article))
    if example.manifest:
        said.append(fenced("toml", example.manifest))
    if example.times > 1:
        said.append(f"\nwith its last paragraph {example.times} times.\n")
    return "".join(said)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
