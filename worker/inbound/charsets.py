"""Bytes become text, whatever their label says."""

from __future__ import annotations

import codecs
import contextlib
import re

_ALIASES = {
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "ansi_x3.4-1968": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-8-i": "iso8859-8",
    "x-sjis": "cp932",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "hz-gb-2312": "hz",
    "big5": "big5hkscs",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "x-mac-roman": "mac-roman",
    "macintosh": "mac-roman",
    "iso-2022-jp": "iso2022_jp_ext",
    "iso-2022-jp-ms": "iso2022_jp_ext",
    "cp50220": "iso2022_jp_ext",
    "cp50221": "iso2022_jp_ext",
}
"""What senders mean by a label, where that is more than it says (WHATWG Encoding, 4.2)."""

_KNOWN = re.compile(
    r"utf-8|utf-16(-[lb]e)?|utf-32(-[lb]e)?|cp\d{3,4}|iso8859-\d{1,2}|koi8-[rtu]|kz1048|ptcp154"
    r"|mac-\w+|gb18030|hz|big5(hkscs)?|cp949|johab|cp932|shift_jis\w*|euc_\w+|iso2022_\w+"
)
"""Codecs that a mail may choose. UTF-7 is not one of them: it hides markup (RFC 2152, 3)."""

_BREAKS = re.compile("\r\n|[\r\u0085\u2028\u2029\x0b\x0c]")
_UNWANTED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff]")
_JAPANESE = re.compile(rb"\x1b\$[@B]")


def decode(content: bytes, label: str = "") -> str:
    """Return the text in ``content``: lines end in LF, no control characters but tab.

    Never fails. Text that is UTF-8 is read as such under every label that promises less, or whose
    codec cannot read it; what the label's codec cannot read is tried as windows-1252, and as a
    last resort holds U+FFFD.

    Args:
        content: the bytes, without a transfer encoding.
        label: a charset's name as the mail has it, or ``""``.
    """
    return tidy(_decode(content, label))


def tidy(text: str) -> str:
    """Return ``text`` with LF line ends, and without control and byte order characters."""
    return _UNWANTED.sub("", _BREAKS.sub("\n", text))


def _decode(content: bytes, label: str) -> str:
    codec = _codec(label)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        codec = "utf-16"
    elif codec in {"", "cp1252", "utf-8"} and _JAPANESE.search(content):
        codec = "iso2022_jp_ext"
    elif codec in {"", "utf-8"} or codec.startswith(("cp125", "iso8859")):
        with contextlib.suppress(UnicodeDecodeError):
            return content.decode("utf-8")
    if codec and codec != "utf-8":
        text = content.decode(codec, "replace")
        if "\ufffd" in text:
            with contextlib.suppress(UnicodeDecodeError):
                return content.decode("utf-8")
        return text
    lenient = content.decode("utf-8", "replace")
    strays = lenient.count("\ufffd")
    if sum(character > "\x7f" for character in lenient) > 2 * strays:
        return lenient  # mostly UTF-8: something cut or broke it
    return content.decode("cp1252", "replace")


def _codec(label: str) -> str:
    """Return the codec that a label means; empty if it is missing, unknown or refused."""
    name = label.strip().strip("\"'").lower()
    try:
        found = codecs.lookup(_ALIASES.get(name, name)).name if name else ""
    except (LookupError, ValueError):
        return ""
    return found if _KNOWN.fullmatch(found) else ""
