"""Decoding a part of an image against decoding all of it, and against Pillow."""

import io
import math
import re
from typing import Any

import cv2
import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fitfeed.schemas.jpeg_rows import frame_header, rows_of
from fitfeed.schemas.payload import FULL, DecodeWindow, Pixels, claimed_size, decode_payload, decode_window
from tests.effort import tries
from tests.pipelines.build_dataset import picture

SUBSAMPLINGS = ("444", "422", "420", "440", "411", "grey")
SIZES = st.integers(1, 200)


def jpeg(pixels: Pixels, subsampling: str) -> bytes:
    if subsampling == "grey":
        data: bytes = simplejpeg.encode_jpeg(pixels[..., :1].copy(), colorspace="GRAY")
    else:
        data = simplejpeg.encode_jpeg(pixels, quality=90, colorsubsampling=subsampling)
    return data


def restarting(pixels: Pixels, subsampling: str, blocks: int) -> bytes:
    """With a marker after every so many MCUs."""
    options = [cv2.IMWRITE_JPEG_RST_INTERVAL, blocks]
    if subsampling == "grey":
        return bytes(cv2.imencode(".jpg", pixels[..., 0], options)[1])
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, getattr(cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{subsampling}")]
    return bytes(cv2.imencode(".jpg", pixels, options)[1])


def saved(pixels: Pixels, format_: str = "JPEG", **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format_, **options)
    return file.getvalue()


@settings(max_examples=tries(300))
@given(
    height=SIZES,
    width=SIZES,
    subsampling=st.sampled_from(SUBSAMPLINGS),
    channels=st.sampled_from([1, 3]),
    shrink=st.sampled_from([1, 2, 4, 8]),
    shares=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    restart=st.sampled_from([0, 0, 1, 2, 3, 5, 8, 12, 40]),
)
def test_rows_are_those_of_the_whole_image(
    height: int,
    width: int,
    subsampling: str,
    channels: int,
    shrink: int,
    shares: tuple[float, float],
    restart: int,
) -> None:
    pixels = picture(height, height, width)
    payload = restarting(pixels, subsampling, restart) if restart else jpeg(pixels, subsampling)
    first = min(height - 1, round(min(shares) * height))
    stop = max(first + 1, round(max(shares) * height))
    options: dict[str, Any] = {"size": (height, width), "channels": channels}
    whole, _, scale = decode_window(payload, DecodeWindow(shrink=shrink), **options)
    if width >= shrink and height >= shrink:
        assert scale == shrink
        assert whole.shape == (-(-height // shrink), -(-width // shrink), channels)
    part, begin, scale = decode_window(payload, DecodeWindow(first, stop, shrink), **options)
    assert begin <= first
    assert begin % shrink == 0
    low, high = first // scale, -(-stop // scale)
    assert np.array_equal(part[low - begin // scale : high - begin // scale], whole[low:high])


def test_rows_above_a_restart_marker_are_left_out() -> None:
    payload = saved(picture(1, 640, 80), restart_marker_rows=1)
    whole = decode_payload(payload, size=claimed_size(payload), channels=3)
    for first in range(0, 600, 7):
        part, begin, _ = decode_window(payload, DecodeWindow(first, first + 20), size=(640, 80), channels=3)
        assert first - 36 < begin <= first
        assert len(part) <= 80
        assert np.array_equal(part[first - begin :][:20], whole[first : first + 20])


@pytest.mark.parametrize("blocks", [2, 3, 7, 15])
def test_rows_begin_where_markers_and_rows_of_blocks_meet(blocks: int) -> None:
    payload = saved(picture(1, 640, 80), restart_marker_blocks=blocks)  # five MCUs across, 40 down
    _, begin, _ = decode_window(payload, DecodeWindow(500, 520), size=(640, 80), channels=3)
    step = 16 * math.lcm(5, blocks) // 5
    assert begin == (500 - 4) // 16 * 16 // step * step


def test_a_promise_of_markers_that_are_not_there_is_not_believed() -> None:
    payload = bytearray(jpeg(picture(1, 640, 80), "420"))
    at = payload.index(b"\xff\xda")
    payload[at:at] = b"\xff\xdd\x00\x04\x00\x05"
    rows = rows_of(bytes(payload), 500, 520, height=640)
    assert rows is not None
    assert rows.first == 0


@pytest.mark.parametrize("number", [3, 31])
def test_markers_out_of_turn_are_not_counted(number: int) -> None:
    payload = saved(picture(1, 640, 80), restart_marker_rows=1)
    markers = [found.start() for found in re.finditer(b"\xff[\xd0-\xd7]", payload)]
    assert rows_of(payload, 500, 520, height=640).first == 496  # type: ignore[union-attr]
    wrong = bytearray(payload)
    wrong[markers[number] + 1] = 0xD0 + (number + 1) % 8
    assert rows_of(bytes(wrong), 500, 520, height=640).first == 0  # type: ignore[union-attr]


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
@pytest.mark.parametrize("shrink", [2, 4, 8])
def test_shrinks_as_pillow_does(subsampling: str, shrink: int) -> None:
    payload = jpeg(picture(5, 203, 301), subsampling)
    with Image.open(io.BytesIO(payload)) as image:
        image.draft(None, (301 // shrink, 203 // shrink))
        theirs = np.asarray(image.convert("RGB"))
    ours, *_ = decode_window(payload, DecodeWindow(shrink=shrink), size=(203, 301), channels=3)
    assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
def test_less_is_decoded(subsampling: str) -> None:
    payload = jpeg(picture(1, 400, 300), subsampling)
    part, *_ = decode_window(payload, DecodeWindow(stop=100), size=(400, 300), channels=3)
    assert 100 <= len(part) <= 128


def test_a_shrunken_image_is_near_the_average() -> None:
    pixels = picture(3, 256, 320)
    payload = simplejpeg.encode_jpeg(pixels, quality=98, colorsubsampling="444")
    averages = pixels.reshape(64, 4, 80, 4, 3).mean(axis=(1, 3))
    quarter, *_ = decode_window(payload, DecodeWindow(shrink=4), size=(256, 320), channels=3)
    assert np.abs(quarter - averages).mean() < 2


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(saved(picture(1, 90, 80), progressive=True), id="progressive"),
        pytest.param(saved(picture(1, 90, 80), "PNG"), id="PNG"),
    ],
)
def test_what_has_no_order_of_rows_is_decoded_whole(payload: bytes) -> None:
    pixels, _, shrink = decode_window(payload, DecodeWindow(stop=8), size=(90, 80), channels=3)
    assert shrink == 1
    assert np.array_equal(pixels, decode_payload(payload, size=pixels.shape[:2], channels=3))


def test_restart_markers_and_other_segments_make_no_difference() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a description with a picture inside: \xff\xd8\xff\xc0"
    payload = saved(picture(1, 96, 80), restart_marker_rows=1, exif=exif, comment=b"\xff\xc0\xff\xda")
    assert b"\xff\xd0" in payload
    part, *_ = decode_window(payload, DecodeWindow(stop=20), size=(96, 80), channels=3)
    assert len(part) == 32
    assert np.array_equal(part[:20], decode_payload(payload, size=(96, 80), channels=3)[:20])


def test_fill_bytes_are_skipped() -> None:
    payload = saved(picture(1, 96, 80))
    at = payload.index(b"\xff\xc0")
    payload = payload[:at] + b"\xff\xff" + payload[at:]
    header = frame_header(payload)
    assert header is not None
    assert header[1:6] == (96, 80, 16, 5, 0)
    assert payload[header.data_at - 3 : header.data_at] == b"\x00\x3f\x00"  # the end of a scan's header


def test_a_file_of_another_height_is_not_cut() -> None:
    payload = jpeg(picture(1, 96, 80), "420")
    for height in (95, 97):
        assert rows_of(payload, 0, 8, height=height) is None
        with pytest.raises(
            ValueError, match=f"its header says 96 x 80 pixels, but the index says {height} x 80"
        ):
            decode_window(payload, DecodeWindow(stop=8), size=(height, 80), channels=3)


@pytest.mark.parametrize(
    "portion", [FULL, DecodeWindow(shrink=2), DecodeWindow(stop=8), DecodeWindow(stop=8, shrink=2)]
)
def test_what_is_no_image_is_an_error(portion: DecodeWindow) -> None:
    payload = jpeg(picture(1, 96, 80), "420")
    for broken in (b"", b"nothing", payload[:20], payload[: payload.index(b"\xff\xda") + 4]):
        with pytest.raises(ValueError, match=r".+"):
            decode_window(broken, portion, size=(96, 80), channels=3)


@settings(max_examples=tries(300))
@given(data=st.binary(max_size=60))
def test_any_header_is_looked_at_safely(data: bytes) -> None:
    frame_header(b"\xff\xd8" + data)
    rows_of(b"\xff\xd8\xff\xc0" + data, 900, 903, height=1000)


def test_damage_behind_the_last_needed_row_does_not_change_the_rows() -> None:
    payload = bytearray(jpeg(picture(1, 400, 300), "420"))
    whole = decode_payload(bytes(payload), size=claimed_size(bytes(payload)), channels=3)
    payload[len(payload) * 3 // 4 : -2] = bytes(len(payload[len(payload) * 3 // 4 : -2]))
    part, *_ = decode_window(bytes(payload), DecodeWindow(stop=64), size=(400, 300), channels=3)
    assert np.array_equal(part[:64], whole[:64])
