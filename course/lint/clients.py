"""What mail programs do not show, and what a letter therefore does not hold.

The table is drawn from caniemail.com's data of 2025-09-09, which its test reads again from the npm
package ``caniemail``; there is none for Python. A client stands in it when its newest version does
not support the feature: Gmail and Yahoo Mail in a browser, Outlook on Windows, Apple Mail on iOS.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from course.lint.css import declarations
from course.lint.rule import Checked, Example, Spot, rule
from course.model import Level

GMAIL, OUTLOOK_WINDOWS, YAHOO, APPLE = "Gmail", "Outlook for Windows", "Yahoo Mail", "Apple Mail"

CLIENTS_WITHOUT: Mapping[str, tuple[str, ...]] = {
    "html-audio": (GMAIL, OUTLOOK_WINDOWS, YAHOO),
    "html-dialog": (GMAIL, OUTLOOK_WINDOWS, YAHOO),
    "html-form": (OUTLOOK_WINDOWS,),
    "html-input-text": (OUTLOOK_WINDOWS,),
    "html-marquee": (GMAIL, OUTLOOK_WINDOWS),
    "html-meter": (GMAIL, OUTLOOK_WINDOWS, YAHOO),
    "html-object": (GMAIL, OUTLOOK_WINDOWS, YAHOO),
    "html-progress": (GMAIL, OUTLOOK_WINDOWS, YAHOO),
    "html-select": (OUTLOOK_WINDOWS,),
    "html-svg": (GMAIL, OUTLOOK_WINDOWS, YAHOO),
    "html-textarea": (OUTLOOK_WINDOWS,),
    "html-video": (GMAIL, OUTLOOK_WINDOWS, YAHOO),
    "image-apng": (GMAIL, OUTLOOK_WINDOWS),
    "image-avif": (OUTLOOK_WINDOWS,),
    "image-hdr": (GMAIL, OUTLOOK_WINDOWS, YAHOO, APPLE),
    "image-heif": (OUTLOOK_WINDOWS,),
    "image-ico": (OUTLOOK_WINDOWS,),
    "image-mp4": (GMAIL, OUTLOOK_WINDOWS),
    "image-svg": (GMAIL,),
    "image-tiff": (OUTLOOK_WINDOWS, YAHOO),
    "image-webp": (OUTLOOK_WINDOWS,),
}
"""Features by caniemail's names."""

_EMBEDDED = "link to it, perhaps by a picture of it"
_ASKED = "link to a page with the form, or ask in the prompt: readers can reply"

LEFT_OUT: Mapping[str, tuple[str, str]] = {
    "audio": ("html-audio", _EMBEDDED),
    "canvas": ("", "show a picture of it"),
    "dialog": ("html-dialog", "write it as text"),
    "embed": ("", _EMBEDDED),
    "form": ("html-form", _ASKED),
    "iframe": ("", _EMBEDDED),
    "marquee": ("html-marquee", "write it as text"),
    "math": ("", "show a picture of it"),
    "meter": ("html-meter", "write the number"),
    "object": ("html-object", _EMBEDDED),
    "progress": ("html-progress", "write the number"),
    "svg": ("html-svg", "save it as PNG"),
    "video": ("html-video", _EMBEDDED),
}
CONTROLS: Mapping[str, tuple[str, str]] = {
    "button": ("html-form", _ASKED),
    "input": ("html-input-text", _ASKED),
    "select": ("html-select", _ASKED),
    "textarea": ("html-textarea", _ASKED),
}
"""Named where no form is, which is named instead of them."""

_KEPT = {"td": {"text-align"}, "th": {"text-align"}}


@rule(
    "unsupported-html",
    Level.WARNING,
    "HTML that letters leave out",
    why="Mail programs run no scripts and embed nothing, so letters keep to HTML that shows "
    "everywhere. Which programs do not show an element is known from "
    "[caniemail.com](https://www.caniemail.com/). The words inside it are kept.",
    remedy=_EMBEDDED,
    example=Example('Watch me knead:\n\n<iframe src="https://video.example.org/1"></iframe>\n'),
)
def unsupported_html(checked: Checked) -> Iterator[Spot]:
    """Elements that show something on a page and nothing in a letter."""
    opened = [element for element in checked.shown.elements if element.tag.opens]
    asks = any(element.tag.name == "form" for element in opened)
    inside = LEFT_OUT if asks else {**LEFT_OUT, **CONTROLS}
    for element in opened:
        if element.tag.name in inside and element.tag.get("type") != "hidden":
            feature, remedy = inside[element.tag.name]
            who = listed(CLIENTS_WITHOUT.get(feature, ("mail programs",)))
            message = f"<{element.tag.name}> is left out of letters: {who} would not show it"
            yield Spot(element.line, message, remedy=remedy)


@rule(
    "unsupported-css",
    Level.INFO,
    "Styles that letters leave out",
    why="Letters have one type and colours that are readable by day and by night. What an author's "
    "`style` hides is a warning, since letters show it.",
    remedy="say it in words, in **bold** or in *italics*",
    also=(Level.WARNING,),
    example=Example('<p style="display: none">Only for search engines: bread, loaf.</p>\n'),
)
def unsupported_css(checked: Checked) -> Iterator[Spot]:
    """One finding an element, whatever number of properties."""
    for element in checked.shown.elements:
        if not element.tag.opens:
            continue
        style = declarations(element.tag.get("style"))
        hidden = any(name == "hidden" for name, _ in element.tag.attributes)
        if hidden or style.get("display") == "none" or style.get("visibility") == "hidden":
            message = f"what <{element.tag.name}> hides on a page is shown in letters"
            yield Spot(element.line, message, Level.WARNING, "delete it, or make it a comment")
            continue
        lost = sorted(style.keys() - _KEPT.get(element.tag.name, set()))
        if lost:
            message = f"<{element.tag.name}> loses its style: {', '.join(lost)}"
            yield Spot(element.line, message)


def listed(names: tuple[str, ...]) -> str:
    """Return names as a sentence has them."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
