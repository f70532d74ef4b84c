"""What a mail server's refusal says about the address: the one rule for every way it reaches us."""

from __future__ import annotations

import re

_STATUS = re.compile(r"(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?!\.?\d)")
_ADDRESS = re.compile(r"<[^<>]*>|[^\s<>]+@[^\s<>]+")
_ABOUT_US = re.compile(
    r"relay|rcpthosts|sender|authenti|verif|polic|block|spam|reputation|denied|dnsbl|rbl",
    re.IGNORECASE,
)
"""Words of a refusal that is about who sends, or what, and not about the address."""
_BAD_ADDRESS_CODES = frozenset({550, 551, 553})
_BAD_ADDRESS_STATUS = frozenset({"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})


def find_status(words: str) -> str:
    """Return the first enhanced status code (RFC 3463) in a server's words; empty without one."""
    found = _STATUS.search(words)
    return found[0] if found else ""


def blames_the_address(code: int, words: str, *, of_recipient: bool) -> bool:
    """Whether mail to this address cannot ever arrive (RFC 5321, 4.2.2; RFC 3463, 3.2 and 3.3).

    An enhanced status says it exactly: many servers answer 550 to what they take for spam or
    relaying (5.7.x), and that is no fault of the address. Without one the words decide, and a
    doubt does not blame the address: a held course can be resumed, a bounced person cannot.

    Args:
        code: the three-digit reply code.
        words: what the server said, its enhanced status included.
        of_recipient: the refusal answered the recipient's name, not the content.
    """
    status = find_status(words)
    if status.startswith("5"):
        return code >= 500 and status in _BAD_ADDRESS_STATUS
    return of_recipient and code in _BAD_ADDRESS_CODES and not _ABOUT_US.search(words)


def without_addresses(words: str) -> str:
    """Return a server's words without the people: they often repeat addresses."""
    return _ADDRESS.sub("<address>", words)
