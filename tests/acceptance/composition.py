"""docker-compose.yml on this machine: its services as processes, its places replaced by ours."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.acceptance.processes import ROOT, Process, inherited, running

PROGRAMS = {"celery": "celery", "lettercourse": "worker"}
_VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


@dataclass(frozen=True)
class Composition:
    """The file's services, started one by one.

    Attributes:
        folder: for what containers would keep for themselves.
        places: what the file says, by what stands for it here: addresses and paths.
        environment: what ``.env`` would hold.
    """

    folder: Path
    places: Mapping[str, str]
    environment: Mapping[str, str]

    @property
    def file(self) -> dict[str, Any]:
        content: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
        return content

    def service(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.file["services"][name]
        return found

    def start(self, name: str, container: str) -> AbstractContextManager[Process]:
        """Run a service's command as its process."""
        return running(
            self.here(shlex.split(self.service(name)["command"]), container),
            self.settings(name, container),
            self.folder / f"{container}.log",
        )

    def run(self, name: str, *command: str) -> str:
        """Run another command as ``docker compose run`` does; return what it said."""
        done = subprocess.run(
            called(*command),  # its paths are this machine's
            env={**inherited(), **self.settings(name, "once")},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def is_healthy(self, name: str, container: str) -> bool:
        """Tell what a service's own health check says."""
        kind, *test = self.service(name)["healthcheck"]["test"]
        command = ["sh", "-c", *test] if kind == "CMD-SHELL" else test
        done = subprocess.run(
            self.here([part.replace("$$", "$") for part in command], container),
            env={**inherited(), **self.settings(name, container)},
            capture_output=True,
            timeout=30,
        )
        return done.returncode == 0

    def settings(self, name: str, container: str) -> dict[str, str]:
        """Return a service's environment."""
        return {
            key: self._place(self._filled_in(str(value)), container)
            for key, value in self.service(name).get("environment", {}).items()
        }

    def here(self, command: list[str] | tuple[str, ...], container: str) -> list[str]:
        """Return a container's command as it is called here."""
        return called(*(self._place(part, container) for part in command))

    def _filled_in(self, text: str) -> str:
        return _VARIABLE.sub(lambda found: self.environment.get(found[1]) or found[2], text)

    def _place(self, text: str, container: str) -> str:
        own = self.folder / container
        own.mkdir(exist_ok=True)
        places = {**self.places, "/tmp": str(own)}
        anywhere = "|".join(map(re.escape, places))
        return re.sub(rf"(?<![\w/])({anywhere})(?![\w.])", lambda found: places[found[1]], text)


def called(program: str, *arguments: str) -> list[str]:
    """Return how a program of the image is called here."""
    if program in PROGRAMS:
        return [sys.executable, "-m", PROGRAMS[program], *arguments]
    return [sys.executable if program == "python" else program, *arguments]


def seconds(text: str) -> float:
    """Return a duration of the file, such as ``40s`` or ``1m``."""
    return float(text[:-1]) * {"s": 1, "m": 60}[text[-1]]
