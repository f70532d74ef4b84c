"""A TCP proxy that adds to every round trip, as a server far away does.

    with delayed(server.port, 0.02) as port: ...

As a process of its own, ``python -m tests.peers.delay PORT SECONDS`` prints its port and serves
until its input ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator

_CHUNK = 1 << 18


@contextlib.contextmanager
def delayed(port: int, round_trip: float) -> Iterator[int]:
    """Run a proxy to a port of this machine in a process of its own; yield the proxy's port.

    Args:
        port: where connections are passed on to.
        round_trip: seconds; half of them in each direction.
    """
    argv = [sys.executable, "-m", "tests.peers.delay", str(port), str(round_trip)]
    proxy = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert proxy.stdout is not None
    try:
        yield int(proxy.stdout.readline())
    finally:
        proxy.communicate()


async def _serve(port: int, one_way: float) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            there, back = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(_pass(reader, back, one_way), _pass(there, writer, one_way))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Pass on what comes, in order, each piece ``delay`` after it came; then hang up likewise."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError):
        while piece := await reader.read(_CHUNK):
            loop.call_later(delay, writer.write, piece)
    await asyncio.sleep(delay)
    writer.close()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2]) / 2))
