"""Files of npm packages that tests compare us with; nothing of them is run, or shipped."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from filelock import FileLock

CACHE = Path(__file__).parent / ".cache" / "node"


def package(name: str, version: str) -> Path:
    """Return the folder with a package's files, fetched from npm's registry the first time."""
    folder = CACHE / f"{name.replace('/', '-').lstrip('@')}-{version}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.is_dir():
            _fetch(f"{name}@{version}", folder)
    return folder / "package"


def _fetch(what: str, folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        if os.environ.get("CI") == "true":
            pytest.fail("npm is missing")
        pytest.skip("npm is missing")
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    fetched = subprocess.run(
        [npm, "pack", "--silent", what], cwd=partial, capture_output=True, text=True, check=True
    )
    with tarfile.open(partial / fetched.stdout.split()[-1]) as archive:
        # An attribute, since the parameter came with 3.11.4.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(partial)
    partial.rename(folder)
