"""Debian's Chromium, driven headless: ``make test-browser`` runs what stands here."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Iterator
from itertools import count

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.acceptance.processes import running, wait_for
from tests.browser.house import SAMPLE, House, settings
from tests.peers.sendgrid_hooks import Signer

# Without these Chromium asks its maker's servers for updates at every start.
QUIET = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)

_clients = count(1)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "Chromium is missing; on Debian: apt-get install chromium"
    sandbox = [] if os.geteuid() else ["--no-sandbox"]  # root cannot use the sandbox
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=[*QUIET, *sandbox])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    signer = Signer()
    environment = {
        **settings(url, folder),
        "LETTERCOURSE_SENDGRID_EVENT_KEY": signer.public_key,
    }
    command = (sys.executable, "-m", "worker", "up", "--port", str(port))
    with running(command, environment, folder / "log") as process:
        wait_for(lambda: "http://" in process.output, 30, process, what="the announcement")
        house = House(url, folder, process, signer)
        house.lettercourse("publish", str(SAMPLE))
        yield house
        assert "Traceback" not in process.output


@pytest.fixture
def page(browser: Browser, house: House) -> Iterator[Page]:
    """A window that notes whatever a page may not do: scripts, other sites, cookies.

    Each comes from a client of its own, as a proxy on this machine names it: forms are counted.
    """
    context = browser.new_context(
        locale="en-GB", extra_http_headers={"X-Forwarded-For": f"192.0.2.{next(_clients)}"}
    )
    page = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert [each for each in asked if not each.startswith((house.url, "data:"))] == []
    # Chromium itself asks for an icon and says when an answer is a fault: both are ours to make.
    assert [each for each in complaints if "Failed to load resource" not in each] == []
    assert context.cookies() == []
    assert page.locator("script").count() == 0
    context.close()
