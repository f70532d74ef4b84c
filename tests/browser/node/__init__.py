"""npm packages that letters are checked with: installed once, into a folder that git ignores."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
CACHE = HERE.parent / ".cache"


def node(*command: str | Path, within: float = 120.0) -> subprocess.CompletedProcess[str]:
    """Run one of the packages' programs, or a script of ours, where the packages are."""
    _install()
    return subprocess.run(
        [str(part) for part in command],
        cwd=CACHE,
        capture_output=True,
        text=True,
        timeout=within,
        check=False,
    )


def _install() -> None:
    assert shutil.which("npm"), "npm is missing; on Debian: apt-get install npm"
    CACHE.mkdir(exist_ok=True)
    done, wanted = CACHE / "done", (HERE / "package.json").read_text()
    for each in ("package.json", ".htmlvalidate.json", "frames.js"):
        shutil.copy(HERE / each, CACHE)
    if not (done.exists() and done.read_text() == wanted):
        quiet = ("--no-audit", "--no-fund", "--no-package-lock", "--loglevel", "error")
        subprocess.run(["npm", "install", *quiet], cwd=CACHE, check=True, timeout=600)
        done.write_text(wanted)
