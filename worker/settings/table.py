"""Every setting: its name, how it is read, its default and its meaning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from worker.settings.forms import (
    bearer,
    broker,
    database,
    domain,
    file,
    folder,
    keys,
    listener,
    log_format,
    log_level,
    mail_server,
    plain,
    provider,
    rate,
    secrets,
    selector,
    to_a_hundred,
    to_a_thousand,
    web,
    yes_or_no,
)

PREFIX = "LETTERCOURSE_"


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


SETTINGS: tuple[Setting, ...] = (
    Setting("data_dir", folder, "./lettercourse-data", "Folder for everything that is kept."),
    Setting("database_url", database, "", "Where rows are kept; by default SQLite in DATA_DIR."),
    Setting("journal_dir", folder, "", "This host's journal; by default DATA_DIR/journal."),
    Setting("broker_url", broker, "memory://", "Celery's broker: memory://, redis://, rediss://."),
    Setting("provider", provider, "maildir", "Who carries letters: maildir, smtp or sendgrid."),
    Setting("smtp_url", mail_server, "", "The mail server: smtp://user:password@host:port."),
    Setting("smtp_connections", to_a_hundred, "4", "Connections of one process, 1 to 100."),
    Setting("dkim_key", plain, "", "Private key that letters by smtp are signed with, as PEM."),
    Setting("dkim_selector", selector, "", "Under which name its public key is in the DNS."),
    Setting("dkim_domain", domain, "", "Who signs; by default the domain of the sender."),
    Setting("sendgrid_api_key", plain, "", "SendGrid's API key."),
    Setting("sendgrid_url", web, "https://api.sendgrid.com", "The base of SendGrid's API."),
    Setting("sendgrid_event_key", plain, "", "Public key that SendGrid's events are signed with."),
    Setting("sendgrid_batch", to_a_thousand, "1", "Recipients in one call, 1 to 1000."),
    Setting("sendgrid_sandbox", yes_or_no, "no", "Have SendGrid check letters and send none."),
    Setting("inbound_secret", secrets, "", "Password in the address of the inbound hook."),
    Setting("inbound_listen", listener, "", "Where mail comes in: lmtp:// or smtp://host:port."),
    Setting("authserv_id", plain, "", "The mail server whose Authentication-Results count."),
    Setting("api_token", bearer, "", "Bearer token of programs that enroll people."),
    Setting("public_url", web, "http://127.0.0.1:8000", "Where people reach the web door."),
    Setting("reply_domain", domain, "", "Domain whose mail comes back to the inbound hook."),
    Setting("secret_keys", keys, "", "Keys that sign links, oldest to newest; made if empty."),
    Setting("send_rate", rate, "0", "Letters a second; 0 for no limit."),
    Setting("send_window", to_a_thousand, "20", "Letters that one gate lets through, 1 to 1000."),
    Setting("sign_of_life", file, "", "File that a worker or scheduler touches while it goes on."),
    Setting("log_format", log_format, "text", "How logs look: text for people, json for programs."),
    Setting("log_level", log_level, "info", "From which level on: debug, info, warning, error."),
)
