"""A small course of our own, and lists of invented people."""

from __future__ import annotations

ARTICLE = """\
---
title: Bread for people with jobs
excerpt: A loaf a week, without getting up at four.
---

Bread takes long, but hardly any of that time is yours. ![A loaf](loaf.png)

## Key takeaways

- Feeding a starter takes two minutes a day.
- A fold replaces all kneading.

## The starter

Flour and water, a jar, a warm shelf. Feed the starter every evening.

## Folding

Pull one side up and lay it over the other. Do it four times.

> A wet hand does not stick.

## Baking

Hot, covered, twenty minutes. Then without the lid.

## Frequently asked questions

### Does folding replace kneading?

Yes: time does the work that kneading would do.

## Conclusion

Cut it only when it has cooled down.
"""

MANIFEST = """\
[course]
article = "article.md"
slug = "bread"

[sender]
name = "Mira Hollis"
email = "mira@bakery.example"
postal_address = "Bakery Lane 1, 12345 Crumbton"

[schedule]
send_at = "08:00"

[[lesson]]
key = "starter"
sections = ["The starter"]
prompt = "Where in your kitchen is it warm?"

[[lesson]]
key = "folding"
sections = ["Folding"]

[[lesson]]
key = "baking"
sections = ["Baking"]
"""

KEYS = ["welcome", "starter", "folding", "baking", "finale"]

PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8cfc000000301010018dd8db00000000049454e44ae426082"
)

PEOPLE = """\
email,name,timezone,send_at
ann@example.com,Ann,Europe/Berlin,
bob@example.com,"Bob ""Bo"" O'Neil, jr.",America/New_York,06:30
chen@example.org,陈,Asia/Kolkata,
"""
