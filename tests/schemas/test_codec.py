"""Decoding a part of an image against decoding all of it, and against Pillow."""

import io
from typing import Any

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from schemas.codec import WHOLE, Pixels, Portion, decode_payload, decode_portion
from schemas.jpeg import first_rows, frame_header
from tests.pipelines.build_dataset import picture

SUBSAMPLINGS = ("444", "422", "420", "440", "411", "grey")
SIZES = st.integers(1, 150)


def jpeg(pixels: Pixels, subsampling: str) -> bytes:
    if subsampling == "grey":
        data: bytes = simplejpeg.encode_jpeg(pixels[..., :1].copy(), colorspace="GRAY")
    else:
        data = simplejpeg.encode_jpeg(pixels, quality=90, colorsubsampling=subsampling)
    return data


def saved(pixels: Pixels, format_: str = "JPEG", **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format_, **options)
    return file.getvalue()


@settings(deadline=None, max_examples=300)
@given(
    height=SIZES,
    width=SIZES,
    subsampling=st.sampled_from(SUBSAMPLINGS),
    channels=st.sampled_from([1, 3]),
    shrink=st.sampled_from([1, 2, 4, 8]),
    share=st.floats(0, 1),
)
def test_rows_are_those_of_the_whole_image(
    height: int, width: int, subsampling: str, channels: int, shrink: int, share: float
) -> None:
    payload = jpeg(picture(height, height, width), subsampling)
    rows = max(1, round(share * height))
    options: dict[str, Any] = {"size": (height, width), "channels": channels}
    whole, scale = decode_portion(payload, Portion(None, shrink), **options)
    if width >= shrink and height >= shrink:
        assert scale == shrink
        assert whole.shape == (-(-height // shrink), -(-width // shrink), channels)
    part, scale = decode_portion(payload, Portion(rows, shrink), **options)
    needed = -(-rows // scale)
    assert len(part) >= needed
    assert np.array_equal(part[:needed], whole[:needed])


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
@pytest.mark.parametrize("shrink", [2, 4, 8])
def test_shrinks_as_pillow_does(subsampling: str, shrink: int) -> None:
    payload = jpeg(picture(5, 203, 301), subsampling)
    with Image.open(io.BytesIO(payload)) as image:
        image.draft(None, (301 // shrink, 203 // shrink))
        theirs = np.asarray(image.convert("RGB"))
    ours, _ = decode_portion(payload, Portion(None, shrink), size=(203, 301), channels=3)
    assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
def test_less_is_decoded(subsampling: str) -> None:
    payload = jpeg(picture(1, 400, 300), subsampling)
    part, _ = decode_portion(payload, Portion(100), size=(400, 300), channels=3)
    assert 100 <= len(part) <= 128


def test_a_shrunken_image_is_near_the_average() -> None:
    pixels = picture(3, 256, 320)
    payload = simplejpeg.encode_jpeg(pixels, quality=98, colorsubsampling="444")
    averages = pixels.reshape(64, 4, 80, 4, 3).mean(axis=(1, 3))
    quarter, _ = decode_portion(payload, Portion(None, 4), size=(256, 320), channels=3)
    assert np.abs(quarter - averages).mean() < 2


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(saved(picture(1, 90, 80), progressive=True), id="progressive"),
        pytest.param(saved(picture(1, 90, 80), "PNG"), id="PNG"),
    ],
)
def test_what_has_no_order_of_rows_is_decoded_whole(payload: bytes) -> None:
    pixels, shrink = decode_portion(payload, Portion(8), size=(90, 80), channels=3)
    assert shrink == 1
    assert np.array_equal(pixels, decode_payload(payload, channels=3))


def test_restart_markers_and_other_segments_make_no_difference() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a description with a picture inside: \xff\xd8\xff\xc0"
    payload = saved(picture(1, 96, 80), restart_marker_rows=1, exif=exif, comment=b"\xff\xc0\xff\xda")
    assert b"\xff\xd0" in payload
    part, _ = decode_portion(payload, Portion(20), size=(96, 80), channels=3)
    assert len(part) == 32
    assert np.array_equal(part[:20], decode_payload(payload, channels=3)[:20])


def test_fill_bytes_are_skipped() -> None:
    payload = saved(picture(1, 96, 80))
    at = payload.index(b"\xff\xc0")
    header = frame_header(payload[:at] + b"\xff\xff" + payload[at:])
    assert header is not None
    assert header[1:] == (96, 80, 16)


def test_a_file_of_another_height_is_not_cut() -> None:
    payload = jpeg(picture(1, 96, 80), "420")
    for height in (95, 97):
        assert first_rows(payload, 8, height=height) is None
        pixels, _ = decode_portion(payload, Portion(8), size=(height, 80), channels=3)
        assert len(pixels) == 96  # whole, so that the caller sees the contradiction


@pytest.mark.parametrize("portion", [WHOLE, Portion(None, 2), Portion(8), Portion(8, 2)])
def test_what_is_no_image_is_an_error(portion: Portion) -> None:
    payload = jpeg(picture(1, 96, 80), "420")
    for broken in (b"", b"nothing", payload[:20], payload[: payload.index(b"\xff\xda") + 4]):
        with pytest.raises(ValueError, match=r".+"):
            decode_portion(broken, portion, size=(96, 80), channels=3)


@settings(deadline=None, max_examples=300)
@given(data=st.binary(max_size=60))
def test_any_header_is_looked_at_safely(data: bytes) -> None:
    frame_header(b"\xff\xd8" + data)
    first_rows(b"\xff\xd8\xff\xc0" + data, 3, height=1000)


def test_damage_behind_the_last_needed_row_does_not_change_the_rows() -> None:
    payload = bytearray(jpeg(picture(1, 400, 300), "420"))
    whole = decode_payload(bytes(payload), channels=3)
    payload[len(payload) * 3 // 4 : -2] = bytes(len(payload[len(payload) * 3 // 4 : -2]))
    part, _ = decode_portion(bytes(payload), Portion(64), size=(400, 300), channels=3)
    assert np.array_equal(part[:64], whole[:64])
