from __future__ import annotations

import mailbox
import os
from email import message_from_bytes
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.model import Message, Verdict
from worker.providers.maildir import MaildirProvider, file_name

MIME = b"To: anna@example.org\r\nSubject: One\r\n\r\nBe well.\r\n"


def letter(delivery_id: str = "d1") -> Message:
    return Message(delivery_id, "course@example.org", "anna@example.org", MIME)


def test_a_letter_stands_in_new_and_any_mail_program_reads_it(tmp_path: Path) -> None:
    assert MaildirProvider(tmp_path / "box").send(letter()).verdict is Verdict.ACCEPTED
    box = mailbox.Maildir(tmp_path / "box", create=False)
    (key,) = box.keys()
    assert box[key]["Subject"] == "One"
    assert (tmp_path / "box" / "new" / "d1.eml").read_bytes() == MIME.replace(b"\r\n", b"\n")
    assert not list((tmp_path / "box" / "tmp").iterdir())


def test_a_second_hand_over_of_one_delivery_leaves_one_letter(tmp_path: Path) -> None:
    provider = MaildirProvider(tmp_path)
    assert provider.send(letter()).verdict is Verdict.ACCEPTED
    assert provider.send(letter()).verdict is Verdict.ACCEPTED
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_a_letter_that_was_read_in_a_mail_program_is_not_delivered_again(tmp_path: Path) -> None:
    provider = MaildirProvider(tmp_path)
    provider.send(letter())
    (tmp_path / "new" / "d1.eml").rename(tmp_path / "cur" / "d1.eml:2,S")
    assert provider.send(letter()).verdict is Verdict.ACCEPTED
    assert not list((tmp_path / "new").iterdir())


def test_a_folder_that_cannot_be_written_defers(tmp_path: Path) -> None:
    (tmp_path / "box").write_text("a file stands where the folder should be")
    outcome = MaildirProvider(tmp_path / "box").send(letter())
    assert outcome.verdict is Verdict.DEFERRED
    assert "anna" not in outcome.detail


def test_what_a_crash_left_in_tmp_is_written_over(tmp_path: Path) -> None:
    provider = MaildirProvider(tmp_path)
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp" / "d1.eml").write_bytes(b"half a let" * 1000)
    assert provider.send(letter()).verdict is Verdict.ACCEPTED
    assert message_from_bytes((tmp_path / "new" / "d1.eml").read_bytes())["Subject"] == "One"


def test_a_letter_is_on_the_disk_before_it_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[bool] = []
    fsync = os.fsync

    def watched(handle: int) -> None:
        kept.append(os.path.isdir(f"/proc/self/fd/{handle}"))  # noqa: PTH112
        fsync(handle)

    monkeypatch.setattr(os, "fsync", watched)
    MaildirProvider(tmp_path).send(letter())
    assert kept == [False, True]


@given(st.text(max_size=300))
def test_every_delivery_id_is_one_safe_file_name(delivery_id: str) -> None:
    name = file_name(delivery_id)
    assert name == Path(name).name
    assert ":" not in name
    assert not name.startswith(".")
    assert len(name) < 110


@given(st.text(max_size=20), st.text(max_size=20))
def test_two_deliveries_never_share_a_name(one: str, other: str) -> None:
    assert (file_name(one) == file_name(other)) == (one == other)
