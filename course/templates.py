"""Where ``templates/`` lies: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

from pathlib import Path


def template_root() -> Path:
    """Return the folder that holds ``email/`` and ``pages/``."""
    package = Path(__file__).parent
    installed = package / "templates"
    return installed if installed.is_dir() else package.parent / "templates"
