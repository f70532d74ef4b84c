"""Mails of any size that are made to cost more than they should; the benchmark uses them, too."""

from __future__ import annotations

from collections.abc import Callable, Mapping

_HEAD = b"From: a@example.org\r\nSubject: x\r\n"


def _body(
    subtype: bytes, piece: bytes, first: bytes = b"", last: bytes = b""
) -> Callable[[int], bytes]:
    head = _HEAD + b"Content-Type: text/" + subtype + b"\r\n\r\n" + first
    return lambda size: head + piece * (size // len(piece)) + last


def _head(piece: bytes, first: bytes = b"X: ") -> Callable[[int], bytes]:
    return lambda size: first + piece * (size // len(piece)) + b"\r\n\r\nx"


def _nested(size: int) -> bytes:
    level = "Content-Type: multipart/mixed; boundary=b{0}\r\n\r\n--b{0}\r\n"
    return "".join(level.format(n) for n in range(size // 60)).encode()


def _ladder(size: int) -> bytes:
    steps = (b"> " * (n % 300) + b"x\r\n" for n in range(size // 300))
    return _HEAD + b"\r\n" + b"".join(steps)


HOSTILE: Mapping[str, Callable[[int], bytes]] = {
    "one endless attribution": _body(b"plain", b"a ", b"On ", b"wrote:"),
    "many attributions": _body(b"plain", b"On a a a wrote:\r\n"),
    "dated attributions": _body(b"plain", b"On 1:00 2025 a@b wrote:\r\n"),
    "verbs": _body(b"plain", b"wrote:\r\n"),
    "quotation marks": _body(b"plain", b">"),
    "quoted lines": _body(b"plain", b">\r\n"),
    "a ladder of quotations": _ladder,
    "header blocks": _body(b"plain", b"From: a@b.c\r\nTo: x\r\n"),
    "rules": _body(b"plain", b"-----\r\n"),
    "announcements": _body(b"plain", b"-----Original Message"),
    "signatures": _body(b"plain", b"-- \r\n"),
    "clients": _body(b"plain", b"Sent from my iPhone\r\n"),
    "a client of many words": _body(b"plain", b"my ", b"Sent from "),
    "soft breaks": _body(b"plain; format=flowed", b"a \r\n"),
    "uuencoded beginnings": _body(b"plain", b"begin 644 x\r\n"),
    "blank lines": _body(b"plain", b"\r\n"),
    "times": _body(b"plain", b"10:00 ", b"", b":"),
    "deep blocks": _body(b"html", b"<div>"),
    "deep quotations": _body(b"html", b"<blockquote type=cite>x<br>"),
    "Gmail's containers": _body(b"html", b"<div class=gmail_quote><blockquote>"),
    "open tags": _body(b"html", b"<a "),
    "open comments": _body(b"html", b"<!--"),
    "open values": _body(b"html", b"<a b=\"'"),
    "open values, closed tags": _body(b"html", b"<a b='\">"),
    "less-than": _body(b"html", b"<"),
    "ampersands": _body(b"html", b"&"),
    "unmatched ends": _body(b"html", b"<b></i>"),
    "attributes": _body(b"html", b"a=b ", b"<div "),
    "hidden": _body(b"html", b"<p hidden>"),
    "cells": _body(b"html", b"<table><td>x"),
    "links": _body(b"html", b"<a href=http://x>y"),
    "encoded words": _head(b"=?utf-8?q?", b"Subject: "),
    "header fields": _head(b"X: y\r\n"),
    "escaped quotes": _head(b'"\\', b"To: "),
    "comments": _head(b"(", b"From: "),
    "references": _head(b"<a@b> ", b"References: "),
    "parameters": _head(b'; a="b', b"Content-Type: text/plain"),
    "parts": _head(b"--x\r\n\r\nhi\r\n", b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"),
    "nested parts": _nested,
    "status groups": _head(
        b"Final-Recipient: rfc822;a@b\r\n\r\n",
        b"Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\n"
        b"Content-Type: message/delivery-status\r\n\r\n",
    ),
    "a bounce of codes": _body(b"plain", b"550 ", b"X-Failed-Recipients: a@b.example\r\n\r\n"),
    "Base64 of nothing": _body(b"plain\r\nContent-Transfer-Encoding: base64", b"A"),
}
"""By name, what makes a mail of about so many bytes."""
