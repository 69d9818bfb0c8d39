"""The walk over the segments of a JPEG file."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fitfeed.converters.images.segments import jpeg_segments

SEGMENT = b"\xff\xe0\x00\x04ab"
SCAN = b"\xff\xda\x00\x02pixels\xff\xe0\x00\x04ab"


def written() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(stream, "JPEG")
    return stream.getvalue()


def test_segments_of_a_jpeg_follow_each_other_up_to_the_scan() -> None:
    data = written()
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


@given(
    st.lists(st.binary(max_size=6) | st.sampled_from([SEGMENT, SCAN, b"\xff\xc0\x00\x08"]), max_size=8).map(
        b"".join
    )
)
def test_it_goes_forward_whatever_the_bytes(data: bytes) -> None:
    starts = [start for _, start, _ in jpeg_segments(data)]
    assert starts == sorted(set(starts))
