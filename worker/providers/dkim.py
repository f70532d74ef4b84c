"""DKIM signatures (RFC 6376; RFC 8463 for Ed25519) for letters to a plain mail server.

Both canonicalizations are relaxed. ``List-Unsubscribe`` and ``List-Unsubscribe-Post`` are covered,
as RFC 8058, 4 asks; ``From``, ``To`` and ``Subject`` are named once more than they stand there, so
that nobody can add a second one (RFC 6376, 5.4.2).
"""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from textwrap import wrap

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from course.errors import LettercourseError

SIGNED = (
    "from", "to", "subject", "date", "message-id", "reply-to", "list-id", "list-unsubscribe",
    "list-unsubscribe-post", "feedback-id", "auto-submitted", "content-language", "mime-version",
    "content-type", "content-transfer-encoding",
)  # fmt: skip
ONCE = ("from", "to", "subject")

LEAST_BITS = 1024
"""RFC 8301, 3.2: receivers do not verify shorter RSA keys."""

Key = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

_LINE = 72
_LINE_END = "\r\n  "
_TEXT = 255
"""Bytes in one string of a TXT record (RFC 1035, 3.3)."""

_FOLD = re.compile(rb"\r\n(?=[ \t])")
_SPACE = re.compile(rb"[ \t]+")
_SENDER = re.compile(rb"@([^\s@<>]+?)>?\s*\Z")


class Signer:
    """Signs letters with one key; thread-safe.

    Args:
        pem: the private key, RSA or Ed25519, unencrypted.
        selector: under which the public key stands in the DNS.
        domain: who signs; by default the domain of each letter's ``From``.

    Raises:
        LettercourseError: the key cannot be used; it is not repeated.
    """

    def __init__(self, pem: str, selector: str, domain: str = "") -> None:
        self._key = read_key(pem)
        self._selector = selector
        self._domain = domain

    def __call__(self, mime: bytes) -> bytes:
        """Return the letter with its signature before it.

        Args:
            mime: a whole message, CRLF line ends.

        Raises:
            ValueError: it has no ``From`` that names a domain.
        """
        if not mime.endswith(b"\r\n"):
            mime += b"\r\n"  # as it goes over the wire
        head, _, body = mime.partition(b"\r\n\r\n")
        fields = [_relaxed_field(field) for field in _unfolded(head)]
        names, covered = _covered(fields)
        digest = b64encode(sha256(relaxed_body(body)).digest()).decode()
        signature = (
            f"DKIM-Signature: v=1; a={_algorithm(self._key)}-sha256; c=relaxed/relaxed;\r\n"
            f" d={self._domain or _sender_domain(fields)}; s={self._selector};\r\n"
            f" h={_folded_names(names)};\r\n"
            f" bh={digest};\r\n"
            " b="
        )
        _, own = _relaxed_field(_FOLD.sub(b"", signature.encode("ascii")))
        value = b64encode(self._sign(b"\r\n".join((*covered, own)))).decode()
        return f"{signature}{_LINE_END.join(wrap(value, _LINE))}\r\n".encode("ascii") + mime

    def _sign(self, data: bytes) -> bytes:
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return self._key.sign(sha256(data).digest())


def read_key(pem: str) -> Key:
    r"""Return a private key; a ``\n`` in two characters counts as the end of a line.

    Raises:
        LettercourseError: it is none that DKIM knows; it is not repeated.
    """
    where, remedy = "LETTERCOURSE_DKIM_KEY", "make one with: openssl genrsa 2048"
    try:
        key = serialization.load_pem_private_key(pem.replace("\\n", "\n").encode(), None)
    except (ValueError, TypeError):
        raise LettercourseError(
            "the DKIM key is no unencrypted private key in PEM form", where=where, remedy=remedy
        ) from None
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < LEAST_BITS:
        raise LettercourseError(
            f"the DKIM key is neither RSA of {LEAST_BITS} or more bits nor Ed25519",
            where=where,
            remedy=remedy,
        )
    return key


def dns_record(pem: str, selector: str, domain: str) -> str:
    """Return the record that receivers look the public key up in, as a zone file has it.

    Raises:
        LettercourseError: the key cannot be used.
    """
    key = read_key(pem)
    encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    if isinstance(key, ed25519.Ed25519PrivateKey):
        encoding, form = serialization.Encoding.Raw, serialization.PublicFormat.Raw
    public = b64encode(key.public_key().public_bytes(encoding, form)).decode()
    text = f"v=DKIM1; k={_algorithm(key)}; p={public}"
    parts = (text[start : start + _TEXT] for start in range(0, len(text), _TEXT))
    quoted = " ".join(f'"{part}"' for part in parts)
    return f"{selector}._domainkey.{domain}. IN TXT ({quoted})"


def relaxed_body(body: bytes) -> bytes:
    """Return a body as it is hashed (RFC 6376, 3.4.4); it is empty or ends in CRLF."""
    body = body.replace(b"\t", b" ")
    while b"  " in body:
        body = body.replace(b"  ", b" ")
    body = body.replace(b" \r\n", b"\r\n")
    while body.endswith(b"\r\n\r\n"):
        body = body[:-2]
    return b"" if body == b"\r\n" else body


def _algorithm(key: Key) -> str:
    return "rsa" if isinstance(key, rsa.RSAPrivateKey) else "ed25519"


def _unfolded(head: bytes) -> list[bytes]:
    return _FOLD.sub(b"", head).split(b"\r\n")


def _relaxed_field(field: bytes) -> tuple[str, bytes]:
    """Return an unfolded header's name, and the whole as it is hashed (RFC 6376, 3.4.2)."""
    name, _, value = field.partition(b":")
    lower = name.strip().lower()
    return lower.decode("latin-1"), lower + b":" + _SPACE.sub(b" ", value).strip(b" ")


def _covered(fields: list[tuple[str, bytes]]) -> tuple[list[str], list[bytes]]:
    """Return the names for ``h=`` and their headers, several of a name from the last upwards."""
    names: list[str] = []
    covered: list[bytes] = []
    for name in SIGNED:
        found = [field for each, field in reversed(fields) if each == name]
        names += [name] * (len(found) + (name in ONCE))
        covered += found
    return names, covered


def _sender_domain(fields: list[tuple[str, bytes]]) -> str:
    for name, field in fields:
        if name == "from" and (found := _SENDER.search(field)):
            return found[1].decode("ascii").lower()
    raise ValueError("no From that names a domain")


def _folded_names(names: list[str]) -> str:
    """Return names with a colon between any two, in lines that end in one."""
    lines = wrap(": ".join(names), _LINE, break_on_hyphens=False)
    return _LINE_END.join(line.replace(": ", ":") for line in lines)
