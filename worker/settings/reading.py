"""Reading settings; nothing else looks at the environment.

A file may hold the value of any setting: ``NAME_FILE`` names it, as container secrets are mounted.
Faults are collected and reported all at once. No fault shows the value of a secret.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from course.errors import LettercourseError
from worker.errors import SettingsError
from worker.settings.table import PREFIX, SETTINGS
from worker.settings.values import ProviderName, Settings

IN_FILE = "_FILE"
"""Ends the variable that names a file with the value, rather than holding it."""


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings that ``environment`` holds; an empty variable counts as unset.

    Raises:
        SettingsError: with one line for every fault, unknown ``LETTERCOURSE_`` variables included.
    """
    faults = list(_unknown(environment))
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        name, text = setting.name, environment.get(setting.name, "").strip()
        file = environment.get(name + IN_FILE, "").strip()
        try:
            if file:
                name += IN_FILE
                text = _content(file, instead_of=text and setting.name)
            values[setting.field] = setting.read(text or setting.default)
        except LettercourseError as fault:
            faults.append(_line(name, fault))
    faults.extend(_missing(values))
    if faults:
        raise SettingsError(faults)
    if not values["journal_dir"].name:
        values["journal_dir"] = values["data_dir"] / "journal"
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
    known = [setting.name + ending for setting in SETTINGS for ending in ("", IN_FILE)]
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.8)
            remedy = f"did you mean {near[0]}?" if near else "remove it"
            yield _line(name, LettercourseError("there is no such setting", remedy=remedy))


def _content(file: str, instead_of: str) -> str:
    """Return the value that stands in a file, without the white space around it."""
    if instead_of:
        raise LettercourseError(f"{instead_of} is set too", remedy="unset one of the two")
    try:
        text = Path(file).read_text("utf-8").strip()
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or "it is no text"
        raise LettercourseError(
            f'the file "{file}" cannot be read: {reason}',
            remedy="check its path and that this user may read it",
        ) from None
    if not text:
        raise LettercourseError(
            f'the file "{file}" is empty', remedy="write the value to it, or unset the variable"
        )
    return text


def _missing(values: Mapping[str, object]) -> Iterator[str]:
    """Yield a fault for what the chosen provider cannot do without."""
    needed = {ProviderName.SMTP: "smtp_url", ProviderName.SENDGRID: "sendgrid_api_key"}
    provider = values.get("provider")
    missing = needed.get(provider) if isinstance(provider, ProviderName) else None
    if missing and values.get(missing) == "":
        remedy = f"set it, or choose another {PREFIX}PROVIDER"
        fault = LettercourseError(f"the provider {provider} needs it", remedy=remedy)
        yield _line(PREFIX + missing.upper(), fault)
    if values.get("dkim_key") and values.get("dkim_selector") == "":
        fault = LettercourseError(
            "the DKIM key needs a name in the DNS", remedy="set it to one, such as letters2026"
        )
        yield _line(f"{PREFIX}DKIM_SELECTOR", fault)


def _line(name: str, fault: LettercourseError) -> str:
    return str(LettercourseError(fault.what, where=name, remedy=fault.remedy))
