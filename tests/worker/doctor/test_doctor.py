"""What the doctor finds, of real servers that are well, ill, or away."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.peers.loopback import Answer, Loopback
from tests.peers.sendgrid import sendgrid
from tests.servers.valkey import start_valkey
from tests.worker.databases import PostgresqlDatabases
from tests.worker.ledger import LEASE, MONDAY, REFUSED, UNKNOWN, HandClock, World, person
from tests.worker.smtp_sink import sink
from tests.worker.tiny_course import environment
from tests.worker.watching import installation_on, served
from worker.doctor import CHECKS, Finding, Patient, Result, examine
from worker.doctor.machine import FAR_OFF, SKEWED, _postgresql, _sqlite, clocks
from worker.journal import Place
from worker.model import DatabaseCondition, Heartbeat
from worker.pseudonyms import Pseudonyms
from worker.settings import read_settings
from worker.store import Store, open_store
from worker.store.agreeing import renew_generation

OK, WARNING, FAULT = Result.OK, Result.WARNING, Result.FAULT
SECOND = timedelta(seconds=1)


def patient(world: World, folder: Path, **more: str) -> Patient:
    return Patient(read_settings(environment(folder, **more)), world.store, world.clock)


def found(one: Patient, check: str) -> list[tuple[Result, str]]:
    """Return what one check says."""
    return [(each.result, each.found) for each in examine(one) if each.check == check]


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[World]:
    """A world on SQLite: what is looked at here is no database."""
    with closing(open_store(f"sqlite:///{tmp_path}/ledger.db")) as store:
        store.migrate()
        yield World(store)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def test_every_check_says_something_and_every_trouble_has_a_remedy(
    world: World, tmp_path: Path
) -> None:
    findings = list(examine(patient(world, tmp_path)))
    assert {each.check for each in findings} == {c.__name__.replace("_", " ") for c in CHECKS}
    assert all(each.remedy for each in findings if each.result is not OK)
    assert all(not each.remedy for each in findings if each.result is OK)
    assert all(check.__doc__ for check in CHECKS)


# The database


def test_a_database_that_is_not_there_is_said_once_and_not_made(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/none.db")
    findings = list(examine(Patient(read_settings(environment(tmp_path)), store, HandClock())))
    assert [each for each in findings if each.check == "database"] == [
        Finding("database", FAULT, "there is no database yet", "run: lettercourse migrate")
    ]
    assert not (tmp_path / "none.db").exists()
    assert "letters due" not in {each.check for each in findings}
    assert "broker" in {each.check for each in findings}


def test_a_server_that_is_away_keeps_no_other_check_from_being_made(tmp_path: Path) -> None:
    url = f"postgresql://ada:s3cret-pass@127.0.0.1:{free_port()}/letters"
    read = read_settings(environment(tmp_path, database_url=url))
    with closing(open_store(url)) as store:
        findings = list(examine(Patient(read, store, HandClock())))
    (database,) = (each for each in findings if each.check == "database")
    assert (database.result, "refused" in database.found) == (FAULT, True)
    assert "provider" in {each.check for each in findings}
    assert "s3cret-pass" not in repr(findings)


def test_a_server_that_does_not_sync_loses_commits(
    postgresql_databases: PostgresqlDatabases, tmp_path: Path
) -> None:
    with postgresql_databases.lent() as url, closing(open_store(url)) as store:
        (said,) = found(patient(World(store), tmp_path), "database")
    assert said[0] is FAULT  # the tests' own server runs without fsync
    assert said[1].startswith("PostgreSQL ")
    assert "a power cut can lose commits" in said[1]


@pytest.mark.parametrize(
    ("version", "journal", "synchronous", "result"),
    [
        ((3, 51, 3), "wal", "full", OK),
        ((3, 40, 1), "wal", "full", FAULT),
        ((3, 40, 1), "delete", "extra", WARNING),
        ((3, 51, 3), "wal", "normal", FAULT),
    ],
)
def test_a_journal_is_judged_by_the_library_that_writes_it(
    version: tuple[int, ...], journal: str, synchronous: str, result: Result
) -> None:
    condition = DatabaseCondition(
        "sqlite", version, {"journal_mode": journal, "synchronous": synchronous}
    )
    assert [each.result for each in _sqlite(condition)] == [result]


@pytest.mark.parametrize(
    ("version", "off", "result"),
    [
        ((18, 6), "", OK),
        ((13, 9), "", WARNING),
        ((18, 6), "fsync", FAULT),
        ((18, 6), "full_page_writes", FAULT),
        ((18, 6), "synchronous_commit", FAULT),
    ],
)
def test_a_server_is_judged_by_what_makes_commits_durable(
    version: tuple[int, ...], off: str, result: Result
) -> None:
    names = ("synchronous_commit", "fsync", "full_page_writes")
    condition = DatabaseCondition(
        "postgresql", version, {name: "off" if name == off else "on" for name in names}
    )
    assert [each.result for each in _postgresql(condition)] == [result]


def test_tables_of_another_version_are_a_fault(world: World, tmp_path: Path) -> None:
    with world.store._database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    one = patient(world, tmp_path)
    assert found(one, "migrations")[0][0] is FAULT
    assert found(one, "doubts") == []


@pytest.mark.parametrize(("off", "result"), [(SKEWED, WARNING), (FAR_OFF, FAULT)])
def test_a_clock_that_is_off_the_servers_is_told(
    postgresql_databases: PostgresqlDatabases, tmp_path: Path, off: timedelta, result: Result
) -> None:
    with postgresql_databases.lent() as url, closing(open_store(url)) as store:
        now = store.clock()
        assert now is not None
        one = patient(World(store, HandClock(now, now)), tmp_path)
        assert [each.result for each in clocks(one)] == [OK]
        one = patient(World(store, HandClock(now, now - off - SECOND)), tmp_path)
        assert [each.result for each in clocks(one)] == [result]


def test_a_row_from_the_future_tells_that_a_clock_was_set_back(
    sqlite: World, tmp_path: Path
) -> None:
    beat = Heartbeat("w", "h", 1, "0.1.0", MONDAY, MONDAY + timedelta(hours=1))
    sqlite.store.beat(beat)
    ((result, said),) = found(patient(sqlite, tmp_path), "clocks")
    assert (result, "3600 s from now" in said) == (WARNING, True)


# What it talks to


def test_a_broker_is_pinged(sqlite: World, tmp_path: Path) -> None:
    server = start_valkey(tmp_path / "valkey")
    try:
        one = patient(sqlite, tmp_path, broker_url=f"redis://127.0.0.1:{server.port}/0")
        ((result, said),) = found(one, "broker")
        assert (result, "memory policy noeviction" in said) == (OK, True)
        client = redis.Redis(port=server.port)
        client.config_set("maxmemory", "50mb")
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.close()
        ((result, said),) = found(one, "broker")
        assert (result, "allkeys-lru" in said) == (WARNING, True)
    finally:
        server.stop()
    ((result, said),) = found(one, "broker")
    assert (result, said) == (FAULT, "it does not answer: ConnectionError")


def test_a_mail_server_is_greeted_and_no_letter_is_sent(sqlite: World, tmp_path: Path) -> None:
    with sink() as server:
        one = patient(sqlite, tmp_path, provider="smtp", smtp_url=server.url)
        ((result, said),) = found(one, "provider")
    assert (result, server.taken) == (OK, [])
    assert "lets us in, not encrypted" in said


@pytest.mark.parametrize("verb", ["connect", "EHLO", "NOOP"])
def test_a_mail_server_that_turns_us_away_is_a_fault(
    sqlite: World, tmp_path: Path, verb: str
) -> None:
    script = {verb: ["554 go away"] * 5, "HELO": ["554 go away"]}
    with sink(**script) as server:
        one = patient(sqlite, tmp_path, provider="smtp", smtp_url=server.url)
        assert [result for result, _ in found(one, "provider")] == [FAULT]


def test_a_mail_server_that_is_away_is_a_fault(sqlite: World, tmp_path: Path) -> None:
    url = f"smtp://127.0.0.1:{free_port()}"
    ((result, said),) = found(patient(sqlite, tmp_path, provider="smtp", smtp_url=url), "provider")
    assert (result, "refused" in said) == (FAULT, True)


def test_sendgrid_is_asked_what_our_key_may(sqlite: World, tmp_path: Path) -> None:
    with sendgrid() as account:
        more = {"provider": "sendgrid", "sendgrid_url": account.url}
        one = patient(sqlite, tmp_path, **more, sendgrid_api_key=account.api_key)
        assert found(one, "provider") == [(OK, "it lets us in, and our key may send mail")]
        account.may_send = False
        assert found(one, "provider") == [(FAULT, "our key may not send mail")]
        wrong = patient(sqlite, tmp_path, **more, sendgrid_api_key="SG.another")
        assert found(wrong, "provider") == [(FAULT, "it refuses our key (401)")]
        assert account.accepted == []
        assert account.api_key not in repr(list(examine(one)))
    ((result, said),) = found(one, "provider")
    assert (result, "cannot be reached" in said) == (FAULT, True)


def test_a_maildir_must_be_writable(sqlite: World, tmp_path: Path) -> None:
    assert [result for result, _ in found(patient(sqlite, tmp_path), "provider")] == [OK]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "maildir").write_text("in the way")
    one = patient(sqlite, tmp_path / "other")
    assert [result for result, _ in found(one, "provider")] == [FAULT]


def test_the_public_address_must_lead_to_us(world: World, tmp_path: Path) -> None:
    with served(installation_on(world.store, world.clock, tmp_path)) as door:
        one = patient(world, tmp_path, public_url=str(door.base_url).rstrip("/"))
        ((result, said),) = found(one, "public address")
        assert (result, said.endswith("answers, and it is us")) == (OK, True)
        other = open_store(f"sqlite:///{tmp_path}/other.db")
        other.migrate()
        ((result, said),) = found(replace(one, store=other), "public address")
        assert (result, said.endswith("is another installation")) == (WARNING, True)
        other.close()
    assert [result for result, _ in found(one, "public address")] == [WARNING]


def test_an_address_where_somebody_else_answers_is_told(sqlite: World, tmp_path: Path) -> None:
    somebody = Loopback(lambda _: Answer(200, b"It works!"))
    somebody.start()
    try:
        one = patient(sqlite, tmp_path, public_url=somebody.url)
        ((result, said),) = found(one, "public address")
    finally:
        somebody.stop()
    assert (result, "that is not us" in said) == (WARNING, True)


def test_letters_to_people_need_an_address_that_people_reach(sqlite: World, tmp_path: Path) -> None:
    one = patient(sqlite, tmp_path, provider="smtp", smtp_url="smtp://127.0.0.1:9")
    ((result, said),) = found(one, "public address")
    assert (result, "only this machine reaches" in said) == (FAULT, True)


@pytest.mark.parametrize(
    ("more", "results"),
    [
        ({}, [WARNING]),
        ({"reply_domain": "r.example.org"}, [FAULT]),
        ({"reply_domain": "r.example.org", "inbound_secret": "s3cret"}, [OK]),
        ({"reply_domain": "r.example.org", "inbound_listen": "lmtp://127.0.0.1:8024"}, [OK]),
        ({"provider": "sendgrid", "sendgrid_api_key": "SG.x"}, [WARNING, WARNING]),
    ],
)
def test_what_comes_back_needs_a_door(
    sqlite: World, tmp_path: Path, more: dict[str, str], results: list[Result]
) -> None:
    said = found(patient(sqlite, tmp_path, **more), "way back")
    assert [result for result, _ in said] == results


# The ledger


def test_what_waits_for_the_operator_is_told_with_the_command(world: World, tmp_path: Path) -> None:
    one = patient(world, tmp_path)
    assert found(one, "doubts") == [(OK, "no letter is in doubt")]
    assert found(one, "held") == [(OK, "no course is held")]
    world.enroll(person("ben"), person("cleo"))
    for gated, outcome in zip(world.gate(world.claim()), (UNKNOWN, REFUSED), strict=True):
        world.settle(gated, outcome)
    remedies = {each.check: each for each in examine(one) if each.check in ("doubts", "held")}
    assert remedies["doubts"].result is WARNING
    assert "deliveries settle" in remedies["doubts"].remedy
    assert remedies["held"].result is WARNING
    assert "subscribers resume" in remedies["held"].remedy
    assert "example.net" not in repr(remedies)


def test_workers_are_told_by_what_they_last_said(world: World, tmp_path: Path) -> None:
    one = patient(world, tmp_path)
    beat = Heartbeat("w1", "h", 1, "0.1.0", MONDAY, MONDAY, MONDAY)
    assert [result for result, _ in found(one, "workers")] == [WARNING]
    world.store.beat(beat)
    assert found(one, "workers") == [(OK, "1 worker seen within a minute, 1 of them moving")]
    world.store.beat(replace(beat, breaker="the provider does not let us in"))
    assert found(one, "workers") == [
        (FAULT, "letters are held back: the provider does not let us in")
    ]
    world.clock.advance(timedelta(minutes=2))
    world.store.beat(replace(beat, name="w2", seen_at=world.clock.wall(), moved_at=MONDAY))
    (stuck, gone) = found(one, "workers")
    assert stuck == (FAULT, "1 worker seen, none gets anything done")
    assert (gone[0], "ended without a word" in gone[1]) == (WARNING, True)


def test_letters_that_lie_about_are_a_fault_and_a_queue_is_not(
    world: World, tmp_path: Path
) -> None:
    one = patient(world, tmp_path)
    assert found(one, "letters due") == [(OK, "nothing is due")]
    world.enroll(person("ben"))
    world.clock.advance(LEASE)
    assert found(one, "letters due") == [(OK, "1 letter is due, the oldest for 30 s")]
    world.clock.advance(timedelta(minutes=10))
    assert [result for result, _ in found(one, "letters due")] == [FAULT]
    now = world.clock.wall()
    world.store.beat(Heartbeat("w1", "h", 1, "0.1.0", MONDAY, now, now))
    assert [result for result, _ in found(one, "letters due")] == [WARNING]


def test_a_rehearsed_database_is_no_place_for_people(sqlite: World, tmp_path: Path) -> None:
    sqlite.store.rehearse(MONDAY)
    assert [result for result, _ in found(patient(sqlite, tmp_path), "rehearsal")] == [WARNING]
    one = patient(sqlite, tmp_path, provider="smtp", smtp_url="smtp://127.0.0.1:9")
    assert [result for result, _ in found(one, "rehearsal")] == [FAULT]


def test_a_check_that_fails_is_a_finding_of_its_own(tmp_path: Path, sqlite: World) -> None:
    class Broken(Store):
        def census(self) -> object:  # type: ignore[override]
            raise ZeroDivisionError

    broken = Broken(sqlite.store._database)
    said = found(replace(patient(sqlite, tmp_path), store=broken), "doubts")
    assert said == [(FAULT, "it could not be checked: ZeroDivisionError")]


def test_a_journal_that_was_not_asked_since_a_restore_is_a_fault(
    world: World, tmp_path: Path
) -> None:
    one = patient(world, tmp_path)
    assert found(one, "journals") == [(WARNING, "no host has begun a journal yet")]
    place = Place(tmp_path / "journal", "ada")
    journaled = Store(world.store._database, Pseudonyms(["k" * 16]), place)
    journaled.look_at_journal(world.clock.wall())
    assert found(one, "journals") == [(OK, "compared with the database: ada")]
    with world.store._database.writing() as connection:
        renew_generation(connection)
    (lost,) = (each for each in examine(one) if each.check == "journals")
    assert (lost.result, "not compared with the journal of ada" in lost.found) == (FAULT, True)
    assert "lettercourse restore --reconcile" in lost.remedy


def test_the_record_that_receivers_look_a_signature_up_by_is_shown(
    sqlite: World, tmp_path: Path
) -> None:
    more = {"provider": "smtp", "smtp_url": "smtp://127.0.0.1:9"}
    assert [result for result, _ in found(patient(sqlite, tmp_path, **more), "signing")] == [
        WARNING
    ]
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    more |= {"dkim_key": pem, "dkim_selector": "letters", "dkim_domain": "example.org"}
    ((result, said),) = found(patient(sqlite, tmp_path, **more), "signing")
    assert result is OK
    assert 'letters._domainkey.example.org. IN TXT ("v=DKIM1; k=ed25519; p=' in said
    assert pem.splitlines()[1] not in said
