"""Odd PNG files: what is stored of them, TensorFlow and this project decode to the same pixels, or they are rejected."""

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fitfeed.converters.images.decode import decode_image
from fitfeed.converters.images.encode import encode_image
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import ImageError
from fitfeed.schemas.bit_depth import Depth
from fitfeed.schemas.payload import decode_payload
from tests.deep import chunk, noise, png

NAMES = [
    "whole", "no end", "half an end", "no pixels", "junk behind", "unknown critical chunk", "unknown chunk", "empty data first",
    "bad profile", "bad gamma", "two gammas", "bad chromaticities", "bad transparency", "bad significant bits",
    "bad orientation", "palette of an RGB image", "bad text", "wrong checksum of the data", "small window", "header second", "header twice", "two sizes",
]  # fmt: skip
KEPT = {"whole", "junk behind", "unknown chunk", "empty data first", "two gammas"}


def variants(samples: Any) -> Iterator[bytes]:
    """In the order of `NAMES`."""
    whole = png(samples)
    yield whole
    yield whole[:-12]
    yield whole[:-5]
    yield whole[:33] + chunk(b"IEND", b"")
    yield whole + b"junk" * 5
    yield png(samples, chunk(b"ABCD", b"xx"))
    yield png(samples, chunk(b"abCd", b"xx"))
    yield png(samples, chunk(b"IDAT", b""))
    yield png(samples, chunk(b"iCCP", b"x" * 20))
    yield png(samples, chunk(b"gAMA", b"x"))
    yield png(samples, chunk(b"gAMA", b"\0\1\0\0"), chunk(b"gAMA", b"\0\1\0\0"))
    yield png(samples, chunk(b"cHRM", b"\xff" * 32))
    yield png(samples, chunk(b"tRNS", b"\0" * 3))
    yield png(samples, chunk(b"sBIT", b"\x63" * 5))
    yield png(samples, chunk(b"eXIf", b"zz"))
    yield png(samples, chunk(b"PLTE", b"\x63" * 6))
    yield png(samples, chunk(b"zTXt", b"k\0\0zzzz"))
    rows = b"".join(b"\0" + row.astype(samples.dtype.newbyteorder(">")).tobytes() for row in samples)
    data = zlib.compress(rows)
    header, end = whole[:33], chunk(b"IEND", b"")
    yield header + chunk(b"IDAT", data[:-4] + b"abcd") + end
    small = zlib.compressobj(9, zlib.DEFLATED, 9)  # a window of 512 bytes, smaller than the image
    yield header + chunk(b"IDAT", small.compress(rows) + small.flush()) + end
    yield whole[:8] + chunk(b"abCd", b"xx") + whole[8:]
    yield header + header[8:] + whole[33:]
    yield whole[:8] + chunk(b"IHDR", b"\0\0\x10\0" * 2 + whole[24:29]) + whole[8:]


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("number", range(len(NAMES)), ids=NAMES)
def test_what_is_stored_is_read_by_all(depth: Depth, count: int, channels: Any, number: int) -> None:
    samples = noise(16, 40, count)
    data = list(variants(samples if depth == 16 else (samples >> 8).astype(np.uint8)))[number]
    options = ConvertOptions(depth=depth, channels=channels)
    try:
        decoded = decode_image(data, options)
    except ImageError:
        assert NAMES[number] not in KEPT
        return
    payload, pixels = encode_image(decoded, data, options)
    if count <= channels and NAMES[number] in KEPT:
        assert payload == data
    dtype = tf.uint16 if depth == 16 else tf.uint8
    assert np.array_equal(tf.io.decode_png(payload, channels=channels, dtype=dtype).numpy(), pixels)
    assert np.array_equal(
        decode_payload(payload, size=pixels.shape[:2], channels=channels, depth=depth), pixels
    )


def test_all_variants_have_a_name() -> None:
    assert len(list(variants(noise(3, 3, 1)))) == len(NAMES)
