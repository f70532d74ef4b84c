"""The letter that everybody sends, as those need it who build their mail at send time."""

from __future__ import annotations

from typing import Any

from bench.sample import edition, values
from course.fill import fill_html, fill_text


def content() -> dict[str, Any]:
    """Return the first lesson filled for one person, for JSON; building its MIME is left."""
    letter, copy, sender = edition().letters[1], values(0), edition().sender
    assert sender is not None
    return {
        "sender": f"{sender.name} <{sender.email}>",
        "subject": letter.subject,
        "text": fill_text(letter, copy).replace("\r\n", "\n"),
        "html": fill_html(letter, copy).replace("\r\n", "\n"),
        "headers": {
            "List-Id": "<stay-motivated.example.org>",
            "List-Unsubscribe": f"<{copy.unsubscribe_url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    }
