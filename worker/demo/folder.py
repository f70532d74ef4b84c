"""The demo's folder: what an earlier demo left is replaced, what anybody else left is not."""

from __future__ import annotations

import shutil
from pathlib import Path

from course.errors import LettercourseError

MARKER = ".lettercourse-demo"
WRITTEN = ("gallery", "maildir", "calendar.txt", "finale.html", "journal", "lettercourse.db*")
"""What a demo writes and the next one begins without."""


def claim_folder(folder: Path) -> None:
    """Make a folder for the demo, or clear what an earlier one wrote.

    Raises:
        LettercourseError: something else lies there.
    """
    marker = folder / MARKER
    if folder.exists() and not marker.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise LettercourseError(
            "exists and is no demo's folder",
            where=str(folder),
            remedy="name another one with --out",
        )
    folder.mkdir(parents=True, exist_ok=True)
    marker.write_text(f"lettercourse demo replaces here: {', '.join(WRITTEN)}\n")
    for pattern in WRITTEN:
        for path in folder.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
