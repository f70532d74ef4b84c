"""What an operator set, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit


class ProviderName(StrEnum):
    """Who carries the letters."""

    MAILDIR = "maildir"
    SMTP = "smtp"
    SENDGRID = "sendgrid"


class LogFormat(StrEnum):
    """How a line looks."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """From which level on our own events are logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Settings:
    """One installation's settings, validated; ``SETTINGS`` says what each one means.

    Attributes:
        smtp_connections: of one process, at most.
        dkim_key: PEM; empty when the mail server signs.
        dkim_domain: empty for the domain of each letter's sender.
        sendgrid_batch: recipients in one call.
        inbound_secret: any of them is accepted, so that it can be changed without losing mail.
        sign_of_life: touched by workers and schedulers that go on; ``None`` for none.
        inbound_listen: ``lmtp://host:port`` or ``smtp://host:port``; empty for no listener.
        authserv_id: whose Authentication-Results (RFC 8601) are believed; empty for nobody's.
        public_url: without a trailing slash.
        secret_keys: oldest to newest; empty when the installation is to make one.
        send_rate: letters a second; 0 for no limit.
        send_window: letters a gate.
    """

    data_dir: Path
    database_url: str = field(repr=False)
    journal_dir: Path
    broker_url: str = field(repr=False)
    provider: ProviderName
    smtp_url: str = field(repr=False)
    smtp_connections: int
    dkim_key: str = field(repr=False)
    dkim_selector: str
    dkim_domain: str
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
    sign_of_life: Path | None
    log_format: LogFormat
    log_level: LogLevel

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return every text that nobody may see: keys, tokens, passwords."""
        hidden = [getattr(self, each.name) for each in fields(self) if not each.repr]
        texts = [
            text for value in hidden for text in ([value] if isinstance(value, str) else value)
        ]
        found = (urlsplit(text).password if "://" in text else text for text in texts)
        return tuple(text for text in found if text)
