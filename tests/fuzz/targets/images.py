"""Pictures of a source: a whole record or a reason, nothing else."""

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import numpy as np

from fitfeed.converters.images.decode import decode_image
from fitfeed.converters.images.encode import encode_image
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import ImageError, Reason
from fitfeed.schemas.bit_depth import STORED_TYPES
from fitfeed.schemas.payload import decode_payload
from tests.fuzz.target import Target, expect
from tests.fuzz.whole_images import images

MAX_PIXELS = 4_000_000
OPTIONS: Sequence[ConvertOptions] = (
    ConvertOptions(max_pixels=MAX_PIXELS),
    ConvertOptions(max_pixels=MAX_PIXELS, size=(32, 40)),
    ConvertOptions(max_pixels=MAX_PIXELS, size=(24, 24), encoding="png", fit="contain", channels=1),
    ConvertOptions(max_pixels=MAX_PIXELS, size=(20, 30), encoding="raw"),
    ConvertOptions(max_pixels=MAX_PIXELS, channels=1, frames="reject", background=(0, 0, 0)),
    ConvertOptions(max_pixels=MAX_PIXELS, color="srgb"),
    ConvertOptions(max_pixels=MAX_PIXELS, color="srgb", white=1000, channels=1),
    ConvertOptions(max_pixels=MAX_PIXELS, depth=16),
    ConvertOptions(max_pixels=MAX_PIXELS, depth=16, channels=1, encoding="raw", size=(20, 30), fit="contain"),
)


def check_image(data: bytes, options: ConvertOptions) -> str:
    """Converts an image, and checks that the stored bytes are what they say.

    Returns:
        `ok`, or the reason of the reject.
    """
    try:
        decoded = decode_image(data, options)
        payload, pixels = encode_image(decoded, data, options)
    except ImageError as error:
        expect(error.reason in get_args(Reason), f"reason {error.reason!r}")
        detail = str(error)
        expect(detail and len(detail) < 400 and "\n" not in detail, f"no sentence: {detail!r}")
        expect(" at 0x" not in detail, f"differs between runs: {detail}")
        return error.reason
    if pixels.dtype != STORED_TYPES[options.depth]:
        msg = f"the pixels have not {options.depth} bits"
        raise AssertionError(msg)
    shape = pixels.shape[:2]
    expect(pixels.shape[2:] == (options.channels,), f"shape {pixels.shape}")
    expect(0 < shape[0] * shape[1] <= MAX_PIXELS, f"shape {shape}")
    expect(options.fixed_shape in (None, shape), f"shape {shape}, wanted {options.fixed_shape}")
    if options.encoding == "raw":
        expect(payload == pixels.tobytes(), "the raw payload is not the pixels")
    else:
        stored = decode_payload(payload, size=shape, channels=options.channels, depth=options.depth)
        expect(np.array_equal(stored, pixels), "the payload decodes to other pixels")
    return "ok"


def check(data: bytes, folder: Path) -> None:
    """Converts it with some options, which depend on its bytes."""
    check_image(data, OPTIONS[zlib.crc32(data) % len(OPTIONS)])


IMAGES = Target("images", images, check)
