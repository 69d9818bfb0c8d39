"""The walk over the chunks of a PNG file."""

import io
import zlib

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fitfeed.schemas.png_chunks import png_chunks


def written() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(stream, "PNG")
    return stream.getvalue()


def test_chunks_of_a_png_follow_each_other_up_to_the_end() -> None:
    data = written() + b"after the end"
    before, kinds = 8, list[bytes]()
    for kind, start, end in png_chunks(data):
        assert start == before + 8
        assert zlib.crc32(data[start - 4 : end]) == int.from_bytes(data[end : end + 4], "big")
        before, kinds = end + 4, [*kinds, kind]
    assert (kinds[0], kinds[-1]) == (b"IHDR", b"IEND")
    assert data[before:] == b"after the end"


def test_the_end_of_a_chunk_may_be_after_that_of_the_file() -> None:
    data = written()
    assert [kind for kind, _, _ in png_chunks(data[:40])] == [b"IHDR"]
    kind, start, end = list(png_chunks(data[:60]))[-1]
    assert (kind, start) == (b"IDAT", 41)
    assert end > 60


@given(st.binary(max_size=60))
def test_it_goes_forward_whatever_the_bytes(data: bytes) -> None:
    starts = [start for _, start, _ in png_chunks(data)]
    assert starts == sorted(set(starts))
    assert list(png_chunks(memoryview(data))) == list(png_chunks(data))
