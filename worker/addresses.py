"""The one spelling of an address that identifies a subscriber."""

from __future__ import annotations

from unicodedata import category

from email_validator import EmailNotValidError, validate_email

from course.errors import LettercourseError

_UNSEEN = "\u200b\ufeff"


def normalise_address(text: str) -> str:
    """Return the one spelling of an address that identifies a subscriber.

    The local part is casefolded, the domain in lower-case IDNA A-labels (RFC 5321, RFC 5890).
    Nothing is asked of the network. Addresses under ``.test`` are accepted (RFC 6761), so that
    examples work; local parts must be ASCII, since not every mail server takes others (RFC 6531).

    Raises:
        LettercourseError: this is not an address that mail can be sent to.
    """
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
