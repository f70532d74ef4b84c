"""What SendGrid posts to others: signed batches of events, and mail that came in."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import random
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from email.utils import getaddresses
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.peers.sendgrid_mail import Accepted

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"

Event = dict[str, Any]

_DETAILS: Mapping[str, Mapping[str, Any]] = {
    "processed": {},
    "delivered": {"response": "250 2.0.0 OK", "ip": "192.0.2.7", "tls": 1},
    "deferred": {"response": "451 4.7.1 try again later", "attempt": "1", "tls": 1},
    "bounce": {
        "type": "bounce",
        "reason": "550 5.1.1 The account does not exist",
        "status": "5.1.1",
        "bounce_classification": "Invalid Address",
        "ip": "192.0.2.7",
        "tls": 1,
    },
    "dropped": {"reason": "Bounced Address", "status": "5.0.0"},
    "spamreport": {},
    "unsubscribe": {},
    "group_unsubscribe": {"asm_group_id": 1, "ip": "192.0.2.9", "useragent": "Mail/1"},
    "group_resubscribe": {"asm_group_id": 1, "ip": "192.0.2.9", "useragent": "Mail/1"},
    "open": {"ip": "192.0.2.9", "useragent": "Mail/1", "sg_machine_open": True},
    "click": {"ip": "192.0.2.9", "useragent": "Mail/1", "url": "https://example.org/"},
}


class Signer:
    """The key pair that SendGrid signs its posts with; a new one each time."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def public_key(self) -> str:
        """Return the public key as SendGrid's settings page shows it: DER, in base64."""
        der = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(der).decode()

    def headers(self, body: bytes, timestamp: int) -> dict[str, str]:
        """Return the two headers that go with a body."""
        signed = self._key.sign(str(timestamp).encode() + body, ec.ECDSA(hashes.SHA256()))
        return {SIGNATURE: base64.b64encode(signed).decode(), TIMESTAMP: str(timestamp)}


def event(
    mail: Accepted,
    kind: str,
    *,
    at: float | None = None,
    asynchronous: bool = False,
    category: Literal["string", "array", "none"] = "none",
    **more: Any,
) -> Event:
    """Return the event ``kind`` about a mail, with a fresh ``sg_event_id``.

    Args:
        mail: what it is about.
        kind: ``processed``, ``delivered``, ``bounce`` and so on, or one nobody knows.
        at: epoch seconds; by default, now.
        asynchronous: without ids and custom arguments, as a bounce that comes by mail days later.
        category: the form in which the mail's categories, or one made up, are repeated.
        more: fields that are added or replace the usual ones, such as ``type="blocked"``.
    """
    found: Event = {
        "email": mail.recipient,
        "timestamp": int(time.time() if at is None else at),
        "event": kind,
        "sg_event_id": secrets.token_urlsafe(24),
    }
    if not asynchronous:
        found["smtp-id"] = mail.headers.get("Message-ID", f"<{mail.message_id}@geopod-ismtpd>")
        found["sg_message_id"] = f"{mail.message_id}.recvd-5d4f-1-6789-{mail.call}.0"
        found |= mail.custom_args
    if category != "none":
        names = list(mail.categories or ("course",))
        found["category"] = names[0] if category == "string" else names
    return found | dict(_DETAILS.get(kind, {})) | more


def repeated(
    events: Iterable[Event], copies: int, *, fresh_ids: bool = False, shuffle: int | None = None
) -> list[Event]:
    """Return events as a bad day delivers them: several times over, and in any order.

    Args:
        events: what happened.
        copies: how often each is told.
        fresh_ids: give each copy another ``sg_event_id``, as some retries have.
        shuffle: a seed to reorder by.
    """
    found = [dict(each) for each in events for _ in range(copies)]
    if fresh_ids:
        for each in found:
            each["sg_event_id"] = secrets.token_urlsafe(24)
    if shuffle is not None:
        random.Random(shuffle).shuffle(found)
    return found


def events_body(events: Sequence[Event]) -> bytes:
    r"""Return a batch as SendGrid writes it: compact, and ended by ``\r\n``, which is signed."""
    return b"[" + b",\r\n".join(json.dumps(each).encode() for each in events) + b"]\r\n"


@dataclass(frozen=True)
class Inbound:
    """How a mail reached SendGrid.

    Attributes:
        to: the envelope's recipients; empty for the mail's To header.
        sender: the envelope's sender; ``None`` for the mail's From, ``""`` for a bounce.
        dkim: SendGrid's own verdict, such as ``{@example.org : pass}``.
    """

    to: Sequence[str] = ()
    sender: str | None = None
    spf: str = "pass"
    dkim: str = "none"
    sender_ip: str = "192.0.2.33"
    spam_score: str = "0.1"
    more: Mapping[str, str] = field(default_factory=dict)


def inbound_body(raw: bytes, how: Inbound, mode: Literal["parsed", "raw"]) -> tuple[bytes, str]:
    """Return the multipart/form-data body of Inbound Parse, and its Content-Type."""
    mail = BytesParser(policy=default).parsebytes(raw)
    sender = how.sender
    if sender is None:
        sender = next(iter(getaddresses([str(mail["From"] or "")])), ("", ""))[1]
    to = list(how.to) or [a for _, a in getaddresses([str(mail["To"] or "")])]
    fields: list[tuple[str, bytes]] = [
        (name, _decoded(mail, name).encode()) for name in ("to", "cc", "from", "subject")
    ]
    fields = [pair for pair in fields if pair[1] or pair[0] != "cc"]
    charsets = {name: "UTF-8" for name, _ in fields}
    files: list[tuple[str, str, str, bytes]] = []
    if mode == "raw":
        fields.append(("email", raw))
    else:
        parts, files, named = _parts(mail)
        fields = [("headers", _header_lines(raw)), *fields, *parts]
        charsets |= named
        fields.append(("attachments", str(len(files)).encode()))
        if files:
            info = {
                name: {"filename": file, "name": file, "type": kind}
                for name, file, kind, _ in files
            }
            fields.append(("attachment-info", json.dumps(info).encode()))
    fields += [
        ("envelope", json.dumps({"to": to, "from": sender}).encode()),
        ("charsets", json.dumps(charsets).encode()),
        ("dkim", how.dkim.encode()),
        ("SPF", how.spf.encode()),
        ("sender_ip", how.sender_ip.encode()),
        ("spam_score", how.spam_score.encode()),
        *((name, value.encode()) for name, value in how.more.items()),
    ]
    return _multipart(fields, files)


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, tries: int, pause: float, timeout: float
) -> list[int]:
    """Post until it is answered with 2xx; return every status, 0 where there was no answer.

    A name and password in the address go as basic auth. Redirects are not followed.
    """
    parts = urlsplit(url)
    sent = {"User-Agent": "SendGrid Event API", **headers}
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        sent["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    statuses: list[int] = []
    for number in range(tries):
        if number:
            time.sleep(pause)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
        statuses.append(0)
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("POST", path or "/", body, sent)
            answer = connection.getresponse()
            answer.read()
            statuses[-1] = answer.status
        connection.close()
        if 200 <= statuses[-1] < 300:
            break
    return statuses


def _decoded(mail: EmailMessage, name: str) -> str:
    return str(make_header(decode_header(str(mail[name] or ""))))


def _header_lines(raw: bytes) -> bytes:
    """Return the header block with folded lines joined, as SendGrid shows it."""
    head = raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    return head.replace(b"\n ", b" ").replace(b"\n\t", b" ") + b"\n"


def _parts(
    mail: EmailMessage,
) -> tuple[list[tuple[str, bytes]], list[tuple[str, str, str, bytes]], dict[str, str]]:
    """Return text and html as they were encoded, the attachments, and the parts' charsets."""
    fields: list[tuple[str, bytes]] = []
    charsets: dict[str, str] = {}
    chosen = []
    for name, kind in (("text", "plain"), ("html", "html")):
        part = mail.get_body(preferencelist=(kind,))
        if part is not None:
            content = part.get_payload(decode=True)
            fields.append((name, content if isinstance(content, bytes) else b""))
            charsets[name] = part.get_content_charset("us-ascii")
            chosen.append(part)
    files: list[tuple[str, str, str, bytes]] = []
    for part in mail.walk():
        if part.is_multipart() or part in chosen:
            continue
        content = part.get_payload(decode=True)
        number = len(files) + 1
        files.append(
            (
                f"attachment{number}",
                part.get_filename(f"attachment{number}"),
                part.get_content_type(),
                content if isinstance(content, bytes) else b"",
            )
        )
    return fields, files, charsets


def _multipart(
    fields: Sequence[tuple[str, bytes]], files: Sequence[tuple[str, str, str, bytes]]
) -> tuple[bytes, str]:
    everything = b"".join([*(value for _, value in fields), *(each[3] for each in files)])
    boundary = "xYzZY"
    while boundary.encode() in everything:
        boundary = f"xYzZY{secrets.token_hex(8)}"
    pieces: list[bytes] = []
    for name, value in fields:
        pieces.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'.encode())
        pieces.append(b"\r\n\r\n" + value + b"\r\n")
    for name, file, kind, content in files:
        quoted = file.replace("\\", "\\\\").replace('"', '\\"')
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{quoted}"'
            f"\r\nContent-Type: {kind}\r\n\r\n"
        )
        pieces.append(head.encode() + content + b"\r\n")
    pieces.append(f"--{boundary}--\r\n".encode())
    return b"".join(pieces), f"multipart/form-data; boundary={boundary}"
