"""Hostile mail costs no more than its size: whatever is repeated, nothing is quadratic."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from tests.worker.inbound.hostile import HOSTILE
from worker.inbound import InboundMail, parse_mail, skim_mail

SIZE = 160_000


def seconds(raw: bytes) -> float:
    """Return the processor time that parsing takes."""
    start = time.process_time()
    parse_mail(InboundMail(raw))
    return time.process_time() - start


@pytest.mark.parametrize("name", HOSTILE)
def test_eight_times_the_size_takes_about_eight_times_as_long(name: str) -> None:
    small = min(seconds(HOSTILE[name](SIZE // 8)) for _ in range(3))
    limit = 20 * small + 0.1  # quadratic would be 64 times
    assert any(seconds(HOSTILE[name](SIZE)) < limit for _ in range(3))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_keeps_its_text_and_is_skimmed_at_once(name: str) -> None:
    raw = HOSTILE[name](200_000)
    start = time.process_time()
    skim_mail(InboundMail(raw))
    assert time.process_time() - start < 2.0


@pytest.mark.parametrize(
    "piece",
    [b"word and word\r\n", b"<p>word</p>\r\n", b"QUJD" * 19 + b"\r\n", b"> \r\n"],
)
@pytest.mark.parametrize(
    "kind", ["text/plain", "text/html", "application/zip\r\nContent-Transfer-Encoding: base64"]
)
def test_thirty_megabytes_are_bounded_in_memory(kind: str, piece: bytes) -> None:
    raw = f"From: a@example.org\r\nContent-Type: {kind}\r\n\r\n".encode()
    raw += piece * (30_000_000 // len(piece))
    inbound = InboundMail(raw)
    tracemalloc.start()
    found = skim_mail(inbound)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.truncated
    assert peak < 60_000_000
    assert len(found.to_json()) < 6_000_000
