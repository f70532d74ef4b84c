"""Addresses in letters: what they point to is signed, so that nobody can make up another's.

A token is kind, payload and the first 128 bits of an HMAC-SHA-256, as lower-case base32 without
padding (RFC 4648): it survives being case-folded, wrapped and read aloud, and as the local part of
a mail address it stays under 64 octets (RFC 5321, 4.5.3.1.1). Each purpose derives its own key, so
a token of one kind never passes for another.
"""

from __future__ import annotations

import hmac
from base64 import b32decode, b32encode
from binascii import Error as NotBase32
from collections.abc import Sequence
from datetime import UTC, datetime

UNSUBSCRIBE = b"u"
VIEW = b"v"
PAGE = b"p"
CONFIRM = b"c"
MINE = b"m"
REPLY = b"r"
BOUNCE = b"b"

PURPOSES = (UNSUBSCRIBE, VIEW, PAGE, CONFIRM, MINE, REPLY, BOUNCE)

TEST_ENROLLMENT = 0
"""The enrollment of links in test letters: nobody's."""

_MAC_BYTES = 16
_EXPIRY_BYTES = 5
_LONGEST_PAYLOAD = 16
_LONGEST = -(-(1 + _LONGEST_PAYLOAD + _MAC_BYTES) * 8 // 5)


class Links:
    """Makes and reads the addresses of one installation.

    Args:
        public_url: where the web door is reached, without a trailing slash.
        keys: secrets, oldest to newest; the newest signs, any verifies, so that a link in a letter
            of years ago still unsubscribes.
        reply_domain: whose mail comes back to us; empty when none does.
    """

    def __init__(self, public_url: str, keys: Sequence[str], reply_domain: str = "") -> None:
        if not keys:
            raise ValueError("links need at least one secret key")
        self.reply_domain = reply_domain
        self._public_url = public_url
        self._keys = {
            purpose: tuple(_derive(key, purpose) for key in reversed(keys)) for purpose in PURPOSES
        }

    def unsubscribe(self, enrollment_id: int) -> str:
        """Return the address where one click leaves."""
        return self.leaving(enrollment_id)[0]

    def leaving(self, enrollment_id: int) -> tuple[str, str]:
        """Return where one click leaves, and the mail address that one writes to instead.

        Both have the same token; without a reply domain the address is empty.
        """
        token = self._sign(UNSUBSCRIBE, _packed(enrollment_id))
        mail = f"{token}@{self.reply_domain}" if self.reply_domain else ""
        return f"{self._public_url}/u/{token}", mail

    def view(self, letter_id: int) -> str:
        """Return the address of a letter in the browser."""
        return f"{self._public_url}/v/{self._sign(VIEW, _packed(letter_id))}"

    def page(self, enrollment_id: int) -> str:
        """Return the address of a person's progress in one course."""
        return f"{self._public_url}/p/{self._sign(PAGE, _packed(enrollment_id))}"

    def confirm(self, consent_id: int) -> str:
        """Return the address where somebody says that it was they who signed up."""
        return f"{self._public_url}/confirm/{self._sign(CONFIRM, _packed(consent_id))}"

    def mine(self, enrollment_id: int, expires: datetime) -> str:
        """Return the address of a person's own words and data, good until ``expires``."""
        until = int(expires.timestamp()).to_bytes(_EXPIRY_BYTES)
        return f"{self._public_url}/mine/{self._sign(MINE, until + _packed(enrollment_id))}"

    def assets(self) -> str:
        """Return what ``/{name}`` is appended to for pictures."""
        return f"{self._public_url}/assets"

    def site(self, path: str) -> str:
        """Return the address of a door that needs no token; ``path`` begins with a slash."""
        return f"{self._public_url}{path}"

    def reply_address(self, delivery_id: str) -> str:
        """Return where replies to one delivery go; empty without a reply domain."""
        return self._mailbox(REPLY, bytes.fromhex(delivery_id))

    def bounce_address(self, delivery_id: str) -> str:
        """Return where reports about one delivery go; empty without a reply domain."""
        return self._mailbox(BOUNCE, bytes.fromhex(delivery_id))

    def read_unsubscribe(self, token: str) -> int | None:
        """Return the enrollment of a genuine unsubscribe token, in any case; else ``None``."""
        return _number(self._read(UNSUBSCRIBE, token))

    def read_view(self, token: str) -> int | None:
        """Return the stored letter of a genuine view token, in any case; else ``None``."""
        return _number(self._read(VIEW, token))

    def read_page(self, token: str) -> int | None:
        """Return the enrollment of a genuine page token; else ``None``."""
        return _number(self._read(PAGE, token))

    def read_confirm(self, token: str) -> int | None:
        """Return the consent of a genuine confirmation token; else ``None``."""
        return _number(self._read(CONFIRM, token))

    def read_mine(self, token: str, now: datetime) -> int | None:
        """Return the enrollment of a genuine token that has not expired; else ``None``."""
        payload = self._read(MINE, token)
        if payload is None or len(payload) < _EXPIRY_BYTES:
            return None
        expires = datetime.fromtimestamp(int.from_bytes(payload[:_EXPIRY_BYTES]), UTC)
        return _number(payload[_EXPIRY_BYTES:]) if now < expires else None

    def read_reply(self, token: str) -> str | None:
        """Return the delivery whose reply address has this local part; else ``None``."""
        payload = self._read(REPLY, token)
        return None if payload is None else payload.hex()

    def read_bounce(self, token: str) -> str | None:
        """Return the delivery whose bounce address has this local part; else ``None``."""
        payload = self._read(BOUNCE, token)
        return None if payload is None else payload.hex()

    def _mailbox(self, purpose: bytes, payload: bytes) -> str:
        if not self.reply_domain:
            return ""
        return f"{self._sign(purpose, payload)}@{self.reply_domain}"

    def _sign(self, purpose: bytes, payload: bytes) -> str:
        return _token(self._keys[purpose][0], purpose, payload)

    def _read(self, purpose: bytes, token: str) -> bytes | None:
        payload = _payload(token)
        if payload is None:
            return None
        given = token.lower()
        genuine = [
            hmac.compare_digest(_token(key, purpose, payload), given) for key in self._keys[purpose]
        ]
        return payload if any(genuine) else None


def _derive(key: str, purpose: bytes) -> hmac.HMAC:
    """Return a purpose's key, ready to sign: to copy it is cheaper than to begin anew."""
    derived = hmac.digest(key.encode(), b"lettercourse link " + purpose, "sha256")
    return hmac.new(derived, digestmod="sha256")


def _token(key: hmac.HMAC, purpose: bytes, payload: bytes) -> str:
    signed = purpose + payload
    mac = key.copy()
    mac.update(signed)
    return b32encode(signed + mac.digest()[:_MAC_BYTES]).decode().rstrip("=").lower()


def _payload(token: str) -> bytes | None:
    """Return what a token claims, genuine or not."""
    if not token.isascii() or len(token) > _LONGEST:
        return None
    try:
        content = b32decode(token + "=" * (-len(token) % 8), casefold=True)
    except NotBase32:
        return None
    return content[1:-_MAC_BYTES]


def _packed(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)


def _number(payload: bytes | None) -> int | None:
    return None if payload is None else int.from_bytes(payload)
