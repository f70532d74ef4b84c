"""Files that appear whole or not at all, and survive a power cut from then on."""

from __future__ import annotations

import os
from pathlib import Path


def begin_draft(path: Path) -> Path:
    """Return an empty file beside ``path``, for this user alone; what a crash left is removed."""
    draft = path.with_name(f"{path.name}.draft")
    remove_database(draft)
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return draft


def put_in_place(draft: Path, path: Path) -> None:
    """Give a finished draft its name."""
    _sync(draft)
    draft.rename(path)
    _sync(path.parent)


def set_aside(path: Path, stamp: str) -> Path | None:
    """Move a database away, with what SQLite keeps beside it; ``None`` where there is none."""
    if not path.exists():
        return None
    aside = path.with_name(f"{path.name}.before-{stamp}")
    for suffix in ("-wal", "-shm", ""):
        beside = Path(f"{path}{suffix}")
        if beside.exists():
            beside.rename(f"{aside}{suffix}")
    return aside


def remove_database(path: Path) -> None:
    """Remove a database and what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
