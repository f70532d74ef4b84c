"""What remains of an erased address: a keyed hash, so that only a list that names it can find it.

Without the key nobody can try addresses against the hashes; the key is not in the database.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection, Sequence

Digests = Callable[[str], Collection[str]]
"""Returns every hash that an address may stand under, the newest key's first."""


class Pseudonyms:
    """Hashes addresses with an installation's secrets.

    Args:
        keys: oldest to newest, as for links; a hash made with an older one is still found.
    """

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self._keys = tuple(
            hmac.digest(key.encode(), b"lettercourse suppression", "sha256")
            for key in reversed(keys)
        )

    def digests(self, address: str) -> tuple[str, ...]:
        """Return every hash that a normalised address may stand under, the newest key's first."""
        return tuple(hmac.digest(key, address.encode(), "sha256").hex() for key in self._keys)
