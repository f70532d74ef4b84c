from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from course import pictures
from course.pictures import COLUMN, WIDEST, UnusablePicture, fitted, shown_size

GPS = 0x8825
ORIENTATION = 0x0112


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def noise(width: int, height: int) -> Image.Image:
    """A picture as hard to press as a photograph, the same each time."""
    return Image.frombytes(
        "RGB", (width, height), bytes((i * i // 7 + i) % 256 for i in range(width * height * 3))
    )


def flag() -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (40, 20), "red")
    image.paste("blue", (20, 0, 40, 20))
    return image


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF"])
def test_a_small_picture_without_metadata_keeps_its_bytes(kind: str) -> None:
    content = saved(flag(), kind)
    made = fitted(content)
    assert made.content == content
    assert (made.width, made.height) == (40, 20)
    assert made.media_type == f"image/{kind.lower()}"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_wide_picture_becomes_twice_as_wide_as_the_column(kind: str) -> None:
    made = fitted(saved(Image.new("RGB", (3 * WIDEST, 600), "teal"), kind))
    image = opened(made.content)
    assert image.size == (made.width, made.height) == (WIDEST, 200)
    assert image.format == {"PNG": "PNG", "GIF": "PNG"}.get(kind, "JPEG")
    assert made.extension == ("png" if image.format == "PNG" else "jpg")


def test_a_photograph_is_turned_upright_and_does_not_tell_where_it_was_taken() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # the camera was held upright: turn it by a quarter to the right
    exif.get_ifd(GPS)[2] = (52.0, 31.0, 12.0)
    content = saved(flag(), "JPEG", exif=exif, comment=b"at home", quality=95)
    assert opened(content).getexif().get_ifd(GPS)
    made = fitted(content)
    image = opened(made.content).convert("RGB")
    assert (made.width, made.height) == image.size == (20, 40)
    assert _name(image, 10, 5) == "red"  # what was on the left is at the top
    assert _name(image, 10, 35) == "blue"
    assert not image.getexif()
    assert b"at home" not in made.content
    assert b"Exif" not in made.content
    assert made.media_type == "image/jpeg"


def test_words_in_a_png_are_left_out_and_its_pixels_and_palette_stay() -> None:
    info = PngInfo()
    info.add_text("Author", "somebody")
    info.add_itxt("XML:com.adobe.xmp", "<x>somebody</x>")
    image = flag().quantize(4)
    content = saved(image, "PNG", pnginfo=info)
    made = fitted(content)
    assert b"somebody" in content
    assert b"somebody" not in made.content
    after = opened(made.content)
    assert after.mode == "P"
    assert after.convert("RGB").tobytes() == image.convert("RGB").tobytes()


def test_a_webp_becomes_what_every_mail_program_shows() -> None:
    assert fitted(saved(flag(), "WEBP")).media_type == "image/jpeg"
    opaque = flag().convert("RGBA")
    assert fitted(saved(opaque, "WEBP", lossless=True)).media_type == "image/jpeg"
    opaque.putpixel((0, 0), (0, 0, 0, 0))
    clear = fitted(saved(opaque, "WEBP", lossless=True))
    assert clear.media_type == "image/png"
    assert opened(clear.content).convert("RGBA").getpixel((0, 0))[3] == 0  # type: ignore[index]


def test_an_animation_goes_on_moving() -> None:
    frames = [Image.new("RGB", (2 * WIDEST, 10), colour) for colour in ("red", "lime", "blue")]
    content = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    made = fitted(content)
    assert made.content == content
    assert opened(made.content).n_frames == 3  # type: ignore[attr-defined]


def test_colours_of_another_space_are_those_of_screens_afterwards() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    xyz = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (xyz, lab, b"no profile at all"):
        made = fitted(saved(flag(), "PNG", icc_profile=profile))
        image = opened(made.content)
        assert "icc_profile" not in image.info
        assert _name(image.convert("RGB"), 5, 5) == "red"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "YCbCr"])
def test_every_way_to_keep_pixels_can_be_shown(mode: str) -> None:
    image = Image.new(mode, (2 * WIDEST, 40))
    made = fitted(saved(image, "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"))
    assert opened(made.content).size == (made.width, made.height)
    assert made.width == WIDEST or len(made.content) <= 1000
    assert opened(made.content).mode in ("1", "L", "LA", "P", "RGB", "RGBA")


def test_a_heavy_photograph_is_pressed_harder_and_a_heavy_drawing_stays_sharp() -> None:
    photo = saved(noise(600, 600), "JPEG", quality=98, subsampling=0)
    assert len(photo) > pictures.HEAVY
    made = fitted(photo)
    assert len(made.content) < 0.8 * len(photo)
    assert opened(made.content).info["progressive"]
    drawing = saved(noise(300, 300), "PNG", compress_level=0)
    after = fitted(drawing)
    assert len(after.content) <= len(drawing)
    assert opened(after.content).tobytes() == noise(300, 300).tobytes()


def test_a_light_drawing_is_not_made_heavier_by_making_it_smaller() -> None:
    drawing = Image.new("P", (WIDEST + 300, 900))
    drawing.putpalette([level for level in range(256) for _ in range(3)])
    for x in range(0, drawing.width, 40):
        drawing.paste(x % 256, (x, x // 2, x + 17, 900))
    content = saved(drawing, "PNG", optimize=True)
    assert fitted(content).content == content


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    side = 30_000
    bomb = saved(Image.new("1", (side, side)), "PNG")
    assert len(bomb) < 200_000
    with pytest.raises(UnusablePicture, match="million pixels"):
        fitted(bomb)


@pytest.mark.parametrize("size", [(7_200, 7_000), (10_000, 10_000)])
def test_a_picture_over_the_limit_is_refused_in_one_clause(size: tuple[int, int]) -> None:
    with pytest.raises(UnusablePicture, match="over 50 million pixels"):
        fitted(saved(Image.new("1", size), "PNG"))


def test_what_is_no_picture_is_said() -> None:
    for content, reason in [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"words", "no PNG"),
        (b"", "no PNG"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 20, "damaged"),
        (saved(flag(), "JPEG")[:200], "damaged"),
    ]:
        with pytest.raises(UnusablePicture, match=reason):
            fitted(content)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_equal_files_make_equal_pictures(kind: str) -> None:
    content = saved(noise(WIDEST + 60, 30), kind)
    assert fitted(content) == fitted(bytes(bytearray(content)))


def test_what_was_fitted_once_is_fit() -> None:
    for kind in ("PNG", "JPEG", "WEBP"):
        once = fitted(saved(noise(WIDEST + 60, 30), kind))
        assert fitted(once.content) == once


def _spoiled(kind: str) -> Callable[[int, bytes], bytes]:
    sound = saved(flag(), kind)

    def spoil(at: int, junk: bytes) -> bytes:
        at %= len(sound)
        return sound[:at] + junk + sound[at + len(junk) :]

    return spoil


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["PNG", "JPEG", "GIF", "WEBP"]),
    st.integers(0, 10_000),
    st.binary(min_size=1, max_size=12),
)
def test_a_spoiled_file_is_shown_or_refused_and_nothing_else(
    kind: str, at: int, junk: bytes
) -> None:
    try:
        made = fitted(_spoiled(kind)(at, junk))
    except UnusablePicture:
        return
    assert made.width <= WIDEST or made.extension == "gif"


@given(st.integers(1, 20_000), st.integers(1, 20_000))
def test_the_shown_size_keeps_its_proportion_within_the_column(width: int, height: int) -> None:
    shown = shown_size(width, height)
    assert 1 <= shown[0] <= COLUMN
    assert abs(shown[1] - height * shown[0] / width) <= 1


def _name(image: Image.Image, x: int, y: int) -> str:
    pixel = image.getpixel((x, y))
    assert isinstance(pixel, tuple)
    return ("red", "green", "blue")[max(range(3), key=lambda channel: pixel[channel])]
