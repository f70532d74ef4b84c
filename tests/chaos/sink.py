"""A mail server as a process of its own that misbehaves on demand and never forgets a letter.

What it has, it has written to its record before it answers, so the record is the outside world's
word on what arrived: no crash of ours can touch it. ``python -m tests.chaos.sink RECORD`` says its
port as one line of JSON, obeys one JSON object a line, and ends with its input.

Its script names, for each verb, what to do in turn over all connections, then as usual; ``connect``
and ``content`` are verbs as well. Written out:

    250 ok        answer this; a letter answered with 2xx is taken
    cut           cut the connection (a reset); the letter is not taken
    cut 3         likewise, after three lines of content
    taken cut     take the letter and cut the connection instead of answering
    stall         say nothing more
    drip 0.2      send the answer's first digit again and again, with so many seconds between
    hold 250 ok   note that it is held, wait for ``release``, then do the rest
    taken hold    take the letter, note that it is held, and say nothing more
    pause 1       hold after one line of content, then go on as usual
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import socket
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.acceptance.processes import ROOT, inherited

USUAL = {
    "connect": "220 sink ESMTP",
    "HELO": "250 sink",
    "EHLO": "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 50000000",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "DATA": "354 go on",
    "content": "250 2.0.0 taken",
    "RSET": "250 2.0.0 ok",
    "NOOP": "250 2.0.0 ok",
    "QUIT": "221 2.0.0 bye",
}
LARGEST = 50_000_000
END = b"\r\n.\r\n"


class _Cut(Exception):
    pass


class _Server:
    def __init__(self, record: Path) -> None:
        self._record = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._script: dict[str, list[str | None]] = {}
        self._asked: Counter[str] = Counter()
        self._released = asyncio.Event()
        self._latency = 0.0

    def obey(self, command: Mapping[str, Any]) -> None:
        """Change the script, whose turns count anew, or the latency; or release what is held."""
        if "script" in command:
            self._script = {verb: list(turns) for verb, turns in command["script"].items()}
            self._asked.clear()
            self._released.clear()
        self._latency = command.get("latency", self._latency)
        if command.get("release"):
            self._released.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            try:
                await self._talk(reader, writer)
            except _Cut:
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
        writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._do(self._next("connect"), "connect", writer)
        sender: str | None = None
        recipient: str | None = None
        while line := await reader.readline():
            text = line.decode("ascii", "replace").strip()
            verb = text[:4].upper()
            named = text.partition("<")[2].partition(">")[0]
            if (verb == "RCPT" and sender is None) or (verb == "DATA" and recipient is None):
                self._say("503 5.5.1 nobody to send it to", writer)
                continue
            code = await self._do(self._next(verb), verb, writer)
            if verb in ("MAIL", "RSET", "EHLO"):
                sender, recipient = (named if verb == "MAIL" and code == "250" else None), None
            elif verb == "RCPT" and code == "250":
                recipient = named
            elif verb == "DATA" and code == "354" and recipient is not None:
                await self._take(recipient, reader, writer)
                sender = recipient = None
            elif verb == "QUIT" or code == "421":
                return

    async def _take(
        self, recipient: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        action = self._next("content")
        what, _, rest = action.partition(" ")
        content = b""
        if (what == "cut" and rest) or what == "pause":
            for _ in range(int(rest)):
                content += await reader.readline()
            if what == "cut":
                raise _Cut
            await self._hold("content")
            action = USUAL["content"]
        content += await reader.readuntil(END)
        while action.startswith("hold "):
            await self._hold("content")
            action = action.removeprefix("hold ")
        if action.startswith(("2", "taken")):
            self._note(
                recipient=recipient,
                message_id=_header(content, b"Message-ID"),
                letter=_header(content, b"X-Letter"),
            )
        if self._latency:
            await asyncio.sleep(self._latency)
        await self._do(action.removeprefix("taken "), "content", writer)

    async def _do(self, action: str, verb: str, writer: asyncio.StreamWriter) -> str:
        """Do what the script says; return the code that was answered."""
        what, _, rest = action.partition(" ")
        if what == "cut":
            raise _Cut
        if what == "stall":
            await asyncio.Event().wait()
        if what == "drip":
            while True:
                writer.write(b"2")
                await writer.drain()
                await asyncio.sleep(float(rest))
        if what == "hold":
            await self._hold(verb)
            return await self._do(rest or "stall", verb, writer)
        self._say(action, writer)
        return action[:3]

    async def _hold(self, verb: str) -> None:
        self._note(held=verb)
        await self._released.wait()

    def _say(self, answer: str, writer: asyncio.StreamWriter) -> None:
        writer.write(answer.encode() + b"\r\n")

    def _next(self, verb: str) -> str:
        turn = self._asked[verb]
        self._asked[verb] += 1
        turns = self._script.get(verb, [])
        scripted = turns[turn] if turn < len(turns) else None
        return scripted or USUAL.get(verb, "502 5.5.1 what?")

    def _note(self, **what: str) -> None:
        os.write(self._record, json.dumps({"at": time.time(), **what}).encode() + b"\n")


def _header(content: bytes, name: bytes) -> str:
    found = re.search(rb"(?im)^" + name + rb":\s*(.+?)\r\n", content)
    return found[1].decode() if found else ""


async def _main(record: Path) -> None:
    server = _Server(record)
    listening = await asyncio.start_server(
        server.serve, "127.0.0.1", 0, limit=LARGEST, backlog=1024
    )
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
    )
    print(json.dumps({"port": listening.sockets[0].getsockname()[1]}), flush=True)
    while line := await commands.readline():
        server.obey(json.loads(line))
        print("{}", flush=True)


@dataclass(frozen=True)
class Arrival:
    """One letter that the outside has.

    Attributes:
        at: in epoch seconds.
        letter: its key, as the tiny course writes it in ``X-Letter``.
    """

    at: float
    recipient: str
    message_id: str
    letter: str


class Sink:
    """The process as a test sees it."""

    def __init__(self, record: Path) -> None:
        self._record = record
        record.touch()
        self._running = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.sink", str(record)],
            cwd=ROOT,
            env=inherited(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self.port: int = self._answer()["port"]

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def script(self, **verbs: Sequence[str | None]) -> None:
        """Say what the next uses of each verb meet; ``None`` leaves one alone."""
        self._tell({"script": verbs})

    def slow(self, seconds: float) -> None:
        """Let each letter's answer come so much later."""
        self._tell({"latency": seconds})

    def release(self) -> None:
        self._tell({"release": True})

    def arrivals(self) -> list[Arrival]:
        """Return every letter that it has, in order."""
        return [Arrival(**note) for note in self._notes() if "message_id" in note]

    def held(self) -> int:
        """Return how often it held something so far."""
        return sum("held" in note for note in self._notes())

    def stop(self) -> None:
        if self._running.stdin is not None:
            self._running.stdin.close()
        try:
            self._running.wait(10)
        finally:
            self._running.kill()
            self._running.wait(10)
            if self._running.stdout is not None:
                self._running.stdout.close()

    def _notes(self) -> list[dict[str, Any]]:
        whole, _, _ = self._record.read_bytes().rpartition(b"\n")
        return [json.loads(line) for line in whole.splitlines()]

    def _tell(self, command: Mapping[str, Any]) -> None:
        assert self._running.stdin is not None
        self._running.stdin.write(json.dumps(command).encode() + b"\n")
        self._running.stdin.flush()
        self._answer()

    def _answer(self) -> Any:
        assert self._running.stdout is not None
        line = self._running.stdout.readline()
        assert line, "the sink ended by itself"
        return json.loads(line)


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
