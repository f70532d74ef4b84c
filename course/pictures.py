"""One picture as mail programs show it: as large as the column needs, upright, without metadata.

A picture that is right already keeps its bytes. Whatever else becomes a JPEG or a PNG, since some
mail programs show nothing newer; an animation stays a GIF. No place or camera travels with it.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageCms, ImageOps

COLUMN = 520
"""CSS pixels between the margins of a letter: 600 less its padding."""
WIDEST = 2 * COLUMN
"""Pixels of a picture's width: what a screen of double density shows in the column."""
TALLEST = 8000
"""Pixels of its height; more is no picture to look at in a letter."""
MOST_PIXELS = 50_000_000
"""What is unpacked at most: about 200 MB of memory."""
HEAVY = 150_000
"""Bytes from which a picture is written anew even if its size is right."""
WORTH = 0.8
"""What is written anew for its weight alone must weigh less than this part of what it was."""

_QUALITY = 82
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")
_TELLING = frozenset({"exif", "xmp", "XML:com.adobe.xmp", "photoshop", "comment", "icc_profile"})
_TURNED_OR_TINTED = frozenset({"exif", "icc_profile"})
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


class UnusablePicture(Exception):
    """Why a picture cannot be put into a letter, in one clause."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that can be put into a letter.

    Attributes:
        extension: of its file, without a dot.
        width, height: in pixels, at least 1.
    """

    content: bytes
    extension: str
    media_type: str
    width: int
    height: int


def fitted(content: bytes) -> Picture:
    """Return the picture that the file's bytes ``content`` hold, fit for a letter.

    Equal bytes make an equal picture, by the same version of Pillow and its codecs.

    Raises:
        UnusablePicture: it is none, is damaged, or would take too much memory.
    """
    _refuse_by_signature(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # bombs are refused below, before they are unpacked
            with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
                return _fitted(image, content)
    except UnusablePicture:
        raise
    except Image.DecompressionBombError as fault:
        raise UnusablePicture(_TOO_LARGE) from fault
    except Exception as fault:  # a damaged file makes Pillow raise almost anything
        raise UnusablePicture("the file is damaged") from fault


def shown_size(width: int, height: int) -> tuple[int, int]:
    """Return the CSS pixels that a picture of so many pixels takes in a letter's column."""
    shown = min(width, COLUMN)
    return shown, max(1, round(height * shown / width))


_TOO_LARGE = f"it has over {MOST_PIXELS // 1_000_000} million pixels: save it smaller"


def _refuse_by_signature(content: bytes) -> None:
    if content.startswith(_SIGNATURES) or (content[:4] == b"RIFF" and content[8:12] == b"WEBP"):
        return
    if b"<svg" in content[:2000].lower():
        raise UnusablePicture("most mail programs do not show SVG: save it as PNG")
    raise UnusablePicture("it is no PNG, JPEG, GIF or WebP picture")


def _fitted(image: Image.Image, content: bytes) -> Picture:
    if image.width * image.height > MOST_PIXELS:
        raise UnusablePicture(_TOO_LARGE)
    image.load()
    kind = "JPEG" if image.format == "MPO" else str(image.format)  # a phone's picture and its copy
    if kind == "GIF" and getattr(image, "is_animated", False):
        return _picture(content, kind, image.size)
    right = image.format in ("PNG", "JPEG", "GIF") and not _tells(image)
    if right and _fits(image) and (kind == "GIF" or len(content) <= HEAVY):
        return _picture(content, kind, image.size)
    if kind == "PNG" and _fits(image) and not _TURNED_OR_TINTED & image.info.keys():
        made, shown = "PNG", image  # its pixels stay as they are, a palette too
    else:
        shown = _scaled(_in_srgb(ImageOps.exif_transpose(image)))
        if image.mode == "P" and shown.mode == "RGB":
            shown = shown.quantize(256, dither=Image.Dither.NONE)  # a drawing stays one
        made = "JPEG" if kind == "JPEG" or (kind == "WEBP" and _opaque(shown)) else "PNG"
    written = _jpeg(shown) if made == "JPEG" else _png(shown)
    if right and len(written) > WORTH * len(content):
        return _picture(content, kind, image.size)
    return _picture(written, made, shown.size)


def _fits(image: Image.Image) -> bool:
    return image.width <= WIDEST and image.height <= TALLEST


def _opaque(image: Image.Image) -> bool:
    alpha = image.getchannel("A").getextrema() if "A" in image.getbands() else (255, 255)
    return alpha == (255, 255)


def _picture(content: bytes, name: str, size: tuple[int, int]) -> Picture:
    extension = {"JPEG": "jpg", "PNG": "png", "GIF": "gif"}[name]
    return Picture(content, extension, f"image/{name.lower()}", *size)


def _tells(image: Image.Image) -> bool:
    """Tell whether the file says more than its pixels: where, when, by whom, in which colours."""
    texts = getattr(image, "text", {})  # of a PNG, also those behind its pixels
    return bool(texts or image.getexif() or _TELLING & image.info.keys() or image.mode == "CMYK")


def _in_srgb(image: Image.Image) -> Image.Image:
    """Return the picture in the colours that every screen assumes, without a profile."""
    profile = image.info.get("icc_profile")
    grey = image.mode in ("L", "LA", "1", "I", "F") or image.mode.startswith("I;16")
    if image.has_transparency_data:
        plain = image.convert("LA" if image.mode == "LA" else "RGBA")
    elif image.mode == "CMYK" and profile:
        plain = image
    else:
        plain = image.convert("L" if grey else "RGB")
    if profile and plain.mode in ("RGB", "RGBA", "CMYK"):
        plain = _converted(plain, profile)
    plain = plain.convert("RGB") if plain.mode == "CMYK" else plain
    plain.info.clear()
    return plain


def _converted(image: Image.Image, profile: bytes) -> Image.Image:
    mode = "RGB" if image.mode == "CMYK" else image.mode
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        found = ImageCms.profileToProfile(image, source, _SRGB, outputMode=mode)
    except (ImageCms.PyCMSError, OSError):
        return image  # a broken profile: the colours are taken as they stand
    return found or image


def _scaled(image: Image.Image) -> Image.Image:
    if _fits(image):
        return image
    share = min(WIDEST / image.width, TALLEST / image.height)
    size = (max(1, round(image.width * share)), max(1, round(image.height * share)))
    return image.resize(size, Image.Resampling.LANCZOS)


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    flat = image if image.mode in ("L", "RGB") else image.convert("RGB")
    flat.save(out, "JPEG", quality=_QUALITY, progressive=True, optimize=True)
    return out.getvalue()


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()
