from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.worker.joining.door import TOKEN, served
from tests.worker.tiny_course import DrivenClock, edition, found
from worker.installation import Installation


@pytest.fixture
def clock() -> DrivenClock:
    return DrivenClock()


@pytest.fixture
def installation(tmp_path: Path, clock: DrivenClock) -> Iterator[Installation]:
    opened = found(tmp_path, clock, api_token=TOKEN)
    opened.store.publish(edition(), clock.now())
    yield opened
    opened.close()


@pytest.fixture
def door(installation: Installation) -> Iterator[httpx.Client]:
    with served(installation) as client:
        yield client
