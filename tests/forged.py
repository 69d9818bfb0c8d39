"""Files of a few hundred bytes whose headers claim huge pictures, which a careless decoder would ask memory for."""

import functools
import struct
import zlib

import numpy as np
import simplejpeg

from tests.deep import chunk

SIDE = 65_500
"""The largest side of a JPEG that libjpeg takes. A picture of this size has 4.3 billion pixels: 12.9 GB of RGB."""

START_OF_FRAME = b"\xff\xc0"


@functools.cache
def jpeg_claiming(height: int, width: int, *, subsampling: str = "420") -> bytes:
    """A JPEG with a picture of 8 x 8 pixels, whose header claims another size."""
    payload = bytearray(
        simplejpeg.encode_jpeg(np.zeros((8, 8, 3), np.uint8), quality=90, colorsubsampling=subsampling)
    )
    at = payload.index(START_OF_FRAME) + 5
    payload[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(payload)


def png_claiming(height: int, width: int, *, depth: int = 8, color: int = 2, rows: int = 0) -> bytes:
    """A PNG of a size in which all is right but for the pixels: only so many rows of zeros are there.

    Args:
        height: As claimed.
        width: As claimed.
        depth: Bits per value.
        color: Type: 0 gray, 2 RGB, 3 palette.
        rows: How many rows are there.
    """
    row = bytes(1 + (width * depth * (3 if color == 2 else 1) + 7) // 8)
    palette = chunk(b"PLTE", bytes(6)) if color == 3 else b""
    return (
        b"\x89PNG\r\n\x1a\n"
        + header_chunk(height, width, depth=depth, color=color)
        + palette
        + chunk(b"IDAT", zlib.compress(row * rows, 9))
        + chunk(b"IEND", b"")
    )


def header_chunk(height: int, width: int, *, depth: int = 8, color: int = 2) -> bytes:
    """The chunk of a PNG that has its size."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
