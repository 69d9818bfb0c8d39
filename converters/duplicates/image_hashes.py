"""Computes a digest of an image's exact pixels, and a hash of how it looks.

Both are of the decoded, upright pixels before any resizing. The digest is in the index, so that appended images can be
compared with it. The hash never leaves the staging area. They must be fast, because every image needs them;
docs/adr/0006-duplicates.md has the figures.
"""

import struct

import cv2
import numpy as np
import xxhash

from fitfeed.converters.staging.results import HashColumns
from fitfeed.schemas.payload import Pixels

SAMPLED = 72
"""Pixels are first sampled to 72 x 72, then averaged to 9 x 9: averaging all of them would take ten times as long."""

GRID = 9
"""Rows and columns of the thumbnail from which a hash is computed."""

MAX_THUMBNAILS = 1024
"""Pictures whose hashes are computed at once. One by one, they would take a quarter more time."""

MIN_STEP = 2
"""Gray levels between neighbors that JPEG noise does not reach, so that flat areas give bits of zero."""


class ImageHashes:
    """Digests and hashes of a shard's examples, in stored order. Not thread-safe."""

    def __init__(self) -> None:
        """Starts empty."""
        self._digests = bytearray()
        self._hashes = bytearray()
        self._looks = (
            bytearray()
        )  # thumbnails of the latest examples, until their hashes are computed at once

    def add(self, pixels: Pixels) -> None:
        """Adds an image.

        Args:
            pixels: uint8 or uint16 (height, width, 1 or 3), contiguous.
        """
        self._digests += pixel_digest(pixels)
        self._looks += thumbnail(pixels)
        if len(self._looks) >= MAX_THUMBNAILS * GRID * GRID:
            self._take_hashes()

    def _take_hashes(self) -> None:
        self._hashes += dhash(self._looks)
        self._looks.clear()

    def columns(self) -> HashColumns:
        """The digests and hashes of all images so far."""
        self._take_hashes()
        return HashColumns.from_bytes(self._digests, self._hashes)


def pixel_digest(pixels: Pixels) -> bytes:
    """128 bits that are equal if all pixels and the shape are, and in practice only then.

    It is xxh3-128 of the shape, as three little-endian numbers of 32 bits, and of the pixels, row by row, with those of
    16 bits as little-endian. That is 30 times as fast as SHA-256. It protects against accidents only: one can make two
    images with the same digest on purpose.

    Args:
        pixels: uint8 or uint16 (height, width, channels), contiguous.
    """
    digest = xxhash.xxh3_128(struct.pack("<3I", *pixels.shape))
    digest.update(pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).reshape(-1).view(np.uint8).data)
    return digest.digest()


def thumbnail(pixels: Pixels) -> bytes:
    """A picture as 9 x 9 gray values, row by row.

    Args:
        pixels: uint8 or uint16 (height, width, 1 or 3).
    """
    small = np.asarray(cv2.resize(pixels, (SAMPLED, SAMPLED), interpolation=cv2.INTER_LINEAR), pixels.dtype)
    if small.dtype == np.uint16:
        small = (small >> 8).astype(np.uint8)
    gray = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY) if small.ndim == 3 else small
    return cv2.resize(gray, (GRID, GRID), interpolation=cv2.INTER_AREA).tobytes()


def dhash(looks: bytes | bytearray) -> bytes:
    """Difference hashes in both directions. They change little when a picture is encoded again or resized.

    Of the 128 bits of a picture, the first 64 say where it becomes brighter to the right (rows 0 to 7, 8 steps each), and
    the others where it becomes brighter downwards (columns 0 to 7).

    Args:
        looks: `thumbnail` of any number of pictures, one after the other.
    """
    grid = np.frombuffer(looks, np.uint8).reshape(-1, GRID, GRID).astype(np.int16)
    to_the_right = grid[:, :8, 1:] > grid[:, :8, :-1] + MIN_STEP
    downwards = grid[:, 1:, :8] > grid[:, :-1, :8] + MIN_STEP
    return np.packbits(np.stack([to_the_right, downwards], axis=1)).tobytes()
