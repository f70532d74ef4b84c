"""Our own sink, where postfix's is not to be had: ``python -m bench.plain_sink PORT``.

It takes every letter and throws it away, and prints the running count as postfix's does.
"""

from __future__ import annotations

import asyncio
import sys

PIECE = 1 << 18
END = b"\r\n.\r\n"
ANSWERS = {b"EHLO": b"250-sink\r\n250 PIPELINING\r\n", b"DATA": b"354 go on\r\n"}


class Taking(asyncio.Protocol):
    """One connection; the count is everybody's."""

    taken = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._rest = b""
        self._in_content = False
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        rest = self._rest + data
        while rest:
            end = END if self._in_content else b"\r\n"
            before, found, after = rest.partition(end)
            if not found:
                # Of content only what may be the beginning of its end is kept.
                self._rest = rest[-len(END) :] if self._in_content else rest
                return
            rest = after
            self._answer(before)
        self._rest = b""

    def _answer(self, before: bytes) -> None:
        if self._in_content:
            self._in_content = False
            Taking.taken += 1
            self._transport.write(b"250 taken\r\n")
            sys.stdout.write(f"mesg={Taking.taken}\r")
            sys.stdout.flush()
            return
        verb = before[:4].upper()
        self._in_content = verb == b"DATA"
        self._transport.write(ANSWERS.get(verb, b"250 ok\r\n"))
        if verb == b"QUIT":
            self._transport.close()


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Taking, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
