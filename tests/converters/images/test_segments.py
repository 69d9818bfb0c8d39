"""The walks over the segments of a JPEG file and the chunks of a PNG file."""

import io
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fitfeed.converters.images.segments import jpeg_segments, png_chunks

SEGMENT = b"\xff\xe0\x00\x04ab"
SCAN = b"\xff\xda\x00\x02pixels\xff\xe0\x00\x04ab"


def written(format_: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(stream, format_)
    return stream.getvalue()


def test_segments_of_a_jpeg_follow_each_other_up_to_the_scan() -> None:
    data = written("JPEG")
    before, markers = 2, list[int]()
    for marker, start, end in jpeg_segments(data):
        assert (start, data[start - 4 : start - 2]) == (before + 4, bytes([0xFF, marker]))
        before, markers = end, [*markers, marker]
    assert markers[0] == 0xE0
    assert markers[-1] == 0xDA
    assert 0xC0 in markers


@pytest.mark.parametrize(
    "between", [b"", b"\xff", b"\xff\xff\xff", b"junk", b"\xff\x00", b"\xff\xd8", b"\xff\xd0\xff\x01"]
)
def test_what_stands_between_segments_is_skipped(between: bytes) -> None:
    data = b"\xff\xd8" + SEGMENT + between + SCAN
    at = 2 + len(SEGMENT) + len(between)
    assert list(jpeg_segments(data)) == [(0xE0, 6, 8), (0xDA, at + 4, at + 4)]


def test_a_length_is_given_as_it_is() -> None:
    assert list(jpeg_segments(b"\xff\xd8\xff\xe0\x00\x00" + SCAN)) == [(0xE0, 6, 4), (0xDA, 10, 10)]
    assert list(jpeg_segments(b"\xff\xd8\xff\xe0\xff\xff")) == [(0xE0, 6, 2 + 2 + 0xFFFF)]
    assert list(jpeg_segments(b"\xff\xd8\xff\xe0\x00")) == []


def test_chunks_of_a_png_follow_each_other_up_to_the_end() -> None:
    data = written("PNG") + b"after the end"
    before, kinds = 8, list[bytes]()
    for kind, start, end in png_chunks(data):
        assert start == before + 8
        assert zlib.crc32(data[start - 4 : end]) == int.from_bytes(data[end : end + 4], "big")
        before, kinds = end + 4, [*kinds, kind]
    assert (kinds[0], kinds[-1]) == (b"IHDR", b"IEND")
    assert data[before:] == b"after the end"


def test_the_end_of_a_chunk_may_be_after_that_of_the_file() -> None:
    data = written("PNG")
    assert [kind for kind, _, _ in png_chunks(data[:40])] == [b"IHDR"]
    kind, start, end = list(png_chunks(data[:60]))[-1]
    assert (kind, start) == (b"IDAT", 41)
    assert end > 60


@given(
    st.lists(st.binary(max_size=6) | st.sampled_from([SEGMENT, SCAN, b"\xff\xc0\x00\x08"]), max_size=8).map(
        b"".join
    )
)
def test_both_go_forward_whatever_the_bytes(data: bytes) -> None:
    starts = [start for _, start, _ in jpeg_segments(data)]
    assert starts == sorted(set(starts))
    starts = [start for _, start, _ in png_chunks(data)]
    assert starts == sorted(set(starts))
