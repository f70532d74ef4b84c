"""What carries letters to the outside: one file a provider, all behind one protocol."""

from __future__ import annotations

from course.errors import LettercourseError
from worker.model import Provider
from worker.providers.maildir import MaildirProvider
from worker.providers.smtp import SmtpProvider
from worker.settings import ProviderName, Settings

__all__ = ["MaildirProvider", "SmtpProvider", "open_provider"]


def open_provider(settings: Settings) -> Provider:
    """Return the provider that the settings name.

    Raises:
        LettercourseError: this version does not have it, or its address cannot be read.
    """
    match settings.provider:
        case ProviderName.MAILDIR:
            return MaildirProvider(settings.data_dir / "maildir")
        case ProviderName.SMTP:
            return SmtpProvider(settings.smtp_url)
        case other:
            raise LettercourseError(
                f"the provider {other} is not available in this version",
                where="LETTERCOURSE_PROVIDER",
                remedy="use maildir or smtp",
            )
