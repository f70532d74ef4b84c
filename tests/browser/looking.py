"""A page as people meet it: by day and by night, on a desk and on a phone, with a screen reader."""

from __future__ import annotations

from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIDTHS = (1280, 360)


def look_at(page: Page) -> None:
    """Fail where a page breaks WCAG 2.2 AA by axe-core's rules, or is wider than its window."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            where = f"{page.title()} ({scheme}, {width} px)"
            wide = page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth")
            assert wide <= 0, f"{where} is {wide} px too wide"
            found = Axe().run(
                page,
                options={
                    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
                },
            )
            assert found.violations_count == 0, f"{where}\n{found.generate_report()}"
