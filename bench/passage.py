"""Letters on their way to the sink: ours, and those of clients that do nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack

from bench.measure import Run
from bench.programs import Program, connections_to, module, processor_seconds, wait_until
from bench.servers import folder
from bench.sink import Sink

WITHIN = 600.0


def watch(
    server: Sink,
    port: int,
    letters: int,
    go: Callable[[], object],
    programs: Mapping[str, Program],
    pids: Mapping[str, int] | None = None,
) -> Run:
    """Say go, and watch until so many letters have arrived; one more is a fault.

    Both sides are timed alike: from the sink's first look at a letter to its last.

    Args:
        server: counts.
        port: where the letters are sent; the sink's, or what stands before it.
        letters: how many there will be.
        go: begins it.
        programs: fail early where one of them does, and are asked what they cost.
        pids: of other processes that are asked.
    """
    asked = {name: each.pid for name, each in programs.items()} | dict(pids or {})
    asked["sink"] = server.pid
    before = {name: processor_seconds(pid) for name, pid in asked.items()}
    start, begun, widest = server.taken, len(server.curve), 0

    def arrived() -> bool:
        nonlocal widest
        widest = max(widest, connections_to(port))
        return server.taken - start >= letters

    go()
    wait_until(arrived, WITHIN, *programs.values())
    spent = {name: processor_seconds(pid) - before[name] for name, pid in asked.items()}
    (first, early), *later = server.curve[begun:]
    (last, taken) = later[-1] if later else (first, early)
    assert taken - start == letters, f"{taken - start} letters arrived instead of {letters}"
    return Run(
        letters - (early - start) if later else letters,
        max(last - first, 1e-3),
        widest,
        {name: each / letters for name, each in spent.items()},
        [(at - first, count - start) for at, count in ((first, early), *later)],
    )


def bare(server: Sink, port: int, processes: int, width: int, letters: int, mime: bytes) -> Run:
    """Let bare clients hand over as many letters, over as many connections in all."""
    with folder() as place, ExitStack() as stack:
        (place / "letter.eml").write_bytes(mime)
        clients: dict[str, Program] = {}
        for number in range(processes):
            share = letters // processes + (number < letters % processes)
            wide = max(width // processes + (number < width % processes), 1)
            name = f"client {number + 1}"
            arguments = (port, wide, share, place / "letter.eml")
            client = module("bench.plain_client", *arguments, log=place / f"{number}.log")
            clients[name] = stack.enter_context(client)
        for each in clients.values():
            each.wait_for("ready")

        def go() -> None:
            for each in clients.values():
                each.tell("go")

        return watch(server, port, letters, go, clients)
