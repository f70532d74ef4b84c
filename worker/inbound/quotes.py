"""What the sender wrote, without what they quote. Whatever is in doubt stays."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from worker.inbound.attributions import Attribution, divided, find_attribution
from worker.inbound.lines import Line, Mark, is_blank, next_written
from worker.inbound.separators import (
    REPLY_MARKER,
    Announcement,
    announces_mail,
    header_block,
    is_marker,
    is_rule,
    is_short_rule,
)
from worker.inbound.signatures import without_signature

_WIDEST = 80
_SLACK = 8
"""Columns at which mail systems wrap, 72 to 80."""

_LONGEST_REST = 30
_LONGEST_LINK = 300
_OPEN_LINK = re.compile(r"[<(\[]https?://[^\s>)\]]*$")
_LINKS_END = re.compile(r"\S{1,200}[)>\]]")
_STRAY_LINK = re.compile(r" ?\(https?://\S{1,300}\) >")

__all__ = ["REPLY_MARKER", "OwnWords", "own_words"]


class OwnWords(NamedTuple):
    """The sender's own words, and whether anything quoted was found and left out."""

    text: str
    quoted: bool


def own_words(lines: Sequence[Line]) -> OwnWords:
    """Return what remains of a mail without quotations, attributions and signatures.

    Every line that is not quoted is kept, wherever it stands: above, below, or between quoted
    lines. Only what begins with a line that no person writes (our marker, "-----Original
    Message-----", a block of headers, a complete attribution) goes to the end of the mail even
    where its lines carry no mark.
    """
    lines = divided(lines)
    kept = _unquoted(lines)
    passages: list[list[str]] = [[]]
    for at, line in enumerate(lines):
        if kept[at]:
            passages[-1].append(line.text if not line.depth else f">{line.text}")
        elif passages[-1]:
            passages.append([])
    cleared = [_stripped(without_signature(_stripped(each))) for each in passages]
    text = "\n\n".join("\n".join(each) for each in cleared if each)
    return OwnWords(text, not all(kept))


def _unquoted(lines: Sequence[Line]) -> list[bool]:
    """Return for each line whether it is the sender's own."""
    kept = [not (line.depth or _is_cut_off(lines, at)) for at, line in enumerate(lines)]
    at = 0
    while at < len(lines):
        if lines[at].depth:
            at += 1
            continue
        found = _quotation(lines, at)
        if found is None:
            at += 1
            continue
        start, end = found
        for each in range(start, end):
            kept[each] = False
        at = max(end, at + 1)
    single = _lone_comparison(lines)
    if single is not None and sum(kept) == len(lines) - 1:
        kept[single] = True
    return kept


def _quotation(lines: Sequence[Line], at: int) -> tuple[int, int] | None:
    """Return from where to where the lines go because of what stands on line ``at``."""
    line = lines[at]
    if line.mark is Mark.REST or is_marker(line.text):
        return at, len(lines)
    if is_blank(line):
        return None
    said = announces_mail(line.text)
    if said is not Announcement.NONE:
        after = next_written(lines, at + 1)
        block = header_block(lines, after, announced=True) if after < len(lines) else 0
        if block or said is Announcement.RULED or _is_quoted(lines, after):
            return _from_its_rule(lines, at), _end(lines, block or at + 1)
    rule = _from_its_rule(lines, at)
    if block := header_block(lines, at, announced=rule < at):
        return _from_its_rule(lines, at, is_short_rule), _end(lines, block)
    attribution = find_attribution(lines, at)
    return _introduced(lines, attribution) if attribution else None


def _introduced(lines: Sequence[Line], attribution: Attribution) -> tuple[int, int] | None:
    """Return what an attribution takes with it: itself, and what it introduces."""
    start, end, certain, ends = attribution
    after = next_written(lines, end)
    if after == len(lines):
        return (start, after) if ends else None
    if lines[after].mark is Mark.SET_IN:
        while after < len(lines) and (lines[after].mark is Mark.SET_IN or is_blank(lines[after])):
            after += 1
        return start, after
    if _is_quoted(lines, after):
        return start, end
    return (start, len(lines)) if certain else None


def _end(lines: Sequence[Line], end: int) -> int:
    """Return where a quotation ends whose head ends at ``end``: there, if ``>`` marks the rest."""
    after = next_written(lines, end)
    return end if after < len(lines) and lines[after].depth else len(lines)


def _is_quoted(lines: Sequence[Line], at: int) -> bool:
    if at >= len(lines):
        return False
    line = lines[at]
    return bool(line.depth) or line.mark is not Mark.NONE or is_marker(line.text)


def _from_its_rule(lines: Sequence[Line], at: int, also: Callable[[str], bool] = is_rule) -> int:
    """Return where the rule directly above line ``at`` stands; ``at`` without one."""
    before = at - 1
    while before >= max(0, at - 3) and is_blank(lines[before]) and not lines[before].depth:
        before -= 1
    if before < 0 or lines[before].depth:
        return at
    text = lines[before].text
    return before if is_rule(text) or also(text) else at


def _is_cut_off(lines: Sequence[Line], at: int) -> bool:
    """Whether a line is the rest of the quoted one above, which some mail system has wrapped.

    Then it is short, its first word did not fit there, neither line ends or begins a sentence,
    and the quotation goes on below it. Or it is the rest of a link.
    """
    if not 0 < at < len(lines) - 1 or not lines[at - 1].depth or not lines[at + 1].depth:
        return False
    text, above = lines[at].text, lines[at - 1]
    if _STRAY_LINK.fullmatch(text):
        return True
    if _LINKS_END.fullmatch(text) and _OPEN_LINK.search(above.text[-_LONGEST_LINK:]):
        return True
    width = above.depth + 1 + len(above.text)
    return (
        text[:1].islower()
        and len(text) <= _LONGEST_REST
        and not above.text.endswith((".", "!", "?", ":", ";", "…"))
        and width <= _WIDEST < width + 1 + len(text.split(maxsplit=1)[0]) + _SLACK
    )


def _lone_comparison(lines: Sequence[Line]) -> int | None:
    """Return the one line of a mail such as ">30 minutes a day", which quotes nothing."""
    quoted = [at for at, line in enumerate(lines[:2_000]) if line.depth]
    if len(quoted) != 1 or not quoted[0]:
        return None
    line, before = lines[quoted[0]], lines[quoted[0] - 1]
    return (
        quoted[0] if line.depth == 1 and line.text[:1].isdigit() and not is_blank(before) else None
    )


def _stripped(lines: list[str]) -> list[str]:
    start, end = 0, len(lines)
    while start < end and not lines[start].strip():
        start += 1
    while end > start and not lines[end - 1].strip():
        end -= 1
    return lines[start:end]
