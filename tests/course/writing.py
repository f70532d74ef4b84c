"""Made-up articles: every kind of block in every kind of block, the same for the same seed."""

from __future__ import annotations

import random
import re

from hypothesis import strategies as st

_LETTERS = "abcdefgXYZ012éß日本"


class _Writer:
    def __init__(self, seed: int, *, prose: bool = False) -> None:
        self._chance = random.Random(seed)
        self._prose = prose

    def document(self) -> str:
        return "\n\n".join(self._block(2) for _ in range(self._chance.randint(1, 7)))

    def _block(self, depth: int) -> str:
        plain = [self._paragraph, self._paragraph, self._heading]
        kinds = plain if self._prose else [*plain, self._code, self._table, self._html]
        if depth and self._chance.random() < 0.4:
            return self._nested(depth)
        return self._chance.choice(kinds)()

    def _nested(self, depth: int) -> str:
        first, rest = self._chance.choice(
            [("- ", "  "), ("- [x] ", "  "), ("7. ", "   "), ("> ", "> ")]
        )
        inner = "\n\n".join(self._block(depth - 1) for _ in range(self._chance.randint(1, 3)))
        return first + inner.replace("\n", f"\n{rest}")

    def _paragraph(self) -> str:
        gap = self._chance.choice(["", " ", ", ", "\n"])
        return "Aa " + gap.join(self._marked() for _ in range(self._chance.randint(1, 5)))

    def _heading(self) -> str:
        return f"{'#' * self._chance.randint(1, 4)} {self._marked()}"

    def _code(self) -> str:
        return f"```\n{self._words()}\n\n  {self._words()}\n```"

    def _table(self) -> str:
        cells = [self._marked() for _ in range(4)]
        return "| {} | {} |\n|---|--:|\n| {} | {} |".format(*cells)

    def _html(self) -> str:
        return f"<div>{self._words()}\n<p>{self._words()} <br>{self._words()}</p></div>"

    def _marked(self) -> str:
        return self._chance.choice(
            ["{}", "*{}*", "**{}**", "~~{}~~", "`{}`", "[{}](https://example.org/a)", "<b>{}</b>",
             " ![{}](a.png) ", "[{}](other.md)"]
        ).format(self._words())  # fmt: skip

    def _words(self) -> str:
        return " ".join(
            "".join(self._chance.choices(_LETTERS, k=self._chance.randint(1, 12)))
            for _ in range(self._chance.randint(1, 14))
        )


_seeds = st.integers(0, 2**32 - 1)

documents = st.builds(lambda seed: _Writer(seed).document(), _seeds)
prose = st.builds(lambda seed: _Writer(seed, prose=True).document(), _seeds)
"""Without code and tables, which keep their own width."""


def words_of(text: str) -> list[str]:
    """Return the words of a text; of Chinese and Japanese each character, as lines break there."""
    return re.findall(r"[\u3040-\u9fff]|[^\W\u3040-\u9fff]+", text)


def in_order(wanted: list[str], found: list[str]) -> bool:
    """Tell whether the words stand in the text in their order, others between them or not."""
    rest = iter(found)
    return all(one in rest for one in wanted)
