"""The line with which a mail program introduces what it quotes: "On ... wrote:", in any language.

No expression here runs over more than one short window of lines, so that a line made to look like
many attributions costs no more than any other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from worker.inbound.lines import Line, is_blank

_LONGEST = 600
_MOST_LINES = 4
_DIRECTIONS = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")

_VERBS = re.compile(
    r"\b(?:wrote|writes|said|says|has written|schrieb(?:en)?(?: Sie)?|geschrieben|"
    r"(?:a|m'a|m’a|avez|nous a) [ée]crit|a [ée]crit|[ée]crivait|escribi[óo]|va escriure|ha escrit|"
    r"ha scritto|scrisse|escreveu|schreef|geschreven|skrev|skreiv|kirjoitti|skrifaði|"
    r"napisał(?:a|\(a\)|\(-a\))?|pisze|napsal(?:a|\(a\))?|nap[íi]sal(?:a|\(a\))?|p[íi]še|"
    r"napisa(?:o|la|o/la)|je napisa[ol]|rašė|parašė|rakstīja|kirjutas|a scris|"
    r"написа(?:л|ла|в|ть|о)?(?:\(а\)|\(-а\))?|пишет|пише|напиша|έγραψε|yazdı|şunları yazdı|"
    r"đã viết|menulis|escriu|scríobh|idatzi du|ezt írta|írta)(?=\W|$)"
    r"|写道|寫道|写到|のメール|のメッセージ|さんは書きました|が書きました|書きました|wrote|"
    r"님이 작성|작성|작성했습니다|씀|כתב|כתבה|كتب|كتبت|เขียน(?:ว่า)?|ने लिखा|लिखा",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"\b(?:I|we) (?:wrote|said|write|say|have|had)\b|\bschrieb(?:en)? (?:ich|wir)\b"
    r"|\b(?:ich|wir)\b[^<>]* (?:ge)?schr[ie]+b|\bschreef ik\b|\bskrev (?:jag|jeg|vi)\b"
    r"|\b(?:jag|jeg) skrev\b|\b(?:я|мы) написал|\bja napisa",
)
"""Somebody tells what they wrote themselves; no mail program says "I"."""

_SPOKEN = re.compile(r"\b(?:said|says|wrote (?:me|to me|us|that))\b", re.IGNORECASE)
"""How people tell of others' words; a mail program says it only beside an address."""

_BEGINS = re.compile(
    r"(?:on|at|in (?:message|a message)|am|le|el|il|em|en|op|den|d\.|dne|dňa|dnia|w dniu|u|в|у|на|"
    r"pe|la data|în|pada|vào|vào lúc|tarihinde|στις|la|el dia|à|"
    r"(?:mo|di|mi|do|fr|sa|so)|(?:montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag)|"
    r"(?:mon|tue|tues|wed|thu|thur|thurs|fri|sat|sun)(?:day|sday|nesday|rsday|urday)?|"
    r"(?:man|tir|ons|tor|tors|fre|lør|lör|søn|sön|mån|tis|lau|ma|ti|ke|to|pe|la|su)|"
    r"(?:lun|mar|mer|jeu|ven|sam|dim|mié|mie|jue|vie|sáb|sab|dom|gio|seg|ter|qua|qui|sex|set)|"
    r"(?:pon|wt|śr|czw|pt|sob|niedz|po|út|st|čt|pá|so|ne)|"
    r"(?:пн|вт|ср|чт|пт|сб|вс|нд|понедельник|вторник|среда|четверг|пятница|суббота|воскресенье)|"
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]*"
    r")(?=[\s.,:])|\d|[在于於]|(?:ב|בתאריך|ביום|في|بتاريخ|يوم|الأحد|الاثنين)|[年月日星期周週]",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
_DATE = re.compile(
    r"(?<!\d)(?:19|20)\d\d(?!\d)|(?<!\d)\d{1,2}[./-]\d{1,2}[./-]\d{2,4}(?!\d)|(?<!\d)\d{4}[年년]"
)
_CLOCK = re.compile(r"(?<!\d)\d{1,2}\s?(?:[:.h時시点點]|Uhr|h )\s?\d{2}(?!\d)")
_ADDRESS = re.compile(r"[^\s<>\"]{1,100}@[^\s<>\"]{2,200}")
_IN_BRACKETS = re.compile(r"[<\[(](?:mailto:)?[^\s<>]{1,100}@[^\s<>]{2,200}[>\])]")
_DAY = re.compile(
    r"\b(?:jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-zäé]*\.? \d{1,2}\b"
    r"|\b\d{1,2}\.? (?:jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])",
    re.IGNORECASE,
)
"""A date without its year."""
_END = re.compile(r"[:：]\s*(?:[-*_>]{1,8}\s*)?$")
_LOOSE_END = re.compile(r"(?:wrote|writes|写道|寫道|님이 작성)\s*-{0,8}\s*$|>\s*$", re.IGNORECASE)
_INNER = re.compile(
    r"\d|(?:jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-zäé]*\W", re.IGNORECASE
)
"""How the rest of a date looks that was cut in two."""
_SENTENCE_END = re.compile(r"(?<!\d)[.!?…:;]$")
_RULED = re.compile(r"\s*-{3,20} ?([^-].{1,300}?) ?-{3,20}\s*")
_BARE = re.compile(r"\d{4}-\d\d-\d\d \d{1,2}:\d\d GMT[+-]\d\d:\d\d [^\s<][^<@]{0,100}")
"""How Gmail introduced a correspondent without an address: no verb, no colon."""
_WITHIN = re.compile(
    r"(?<=\S)\s*(?:\s|-{2,20}\s?)"
    r"(?=(?:On|Am|Le|Il|El|Em|Op|Den)\s(?:[^\W\d]{2,12}[.,]{0,2}\s){0,3}\d)"
)
_PARTICLES = re.compile(
    r"of|the|and|via|at|from|und|vo[nm]|der|den|zu|zum|et|de|du|des|la|les?|del|della|di|da|do|do?s|"
    r"das|y|e|el|al|bin|ibn|van|ten|ter|a[fv]|och|og"
)
"""Words of names that begin with a small letter."""
_NO_NAMES = re.compile(
    r"i|you|he|she|it|we|they|who|which|that|what|this|these|there|then|as|some(?:one|body)|ich|du|"
    r"er|sie|wir|ihr|man|es|was|wie|ils?|elles?|je|tu|nous|vous|qui|yo|él|ell[ao]s?|usted|lui|lei|io|"
    r"loro|chi|hij|zij|ze|ik|jij|han|hun|hon|jag|vi",
    re.IGNORECASE,
)
_LEAD = re.compile(r"^[\s>*_\"'-]{0,12}")


class Attribution(NamedTuple):
    """An attribution on the lines from ``start`` up to ``end``.

    Attributes:
        certain: only a mail program writes it this way (a verb, a date, a time or an address), so
            it introduces a quotation even where no line of that is marked.
        ends: it has the shape, if less than certain, to be the last line of a mail.
    """

    start: int
    end: int
    certain: bool
    ends: bool


def find_attribution(lines: Sequence[Line], last: int) -> Attribution | None:
    """Return the attribution that ends on the line ``last``, of the fewest lines that make one."""
    final = _clean(lines[last].text)
    if len(final) > _LONGEST:
        return None
    ruled = _RULED.fullmatch(lines[last].text)
    if ruled and (verb := _VERBS.search(ruled[1])) and verb.end() == len(ruled[1]):
        return Attribution(last, last + 1, certain=True, ends=True)
    if _BARE.fullmatch(final):
        return Attribution(last, last + 1, certain=False, ends=False)
    if not (_END.search(final) or _LOOSE_END.search(final)):
        return None
    verbless = None
    text = ""
    for start in range(last, max(-1, last - _MOST_LINES), -1):
        line = lines[start]
        if is_blank(line) or line.depth != lines[last].depth or len(line.text) > _LONGEST:
            break
        text = f"{_clean(line.text)} {text}".strip()
        if len(text) > _LONGEST:
            break
        verdict = _judge(text)
        if verdict is None:
            continue
        begins, verb = _BEGINS.match(text), _VERBS.search(text)
        if verb and (begins or _IN_BRACKETS.search(text)):
            return Attribution(_whole(lines, start), last + 1, *verdict)
        if begins and verbless is None:
            verbless = Attribution(_whole(lines, start), last + 1, *verdict)
    return verbless or _without_a_date(lines, last, final)


def _whole(lines: Sequence[Line], start: int) -> int:
    """Return where an attribution begins that was cut within its date, at line ``start``."""
    if not _INNER.match(_clean(lines[start].text)):
        return start
    for at in range(start - 1, max(-1, start - 3), -1):
        text = _clean(lines[at].text)
        if is_blank(lines[at]) or len(text) > _LONGEST or _SENTENCE_END.search(text):
            break
        if _BEGINS.match(text) and not _INNER.match(text):
            return at
    return start


def _judge(text: str) -> tuple[bool, bool] | None:
    """Return if a text that begins like an attribution is certainly one, and if it may end a mail.

    ``None`` says that it is none.
    """
    if not _DIGIT.search(text):
        return None
    date, clock = bool(_DATE.search(text)), bool(_CLOCK.search(text))
    verb = _VERBS.search(text)
    date = date or bool(verb and _IN_BRACKETS.search(text) and _DAY.search(text))
    if not (date or clock):
        return None
    address = bool(_ADDRESS.search(text))
    closed = bool(_END.search(text))
    if verb is None:
        # "2025-03-03 10:00 GMT+01:00 Ada <ada@example.org>:" has everything but a verb.
        named = bool(_IN_BRACKETS.search(text))
        if not (closed and date and clock) and not (named and (closed or date)):
            return None
        return (named and date and clock and closed, False)
    if _OWN.search(text) and not _IN_BRACKETS.search(text):
        return None
    if not closed and not (address or clock):
        return None
    if not (address or clock or _DIGIT.search(" ".join(text.split(maxsplit=4)[:4]))):
        return None  # a mail program names the day first
    machines = address if date or clock else False
    machines = machines or (date and clock and not _SPOKEN.search(text))
    return machines and (closed or (date and clock and address)), True


def _without_a_date(lines: Sequence[Line], last: int, final: str) -> Attribution | None:
    """Return an attribution such as "Ada Lovelace <ada@example.org> wrote:" or "Ada wrote:"."""
    verb, named = _VERBS.search(final), _IN_BRACKETS.search(final)
    if not _END.search(final) or len(final) > 200 or not (verb or named):
        return None
    if _OWN.search(final) and not named:
        return None
    dated = bool(_DATE.search(final)) or bool(_CLOCK.search(final))
    if verb and not named:
        tail = final[verb.end() :].rstrip(" :：-*_>")
        if tail and not _DATE.search(tail):
            return None
        if not _is_a_name(final[: verb.start()]):
            return None
    start = last
    if final.startswith("<") and last and not is_blank(lines[last - 1]):
        start = last - 1
    complete = bool(verb and named)
    return Attribution(start, last + 1, complete and dated, complete)


def _is_a_name(text: str) -> bool:
    """Whether words before "wrote:" are nothing but somebody's name; else somebody tells of it."""
    words = text.replace('"', " ").replace("*", " ").split()
    if not 0 < len(words) <= 6 or any(_NO_NAMES.fullmatch(word.strip(",")) for word in words):
        return False
    if any(len(word) > 4 and word[-1] in ".!?:;" for word in words):
        return False
    lesser = [word for word in words if word[0].islower() and not _PARTICLES.fullmatch(word)]
    return not lesser or (lesser == words[:1] and (len(words) == 1 or words[1] == "via"))


def divided(lines: Sequence[Line]) -> list[Line]:
    """Return lines in which no attribution shares a line with the words before it.

    Some mail programs forget the line break: "Thanks! On Mon, ... <ada@example.org> wrote:".
    """
    result: list[Line] = []
    for at, line in enumerate(lines):
        begin = 0 if line.depth or len(line.text) > _LONGEST else _begins_within(lines, at)
        if begin:
            result.append(line._replace(text=line.text[:begin].rstrip(" -")))
        result.append(line._replace(text=line.text[begin:].lstrip(" -")) if begin else line)
    return result


def _begins_within(lines: Sequence[Line], at: int) -> int:
    """Return where, within line ``at``, an attribution with an address begins; 0: nowhere."""
    places = [found.start() for found in _WITHIN.finditer(lines[at].text)]
    for place in reversed(places[-3:]):
        text = _clean(lines[at].text[place:])
        for line in lines[at + 1 : at + 3]:
            if _END.search(text) or is_blank(line) or line.depth or len(line.text) > _LONGEST:
                break
            text = f"{text} {_clean(line.text)}"
        verdict = _judge(text) if len(text) <= _LONGEST and _ADDRESS.search(text) else None
        if verdict and verdict[0] and _VERBS.search(text) and _END.search(text):
            return place
    return 0


def _clean(text: str) -> str:
    if len(text) > _LONGEST:
        return text
    return _LEAD.sub("", " ".join(_DIRECTIONS.sub("", text).split()))
