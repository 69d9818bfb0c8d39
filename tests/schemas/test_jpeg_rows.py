"""The header of a JPEG file, and files that show some rows of another; `test_payload` compares the pixels."""

import cv2
import numpy as np
import pytest

from fitfeed.schemas.jpeg_rows import frame_header, rows_of

PIXELS = np.random.default_rng(0).integers(0, 256, (100, 70, 3), np.uint8)


def jpeg(*options: int) -> bytes:
    return bytes(cv2.imencode(".jpg", PIXELS, list(options))[1])


@pytest.mark.parametrize(
    ("sampling", "band", "across"),
    [
        (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444, 8, 9),
        (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420, 16, 5),
        (cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422, 8, 5),
    ],
)
def test_the_header_says_how_rows_are_stored(sampling: int, band: int, across: int) -> None:
    payload = jpeg(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling, cv2.IMWRITE_JPEG_RST_INTERVAL, 3)
    header = frame_header(payload)
    assert header is not None
    assert (header.height, header.width, header.band, header.across) == (100, 70, band, across)
    assert header.restart == 3
    assert int.from_bytes(payload[header.height_at : header.height_at + 2], "big") == 100
    assert payload[: header.data_at].rfind(b"\xff\xda") > 0


def test_a_gray_image_has_bands_of_8_rows() -> None:
    header = frame_header(bytes(cv2.imencode(".jpg", PIXELS[..., 0])[1]))
    assert header is not None
    assert (header.band, header.across, header.restart) == (8, 9, 0)


def test_what_has_no_rows_in_order_has_no_header() -> None:
    assert frame_header(jpeg(cv2.IMWRITE_JPEG_PROGRESSIVE, 1)) is None
    assert frame_header(b"\xff\xd8\xff\xe0") is None
    assert frame_header(b"\xff\xd8") is None
    header = frame_header(whole := jpeg())
    assert header is not None
    assert all(frame_header(whole[:end]) is None for end in range(2, header.height_at + 5))


def test_a_file_of_the_first_rows_says_that_it_is_shorter() -> None:
    payload = jpeg(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420)
    rows = rows_of(payload, 0, 20, height=100)
    assert rows is not None
    assert (rows.first, rows.height) == (0, 32)
    assert len(rows.file) == len(payload)
    header = frame_header(rows.file)
    assert header is not None
    assert header.height == 32


def test_nothing_is_gained_by_all_rows_or_another_height() -> None:
    assert rows_of(jpeg(), 0, 100, height=100) is None
    assert rows_of(jpeg(), 0, 20, height=101) is None
