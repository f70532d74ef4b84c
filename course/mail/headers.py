"""Header values that no text can break out of: RFC 5322 folding, RFC 2047 encoded words."""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import quote

from course.errors import LettercourseError

LINE = 76
_LONGEST = 900
_WORD = 45  # bytes of UTF-8 in one encoded word: 60 of Base64 and 12 around them are 72 <= 75

_UNCLEAN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]|[^\\S ]|^ | $|  "
)
_WORDS = re.compile("(?:[!-~]+(?: [!-~]+)*)?")  # most texts, in a third of the other's time
_UNSEEN = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff]")
_UNPAIRED = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_SHOWN = re.compile("[^\\s\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")
_TOKEN = re.compile("[!-~]*")
_PRINTABLE = "".join(map(chr, range(33, 127)))
_SIMPLE = re.compile(r"[A-Za-z0-9 !#$%&'*+\-/^_`{|}~]*")
_PLAIN = re.compile(r"[ -~]*")
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.]+@[A-Za-z0-9._\-]+")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip


def clean(text: str) -> str:
    """Return ``text`` as one line without anything that acts instead of being read.

    Runs of white space and control characters become one space, direction overrides (Unicode's
    "Trojan source" set) go, an unpaired surrogate becomes U+FFFD. Joiners that scripts and emoji
    are written with stay.
    """
    if _WORDS.fullmatch(text) or not _UNCLEAN.search(text):
        return text
    seen = _UNSEEN.sub("", _UNPAIRED.sub("\ufffd", text))
    return " ".join(_CONTROL.sub(" ", seen).split())


def shows(text: str) -> bool:
    """Return whether ``clean`` leaves anything of ``text``."""
    return _SHOWN.search(text) is not None


def token(text: str) -> str:
    """Return a value such as an address of the web as printable ASCII without spaces.

    Raises:
        LettercourseError: it is too long for one line (RFC 5322, 2.1.1), and cannot be folded.
    """
    value = text if _TOKEN.fullmatch(text) else quote(clean(text), safe=_PRINTABLE)
    if len(value) > _LONGEST:
        raise LettercourseError(
            "a header value is longer than a mail line may be",
            where=value[:60],
            remedy="shorten it",
        )
    return value


def words(text: str, used: int) -> str:
    """Return free text, such as a subject, ready to stand in a header.

    Args:
        text: what it says.
        used: columns already taken on the first line.
    """
    text = clean(text)
    if not _PLAIN.fullmatch(text) or "=?" in text:
        return _encoded(text, used)
    lines, room = [""], LINE - used
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
            lines.append("")
            room = LINE - 1
        if len(word) > room:
            return _encoded(text, used)
        lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return "\r\n ".join(lines)


def phrase(text: str, used: int) -> str:
    """Return a display name (RFC 5322, 3.2.5): as it is, quoted, or as encoded words."""
    text = clean(text)
    if len(text) + used > LINE - 4 or not _PLAIN.fullmatch(text) or "=?" in text:
        return _encoded(text, used)
    if _SIMPLE.fullmatch(text):
        return text
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"' if len(quoted) + used < LINE - 2 else _encoded(text, used)


def mailbox(name: str, address: str, used: int) -> str:
    """Return ``name <address>`` folded, or the bare address when there is no name.

    Raises:
        LettercourseError: the address holds what would end or alter the header.
    """
    if not _ADDRESS.fullmatch(address) or len(address) > _LONGEST:
        raise LettercourseError(
            "an address cannot be written into a letter",
            remedy="use one address of printable ASCII characters, a foreign domain as xn--",
        )
    shown = phrase(name, used)
    if not shown:
        return address
    last = shown.rpartition("\n")[2]
    taken = len(last) if len(last) < len(shown) else used + len(shown)
    gap = " " if taken + len(address) + 3 <= LINE else "\r\n "
    return f"{shown}{gap}<{address}>"


def date_time(instant: datetime) -> str:
    """Return an aware instant as RFC 5322, 3.3 has it, in English whatever the locale."""
    return _dated(instant, instant.utcoffset())


@lru_cache(maxsize=16)
def _dated(instant: datetime, offset: timedelta | None) -> str:
    """Write a date once for all letters of a window; equal instants of two zones differ."""
    day = f"{_DAYS[instant.weekday()]}, {instant.day:02} {_MONTHS[instant.month - 1]}"
    clock = f"{instant.hour:02}:{instant.minute:02}:{instant.second:02}"
    east = instant.strftime("%z") if offset else "+0000"
    return f"{day} {instant.year:04} {clock} {east}"


def _encoded(text: str, used: int) -> str:
    room = min(_WORD, (LINE - used - 12) // 4 * 3)
    if len(text.encode()) <= room:
        return _word(text)
    found: list[str] = []
    chunk, size = "", 0
    for character in text:
        width = len(character.encode())
        if size + width > room:
            found.append(chunk)
            chunk, size, room = "", 0, _WORD
        chunk += character
        size += width
    found.append(chunk)
    return "\r\n ".join(map(_word, found))


def _word(text: str) -> str:
    return f"=?utf-8?b?{b64encode(text.encode()).decode()}?="
