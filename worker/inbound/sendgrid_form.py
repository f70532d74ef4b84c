"""SendGrid's Inbound Parse: a mail as the fields of a form, taken apart or raw.

See https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook

The body is cut at its delimiters as bytes: a field is in the charset that the field ``charsets``
names for it, an attachment may be a whole mail with boundaries of its own, and thirty megabytes
take as long as it takes to search them twice. A mail that is refused here is lost for ever, so
whatever is missing or odd, something is made of what is there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from worker.inbound.assemble import Enclosure, assemble_mail
from worker.inbound.charsets import decode, tidy
from worker.inbound.model import InboundMail

_BOUNDARY = re.compile(r"boundary\s*=\s*(?:\"([^\"]*)\"|([^\s;\"]+))", re.IGNORECASE)
_FIRST_LINE = re.compile(rb"\s{0,4}--([^\r\n]{1,200}?)[ \t]*\r?\n")
_NAME = re.compile(rb"[;\s]name\s*=\s*(?:\"([^\"\r\n]*)\"|([^\s;\"]+))", re.IGNORECASE)
_FILE = re.compile(
    rb"[;\s]filename\s*=\s*(?:\"((?:[^\"\\\r\n]|\\.)*)\"|([^\s;\"]+))", re.IGNORECASE
)
_TYPE = re.compile(rb"^content-type\s*:\s*([^\s;]+)", re.IGNORECASE | re.MULTILINE)
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_LONGEST_HEAD = 8_192
_LONGEST_OBJECT = 1_000_000
_MOST_ENCLOSURES = 1_000
_VERDICT = re.compile(r"@([a-z0-9._-]+)\s*:\s*([a-z]+)", re.IGNORECASE)
_CARRIED = ("from", "to", "cc", "subject")
_CARRYING = frozenset({"email", "headers", "text", "html", *_CARRIED})
"""Fields of which a mail can be made."""


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    file: str | None
    media_type: str
    content: bytes


def read_inbound_form(body: bytes, content_type: str) -> InboundMail:
    """Return the mail in one post of Inbound Parse, in parsed or raw mode.

    Never fails: a body that is no form is taken for the mail itself.

    Args:
        body: as it came.
        content_type: the request's header, with the boundary.
    """
    fields: dict[str, bytes] = {}
    files: list[_Part] = []
    for part in _parts(body, content_type):
        if part.file is None:
            fields.setdefault(part.name, part.content)
        elif len(files) < _MOST_ENCLOSURES:
            files.append(part)
    form = _Form(fields)
    sender, recipients = form.envelope()
    return InboundMail(
        raw=_mail(form, files) if files or _CARRYING & fields.keys() else body,
        envelope_from=sender,
        envelope_to=recipients,
        authenticated=form.authenticated(sender or ""),
    )


class _Form:
    """The fields of one post; any of them may be missing or something else than it should be."""

    def __init__(self, fields: Mapping[str, bytes]) -> None:
        self.fields = fields
        charsets = _object(fields.get("charsets", b""))
        self._charsets = {name: label for name, label in charsets.items() if isinstance(label, str)}

    def text(self, name: str) -> str | None:
        """Return a field's text; ``None`` where it is missing."""
        content = self.fields.get(name)
        label = self._charsets.get(name, "")
        return None if content is None else decode(content, label)

    def envelope(self) -> tuple[str | None, tuple[str, ...]]:
        """Return the envelope's sender, ``None`` where nothing is said of it, and recipients."""
        envelope = _object(self.fields.get("envelope", b""))
        sender, to = envelope.get("from"), envelope.get("to")
        named = to if isinstance(to, list) else [to]
        recipients = [tidy(each).strip("<> ") for each in named if isinstance(each, str)]
        return (
            tidy(sender).strip("<> ") if isinstance(sender, str) else None,
            tuple(each for each in recipients if each),
        )

    def authenticated(self, sender: str) -> tuple[str, ...]:
        """Return the domains whose DKIM signature, or whose envelope's SPF, passed."""
        verdicts = _VERDICT.findall(self.text("dkim") or "")
        domains = [domain.lower() for domain, verdict in verdicts if verdict.lower() == "pass"]
        if (self.text("SPF") or "").strip().lower() == "pass" and "@" in sender:
            domains.append(sender.rpartition("@")[2].lower())
        return tuple(dict.fromkeys(domains))


def _mail(form: _Form, files: list[_Part]) -> bytes:
    """Return the message: as it was, or put together again from its fields."""
    if form.fields.get("email", b"").strip():
        return form.fields["email"]
    headers = form.text("headers") or ""
    if not headers.strip():
        lines = [(name, (form.text(name) or "").replace("\n", " ")) for name in _CARRIED]
        headers = "".join(f"{name.capitalize()}: {value}\n" for name, value in lines if value)
    described = _object(form.fields.get("attachment-info", b""))
    enclosures = [_enclosure(file, described.get(file.name)) for file in files]
    return assemble_mail(
        headers, text=form.text("text"), html=form.text("html"), enclosures=enclosures
    )


def _enclosure(file: _Part, described: Any) -> Enclosure:
    said = described if isinstance(described, dict) else {}
    name, media_type = said.get("filename"), said.get("type")
    return Enclosure(
        name=name if isinstance(name, str) and name else file.file or "",
        media_type=media_type if isinstance(media_type, str) and media_type else file.media_type,
        content=file.content,
    )


def _parts(body: bytes, content_type: str) -> Iterator[_Part]:
    """Yield the parts of a multipart/form-data body (RFC 7578); what has no name is passed over."""
    boundary = _boundary(body, content_type)
    if not boundary:
        return
    delimiter = re.compile(
        rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?:\r?\n|\Z)",
    )
    begin = -1
    for found in delimiter.finditer(body):
        if begin >= 0 and (part := _part(body[begin : found.start()])):
            yield part
        begin = -1 if found[1] else found.end()
        if found[1]:
            break
    if begin >= 0 and (part := _part(body[begin:])):  # cut off: its last part is what there is
        yield part


def _part(content: bytes) -> _Part | None:
    end = _END_OF_HEAD.search(content, 0, _LONGEST_HEAD)
    head = content[: end.start()] if end else b""
    name, file, kind = _NAME.search(head), _FILE.search(head), _TYPE.search(head)
    if end is None or name is None:
        return None
    return _Part(
        name=decode(name[1] or name[2] or b""),
        file=decode(re.sub(rb"\\(.)", rb"\1", file[1] or file[2] or b"")) if file else None,
        media_type=decode(kind[1]) if kind else "",
        content=content[end.end() :],
    )


def _boundary(body: bytes, content_type: str) -> bytes:
    """Return what separates the parts: as the header says, or else as the first line does."""
    declared = _BOUNDARY.search(content_type)
    if declared:
        return (declared[1] or declared[2] or "").encode("latin-1", "replace")
    first = _FIRST_LINE.match(body)
    return first[1] if first else b""


def _object(content: bytes) -> Mapping[str, Any]:
    """Return a JSON object; an empty one for anything else."""
    try:
        found = json.loads(decode(content[:_LONGEST_OBJECT]))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
