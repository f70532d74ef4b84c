"""Quoted-printable (RFC 2045, 6.7), written so that pieces encoded apart can be joined.

Every piece begins at the start of a line. One that ends inside a line of text ends with a soft
line break, so the next piece begins at the start of a line too, and no line is over 76.
"""

from __future__ import annotations

import re

LIMIT = 76
SOFT_BREAK = b"=\r\n"

_TABLE = {byte: f"={byte:02X}" for byte in range(256) if not 32 <= byte <= 126 or byte == 61}
_BREAKS = re.compile("\r\n|\r|\n")
# What mail systems alter at the start of a line: a dot (RFC 5321, 4.5.2), "From " (RFC 4155).
_RISKY_START = re.compile(r"\.|From ")
_UNCHANGED = re.compile(f"(?!{_RISKY_START.pattern})[!-<>-~](?:[ -<>-~]{{0,{LIMIT - 3}}}[!-<>-~])?")


def encode(text: str) -> bytes:
    """Return one piece of a body: ``text`` as UTF-8, its line ends as CRLF."""
    if _UNCHANGED.fullmatch(text):
        return text.encode("ascii") + SOFT_BREAK
    lines = _BREAKS.split(text)
    written = ["=\r\n".join(_folded(line)) + "\r\n" for line in lines[:-1]]
    if lines[-1]:
        written.extend(f"{line}=\r\n" for line in _folded(lines[-1]))
    return "".join(written).encode("ascii")


def _folded(text: str) -> list[str]:
    """Return one line of text as encoded lines; soft breaks between them are left to be added."""
    rest = text.encode("utf-8", "replace").decode("latin-1").translate(_TABLE)
    if rest.endswith(" "):
        rest = f"{rest[:-1]}=20"
    lines = []
    while True:
        if _RISKY_START.match(rest):
            rest = f"={ord(rest[0]):02X}{rest[1:]}"
        if len(rest) < LIMIT:
            lines.append(rest)
            return lines
        end = LIMIT - 1
        if "=" in rest[end - 2 : end]:
            end = rest.rindex("=", end - 2, end)
        if rest[end - 1] == " ":
            rest = f"{rest[: end - 1]}=20{rest[end:]}"
        else:
            lines.append(rest[:end])
            rest = rest[end:]
