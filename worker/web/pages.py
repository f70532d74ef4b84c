"""Pages for people: Jinja2 templates with one style sheet inside, allowed by its hash."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from course.templates import template_root
from worker.web.language import Language, language_of, language_wished


class Pages:
    """Shows ``templates/pages/*.html``.

    The style stands in the page, so that a person on a slow line makes one request and a proxy
    that passes only ``/u/`` still shows it whole. The content security policy names its hash and
    allows nothing else: no script, no frame, no other site.
    """

    def __init__(self) -> None:
        self._folder = template_root() / "pages"
        self._environments: dict[str, Environment] = {}
        self._style = (self._folder / "page.css").read_text("utf-8")
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        self.policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        )

    def show(
        self,
        name: str,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        *,
        language: str = "en",
        **values: object,
    ) -> Response:
        """Return one page, never to be cached.

        Args:
            name: of the template.
            status: of the answer.
            headers: more than those that every page has.
            language: of the course that the page is about, a BCP 47 tag; the page speaks it if
                there is a catalogue, else English.
            values: what the template shows.
        """
        spoken = language_of(language)
        environment = self._environments.get(spoken.tag)
        if environment is None:
            environment = self._environments[spoken.tag] = _environment(self._folder, spoken)
        html = environment.get_template(name).render(style=self._style, language=spoken, **values)
        return HTMLResponse(html, status, {"Cache-Control": "no-store", **(headers or {})})


def test_page(pages: Pages, request: Request) -> Response:
    """Return what the links of a test letter lead to, which belongs to no course."""
    return pages.show("test.html", language=language_wished(request.headers))


def _environment(folder: Path, language: Language) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(  # type: ignore[attr-defined]
        language.catalogue, newstyle=True
    )
    return environment
