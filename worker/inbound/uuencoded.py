"""Files of the time before MIME: uuencoded, as a whole part or amid the text."""

from __future__ import annotations

import binascii
import re

from worker.inbound.model import Attachment

_BEGIN = re.compile(r"begin [0-7]{3,4} (\S.{0,200})")
_LINE = re.compile(r"[ -`]{1,90}")


def decode_uu(content: bytes) -> bytes:
    """Return the first uuencoded file in ``content``; without one, ``content``."""
    lines = content.replace(b"\r\n", b"\n").split(b"\n")
    begins = (at for at, line in enumerate(lines) if line.startswith(b"begin "))
    start = next(begins, None)
    if start is None:
        return content
    done = bytearray()
    for line in lines[start + 1 :]:
        if line.strip() == b"end":
            break
        try:
            done += binascii.a2b_uu(line)
        except binascii.Error:
            continue
    return bytes(done)


def take_uu_files(text: str) -> tuple[str, list[Attachment]]:
    """Return a text without the files uuencoded in it, and these.

    A file is a line ``begin``, lines whose length is what their first character says, and a line
    ``end``; whatever only begins like one stays.
    """
    if "\nbegin " not in f"\n{text}":
        return text, []
    kept: list[str] = []
    files: list[Attachment] = []
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        begin = _BEGIN.fullmatch(lines[at])
        stop = at + 1
        size = 0
        while begin and stop < len(lines) and (length := _length(lines[stop])) is not None:
            size += length
            stop += 1
        if begin and stop > at + 1 and stop < len(lines) and lines[stop] == "end":
            files.append(Attachment(begin[1].strip(), "application/octet-stream", size))
            at = stop + 1
            continue
        kept.append(lines[at])
        at += 1
    return "\n".join(kept), files


def _length(line: str) -> int | None:
    """Return how many bytes a uuencoded line holds; ``None`` if it is no such line."""
    line = line.rstrip()
    if not line or line == "end" or not _LINE.fullmatch(line):
        return None
    length = (ord(line[0]) - 32) & 63
    needed = (length + 2) // 3 * 4
    return length if needed - 3 <= len(line) - 1 <= needed + 1 or not length else None
