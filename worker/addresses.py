"""The one spelling of an address that identifies a subscriber."""

from __future__ import annotations

import re
from functools import lru_cache
from unicodedata import category

from email_validator import EmailNotValidError, validate_email

from course.errors import LettercourseError

_UNSEEN = "\u200b\ufeff"

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_PLAIN = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@([A-Za-z0-9.-]+)", re.ASCII)
"""What next to every address is: a dot-atom (RFC 5322, 3.2.3) at a domain in ASCII."""

_LONGEST_LOCAL, _LONGEST = 64, 254
"""Octets of a local part, and of an address (RFC 5321, 4.5.3.1)."""


def normalise_address(text: str) -> str:
    """Return the one spelling of an address that identifies a subscriber.

    The local part is casefolded, the domain in lower-case IDNA A-labels (RFC 5321, RFC 5890).
    Nothing is asked of the network. Addresses under ``.test`` are accepted (RFC 6761), so that
    examples work; local parts must be ASCII, since not every mail server takes others (RFC 6531).

    Raises:
        LettercourseError: this is not an address that mail can be sent to.
    """
    if plain := _PLAIN.fullmatch(text.strip(" ")):
        local, domain = plain.groups()
        known = _known_domain(domain)
        if known and len(local) <= _LONGEST_LOCAL and len(local) + 1 + len(known) <= _LONGEST:
            return f"{local.casefold()}@{known}"
    return _validated(text)


@lru_cache(maxsize=4096)
def _known_domain(domain: str) -> str | None:
    """Return a domain as addresses have it; ``None`` where mail cannot be sent to any in it.

    Most of a list is at a few providers, and a domain is what takes long to look at.
    """
    try:
        return _validated(f"a@{domain}").partition("@")[2]
    except LettercourseError:
        return None


def _validated(text: str) -> str:
    if any(category(character) == "Cc" for character in text):
        raise LettercourseError(
            "an email address cannot hold line breaks or control characters",
            remedy="give the address alone",
        )
    try:
        valid = validate_email(
            text.strip().strip(_UNSEEN),
            strict=True,
            allow_smtputf8=False,
            check_deliverability=False,
            test_environment=True,
        )
    except EmailNotValidError as error:
        shown = text.strip()
        shown = shown if len(shown) <= 80 else f"{shown[:79]}…"
        raise LettercourseError(
            f'"{shown}" is not an email address: {str(error).rstrip(".")}',
            remedy="correct the address",
        ) from None
    return f"{valid.local_part.casefold()}@{valid.ascii_domain.lower()}"
