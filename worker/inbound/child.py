"""The process in which mail is parsed: ``python -m worker.inbound.child MEMORY CPU``.

It reads frames from its input and writes frames to its output until the input ends. It may be
killed at any moment; it holds nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import sys
from typing import BinaryIO

from worker.inbound.model import InboundMail
from worker.inbound.parse import parse_mail

_LOOK_UP = 5.0
"""Seconds after which an idle child looks whether its parent is still there."""


def write_frame(stream: BinaryIO, content: bytes) -> None:
    """Write a length in four bytes, big-endian, and that many bytes."""
    stream.write(len(content).to_bytes(4, "big") + content)
    stream.flush()


def read_frame(stream: BinaryIO) -> bytes:
    """Return the content of the next frame.

    Raises:
        EOFError: the stream ends before the frame does.
    """
    head = stream.read(4)
    content = stream.read(int.from_bytes(head, "big")) if len(head) == 4 else b""
    if len(head) < 4 or len(content) < int.from_bytes(head, "big"):
        raise EOFError("the other side is gone")
    return content


def describe(mail: InboundMail) -> bytes:
    """Return what is known of a mail beside its bytes, for the frame before them."""
    about = [mail.envelope_from, mail.envelope_to, mail.authenticated]
    return json.dumps(about).encode()


def main() -> None:
    """Answer each mail with its :class:`ParsedMail` as JSON; end with the input or the parent."""
    memory, seconds = int(sys.argv[1]), int(sys.argv[2])
    parent = os.getppid()
    _limit_memory(memory)
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    write_frame(sink, b"")  # ready
    with contextlib.suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        while _wait(source, parent):
            envelope_from, envelope_to, authenticated = json.loads(read_frame(source))
            raw = read_frame(source)
            _limit_seconds(seconds)
            mail = InboundMail(raw, envelope_from, tuple(envelope_to), tuple(authenticated))
            write_frame(sink, parse_mail(mail).to_json().encode())


def _wait(source: BinaryIO, parent: int) -> bool:
    """Wait for a mail; false once the parent is gone, even if another process holds the pipe."""
    while not select.select([source], [], [], _LOOK_UP)[0]:
        if os.getppid() != parent:
            return False
    return True


def _limit_memory(limit: int) -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # where a system has no such limit
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_seconds(seconds: int) -> None:
    """Let the system end this process after so many more seconds of work."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
        resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


if __name__ == "__main__":
    main()
