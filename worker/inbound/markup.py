"""HTML mail becomes lines: paragraphs, lists and links readable, quotations with their depth."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from worker.inbound.charsets import tidy
from worker.inbound.lines import Line, Mark
from worker.inbound.tags import Tag, read_tags

_VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta"})
_BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "center", "dd", "div", "dl", "dt",
        "fieldset", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header",
        "html", "li", "main", "nav", "ol", "p", "pre", "section", "table", "tbody", "td", "th",
        "thead", "tr", "ul",
    }
)  # fmt: skip
_CELLS = frozenset({"td", "th"})
_APART = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "pre"})
"""Blocks with an empty line before and after them."""

_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|font-size\s*:\s*0(?![.\d])",
    re.IGNORECASE,
)
_OUTLOOK_RULE = re.compile(
    r"border:\s*none;\s*border-top:\s*solid\s+#?\w+\s+1\.0pt;\s*padding:\s*3\.0pt", re.IGNORECASE
)
_WINDOWS_MAIL_RULE = re.compile(
    r"padding-top:\s*5px;\s*border-top-color:\s*rgb\(229, 229, 229\)", re.IGNORECASE
)
_QUOTING_CLASS = re.compile(
    r"(?:^|\s)(?:yahoo_quoted|protonmail_quote|tutanota_quote|zmail_extra|gmail_attr|quoted_?text"
    r"|moz-cite-prefix|moz-forward-container|front-blockquote|sh-quoted-content|airmail_on"
    r"|ms-outlook-mobile-reference-message|wmQuote|hmQuote|skiff_quote|hey-quote)(?:\s|$)"
)
_QUOTING_ID = re.compile(
    r"(?:x_)*(?:yahoo_quoted_\w+|OLK_SRC_BODY_SECTION|mail-editor-reference-message-container"
    r"|ms-outlook-mobile-reference-message|reply-intro|messageReplySection|replySplit)"
)
_REST_ID = re.compile(r"(?:x_)*(?:divRplyFwdMsg|stopSpelling|zwchr)")
_GMAIL = re.compile(r"(?:^|\s)gmail_quote(?:_container)?(?:\s|$)")
_CITED = re.compile(r"(?:^|[\s_-])(?:cite|quote|gmail_quote|moz-cite)", re.IGNORECASE)
_MANY_SPACES = re.compile(r"[\s\u00a0]+")
_UNSEEN = re.compile("[\u00ad\u200b\u2060\u034f]")
_LONGEST_LINK = 500


@dataclass(slots=True)
class _Open:
    """An open block: what it does to the lines in it, undone when it closes."""

    name: str
    quotes: int = 0
    set_in: int = 0
    pre: int = 0
    gmail: bool = False
    inner: int = 0
    number: int | None = None


def html_lines(markup: str) -> list[Line]:
    """Return what a person sees of an HTML mail.

    Quotations that mail programs mark as such get a depth: ``blockquote type="cite"``, Gmail's,
    Yahoo's, Thunderbird's and others' containers; what follows Outlook's line above the mail
    answered gets :attr:`Mark.REST`. Trackers, styles and hidden text are left out.
    """
    page = _Page()
    for token in read_tags(markup):
        if isinstance(token, str):
            page.write(token)
        elif token.name.startswith("/"):
            page.close(token.name[1:])
        else:
            page.open(token)
    return page.finish()


@dataclass(slots=True)
class _Page:
    lines: list[Line] = field(default_factory=list)
    _open: list[_Open] = field(default_factory=list)
    _names: dict[str, int] = field(default_factory=dict)
    _gmail: list[_Open] = field(default_factory=list)
    _words: list[str] = field(default_factory=list)
    _depth: int = 0
    _set_in: int = 0
    _pre: int = 0
    _space: bool = False
    _gap: bool = False
    _bullet: str = ""
    _link: tuple[str, int] | None = None
    _skipped: str = ""
    _skip_depth: int = 0

    def write(self, text: str) -> None:
        if self._skipped:
            return
        text = _UNSEEN.sub("", text)
        if self._pre:
            first, *others = tidy(text).split("\n")
            self._add(first)
            for other in others:
                self._break()
                self._add(other)
            return
        plain = _MANY_SPACES.sub(" ", tidy(text))
        if plain.startswith(" "):
            self._space = True
        if words := plain.strip(" "):
            self._add(words)
            self._space = plain.endswith(" ")

    def open(self, tag: Tag) -> None:
        name, attributes = tag
        if self._skipped:
            self._skip_depth += name == self._skipped
            return
        if _is_hidden(attributes) and name not in _VOID and name not in {"body", "html"}:
            self._skipped, self._skip_depth = name, 1
            return
        match name:
            case "br":
                self._break()
            case "hr":
                self._end_line(apart=True)
                if _REST_ID.fullmatch(attributes.get("id", "")) or (
                    attributes.get("data-marker") == "__DIVIDER__"
                ):
                    self._mark_rest()
            case "img":
                self._add_picture(attributes)
            case "a":
                self._end_link()
                self._link = (attributes.get("href", ""), len(self._words))
            case _ if name in _BLOCKS or self._names.get(name) or _quotes(name, attributes):
                # A span in a span that quotes: the inner one's end must not close the outer one.
                self._open_block(name, attributes)

    def close(self, name: str) -> None:
        if self._skipped:
            self._skip_depth -= name == self._skipped
            if self._skip_depth and (name not in _BLOCKS or self._skipped in _BLOCKS):
                return
            ended = not self._skip_depth
            self._skipped = ""
            if ended:
                return
        if name == "a":
            self._end_link()
        elif name == "p" and not self._names.get("p"):
            self._end_line(apart=True)
        elif self._names.get(name):
            while True:
                block = self._open.pop()
                self._names[block.name] -= 1
                self._undo(block)
                if block.name == name:
                    return

    def finish(self) -> list[Line]:
        self._end_line()
        return self.lines

    def _open_block(self, name: str, attributes: dict[str, str]) -> None:
        above = self._open[-1].name if self._open else ""
        if (above == "p" and name in _BLOCKS) or above == name == "li":
            self.close(above)
        apart = name in _APART and "MsoNormal" not in attributes.get("class", "")
        if name not in _CELLS:
            self._end_line(apart=apart)
        style = attributes.get("style", "")
        if (
            _REST_ID.fullmatch(attributes.get("id", ""))
            or _OUTLOOK_RULE.search(style)
            or _WINDOWS_MAIL_RULE.search(style)
        ):
            self._mark_rest()
        block = _Open(name)
        classes = attributes.get("class", "")
        if name != "blockquote" and _GMAIL.search(classes):
            block.gmail, block.quotes = True, 1
            self._gmail.append(block)
        elif name == "blockquote":
            cited = attributes.get("type") == "cite" or "cite" in attributes
            cited = cited or bool(_CITED.search(classes)) or "border-left" in style
            # In Gmail's container the quotation is the container's, not one more.
            inside = bool(self._gmail and self._gmail[-1].quotes)
            if inside:
                self._gmail[-1].inner += 1
            block.quotes = int(cited and not (inside and self._gmail[-1].inner == 1))
            block.set_in = int(not cited and not inside)
        elif _quotes(name, attributes):
            block.quotes = 1
        block.pre = int(name == "pre")
        if name == "ol":
            start = attributes.get("start", "1")
            block.number = (
                int(start) if start.isascii() and start.isdigit() and len(start) < 6 else 1
            )
        elif name == "li":
            self._bullet = self._next_bullet()
        elif name in _CELLS:
            self._space = bool(self._words)
        self._depth += block.quotes
        self._set_in += block.set_in
        self._pre += block.pre
        self._open.append(block)
        self._names[name] = self._names.get(name, 0) + 1

    def _undo(self, block: _Open) -> None:
        if block.name not in _CELLS:
            self._end_line(apart=block.name in _APART or block.name == "blockquote")
        self._depth -= block.quotes
        self._set_in -= block.set_in
        self._pre -= block.pre
        if block.gmail:
            self._gmail.pop()
        elif block.name == "blockquote" and self._gmail and self._gmail[-1].inner:
            container = self._gmail[-1]
            container.inner -= 1
            if not container.inner:
                # What stands in the container after the quotation was written by the sender.
                self._depth -= container.quotes
                container.quotes = 0

    def _next_bullet(self) -> str:
        for block in reversed(self._open[-8:]):
            if block.name == "ul":
                break
            if block.number is not None:
                block.number += 1
                return f"{block.number - 1}. "
        return "- "

    def _add(self, words: str) -> None:
        if not words:
            return
        if self._bullet:
            words, self._bullet = self._bullet + words, ""
        elif self._space and self._words:
            words = f" {words}"
        self._space = False
        self._words.append(words)

    def _add_picture(self, attributes: dict[str, str]) -> None:
        """Show an emoji that a mail program turned into a picture, and no other picture."""
        alt = attributes.get("alt", "").strip()
        if 0 < len(alt) <= 12 and not any(each.isalnum() and each.isascii() for each in alt):
            self.write(alt)

    def _end_link(self) -> None:
        if self._link is None:
            return
        (href, begun), self._link = self._link, None
        href = href.strip()
        shown = "".join(self._words[begun:]).strip()
        plain = href.removesuffix("/").partition("://")[2]
        if (
            shown
            and href.lower().startswith(("http://", "https://"))
            and len(href) <= _LONGEST_LINK
            and plain not in shown
        ):
            self._words.append(f" ({_MANY_SPACES.sub('', href)})")

    def _break(self) -> None:
        self._flush()
        self._space = False

    def _end_line(self, *, apart: bool = False) -> None:
        self._end_link()
        if self._words:
            self._flush()
        self._gap = self._gap or apart
        self._space = False

    def _flush(self) -> None:
        text = "".join(self._words)
        if text == "--" and self._space:
            text = "-- "
        self._words = []
        if self._link is not None:
            self._link = (self._link[0], 0)
        mark = Mark.SET_IN if self._set_in else Mark.NONE
        if self._gap and self.lines and self.lines[-1].text:
            self.lines.append(Line("", min(self._depth, self.lines[-1].depth)))
        self._gap = False
        self.lines.append(Line(text if text == "-- " else text.rstrip(), self._depth, mark))

    def _mark_rest(self) -> None:
        self.lines.append(Line("", self._depth, Mark.REST if not self._depth else Mark.NONE))


def _is_hidden(attributes: dict[str, str]) -> bool:
    if not attributes:
        return False
    return "hidden" in attributes or bool(_HIDDEN.search(attributes.get("style", "")))


def _quotes(name: str, attributes: dict[str, str]) -> bool:
    """Whether an element is a mail program's container of what is quoted."""
    if not attributes or name in _VOID:
        return False
    return bool(
        _QUOTING_CLASS.search(attributes.get("class", ""))
        or _QUOTING_ID.fullmatch(attributes.get("id", ""))
        or attributes.get("name") in {"messageReplySection", "quote"}
    )
