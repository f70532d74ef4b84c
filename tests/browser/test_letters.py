"""Every letter in Chromium: on a phone and on a desk, by day and by night, with pictures or not.

``SCREENSHOTS=folder make test-browser`` keeps what was seen.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.letters import Shown, written

WIDTHS = (320, 600, 1200)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
NIGHT = "rgb(27, 31, 34)"

# Boxes and lines of text that reach out of the window, or out of what cuts them off.
CLIPPED = """() => {
  const found = [], window_ = document.documentElement.clientWidth + 0.5;
  const cutting = node => {
    for (let one = node; one && one !== document.body; one = one.parentElement)
      if (getComputedStyle(one).overflowX !== 'visible') return one.getBoundingClientRect();
  };
  const hidden = node =>
    !node.getClientRects().length || getComputedStyle(node).maxHeight === '0px';
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text; (text = walker.nextNode());) {
    if (!text.data.trim() || hidden(text.parentElement)) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    const edge = cutting(text.parentElement) || {left: 0, right: window_};
    for (const box of range.getClientRects())
      if (box.width && (box.left < Math.max(edge.left, 0) - 0.5
          || box.right > Math.min(edge.right, window_) + 0.5))
        found.push(text.data.trim().slice(0, 60));
  }
  for (const node of document.body.querySelectorAll('*')) {
    const box = node.getBoundingClientRect();
    if (!hidden(node) && (box.right > window_ || box.left < -0.5))
      found.push(node.tagName + '.' + node.className);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> list[Shown]:
    return written(tmp_path_factory.mktemp("letters"))


@pytest.fixture(params=[True, False], ids=["pictures", "no pictures"])
def window(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A window in which a letter may load its own pictures, or none at all."""
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda each: asked.append(each.url))
    if not request.param:
        page.route("**/assets/*", lambda route: route.abort())
    yield page
    assert [each for each in asked if not each.startswith("file:")] == []
    context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_letter_fits_every_window_and_nothing_of_it_is_cut_off(
    window: Page, letters: list[Shown], width: int, request: pytest.FixtureRequest
) -> None:
    window.set_viewport_size({"width": width, "height": 800})
    for letter in letters:
        window.goto(letter.html.as_uri())
        for scheme in SCHEMES:
            window.emulate_media(color_scheme=scheme)
            where = f"{letter.name} ({width} px, {scheme})"
            wide = window.evaluate("document.scrollingElement.scrollWidth - window.innerWidth")
            assert wide <= 0, f"{where} is {wide} px too wide"
            assert window.evaluate(CLIPPED) == [], where
            keep(window, f"{letter.name}-{scheme}-{request.node.callspec.id}")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [320, 1200])
def test_a_letter_can_be_read_by_everybody(
    browser: Browser, letters: list[Shown], width: int, scheme: Literal["light", "dark"]
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    for letter in letters:
        page.goto(letter.html.as_uri())
        found = Axe().run(page, options={"runOnly": WCAG})
        assert found.violations_count == 0, f"{letter.name}\n{found.generate_report()}"
    page.close()


def test_outlook_s_own_night_is_ours(browser: Browser, letters: list[Shown]) -> None:
    """It marks what it recolours and knows no media query; what is marked gets our colours."""
    page = browser.new_page(color_scheme="light")
    for letter in letters:
        page.goto(letter.html.as_uri())
        page.evaluate(
            "for (const mark of ['data-ogsc', 'data-ogsb'])"
            " document.documentElement.setAttribute(mark, '')"
        )
        assert page.locator(".card").evaluate("it => getComputedStyle(it).backgroundColor") == NIGHT
        found = Axe().run(page, options={"runOnly": {"type": "rule", "values": ["color-contrast"]}})
        assert found.violations_count == 0, f"{letter.name}\n{found.generate_report()}"
    page.close()


def keep(page: Page, name: str) -> None:
    """Take a picture of the whole letter, where somebody wants them."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name.replace(' ', '-')}.png", full_page=True)
