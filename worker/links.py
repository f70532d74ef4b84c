"""Addresses in letters: what they point to is signed, so that nobody can make up another's.

A token is kind, id and the first 128 bits of an HMAC-SHA-256, as lower-case base32 without padding
(RFC 4648): it survives being case-folded, wrapped and read aloud. Each purpose derives its own key,
so a token of one kind never passes for another.
"""

from __future__ import annotations

import hmac
from base64 import b32decode, b32encode
from binascii import Error as NotBase32
from collections.abc import Sequence

UNSUBSCRIBE = b"u"
VIEW = b"v"

TEST_ENROLLMENT = 0
"""The enrollment of unsubscribe links in test letters: nobody's."""

_MAC_BYTES = 16
_ID_BYTES = 8
_LONGEST = (len(UNSUBSCRIBE) + _ID_BYTES + _MAC_BYTES) * 8 // 5


class Links:
    """Makes and reads the addresses of one installation.

    Args:
        public_url: where the web door is reached, without a trailing slash.
        keys: secrets, oldest to newest; the newest signs, any verifies, so that a link in a letter
            of years ago still unsubscribes.
    """

    def __init__(self, public_url: str, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("links need at least one secret key")
        self._public_url = public_url
        self._keys = {
            purpose: tuple(_derive(key, purpose) for key in reversed(keys))
            for purpose in (UNSUBSCRIBE, VIEW)
        }

    def unsubscribe(self, enrollment_id: int) -> str:
        """Return the address where one click leaves."""
        return f"{self._public_url}/u/{self._sign(UNSUBSCRIBE, enrollment_id)}"

    def view(self, letter_id: int) -> str:
        """Return the address of a letter in the browser."""
        return f"{self._public_url}/v/{self._sign(VIEW, letter_id)}"

    def assets(self) -> str:
        """Return what ``/{name}`` is appended to for pictures."""
        return f"{self._public_url}/assets"

    def read_unsubscribe(self, token: str) -> int | None:
        """Return the enrollment of a genuine unsubscribe token, in any case; else ``None``."""
        return self._read(UNSUBSCRIBE, token)

    def read_view(self, token: str) -> int | None:
        """Return the stored letter of a genuine view token, in any case; else ``None``."""
        return self._read(VIEW, token)

    def _sign(self, purpose: bytes, number: int) -> str:
        return _token(self._keys[purpose][0], purpose, number)

    def _read(self, purpose: bytes, token: str) -> int | None:
        number = _number(token)
        if number is None:
            return None
        given = token.lower()
        genuine = [
            hmac.compare_digest(_token(key, purpose, number), given) for key in self._keys[purpose]
        ]
        return number if any(genuine) else None


def _derive(key: str, purpose: bytes) -> bytes:
    return hmac.digest(key.encode(), b"lettercourse link " + purpose, "sha256")


def _token(key: bytes, purpose: bytes, number: int) -> str:
    payload = purpose + number.to_bytes((number.bit_length() + 7) // 8)
    mac = hmac.digest(key, payload, "sha256")[:_MAC_BYTES]
    return b32encode(payload + mac).decode().rstrip("=").lower()


def _number(token: str) -> int | None:
    """Return the id that a token claims, genuine or not."""
    if not token.isascii() or len(token) > _LONGEST:
        return None
    try:
        content = b32decode(token + "=" * (-len(token) % 8), casefold=True)
    except NotBase32:
        return None
    return int.from_bytes(content[len(UNSUBSCRIBE) : -_MAC_BYTES])
