"""What an operator sets, as one frozen value; the only reader of the environment.

Every setting stands in ``SETTINGS``: its name, how it is read, its default and its meaning. Faults
are collected and reported all at once. No fault shows the value of a secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from ipaddress import ip_address
from math import isfinite
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from course.errors import LettercourseError
from worker.errors import SettingsError

PREFIX = "LETTERCOURSE_"

_LEAST_KEY = 16
# Printable ASCII without what ends an address in a header or in HTML: " < > \
_URL = re.compile(r"[!#-;=?-\[\]-~]+")
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")  # RFC 6750, 2.1
_DOMAIN = re.compile(rf"(?=.{{1,253}}$)({_LABEL}\.)+{_LABEL}")


class ProviderName(StrEnum):
    """Who carries the letters."""

    MAILDIR = "maildir"
    SMTP = "smtp"
    SENDGRID = "sendgrid"


@dataclass(frozen=True, slots=True)
class Settings:
    """One installation's settings, validated; ``SETTINGS`` says what each one means.

    Attributes:
        sendgrid_batch: recipients in one call.
        inbound_secret: any of them is accepted, so that it can be changed without losing mail.
        inbound_listen: ``lmtp://host:port`` or ``smtp://host:port``; empty for no listener.
        authserv_id: whose Authentication-Results (RFC 8601) are believed; empty for nobody's.
        public_url: without a trailing slash.
        secret_keys: oldest to newest; empty when the installation is to make one.
        send_rate: letters a second; 0 for no limit.
        send_window: letters a gate.
    """

    data_dir: Path
    database_url: str = field(repr=False)
    broker_url: str = field(repr=False)
    provider: ProviderName
    smtp_url: str = field(repr=False)
    sendgrid_api_key: str = field(repr=False)
    sendgrid_url: str
    sendgrid_event_key: str
    sendgrid_batch: int
    sendgrid_sandbox: bool
    inbound_secret: tuple[str, ...] = field(repr=False)
    inbound_listen: str
    authserv_id: str
    api_token: str = field(repr=False)
    public_url: str
    reply_domain: str
    secret_keys: tuple[str, ...] = field(repr=False)
    send_rate: float
    send_window: int


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the table of settings.

    Attributes:
        field: its name in ``Settings``; ``name`` is the variable's.
        read: makes the value from the variable's text, or raises ``LettercourseError``.
        default: text that is read when the variable is unset or empty.
        meaning: one sentence for the operator.
    """

    field: str
    read: Callable[[str], object]
    default: str
    meaning: str

    @property
    def name(self) -> str:
        """Return the environment variable's name."""
        return PREFIX + self.field.upper()


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings that ``environment`` holds; an empty variable counts as unset.

    Raises:
        SettingsError: with one line for every fault, unknown ``LETTERCOURSE_`` variables included.
    """
    faults = list(_unknown(environment))
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        text = environment.get(setting.name, "").strip() or setting.default
        try:
            values[setting.field] = setting.read(text)
        except LettercourseError as fault:
            faults.append(_line(setting.name, fault))
    faults.extend(_missing(values))
    if faults:
        raise SettingsError(faults)
    if not values["database_url"]:
        values["database_url"] = f"sqlite:///{values['data_dir'] / 'lettercourse.db'}"
    return Settings(**values)


def settings_from_environment() -> Settings:
    """Return the settings of this process.

    Raises:
        SettingsError: with one line for every fault.
    """
    return read_settings(os.environ)


def _unknown(environment: Mapping[str, str]) -> Iterator[str]:
    known = [setting.name for setting in SETTINGS]
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.8)
            remedy = f"did you mean {near[0]}?" if near else "remove it"
            yield _line(name, LettercourseError("there is no such setting", remedy=remedy))


def _missing(values: Mapping[str, object]) -> Iterator[str]:
    """Yield a fault for what the chosen provider cannot do without."""
    needed = {ProviderName.SMTP: "smtp_url", ProviderName.SENDGRID: "sendgrid_api_key"}
    provider = values.get("provider")
    missing = needed.get(provider) if isinstance(provider, ProviderName) else None
    if missing and values.get(missing) == "":
        remedy = f"set it, or choose another {PREFIX}PROVIDER"
        fault = LettercourseError(f"the provider {provider} needs it", remedy=remedy)
        yield _line(PREFIX + missing.upper(), fault)


def _line(name: str, fault: LettercourseError) -> str:
    return str(LettercourseError(fault.what, where=name, remedy=fault.remedy))


def _text(text: str) -> str:
    return text


def _folder(text: str) -> Path:
    if "?" in text or "\0" in text:
        raise LettercourseError(
            "a data folder's name cannot hold a question mark", remedy="choose another folder"
        )
    return Path(text)


def _provider(text: str) -> ProviderName:
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


def _database(text: str) -> str:
    remedy = "use sqlite:///path/to/file.db"
    if not text:
        return text
    scheme, _, rest = text.partition("://")
    file = rest.removeprefix("/")
    if scheme == "sqlite" and rest.startswith("/") and file and not file.startswith(":memory:"):
        return text
    if scheme.partition("+")[0] == "postgresql" and _address(text, remedy).path.strip("/"):
        return text
    raise LettercourseError("is not a database that can be used", remedy=remedy)


def _broker(text: str) -> str:
    remedy = "use memory://, or redis://host:6379/0, or rediss:// for TLS"
    parts = _address(text, remedy)
    if text == "memory://" or (parts.scheme in {"redis", "rediss"} and parts.hostname):
        return text
    raise LettercourseError("is not a broker that can be used", remedy=remedy)


def _mail_server(text: str) -> str:
    remedy = "use smtp://user:password@host:587 or smtps://..., special characters as %40"
    if text:
        parts = _address(text, remedy)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise LettercourseError("is not a mail server that can be used", remedy=remedy)
    return text


def _web(text: str) -> str:
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


def _domain(text: str) -> str:
    domain = text.lower()
    if domain and not _DOMAIN.fullmatch(domain):
        raise LettercourseError(
            f'"{text}" is not a domain', remedy="use one such as reply.example.org"
        )
    return domain


def _keys(text: str) -> tuple[str, ...]:
    keys = tuple(re.split(r"[,\s]+", text.strip(", "))) if text.strip(", ") else ()
    if any(len(key) < _LEAST_KEY for key in keys):
        raise LettercourseError(
            f"a key has fewer than {_LEAST_KEY} characters",
            remedy="make one with: openssl rand -hex 32",
        )
    if len(set(keys)) < len(keys):
        raise LettercourseError("holds a key twice", remedy="list each once, oldest to newest")
    return keys


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if rate < 0 or not isfinite(rate):
        raise LettercourseError(
            f'"{text}" is no rate', remedy="use letters a second, such as 5 or 0.5; 0 for no limit"
        )
    return rate


def _to_a_thousand(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= 1000):
        raise LettercourseError(
            f'"{text}" is no number of letters', remedy="use a whole number from 1 to 1000"
        )
    return int(text)


def _secrets(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _yes_or_no(text: str) -> bool:
    if text.lower() not in {"yes", "no"}:
        raise LettercourseError(f'"{text}" is neither yes nor no', remedy="use yes or no")
    return text.lower() == "yes"


def _bearer(text: str) -> str:
    if text and (len(text) < _LEAST_KEY or not _TOKEN.fullmatch(text)):
        raise LettercourseError(
            f"is no token of {_LEAST_KEY} or more letters and digits",
            remedy="make one with: openssl rand -hex 32",
        )
    return text


def _listener(text: str) -> str:
    remedy = "use lmtp://127.0.0.1:8024 or smtp://127.0.0.1:8025"
    if text:
        parts = _address(text, remedy)
        beyond = parts.path.strip("/") or parts.query or parts.username
        if parts.scheme not in {"lmtp", "smtp"} or not parts.hostname or not parts.port or beyond:
            raise LettercourseError("is no place to listen at", remedy=remedy)
    return text


SETTINGS: tuple[Setting, ...] = (
    Setting("data_dir", _folder, "./lettercourse-data", "Folder for everything that is kept."),
    Setting("database_url", _database, "", "Where rows are kept; by default SQLite in DATA_DIR."),
    Setting("broker_url", _broker, "memory://", "Celery's broker: memory://, redis://, rediss://."),
    Setting("provider", _provider, "maildir", "Who carries letters: maildir, smtp or sendgrid."),
    Setting("smtp_url", _mail_server, "", "The mail server: smtp://user:password@host:port."),
    Setting("sendgrid_api_key", _text, "", "SendGrid's API key."),
    Setting("sendgrid_url", _web, "https://api.sendgrid.com", "The base of SendGrid's API."),
    Setting("sendgrid_event_key", _text, "", "Public key that SendGrid's events are signed with."),
    Setting("sendgrid_batch", _to_a_thousand, "1", "Recipients in one call, 1 to 1000."),
    Setting("sendgrid_sandbox", _yes_or_no, "no", "Have SendGrid check letters and send none."),
    Setting("inbound_secret", _secrets, "", "Password in the address of the inbound hook."),
    Setting("inbound_listen", _listener, "", "Where mail comes in: lmtp:// or smtp://host:port."),
    Setting("authserv_id", _text, "", "The mail server whose Authentication-Results count."),
    Setting("api_token", _bearer, "", "Bearer token of programs that enroll people."),
    Setting("public_url", _web, "http://127.0.0.1:8000", "Where people reach the web door."),
    Setting("reply_domain", _domain, "", "Domain whose mail comes back to the inbound hook."),
    Setting("secret_keys", _keys, "", "Keys that sign links, oldest to newest; made if empty."),
    Setting("send_rate", _rate, "0", "Letters a second; 0 for no limit."),
    Setting("send_window", _to_a_thousand, "20", "Letters that one gate lets through, 1 to 1000."),
)
