"""A message is taken apart into readable bodies, reports and attachments (RFC 2045, RFC 2046).

The standard library's parser builds a tree of copies and compares each line with every open
boundary, so that nesting makes it quadratic. This one works on offsets into the message, with a
limit on depth and number of parts, and makes something of broken messages.
"""

from __future__ import annotations

import binascii
import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.utils import collapse_rfc2231_value

from worker.inbound.charsets import decode, tidy
from worker.inbound.headers import Headers, decode_words, head_begins, lenient_base64, split_head
from worker.inbound.model import Attachment
from worker.inbound.uuencoded import decode_uu, take_uu_files

LONGEST_TEXT = 1_000_000
"""Bytes of one body that are decoded, and of all of them together."""

_LONGEST_REPORT = 65_536
_MOST_PARTS = 1_000
_MOST_ATTACHMENTS = 200
_DEEPEST = 24
_GUESS = re.compile(rb"^--([^\s-][^\r\n]{3,69}?)[ \t]*\r?\n[A-Za-z-]+[ \t]*:", re.MULTILINE)
_REPORTS = frozenset(
    {
        "message/delivery-status",
        "message/global-delivery-status",
        "message/disposition-notification",
        "message/global-disposition-notification",
        "message/feedback-report",
        "message/rfc822",
        "message/global",
        "message/global-headers",
        "text/rfc822-headers",
    }
)


@dataclass(frozen=True, slots=True)
class Body:
    """One readable body; when both are there, they are alternatives.

    Attributes:
        plain: text, or ``None`` without such a part.
        html: markup, or ``None``.
        flowed: ``plain`` is format=flowed (RFC 3676).
        delsp: the space at the end of a flowed line goes (RFC 3676, 4.3).
    """

    plain: str | None = None
    html: str | None = None
    flowed: bool = False
    delsp: bool = False


@dataclass(slots=True)
class Contents:
    """Everything in a message that this room uses.

    Attributes:
        media_type: of the whole message, in lower case.
        parameters: of that type, names in lower case.
        reports: media type and content of what machines put into their reports, in order.
    """

    headers: Headers
    media_type: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    bodies: list[Body] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    reports: list[tuple[str, bytes]] = field(default_factory=list)
    truncated: bool = False


def take_apart(raw: bytes) -> Contents:
    """Return the contents of a message; nothing in it can make this fail or take long."""
    headers, body, cut = split_head(raw, head_begins(raw), len(raw))
    top = _Part(raw, headers, body, len(raw))
    contents = Contents(headers, top.media_type, top.parameters, truncated=cut)
    contents.bodies = _Reader(contents).read(top, 0)
    return contents


class _Part:
    """One part: its headers, and where its body is."""

    def __init__(self, raw: bytes, headers: Headers, start: int, end: int) -> None:
        self.raw, self.headers, self.start, self.end = raw, headers, start, end
        fields = Message()
        for name in ("content-type", "content-disposition"):
            if headers.has(name):
                fields[name] = headers.get(name)[:4_000].replace("\n", " ")
        self.media_type = fields.get_content_type()
        self.parameters: dict[str, str] = {}
        self.name = ""
        with contextlib.suppress(ValueError, LookupError):  # a parameter's charset or number
            for name, value in (fields.get_params() or [])[1:20]:
                self.parameters[name.lower()] = collapse_rfc2231_value(value)
            self.name = " ".join(decode_words(tidy(fields.get_filename() or "")).split())[:200]
        self.disposition = fields.get_content_disposition() or ""
        encoding = headers.get("content-transfer-encoding")
        self.encoding = encoding.partition(";")[0].strip().strip("\"'").lower()

    def content(self, limit: int) -> bytes:
        """Return up to ``limit`` bytes of the body without its transfer encoding."""
        cut = self.raw[self.start : min(self.end, self.start + limit * 3)]
        match self.encoding:
            case "base64":
                cut = lenient_base64(cut)
            case "quoted-printable":
                cut = binascii.a2b_qp(cut)
            case "x-uuencode" | "uuencode" | "x-uue" | "uue":
                cut = decode_uu(cut)
        return cut[:limit]

    def size(self) -> int:
        """Return the size of the content in bytes, near enough, without decoding it."""
        length = self.end - self.start
        if self.encoding != "base64":
            return length
        breaks = self.raw.count(b"\n", self.start, self.end)
        breaks += self.raw.count(b"\r", self.start, self.end)
        padding = self.raw.count(b"=", max(self.start, self.end - 4), self.end)
        return max(0, (length - breaks) // 4 * 3 - padding)

    def boundary(self) -> bytes:
        """Return what separates the parts: as it is declared, or else as it looks."""
        declared = self.parameters.get("boundary", "").encode("utf-8", "replace").rstrip()
        if declared and self.raw.find(b"--" + declared, self.start, self.end) >= 0:
            return declared
        guess = _GUESS.search(self.raw, self.start, min(self.end, self.start + 65_536))
        return guess[1] if guess else b""


class _Reader:
    """Walks through the parts of one message and fills its contents."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._parts = 0
        self._room = LONGEST_TEXT

    def read(self, part: _Part, depth: int) -> list[Body]:
        """Return the bodies in a part, in order; note everything else."""
        if not part.media_type.startswith("multipart/"):
            return self._leaf(part)
        boundary = part.boundary()
        if depth >= _DEEPEST or not boundary:
            self._contents.truncated |= bool(boundary)
            return self._text(part)
        bodies: list[Body] = []
        for child in self._children(part, boundary):
            bodies += self.read(child, depth + 1)
        return [_alternative(bodies)] if part.media_type == "multipart/alternative" else bodies

    def _children(self, part: _Part, boundary: bytes) -> Iterator[_Part]:
        begin = -1
        for start, after, last in _delimiters(part, boundary):
            if begin >= 0:
                yield self._child(part, begin, start)
            begin = -1 if last else after
            self._parts += 1
            if last or self._parts > _MOST_PARTS:
                self._contents.truncated |= self._parts > _MOST_PARTS
                break
        if begin >= 0:
            yield self._child(part, begin, part.end)

    def _child(self, parent: _Part, start: int, end: int) -> _Part:
        headers, body, cut = split_head(parent.raw, start, max(start, end))
        self._contents.truncated |= cut
        return _Part(parent.raw, headers, min(body, max(start, end)), max(start, end))

    def _leaf(self, part: _Part) -> list[Body]:
        if part.media_type in _REPORTS:
            if len(self._contents.reports) < 10:
                self._contents.reports.append((part.media_type, part.content(_LONGEST_REPORT)))
        elif part.disposition != "attachment" and part.media_type in {"text/plain", "text/html"}:
            named = part.name and self._contents.media_type.startswith("multipart/")
            if not (named and part.media_type == "text/plain"):
                return self._text(part)
        elif part.media_type == "text/x-amp-html":
            return []
        self._note(Attachment(part.name, part.media_type, part.size()))
        return []

    def _text(self, part: _Part) -> list[Body]:
        content = part.content(self._room + 1)
        if len(content) > self._room:
            content = content[: self._room]
            self._contents.truncated = True
        self._room -= len(content)
        charset = part.parameters.get("charset", "")
        if part.media_type == "text/html":
            return [Body(html=decode(content, charset or _declared(content)))]
        text, files = take_uu_files(decode(content, charset))
        for each in files:
            self._note(each)
        flowed = part.parameters.get("format", "").lower() == "flowed"
        delsp = part.parameters.get("delsp", "").lower() == "yes"
        return [Body(plain=text, flowed=flowed, delsp=delsp)]

    def _note(self, attachment: Attachment) -> None:
        if len(self._contents.attachments) < _MOST_ATTACHMENTS:
            self._contents.attachments.append(attachment)
        else:
            self._contents.truncated = True


def _alternative(bodies: list[Body]) -> Body:
    """Return the last text and the last markup of a multipart/alternative as one body."""
    best = Body()
    for each in bodies:
        if each.plain is not None and (each.plain.strip() or best.plain is None):
            best = Body(each.plain, best.html, each.flowed, each.delsp)
        if each.html is not None:
            best = Body(best.plain, each.html, best.flowed, best.delsp)
    return best


def _delimiters(part: _Part, boundary: bytes) -> Iterator[tuple[int, int, bool]]:
    """Yield where each delimiter line starts, where the next part begins, and if it is the last."""
    raw, end, mark = part.raw, part.end, b"--" + boundary
    at = raw.find(mark, part.start, end)
    while at >= 0:
        after = at + len(mark)
        line = raw.find(b"\n", after, end)
        stop = end if line < 0 else line
        rest = raw[after : min(stop, after + 80)].strip()
        if (at == part.start or raw[at - 1] in b"\r\n") and rest in {b"", b"--"}:
            start = at
            for end_of_line in (b"\n", b"\r"):
                if raw[start - 1 : start] == end_of_line and start > part.start:
                    start -= 1
            yield start, min(stop + 1, end), rest == b"--"
        at = raw.find(mark, after, end)


def _declared(content: bytes) -> str:
    """Return the charset that markup declares for itself, or the empty text."""
    found = re.search(
        rb"<meta[^<>]{0,200}charset=[\"']?([\w.:-]{1,40})", content[:4_096], re.IGNORECASE
    )
    return found[1].decode("ascii", "replace") if found else ""
