"""Letters as files: a Maildir that any mail program opens (https://cr.yp.to/proto/maildir.html)."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from worker.model import Message, Outcome, Verdict, never

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_FLAGS = ":"


class MaildirProvider:
    """Writes each letter to ``new/`` under a name made from its delivery id.

    The name makes a second hand-over of one delivery harmless: the letter that stands there is
    the answer. Lines end in LF on disk, as in every Maildir; mail programs add the CR on the wire.

    Args:
        folder: the Maildir itself; it and its three parts are made at the first letter.
    """

    reaches_people = False
    at_once = 1
    mixes = False
    keeps_copies = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, message: Message) -> Outcome:
        """Write one letter durably; a full or read-only disk is ``DEFERRED``."""
        name = file_name(message.delivery_id)
        try:
            self._make_folder()
            if self._stands(name):
                return Outcome(Verdict.ACCEPTED, "already delivered")
            written = self._write(name, message.mime.replace(b"\r\n", b"\n"))
        except OSError as fault:
            return Outcome(Verdict.DEFERRED, f"maildir: {_reason(fault)}")
        try:
            self._deliver(written, name)
        except OSError as fault:
            written.unlink(missing_ok=True)
            return Outcome(Verdict.DEFERRED, f"maildir: {_reason(fault)}")
        try:
            _sync_folder(self._folder / "new")
        except OSError as fault:
            return Outcome(Verdict.UNKNOWN, f"maildir: {_reason(fault)}")
        return Outcome(Verdict.ACCEPTED)

    def send_all(
        self,
        messages: Sequence[Message],
        stopping: Callable[[], bool] = never,  # noqa: ARG002 - files are quick
    ) -> Sequence[Outcome]:
        """Write letters one after the other."""
        return [self.send(message) for message in messages]

    def forget(self, delivery_ids: Collection[str]) -> None:
        """Remove the letters of these deliveries, read or not."""
        names = {file_name(each) for each in delivery_ids}
        for part in ("tmp", "new", "cur"):
            if not names or not (self._folder / part).is_dir():
                continue
            with os.scandir(self._folder / part) as entries:
                kept = [each.name for each in entries if each.name.partition(_FLAGS)[0] in names]
            for name in kept:
                (self._folder / part / name).unlink(missing_ok=True)

    def close(self) -> None:
        """Do nothing: no file stays open between letters."""

    def _make_folder(self) -> None:
        for part in ("tmp", "new", "cur"):
            (self._folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)

    def _stands(self, name: str) -> bool:
        """Whether the letter waits unread, or a mail program moved it on and added flags."""
        if (self._folder / "new" / name).exists():
            return True
        with os.scandir(self._folder / "cur") as read:
            return any(entry.name.partition(_FLAGS)[0] == name for entry in read)

    def _write(self, name: str, content: bytes) -> Path:
        path = self._folder / "tmp" / name
        try:
            with path.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return path

    def _deliver(self, written: Path, name: str) -> None:
        written.rename(self._folder / "new" / name)


def file_name(delivery_id: str) -> str:
    """Return the one file name of a delivery, safe on every file system."""
    plain = _PLAIN_NAME.fullmatch(delivery_id)
    stem = delivery_id if plain else hashlib.sha256(delivery_id.encode()).hexdigest()
    return f"{stem}.eml"


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _reason(fault: OSError) -> str:
    return fault.strerror or type(fault).__name__
