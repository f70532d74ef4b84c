"""Pages for people: Jinja2 templates with one style sheet inside, allowed by its hash."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from course.templates import template_root


class Pages:
    """Shows ``templates/pages/*.html``.

    The style stands in the page, so that a person on a slow line makes one request and a proxy
    that passes only ``/u/`` still shows it whole. The content security policy names its hash and
    allows nothing else: no script, no frame, no other site.
    """

    def __init__(self) -> None:
        folder = template_root() / "pages"
        self._environment = Environment(
            loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined
        )
        self._style = (folder / "page.css").read_text("utf-8")
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        self.policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        )

    def show(
        self, name: str, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Return one page, never to be cached."""
        html = self._environment.get_template(name).render(style=self._style)
        return HTMLResponse(html, status, {"Cache-Control": "no-store", **(headers or {})})
