"""What an operator sets: the table of settings, how they are read, and the value they make."""

from worker.settings.reading import IN_FILE, read_settings, settings_from_environment
from worker.settings.table import PREFIX, SETTINGS, Setting
from worker.settings.values import LogFormat, LogLevel, ProviderName, Settings

__all__ = [
    "IN_FILE",
    "PREFIX",
    "SETTINGS",
    "LogFormat",
    "LogLevel",
    "ProviderName",
    "Setting",
    "Settings",
    "read_settings",
    "settings_from_environment",
]
