"""Authentication-Results (RFC 8601): for which domains our own mail server vouches."""

from __future__ import annotations

import re

from worker.inbound.headers import split_head

_NAME = "authentication-results"
_RESULT = re.compile(r"\s*([a-z][a-z0-9-]*)\s*(?:/\s*\d+\s*)?=\s*([a-z]+)", re.IGNORECASE)
_PROPERTY = re.compile(r"([a-z]+)\s*\.\s*([a-z-]+)\s*=\s*(\"[^\"]*\"|[^\s\";]+)", re.IGNORECASE)
_SAYS_WHO = {
    "dkim": (("header", "d"), ("header", "i")),
    "spf": (("smtp", "mailfrom"), ("smtp", "mfrom")),
    "dmarc": (("header", "from"),),
}
"""By method, the properties that name the domain it passed for, the first one found counting."""


def authenticated_domains(raw: bytes, authserv_id: str) -> tuple[str, ...]:
    """Return the domains for which DKIM, SPF or DMARC passed, in lower case.

    Only the topmost header of the server ``authserv_id`` counts; whoever writes a mail can put
    others below it. Without a name nobody is believed.

    Args:
        raw: the message.
        authserv_id: as the server calls itself in these headers.
    """
    if not authserv_id:
        return ()
    headers, _, _ = split_head(raw, 0, len(raw))
    for value in headers.all(_NAME):
        first, *results = _split(_without_comments(value))
        name = first.split()[0].strip('"') if first.split() else ""
        if name.casefold() == authserv_id.casefold():
            found = [domain for each in results if (domain := _passed_for(each))]
            return tuple(dict.fromkeys(found))
    return ()


def _passed_for(result: str) -> str:
    """Return the domain that one result passed for; empty if it did not, or names none."""
    method = _RESULT.match(result)
    if method is None or method[2].lower() != "pass":
        return ""
    named: dict[tuple[str, str], str] = {
        (place.lower(), name.lower()): value.strip('"')
        for place, name, value in _PROPERTY.findall(result, method.end())
    }
    for wanted in _SAYS_WHO.get(method[1].lower(), ()):
        if wanted in named:
            return named[wanted].rpartition("@")[2].strip("<>").rstrip(".").lower()
    return ""


def _without_comments(value: str) -> str:
    """Return a header's value without comments, which may be nested (RFC 5322, 3.2.2)."""
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for character in value:
        if escaped or (character == "\\" and (quoted or depth)):
            escaped = not escaped
        elif character == '"' and not depth:
            quoted = not quoted
        elif character == "(" and not quoted:
            depth += 1
        elif character == ")" and depth and not quoted:
            depth -= 1
            kept.append(" ")
            continue
        if not depth:
            kept.append(character)
    return "".join(kept)


def _split(value: str) -> list[str]:
    """Return what semicolons separate, those in quoted strings left alone."""
    parts = value.split('"')
    parts[::2] = [part.replace(";", "\n") for part in parts[::2]]
    return '"'.join(parts).split("\n")
