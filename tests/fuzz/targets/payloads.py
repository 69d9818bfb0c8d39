"""Stored images under right checksums: the index says their size, or another one."""

import random
import zlib
from pathlib import Path

from fitfeed.schemas.bit_depth import Depth
from fitfeed.schemas.payload import DecodeWindow, claimed_size, decode_payload, decode_window
from tests.forged import SIDE, jpeg_claiming, png_claiming
from tests.fuzz.target import Target, expect
from tests.fuzz.whole_images import images

MAX_PIXELS = 4_000_000
"""Of an index row here. What it allows, a decoder may take memory for."""


def whole() -> list[bytes]:
    """JPEG and PNG of all kinds, and some that claim to be huge."""
    encoded = [data for data in images() if data.startswith((b"\xff\xd8\xff", b"\x89PNG"))]
    huge = [jpeg_claiming(SIDE, SIDE), png_claiming(SIDE, SIDE), png_claiming(12_000, 12_000, depth=16)]
    return [*encoded, *huge, jpeg_claiming(20_000, 20_000, subsampling="444")]


def check(data: bytes, folder: Path) -> None:
    """Decodes it, and a part of it, as if the index said one size and another."""
    chance = random.Random(zlib.crc32(data))
    depth: Depth = chance.choice((8, 8, 16))
    channels = chance.choice((1, 3))
    window = DecodeWindow(chance.randrange(40), chance.choice((None, 41, 80)), chance.choice((1, 2, 4, 8)))
    for height, width in {(8, 8), _claimed_size(data)}:
        if height * width > MAX_PIXELS:
            continue
        shape = (height, width, channels)
        try:
            pixels = decode_payload(data, size=(height, width), channels=channels, depth=depth)
            expect(pixels.shape == shape, f"{pixels.shape} instead of {shape}")
            part = decode_window(data, window, size=(height, width), channels=channels, depth=depth)
            rows = part.pixels.shape[0] * part.shrink + part.first
            expect(rows >= min(height, window.stop or height), f"{part.first} + {part.pixels.shape}")
            expect(part.pixels.shape[1:] == (-(-width // part.shrink), channels), f"{part.pixels.shape}")
        except ValueError as error:
            expect(str(error), "no message")


def _claimed_size(data: bytes) -> tuple[int, int]:
    try:
        return claimed_size(data)
    except ValueError:
        return 8, 8


PAYLOADS = Target("payloads", whole, check)
