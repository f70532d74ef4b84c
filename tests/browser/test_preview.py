"""The workshop, as an author has it open beside an editor; and the gallery that build leaves."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Frame, Page, expect

from course.build import write_build
from course.compile import compile_course
from tests.acceptance.processes import ROOT, Process, inherited, running, wait_for
from tests.browser.house import SAMPLE, go
from tests.browser.looking import look_at

SHOWN_WITHIN = 15_000
"""Milliseconds; how fast a save is shown is measured by bench, on a quiet machine."""


NOT_OURS = (
    "Blocked script execution in 'about:srcdoc'",  # Playwright asks a frame without scripts
    "Failed to execute 'postMessage'",  # axe speaks to such a frame of a page from a disk
    "Failed to load resource",  # a zone that is none is answered 400, and noted by Chromium itself
)


@dataclass(frozen=True)
class Workshop:
    url: str
    folder: Path
    process: Process

    def version(self) -> str:
        return str(httpx.get(f"{self.url}/course.json", timeout=20).json()["version"])

    def edit(self, name: str, change: Callable[[str], str]) -> None:
        file = self.folder / name
        file.write_text(change(file.read_text("utf-8")), "utf-8")

    def replace(self, name: str, old: str, new: str) -> None:
        assert old in (self.folder / name).read_text("utf-8")
        self.edit(name, lambda text: text.replace(old, new, 1))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped course with two pictures more, one of which is not there."""
    folder = tmp_path_factory.mktemp("written") / "course"
    shutil.copytree(SAMPLE, folder)
    Image.new("RGB", (1600, 900), "teal").save(folder / "lamp.jpg")
    article = folder / "article.md"
    heading = "## Find your people"
    text = article.read_text("utf-8")
    assert heading in text
    shown = f"{heading}\n\n![A lamp](lamp.jpg)\n\n![A lost one](lost.png)\n"
    article.write_text(text.replace(heading, shown, 1), "utf-8")
    return folder


@pytest.fixture(scope="module")
def opened(written: Path) -> Iterator[Workshop]:
    command = (sys.executable, "-m", "worker", "preview", str(written), "--port", "0")
    with running(command, {}, written.parent / "log") as process:
        wait_for(lambda: "Ctrl-C" in process.output, 30, process, what="the announcement")
        url = next(word for word in process.output.split() if word.startswith("http"))
        yield Workshop(url.rstrip("/"), written, process)
        process.send(signal.SIGINT)
        assert process.end(10) == 0, process.output
        assert "Traceback" not in process.output


@pytest.fixture
def workshop(opened: Workshop) -> Iterator[Workshop]:
    """The preview of the course as it was written, whatever was saved before."""
    names = ("article.md", "course.toml")
    before = {name: (opened.folder / name).read_bytes() for name in names}
    version = opened.version()
    yield opened
    (opened.folder / "lost.png").unlink(missing_ok=True)
    for name, content in before.items():
        (opened.folder / name).write_bytes(content)
    wait_for(lambda: opened.version() == version, 30, opened.process, what="the course as it was")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window in which nothing may go wrong, and nothing be asked of anybody else."""
    context = browser.new_context(locale="en-GB", viewport={"width": 1440, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert [each for each in complaints if not any(known in each for known in NOT_OURS)] == []
    context.close()


def inside(page: Page, which: str) -> Frame:
    frame = page.locator(f"#{which}").element_handle().content_frame()
    assert frame is not None
    return frame


def looked(page: Page, where: str) -> None:
    go_to(page, where)
    look_at(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.emulate_media(color_scheme="light")


def go_to(page: Page, where: str) -> None:
    page.evaluate("where => { location.hash = where }", where)
    name = where.split("/")[0]
    expect(page.locator(f'.rail [data-page="{name}"]')).to_have_attribute("aria-current", "page")


def test_a_save_is_shown_and_nobody_loses_their_place(page: Page, workshop: Workshop) -> None:
    go(page, f"{workshop.url}/#goals/dark/both")
    letter = inside(page, "desktop")
    expect(letter.get_by_role("heading", level=1)).to_have_text("Choose a goal you can finish")
    letter.evaluate("document.scrollingElement.scrollTop = 700")
    inside(page, "phone").evaluate("document.scrollingElement.scrollTop = 900")
    workshop.replace("article.md", "on a wet evening", "on a very wet evening")
    expect(letter.get_by_text("on a very wet evening")).to_have_count(1, timeout=SHOWN_WITHIN)
    assert letter.evaluate("document.scrollingElement.scrollTop") == 700
    assert inside(page, "phone").evaluate("document.scrollingElement.scrollTop") == 900
    assert page.url.endswith("#goals/dark/both")
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("status")).to_contain_text("Updated")
    workshop.replace("course.toml", "North is not a goal", "South is no goal either")
    expect(page.locator("#subject")).to_have_text("South is no goal either", timeout=SHOWN_WITHIN)
    assert letter.evaluate("document.scrollingElement.scrollTop") == 700
    page.reload()
    expect(page.locator("#subject")).to_have_text("South is no goal either")
    assert page.url.endswith("#goals/dark/both")


def test_a_letter_that_is_called_otherwise_stays_in_sight(page: Page, workshop: Workshop) -> None:
    go(page, f"{workshop.url}/#goals/light/desktop")
    letter = inside(page, "desktop")
    expect(letter.get_by_role("heading", level=1)).to_have_text("Choose a goal you can finish")
    letter.evaluate("document.scrollingElement.scrollTop = 500")
    workshop.replace("course.toml", 'key = "goals"', 'key = "aims"')
    expect(page.locator('.rail [data-page="aims"]')).to_have_attribute(
        "aria-current", "page", timeout=SHOWN_WITHIN
    )
    assert page.url.endswith("#aims/light/desktop")
    assert letter.evaluate("document.scrollingElement.scrollTop") == 500


def test_a_manifest_that_is_broken_keeps_the_last_good_letters(
    page: Page, workshop: Workshop
) -> None:
    go(page, f"{workshop.url}/#goals/light/desktop")
    workshop.replace("course.toml", "[sender]", "[sender")
    banner = page.get_by_role("alert")
    expect(banner).to_contain_text("course.toml:", timeout=SHOWN_WITHIN)
    expect(banner.locator(".meant")).to_have_text("[sender")
    expect(page.locator("#subject")).to_have_text("North is not a goal")
    expect(inside(page, "desktop").get_by_role("heading", level=1)).to_be_visible()
    looked(page, "goals/light/desktop")
    workshop.replace("course.toml", "[sender", "[sender]")
    expect(banner).to_be_empty(timeout=SHOWN_WITHIN)


def test_every_view_of_a_letter(page: Page, workshop: Workshop) -> None:
    go(page, f"{workshop.url}/#support/light/desktop")
    letter = inside(page, "desktop")
    picture = letter.get_by_alt_text("A lamp")
    expect(picture).to_have_attribute("width", "520")
    expect(picture).to_have_js_property("naturalWidth", 1040)
    expect(letter.get_by_text("A lost one")).to_be_visible()
    day = letter.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Dark").click()
    expect(letter.locator("body")).not_to_have_css("background-color", day)
    page.emulate_media(color_scheme="dark")
    page.get_by_role("button", name="Light").click()
    expect(letter.locator("body")).to_have_css("background-color", day)
    page.get_by_role("button", name="Images off").click()
    expect(letter.get_by_alt_text("A lamp")).to_have_js_property("naturalWidth", 0)
    page.get_by_role("button", name="Phone").click()
    expect(page.locator("#desktop")).to_be_hidden()
    assert inside(page, "phone").evaluate("innerWidth") == 375
    page.get_by_role("button", name="Text").click()
    expect(page.get_by_role("region", name="Text")).to_contain_text("[A lamp]")
    page.get_by_role("button", name="Source").click()
    source = page.get_by_role("region", name="Source")
    expect(source).to_contain_text("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    expect(source).to_contain_text("Content-Type: text/html; charset=utf-8")


def test_findings_stand_beside_the_articles_lines(page: Page, workshop: Workshop) -> None:
    go(page, f"{workshop.url}/#findings")
    found = page.locator("#findings .finding").filter(has_text="lost.png")
    expect(found).to_contain_text("article.md:")
    expect(found.locator(".meant")).to_have_text("![A lost one](lost.png)")
    expect(page.locator('.rail [data-page="support"] .count')).to_have_text("1")
    found.get_by_role("link", name="its letter").click()
    expect(page.locator("#concerns summary")).to_have_text("1 to look at in this letter")
    Image.new("RGB", (9, 9)).save(workshop.folder / "lost.png")
    expect(page.locator("#concerns")).to_be_hidden(timeout=SHOWN_WITHIN)


def test_the_calendar_of_somebody_somewhere(page: Page, workshop: Workshop) -> None:
    go(page, f"{workshop.url}/#calendar")
    page.get_by_label("Lives in").fill("America/New_York")
    page.get_by_label("Joins, by the clock there").fill("2026-03-05T21:30")
    page.get_by_label("Joins, by the clock there").blur()
    rows = page.locator("#calendar tbody tr")
    expect(rows.first).to_contain_text("Thu 5 Mar 2026")
    expect(rows.first).to_contain_text("2026-03-06 02:30")
    expect(rows.nth(1)).to_contain_text("2026-03-06 13:00")
    expect(rows.nth(3)).to_contain_text("2026-03-08 12:00")
    expect(rows.nth(3)).to_contain_text("clocks changed: now UTC-4")
    workshop.replace("article.md", "on a wet evening", "on a wet night")
    expect(page.get_by_role("status")).to_contain_text("Updated", timeout=SHOWN_WITHIN)
    expect(rows.first).to_contain_text("Thu 5 Mar 2026")
    page.get_by_label("Lives in").fill("America/New_Yorck")
    page.get_by_label("Lives in").blur()
    expect(page.get_by_text("did you mean America/New_York?")).to_be_visible()


def test_by_keyboard_alone(page: Page, workshop: Workshop) -> None:
    go(page, workshop.url)
    expect(page.locator("#subject")).to_have_text("Six letters for the flat part of the curve")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#subject")).to_have_text("North is not a goal")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#subject")).to_have_text("Six letters for the flat part of the curve")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the letter")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#subject")).to_have_text("North is not a goal")
    expect(page.locator('.rail [data-page="goals"]')).to_be_focused()
    page.get_by_role("button", name="Dark").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")


def test_nothing_for_a_screen_reader_to_stumble_over(page: Page, workshop: Workshop) -> None:
    go(page, workshop.url)
    for where in (
        "support/light/both", "support/dark/phone", "support/text/phone", "findings", "calendar",
    ):  # fmt: skip
        looked(page, where)


def test_the_preview_is_open_to_nobody_who_came_by_another_name(workshop: Workshop) -> None:
    def asked(host: str) -> int:
        answer = httpx.get(f"{workshop.url}/course.json", headers={"Host": host}, timeout=20)
        assert answer.status_code == 200 or "letters" not in answer.text
        return answer.status_code

    assert asked("evil.example") == 421
    assert asked("127.0.0.1.evil.example:80") == 421
    assert asked("[") == 421
    assert asked("localhost:1") == 200
    assert asked("[::1]:8008") == 200


def test_the_built_gallery_works_from_a_disk(page: Page, written: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "worker", "build", str(written), "--out", str(tmp_path / "out")],
        env=inherited(),
        cwd=ROOT,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    page.goto(f"file://{tmp_path}/out/index.html#support/light/desktop")
    letter = inside(page, "desktop")
    expect(letter.get_by_alt_text("A lamp")).to_have_js_property("naturalWidth", 1040)
    page.keyboard.press("ArrowRight")
    expect(letter.get_by_role("heading", level=1)).to_have_text("Keep the appointment")
    expect(page.get_by_label("Lives in")).to_have_count(0)
    for where in ("support/light/both", "support/dark/phone", "support/source/phone", "findings"):
        looked(page, where)
    go_to(page, "calendar")
    expect(page.locator("#calendar tbody tr").first).to_contain_text("Mon 5 Jan 2026")
    page.get_by_role("link", name="Findings").click()
    expect(page.locator("#findings .finding")).to_have_count(1)


def test_a_gallery_without_a_calendar_has_no_page_for_it(page: Page, tmp_path: Path) -> None:
    write_build(compile_course(SAMPLE), tmp_path / "out")
    page.goto(f"file://{tmp_path}/out/index.html#calendar")
    expect(page.locator("#subject")).to_have_text("Six letters for the flat part of the curve")
    expect(page.locator("#more")).to_have_text("✓Findingsnothing to mend")
