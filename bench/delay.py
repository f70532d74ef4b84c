"""A network that is far away: what goes in comes out later, in both directions.

``python -m bench.delay PORT TARGET MILLISECONDS`` listens on a port of loopback and hands on to
another; every byte takes half of the round trip, and as many may be under way as like.
"""

from __future__ import annotations

import asyncio
import sys

PIECE = 1 << 18


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, late: float) -> None:
    """Hand on whatever arrives, each piece ``late`` seconds after it came."""
    loop = asyncio.get_running_loop()
    while piece := await reader.read(PIECE):
        loop.call_later(late, writer.write, piece)
    loop.call_later(late, writer.close)


async def serve(port: int, target: int, late: float) -> None:
    """Carry between every connection to ``port`` and one of its own to ``target``."""

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target, limit=PIECE)
        await asyncio.gather(
            carry(reader, far_writer, late),
            carry(far_reader, writer, late),
            return_exceptions=True,
        )

    async with await asyncio.start_server(accepted, "127.0.0.1", port, limit=PIECE) as server:
        print("ready", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 2000))
