"""A mail that its carrier took apart becomes one message again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message

_MIME = re.compile(
    r"^(?:content-[a-z-]+|mime-version)[ \t]*:.*(?:\r?\n[ \t].*)*(?:\r?\n|$)",
    re.IGNORECASE | re.MULTILINE,
)
_TYPE = re.compile(r"^content-type[ \t]*:[ \t]*(.*(?:\r?\n[ \t].*)*)", re.IGNORECASE | re.MULTILINE)
_TOKEN = re.compile(r"[\w!#$&.+^-]{1,100}/[\w!#$&.+^-]{1,100}", re.ASCII)
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\"\\]")
_LONGEST_HEADERS = 1_000_000


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that came with a mail; ``media_type`` as its carrier calls it."""

    name: str
    media_type: str
    content: bytes


def assemble_mail(
    headers: str,
    *,
    text: str | None,
    html: str | None,
    enclosures: Sequence[Enclosure] = (),
) -> bytes:
    """Return a message (RFC 5322) with these headers, bodies and files.

    For carriers that deliver fields instead of the message, such as SendGrid's parsed mode. The
    original's own MIME headers go, since they describe what is no longer there; that it was a
    report (RFC 6522), or how its text flows (RFC 3676), stays said. Bodies are written in UTF-8.

    Args:
        headers: the original's header block.
        text: the plain body, decoded (:func:`worker.inbound.decode`); ``None`` without one.
        html: the markup, decoded; ``None`` without one.
        enclosures: attachments, the parts of a report among them.
    """
    headers = headers[:_LONGEST_HEADERS]
    kept = _MIME.sub("", headers).replace("\r\n", "\n").strip("\n")
    described = Message()
    if found := _TYPE.search(headers):
        described["Content-Type"] = " ".join(found[1].split())[:4_000]
    plain = [("text/plain; charset=utf-8" + _flow(described), text)] if text is not None else []
    marked = [("text/html; charset=utf-8", html)] if html is not None else []
    bodies = [_part(kind, body.encode("utf-8", "replace")) for kind, body in plain + marked]
    content = bodies[0] if len(bodies) == 1 else _multipart("alternative", "", bodies)
    if described.get_content_type() == "multipart/report" or enclosures:
        files = [_file(each) for each in enclosures]
        content = _multipart(*_outermost(described), [content, *files])
    lines = [line for line in kept.split("\n") if line.strip()]
    head = "".join(f"{line}\r\n" for line in lines)
    return head.encode("utf-8", "replace") + b"MIME-Version: 1.0\r\n" + content


def _outermost(described: Message) -> tuple[str, str]:
    if described.get_content_type() != "multipart/report":
        return "mixed", ""
    report = _UNSAFE.sub("", str(described.get_param("report-type", "")))[:100]
    return "report", f'; report-type="{report}"'


def _flow(described: Message) -> str:
    """Return the parameters of format=flowed, if the original was one such text."""
    if described.get_content_type() != "text/plain":
        return ""
    flowed = str(described.get_param("format", "")).lower() == "flowed"
    spaces = str(described.get_param("delsp", "")).lower() == "yes"
    return ("; format=flowed" + ("; delsp=yes" if spaces else "")) if flowed else ""


def _file(enclosure: Enclosure) -> bytes:
    kind = enclosure.media_type.strip().lower()
    kind = kind if _TOKEN.fullmatch(kind) else "application/octet-stream"
    name = _UNSAFE.sub("", enclosure.name)[:200]
    return _part(kind, enclosure.content, f'Content-Disposition: attachment; filename="{name}"\r\n')


def _part(kind: str, content: bytes, more: str = "") -> bytes:
    head = f"Content-Type: {kind}\r\n{more}Content-Transfer-Encoding: binary\r\n\r\n"
    return head.encode("utf-8", "replace") + content


def _multipart(subtype: str, parameters: str, parts: Sequence[bytes]) -> bytes:
    """Return parts in one, with a boundary that is in none of them."""
    digest = hashlib.sha256()
    for each in parts:
        digest.update(each)
    boundary = f"=_{digest.hexdigest()}"
    head = f'Content-Type: multipart/{subtype}{parameters}; boundary="{boundary}"\r\n\r\n'
    mark = f"--{boundary}".encode()
    return (
        head.encode() + b"".join(mark + b"\r\n" + each + b"\r\n" for each in parts) + mark + b"--"
    )
