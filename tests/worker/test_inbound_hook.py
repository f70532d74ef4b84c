from __future__ import annotations

import logging
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

import httpx
import pytest

from tests.peers.sendgrid import SendGrid, sendgrid
from tests.peers.sendgrid_hooks import Inbound, Signer, inbound_body
from tests.worker.post import REPLIES, mail
from tests.worker.test_web import served
from tests.worker.tiny_course import enroll, found
from worker.delivery import tick
from worker.installation import Installation
from worker.web.inbound import LARGEST_POST

HOOK = "/hooks/sendgrid/inbound"
VOUCHED = "{@example.org : pass}"


@pytest.fixture
def peer() -> Iterator[SendGrid]:
    with sendgrid() as opened:
        yield opened


@pytest.fixture
def installation(tmp_path: Path, peer: SendGrid) -> Iterator[Installation]:
    """One person was sent the welcome."""
    opened = found(
        tmp_path,
        inbound_secret="older a-newer-password",
        sendgrid_event_key=peer.event_key,
        reply_domain=REPLIES,
    )
    enroll(opened, 1)
    tick(opened.courier())
    yield opened
    opened.close()


@pytest.fixture
def door(installation: Installation) -> Iterator[httpx.Client]:
    with served(installation) as client:
        yield client


@pytest.fixture
def hook(door: httpx.Client) -> str:
    return str(door.base_url.copy_with(userinfo=b"any:a-newer-password", path=HOOK))


def login(name: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"}


def reply(installation: Installation, words: str, **how: str) -> bytes:
    """Return what the person's mail program makes of pressing reply."""
    (letter,) = installation.store.deliveries()
    to = installation.links.reply_address(letter.id)
    return mail(words, **{"sender": letter.address, "to": to, **how})


def written(installation: Installation) -> list[tuple[str, bool]]:
    return [(each.text, each.verified) for each in installation.store.reflections("tiny")]


@pytest.mark.parametrize("mode", ["parsed", "raw"])
@pytest.mark.parametrize("words", ["I did it.", "Größe – „so“ geht’s\n\n- läuft\n- läuft weiter"])
def test_a_reply_that_sendgrid_posts_becomes_a_reflection(
    installation: Installation, peer: SendGrid, hook: str, mode: str, words: str
) -> None:
    how = Inbound(dkim=VOUCHED)
    raw = reply(installation, words)
    assert peer.post_reply(hook, raw, how, mode=mode) == [200]  # type: ignore[arg-type]
    assert written(installation) == [(words, True)]
    assert peer.post_reply(hook, raw, how, mode="raw") == [200]
    assert len(written(installation)) == 1


def test_the_same_mail_in_both_modes_is_one(
    installation: Installation, peer: SendGrid, hook: str
) -> None:
    raw = reply(installation, "Once.")
    for mode in ("parsed", "raw", "parsed"):
        assert peer.post_reply(hook, raw, mode=mode) == [200]
    assert len(written(installation)) == 1


def test_a_signature_is_accepted_instead_of_the_password(
    installation: Installation, peer: SendGrid, door: httpx.Client
) -> None:
    raw = reply(installation, "Signed.")
    assert peer.post_reply(f"{door.base_url}{HOOK}", raw, signed=True) == [200]
    assert written(installation)[0][0] == "Signed."


def test_a_signed_mail_is_taken_for_as_long_as_sendgrid_tries(
    installation: Installation, peer: SendGrid, door: httpx.Client
) -> None:
    body, content_type = inbound_body(reply(installation, "After a long outage."), Inbound(), "raw")

    def post(age: timedelta) -> int:
        headers = peer.sign(body, time.time() - age.total_seconds())
        typed = {**headers, "Content-Type": content_type}
        return door.post(HOOK, content=body, headers=typed).status_code

    assert post(timedelta(hours=74)) == 401
    assert written(installation) == []
    assert post(timedelta(hours=71)) == 200
    assert written(installation)[0][0] == "After a long outage."


def test_nobody_else_can_post(installation: Installation, door: httpx.Client) -> None:
    body, content_type = inbound_body(reply(installation, "Forged."), Inbound(), "parsed")
    stranger = Signer().headers(body, 1_767_600_000)
    for headers in (
        {},
        login("any", "wrong"),
        login("any", ""),
        login("any", "olde"),
        login("older", ""),
        stranger,
        {"Authorization": "Basic ???"},
        {"Authorization": "Bearer older"},
    ):
        typed = {**headers, "Content-Type": content_type}
        assert door.post(HOOK, content=body, headers=typed).status_code == 401
    assert written(installation) == []
    assert door.post(
        HOOK, content=body, auth=("x", "older"), headers={"Content-Type": content_type}
    ).is_success


def test_without_any_secret_the_mail_must_come_again(tmp_path: Path) -> None:
    opened = found(tmp_path)
    try:
        with served(opened) as door:
            assert door.post(HOOK, content=b"x").status_code == 503
    finally:
        opened.close()


def test_machine_mail_and_nonsense_are_accepted(
    installation: Installation, peer: SendGrid, hook: str
) -> None:
    away = reply(installation, "I am away.", Auto_Submitted="auto-replied")
    assert peer.post_reply(hook, away) == [200]
    with httpx.Client() as client:
        for body in (b"", b"\xff" * 1000, b"--x\r\n\r\n"):
            assert client.post(hook, content=body).status_code == 200
    assert written(installation) == []


def test_get_and_put_do_nothing(door: httpx.Client) -> None:
    for method in ("GET", "PUT", "DELETE"):
        assert door.request(method, HOOK, auth=("x", "older")).status_code == 405


@contextmanager
def without_database(installation: Installation) -> Iterator[None]:
    database = installation.settings.data_dir / "lettercourse.db"
    installation.store.close()
    away = database.rename(database.with_suffix(".away"))
    database.mkdir()
    try:
        yield
    finally:
        database.rmdir()
        away.rename(database)


@pytest.mark.parametrize("mode", ["parsed", "raw"])
def test_a_fault_of_ours_is_a_503_and_the_mail_is_taken_once_when_it_comes_again(
    installation: Installation,
    peer: SendGrid,
    hook: str,
    caplog: pytest.LogCaptureFixture,
    mode: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    raw = reply(installation, "My secret words.")
    with without_database(installation):
        assert peer.post_reply(hook, raw, mode=mode) == [503]  # type: ignore[arg-type]
    for _ in range(2):
        assert peer.post_reply(hook, raw, mode=mode) == [200]  # type: ignore[arg-type]
    assert [text for text, _ in written(installation)] == ["My secret words."]
    ours = [r.getMessage() for r in caplog.records if r.name.startswith("worker")]
    assert ours
    assert not any("secret words" in line or "example.org" in line for line in ours)


def test_what_is_larger_than_any_mail_is_refused_before_it_is_read(
    installation: Installation, door: httpx.Client
) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(LARGEST_POST // 2**20 + 1):
            yield b"x" * 2**20

    for content in (b"x" * (LARGEST_POST + 1), chunks()):
        answer = door.post(HOOK, content=content, auth=("x", "older"), timeout=60)
        assert answer.status_code == 413


def test_thirty_megabytes_are_taken_and_kept_whole(
    installation: Installation, peer: SendGrid, hook: str
) -> None:
    made = BytesParser(policy=default).parsebytes(reply(installation, "With a film."))
    film = bytes(range(256)) * 80_000
    made.add_attachment(film, maintype="video", subtype="mp4", filename="film.mp4")
    for mode in ("parsed", "raw"):
        assert peer.post_reply(hook, made, mode=mode, timeout=60) == [200]
    assert [text for text, _ in written(installation)] == ["With a film."]
    (row,) = rows(installation)
    assert row == '[["film.mp4", "video/mp4", 20480000]]'


def rows(installation: Installation) -> list[str]:
    with installation.store._database.reading() as connection:
        found_rows = connection.exec_driver_sql("SELECT attachments FROM replies")
        return [str(row[0]) for row in found_rows]
