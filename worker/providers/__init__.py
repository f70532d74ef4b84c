"""What carries letters to the outside: one file a provider, all behind one protocol."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from worker.model import Provider
from worker.providers.maildir import MaildirProvider
from worker.providers.smtp import SmtpProvider
from worker.settings import ProviderName, Settings

__all__ = ["MaildirProvider", "SmtpProvider", "open_provider"]


def open_provider(settings: Settings, wall: Callable[[], datetime]) -> Provider:
    """Return the provider that the settings name.

    Args:
        settings: validated.
        wall: tells the machine's instant.

    Raises:
        LettercourseError: its address or its key cannot be used.
    """
    match settings.provider:
        case ProviderName.MAILDIR:
            return MaildirProvider(settings.data_dir / "maildir")
        case ProviderName.SMTP:
            return SmtpProvider(
                settings.smtp_url,
                connections=settings.smtp_connections,
                at_once=settings.send_window,
                sign=_signer(settings),
            )
        case ProviderName.SENDGRID:
            # Its libraries take as long to load as all the rest; other providers do without.
            from worker.providers.sendgrid import SendGridProvider

            return SendGridProvider(
                settings.sendgrid_api_key,
                settings.sendgrid_url,
                wall,
                batch=settings.sendgrid_batch,
                sandbox=settings.sendgrid_sandbox,
            )


def _signer(settings: Settings) -> Callable[[bytes], bytes] | None:
    """Return what signs letters; ``None`` when the mail server does."""
    if not settings.dkim_key:
        return None
    # Its libraries are loaded only where it is used.
    from worker.providers.dkim import Signer

    return Signer(settings.dkim_key, settings.dkim_selector, settings.dkim_domain)
