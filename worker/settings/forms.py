"""How the text of a setting becomes its value: one function for each form, with the remedy."""

from __future__ import annotations

import re
from ipaddress import ip_address
from math import isfinite
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from course.errors import LettercourseError
from worker.settings.values import LogFormat, LogLevel, ProviderName

_LEAST_KEY = 16
_SLOWEST = 0.001
# Printable ASCII without what ends an address in a header or in HTML: " < > \
_URL = re.compile(r"[!#-;=?-\[\]-~]+")
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")  # RFC 6750, 2.1
_SELECTOR = re.compile(rf"(?=.{{1,60}}$){_LABEL}(\.{_LABEL})*")  # RFC 6376, 3.1
_DOMAIN = re.compile(rf"(?=.{{1,253}}$)({_LABEL}\.)+{_LABEL}")


def plain(text: str) -> str:
    """Take any text."""
    return text


def folder(text: str) -> Path:
    """Read a folder's path."""
    if "?" in text or "\0" in text:
        raise LettercourseError(
            "a data folder's name cannot hold a question mark", remedy="choose another folder"
        )
    return Path(text)


def file(text: str) -> Path | None:
    """Read a file's path; empty for none."""
    if "\0" in text:
        raise LettercourseError("is no path", remedy="use one such as /tmp/lettercourse")
    return Path(text) if text else None


def provider(text: str) -> ProviderName:
    """Read a provider's name."""
    try:
        return ProviderName(text.lower())
    except ValueError:
        raise LettercourseError(
            f'there is no provider "{text}"', remedy="use maildir, smtp or sendgrid"
        ) from None


def _address(text: str, remedy: str) -> SplitResult:
    """Return the parts of an address, or say ``remedy``; the text itself may hold a password."""
    fault = LettercourseError("is not an address that can be used", remedy=remedy)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise fault from None
    if port == 0 or not _URL.fullmatch(text):
        raise fault
    return parts


def database(text: str) -> str:
    """Read a database's address; empty for the default."""
    remedy = "use sqlite:///path/to/file.db or postgresql://user:password@host/name"
    if not text:
        return text
    scheme, _, rest = text.partition("://")
    file = rest.removeprefix("/")
    if scheme == "sqlite" and rest.startswith("/") and file and not file.startswith(":memory:"):
        return text
    if scheme.partition("+")[0] == "postgresql" and _address(text, remedy).path.strip("/"):
        return text
    raise LettercourseError("is not a database that can be used", remedy=remedy)


def broker(text: str) -> str:
    """Read the address of Celery's broker."""
    remedy = "use memory://, or redis://host:6379/0, or rediss:// for TLS"
    parts = _address(text, remedy)
    if text == "memory://" or (parts.scheme in {"redis", "rediss"} and parts.hostname):
        return text
    raise LettercourseError("is not a broker that can be used", remedy=remedy)


def mail_server(text: str) -> str:
    """Read a mail server's address; empty for none."""
    remedy = "use smtp://user:password@host:587 or smtps://..., special characters as %40"
    if text:
        parts = _address(text, remedy)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise LettercourseError("is not a mail server that can be used", remedy=remedy)
    return text


def web(text: str) -> str:
    """Read an address of the web: https, or http where it does not leave this machine."""
    parts = _address(text, "use an address such as https://letters.example.org")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise LettercourseError(
            f'"{text}" is not a web address', remedy="use one such as https://letters.example.org"
        )
    if parts.username is not None or parts.query or parts.fragment:
        raise LettercourseError(
            "holds more than host, port and path", remedy="leave out user, query and fragment"
        )
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise LettercourseError(
            f'"{text}" is not encrypted', remedy="use https; http is for loopback only"
        )
    return text.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def domain(text: str) -> str:
    """Read a domain; empty for none."""
    domain = text.lower()
    if domain and not _DOMAIN.fullmatch(domain):
        raise LettercourseError(
            f'"{text}" is not a domain', remedy="use one such as reply.example.org"
        )
    return domain


def selector(text: str) -> str:
    """Read a DKIM selector (RFC 6376, 3.1); empty for none."""
    selector = text.lower()
    if selector and not _SELECTOR.fullmatch(selector):
        raise LettercourseError(
            f'"{text}" is no selector', remedy="use letters and digits, such as letters2026"
        )
    return selector


def keys(text: str) -> tuple[str, ...]:
    """Read keys, oldest to newest, with commas or spaces between."""
    keys = tuple(re.split(r"[,\s]+", text.strip(", "))) if text.strip(", ") else ()
    if any(len(key) < _LEAST_KEY for key in keys):
        raise LettercourseError(
            f"a key has fewer than {_LEAST_KEY} characters",
            remedy="make one with: openssl rand -hex 32",
        )
    if len(set(keys)) < len(keys):
        raise LettercourseError("holds a key twice", remedy="list each once, oldest to newest")
    return keys


def rate(text: str) -> float:
    """Read letters a second."""
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if rate < 0 or 0 < rate < _SLOWEST or not isfinite(rate):
        raise LettercourseError(
            f'"{text}" is no rate', remedy="use letters a second, such as 5 or 0.5; 0 for no limit"
        )
    return rate


def to_a_thousand(text: str) -> int:
    """Read a whole number from 1 to 1000."""
    return _count(text, 1000, "letters")


def to_a_hundred(text: str) -> int:
    """Read a whole number from 1 to 100."""
    return _count(text, 100, "connections")


def _count(text: str, most: int, of: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= most):
        raise LettercourseError(
            f'"{text}" is no number of {of}', remedy=f"use a whole number from 1 to {most}"
        )
    return int(text)


def secrets(text: str) -> tuple[str, ...]:
    """Read words with spaces between."""
    return tuple(text.split())


def yes_or_no(text: str) -> bool:
    """Read yes or no."""
    if text.lower() not in {"yes", "no"}:
        raise LettercourseError(f'"{text}" is neither yes nor no', remedy="use yes or no")
    return text.lower() == "yes"


def log_format(text: str) -> LogFormat:
    """Read how logs look."""
    try:
        return LogFormat(text.lower())
    except ValueError:
        raise LettercourseError(f'"{text}" is no log format', remedy="use text or json") from None


def log_level(text: str) -> LogLevel:
    """Read from which level on is logged."""
    try:
        return LogLevel(text.lower())
    except ValueError:
        raise LettercourseError(
            f'"{text}" is no log level', remedy="use debug, info, warning or error"
        ) from None


def bearer(text: str) -> str:
    """Read a bearer token (RFC 6750, 2.1); empty for none."""
    if text and (len(text) < _LEAST_KEY or not _TOKEN.fullmatch(text)):
        raise LettercourseError(
            f"is no token of {_LEAST_KEY} or more letters and digits",
            remedy="make one with: openssl rand -hex 32",
        )
    return text


def listener(text: str) -> str:
    """Read where mail is listened for; empty for nowhere."""
    remedy = "use lmtp://127.0.0.1:8024 or smtp://127.0.0.1:8025"
    if text:
        parts = _address(text, remedy)
        beyond = parts.path.strip("/") or parts.query or parts.username
        if parts.scheme not in {"lmtp", "smtp"} or not parts.hostname or not parts.port or beyond:
            raise LettercourseError("is no place to listen at", remedy=remedy)
    return text
