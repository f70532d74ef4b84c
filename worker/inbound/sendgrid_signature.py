"""SendGrid's signature: ECDSA on P-256 with SHA-256, over the timestamp and the body's raw bytes.

See https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

SIGNATURE_HEADER = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP_HEADER = "X-Twilio-Email-Event-Webhook-Timestamp"

OLDEST = timedelta(hours=25)
"""SendGrid tries again for 24 hours and documents no window, so minutes would lose events."""

FURTHEST_AHEAD = timedelta(hours=1)

_ALGORITHM = ec.ECDSA(SHA256())
_ARMOUR = re.compile(r"-----[A-Z ]+-----|\s")
_SECONDS = re.compile(r"[0-9]{1,11}", re.ASCII)


def is_key(text: str) -> bool:
    """Tell whether this is a public key that can be verified with."""
    return _public_key(text) is not None


def verify(
    body: bytes,
    signature: str,
    timestamp: str,
    key: str,
    now: datetime,
    oldest: timedelta = OLDEST,
) -> bool:
    """Tell whether these very bytes were signed with the key's other half, and lately.

    Args:
        body: as it came; JSON that was read and written again is another body.
        signature: base64, in the one spelling that its bytes have.
        timestamp: seconds since 1970, as the header has it.
        key: the public key as SendGrid's settings page shows it (base64 of DER), or as PEM.
        now: by the machine's clock.
        oldest: how long ago it may have been signed.
    """
    public_key, signed = _public_key(key), _bytes_of(signature)
    if public_key is None or signed is None or not _is_timely(timestamp, now, oldest):
        return False
    try:
        public_key.verify(signed, timestamp.encode("ascii") + body, _ALGORITHM)
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=8)
def _public_key(text: str) -> ec.EllipticCurvePublicKey | None:
    try:
        found = load_der_public_key(b64decode(_ARMOUR.sub("", text), validate=True))
    except (ValueError, UnsupportedAlgorithm):
        return None
    is_ours = isinstance(found, ec.EllipticCurvePublicKey) and found.curve.name == "secp256r1"
    return found if is_ours else None  # type: ignore[return-value]


def _bytes_of(signature: str) -> bytes | None:
    """Return what base64 stands for; its unused last bits must be zero (RFC 4648, 3.5)."""
    try:
        found = b64decode(signature, validate=True)
    except ValueError:
        return None
    return found if b64encode(found).decode() == signature else None


def _is_timely(timestamp: str, now: datetime, oldest: timedelta) -> bool:
    if not _SECONDS.fullmatch(timestamp):
        return False
    signed_at = datetime.fromtimestamp(int(timestamp), UTC)
    return now - oldest <= signed_at <= now + FURTHEST_AHEAD
