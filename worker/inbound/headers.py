"""A header block, read within bounds: fields, encoded words, ids and addresses."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from course.errors import LettercourseError
from worker.addresses import normalise_address
from worker.inbound.charsets import decode

LONGEST_BLOCK = 262_144
"""Bytes of one header block that are read."""

_LONGEST_VALUE = 16_384
_MOST_FIELDS = 1_000
_MOST_IDS = 100
_LONGEST_LIST = 8_192
_EMPTY_LINES = re.compile(rb"[\r\n]{1,20}(?=[A-Za-z][A-Za-z0-9-]{0,60}:[ \t]?\S)")
_END = re.compile(rb"\r?\n\r?\n|\r\r")
_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:[ \t]*")
# An encoded word's text holds no "?"; each match or failure reads on to the next one only.
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_ID = re.compile(r"<[^<>\s]{1,900}>")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_COMMENT = re.compile(r"\([^()]*\)")
_ANGLE = re.compile(r"<([^<>]*)>")
_BARE = re.compile(r"[^\s<>(),;:\"\[\]]{1,200}@[^\s<>(),;:\"]{1,255}")


@dataclass(frozen=True, slots=True)
class Headers:
    """Fields in their order: lower-case name, and the value on one line, not yet decoded."""

    fields: tuple[tuple[str, str], ...] = ()

    def all(self, name: str) -> Iterator[str]:
        """Yield the values of every field of that (lower-case) name."""
        return (value for field, value in self.fields if field == name)

    def get(self, name: str) -> str:
        """Return the first value of that (lower-case) name, or the empty text."""
        return next(self.all(name), "")

    def has(self, name: str) -> bool:
        """Whether there is such a field, empty or not."""
        return any(field == name for field, _ in self.fields)

    def words(self, name: str) -> str:
        """Return the first value of that name with its encoded words decoded, on one line."""
        return decode_words(self.get(name))


def head_begins(raw: bytes) -> int:
    """Return where a message's headers begin: below empty lines that some carrier put there."""
    empty = _EMPTY_LINES.match(raw)
    return empty.end() if empty else 0


def split_head(raw: bytes, start: int, end: int) -> tuple[Headers, int, bool]:
    """Return the headers that begin at ``start``, where the body begins, and if some were left out.

    A block ends at an empty line, or before a first line that cannot be a header.
    """
    if raw.startswith((b"\n", b"\r\n"), start):
        return Headers(), start + (1 if raw.startswith(b"\n", start) else 2), False
    found = _END.search(raw, start, end)
    stop, body = (found.start(), found.end()) if found else (end, end)
    cut = stop - start > LONGEST_BLOCK
    block = raw[start : min(stop, start + LONGEST_BLOCK)]
    lines = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    if lines[0].startswith((b"From ", b">From ")):
        del lines[0]  # the first line of a mailbox file (RFC 4155)
    if not lines or not _FIELD.match(lines[0]):
        return Headers(), start, False
    fields = _fields(lines)
    return Headers(tuple(fields[:_MOST_FIELDS])), body, cut or len(fields) > _MOST_FIELDS


def _fields(lines: Iterable[bytes]) -> list[tuple[str, str]]:
    gathered: list[tuple[str, list[bytes]]] = []
    for line in lines:
        if line[:1] in (b" ", b"\t") and gathered:
            gathered[-1][1].append(line.strip())
        elif found := _FIELD.match(line):
            gathered.append((found[1].decode("ascii").lower(), [line[found.end() :].strip()]))
    return [
        (name, " ".join(decode(b" ".join(value)[:_LONGEST_VALUE]).split()))
        for name, value in gathered
    ]


def decode_words(text: str) -> str:
    """Return a header's free text with encoded words (RFC 2047) decoded, on one line.

    Words of one charset that follow each other are decoded together: many senders cut a character
    in two.
    """
    if "=?" not in text:
        return text
    done: list[str] = []
    charset, content, at = "", b"", 0
    for word in _WORD.finditer(text):
        between = text[at : word.start()]
        if between.strip() or _charset(word) != charset:
            done += [decode(content, charset), between if between.strip() or not at else ""]
            content = b""
        charset, at = _charset(word), word.end()
        content += _bytes(word[2], word[3])
    done += [decode(content, charset), text[at:]]
    return " ".join("".join(done).split())


def _charset(word: re.Match[str]) -> str:
    """Return an encoded word's charset without the language it may name (RFC 2231, 5)."""
    return word[1].partition("*")[0].lower()


def _bytes(encoding: str, text: str) -> bytes:
    content = text.encode("utf-8", "replace")
    if encoding in "bB":
        return lenient_base64(content)
    return binascii.a2b_qp(content, header=True)


def lenient_base64(content: bytes) -> bytes:
    """Return what Base64 stands for; what is no Base64 is passed over, padding is optional."""
    clean = re.sub(rb"[^A-Za-z0-9+/]", b"", content)
    usable = len(clean) - (len(clean) % 4 == 1)
    return binascii.a2b_base64(clean[:usable] + b"=" * (-usable % 4))


def message_ids(text: str) -> tuple[str, ...]:
    """Return the ids in a References, In-Reply-To or Message-ID header, with their brackets.

    Of an endless list only the newest count.
    """
    return tuple(dict.fromkeys(_ID.findall(text)))[-_MOST_IDS:]


def addresses(text: str) -> tuple[str, ...]:
    """Return the addresses in a header's value, in lower case and otherwise as they stand."""
    plain = _COMMENT.sub(" ", _QUOTED.sub(" ", text[:_LONGEST_LIST]))
    angled = [each.strip() for each in _ANGLE.findall(plain)]
    rest = _BARE.findall(_ANGLE.sub(" ", plain))
    found = [each.lower() for each in angled + rest if "@" in each]
    return tuple(dict.fromkeys(found))


def normalised(address: str) -> str:
    """Return an address in the spelling that identifies a subscriber; empty if it is unusable."""
    if not address or len(address) > 320:
        return ""
    try:
        return normalise_address(address)
    except LettercourseError:
        return ""
