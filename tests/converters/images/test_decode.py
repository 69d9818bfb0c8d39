"""Decoding: verdicts and pixels, against Pillow, TensorFlow and reference pictures."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fitfeed.converters.images.decode import DecodedImage, decode_image
from fitfeed.converters.images.encode import encode_image
from fitfeed.converters.images.heif import heif_formats
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import ImageError
from fitfeed.schemas.payload import decode_payload
from tests.effort import tries

OPTIONS = ConvertOptions()
NASTY = Path(__file__).parents[2] / "data" / "nasty"
EXPECTED = [
    row | ({"handling": "fix"} if row["kind"] == "HEIC" and heif_formats() else {})
    for row in csv.DictReader((NASTY / "expected.csv").read_text(encoding="utf-8").splitlines())
    # These are judged by the listing, by comparing files, or by another command.
    if not row["path"].startswith(("containers/", "duplicates/")) and row["reason"] != "ignored"
]


def decode(path: str, options: ConvertOptions = OPTIONS) -> DecodedImage:
    return decode_image((NASTY / path).read_bytes(), options)


def difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


@pytest.mark.parametrize("row", EXPECTED, ids=lambda row: row["path"][:60])
def test_verdict(row: dict[str, str]) -> None:
    if row["handling"] != "reject":
        assert decode(row["path"]).pixels.dtype == np.uint8
        return
    with pytest.raises(ImageError) as caught:
        decode(row["path"])
    assert caught.value.reason == row["reason"]
    assert str(caught.value)


@pytest.mark.parametrize(
    "row", [row for row in EXPECTED if row["handling"] != "reject"], ids=lambda row: row["path"][:60]
)
def test_what_is_kept_decodes_to_the_same_pixels_everywhere(row: dict[str, str]) -> None:
    data = (NASTY / row["path"]).read_bytes()
    payload, pixels = encode_image(decode_image(data, OPTIONS), data, OPTIONS)
    np.testing.assert_array_equal(decode_payload(payload, size=pixels.shape[:2], channels=3), pixels)
    theirs = tf.io.decode_image(payload, channels=3, expand_animations=False).numpy()
    assert theirs.shape == pixels.shape
    # TensorFlow decodes JPEG with the faster, less accurate DCT; PNG must be exact.
    assert difference(theirs, pixels) <= (3 if payload[:2] == b"\xff\xd8" else 0)


def test_orientations_show_the_same_picture() -> None:
    upright = decode("orientation/o1.jpg").pixels
    for number in range(2, 9):
        turned = decode(f"orientation/o{number}.jpg")
        assert difference(turned.pixels, upright) < 8
        assert not turned.keepable
    assert difference(decode("orientation/o6.webp").pixels, upright) < 8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_agrees_with_pillow(orientation: int) -> None:
    picture = Image.fromarray(np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    picture.save(stream, "PNG", exif=exif)
    from PIL import ImageOps

    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(stream.getvalue()))))
    np.testing.assert_array_equal(decode_image(stream.getvalue(), OPTIONS).pixels, expected)


@pytest.mark.parametrize("name", ["cmyk_adobe0", "ycck_adobe2"])
def test_cmyk_looks_like_its_reference(name: str) -> None:
    assert difference(decode(f"jpeg/{name}.jpg").pixels, decode(f"jpeg/{name}_reference_rgb.jpg").pixels) < 8


def test_16_bit_is_scaled_not_clipped() -> None:
    ramp = decode("png/basn0g16.png").pixels
    theirs = tf.io.decode_png((NASTY / "png/basn0g16.png").read_bytes(), channels=3).numpy()
    assert len(np.unique(ramp)) > 200
    np.testing.assert_array_equal(ramp, theirs)


@pytest.mark.parametrize("name", ["basn6a08", "basn4a08", "tp1n3p08", "tbbn0g04"])
def test_alpha_is_composited_on_the_background(name: str) -> None:
    image = Image.open(NASTY / f"png/{name}.png").convert("RGBA")
    rgba = np.asarray(image).astype(float)
    for background in [(255, 255, 255), (10, 200, 30)]:
        alpha = rgba[:, :, 3:] / 255
        expected = rgba[:, :, :3] * alpha + np.asarray(background) * (1 - alpha)
        got = decode(f"png/{name}.png", ConvertOptions(background=background)).pixels
        assert np.abs(got - expected).max() <= 1


def test_palette_is_expanded() -> None:
    expected = np.asarray(Image.open(NASTY / "png/basn3p08.png").convert("RGB"))
    np.testing.assert_array_equal(decode("png/basn3p08.png").pixels, expected)


def test_jpeg_pixels_are_pillows(clothing: Path) -> None:
    for path in sorted(clothing.glob("test/*/*.jpg"))[:20]:
        expected = np.asarray(Image.open(path))
        np.testing.assert_array_equal(decode_image(path.read_bytes(), OPTIONS).pixels, expected)


def test_progressive_is_accepted_and_kept() -> None:
    decoded = decode("jpeg/progressive.jpg")
    assert decoded.keepable
    assert difference(decoded.pixels, decode("jpeg/baseline_rgb.jpg").pixels) < 1


def test_gray_output() -> None:
    gray = ConvertOptions(channels=1)
    rgb = decode("jpeg/baseline_rgb.jpg").pixels
    decoded = decode("jpeg/baseline_rgb.jpg", gray)
    np.testing.assert_array_equal(decoded.pixels[:, :, 0], np.asarray(Image.fromarray(rgb).convert("L")))
    assert not decoded.keepable
    assert decode("jpeg/grayscale.jpg", gray).keepable


def test_frames_option() -> None:
    assert decode("formats/animated.gif").pixels.shape == (100, 100, 3)
    with pytest.raises(ImageError, match="several frames"):
        decode("formats/animated.gif", ConvertOptions(frames="reject"))
    assert decode("formats/static.gif", ConvertOptions(frames="reject")).pixels.shape == (30, 100, 3)


def test_max_pixels_option() -> None:
    with pytest.raises(ImageError, match="33823 pixels is more than the 1000 allowed"):
        decode("jpeg/baseline_rgb.jpg", ConvertOptions(max_pixels=1000))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP"])
@given(width=st.integers(1, 90), height=st.integers(1, 90), share=st.floats(0, 0.99))
@settings(max_examples=tries(50))
def test_a_refused_size_names_the_option_that_takes_it(
    kind: str, width: int, height: int, share: float
) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (width, height)).save(stream, kind)
    allowed = int(width * height * share)
    if allowed < 1:
        return
    with pytest.raises(ImageError, match=r"--max-pixels \d+ takes it") as caught:
        decode_image(stream.getvalue(), ConvertOptions(max_pixels=allowed))
    assert caught.value.reason == "bomb"
    named = int(caught.value.detail.split("--max-pixels ")[1].split()[0])
    assert named == width * height
    assert decode_image(stream.getvalue(), ConvertOptions(max_pixels=named)).pixels.shape == (
        height,
        width,
        3,
    )


@pytest.mark.parametrize("cut", [3, 100, 1000, 5000, -40])
def test_cut_jpegs_are_rejected(cut: int) -> None:
    data = (NASTY / "jpeg/baseline_rgb.jpg").read_bytes()
    with pytest.raises(ImageError):
        decode_image(data[:cut], OPTIONS)
