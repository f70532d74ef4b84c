"""Footnotes: who refers to which, and definitions lifted out of the text around them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from markdown_it.token import Token

OPEN = "footnote_reference_open"
CLOSE = "footnote_reference_close"


@dataclass(frozen=True, slots=True)
class Definition:
    """What a footnote says; ``opening`` is the token that carries its label and its lines."""

    opening: Token
    tokens: list[Token]

    @property
    def label(self) -> str:
        """The label that references name it by."""
        return str(self.opening.meta["label"])


def lift(
    tokens: Iterable[Token], wanted: Callable[[Token], bool]
) -> tuple[list[Token], list[Definition]]:
    """Take definitions out of ``tokens``, however deep they stand.

    Args:
        tokens: any run of block tokens.
        wanted: tells by its opening token whether a definition is taken out; the text of others
            stays in place as if it were no definition.
    """
    rest: list[Token] = []
    found: list[Definition] = []
    around = [rest]
    for token in tokens:
        if token.type == OPEN:
            if wanted(token):
                found.append(Definition(token, []))
                around.append(found[-1].tokens)
            else:
                around.append(around[-1])
        elif token.type == CLOSE:
            around.pop()
        else:
            around[-1].append(token)
    return rest, found


def references(tokens: Iterable[Token]) -> list[str]:
    """Return the labels of the footnotes that ``tokens`` refer to, in order."""
    labels: list[str] = []
    for token in tokens:
        if token.type == "footnote_ref":
            labels.append(str(token.meta["label"]))
        labels += references(token.children or ())
    return labels


def reachable(tokens: Iterable[Token], definitions: Mapping[str, Sequence[Token]]) -> list[str]:
    """Return every label shown with ``tokens``, those that footnotes refer to included."""
    found: dict[str, None] = {}
    waiting = references(tokens)
    for label in waiting:
        if label in definitions and label not in found:
            found[label] = None
            waiting += references(definitions[label])
    return list(found)
