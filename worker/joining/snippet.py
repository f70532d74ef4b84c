"""The form for somebody's own site: plain HTML that posts to ours, to be styled there."""

from __future__ import annotations

from html import escape

from course.catalogue import SOURCE, spoken, translations
from worker.joining.wish import TRAP, consent_text

_SNIPPET = """\
<form method="post" action="{action}" accept-charset="utf-8" lang="{language}">
  <p><label>{email}<br>
    <input name="email" type="email" autocomplete="email" required></label></p>
  <p><label>{name} {optional}<br>
    <input name="name" autocomplete="given-name"></label></p>
  <p hidden><label>{empty}
    <input name="{trap}" autocomplete="off" tabindex="-1"></label></p>
  <p>{consent}</p>
  <p><button type="submit">{button}</button></p>
</form>
"""


def snippet(action: str, title: str, language: str) -> str:
    """Return the HTML of a form.

    Args:
        action: the address of our own form.
        title: the course's.
        language: BCP 47 tag of the course, which the form speaks where we do.
    """
    _ = translations(language).gettext
    return _SNIPPET.format(
        action=escape(action),
        language=spoken(language) or SOURCE,
        email=escape(_("Your email address")),
        name=escape(_("Your first name")),
        optional=escape(_("(if you like)")),
        empty=escape(_("Leave this empty")),
        trap=TRAP,
        consent=escape(consent_text(title, language)),
        button=escape(_("Send me the course")),
    )
