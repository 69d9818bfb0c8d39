"""The least work that gets from these bytes to those: loops of the same libraries around nothing.

They check nothing, keep no statistics, write no file and know no order. What they reach is what
the libraries and the machine allow, and what all else is divided by.
"""

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import simplejpeg

from fitfeed.converters.images.resize import shrink
from fitfeed.pipelines.reading.joined_index import JoinedColumn, JoinedIndex
from fitfeed.schemas.index import Index
from fitfeed.schemas.payload import Pixels

cv2.setNumThreads(1)  # the processes and threads that call it are the parallelism

BLOCK = 16
"""Images per task of a thread pool: enough to make the cost of a task vanish."""

BATCHES = 4
"""Alive at once: being filled, waiting, and with the model."""


def decode_file(path: Path) -> int:
    """Reads and decodes a JPEG file: what checking it for `--encoding keep` cannot do without."""
    return simplejpeg.decode_jpeg(path.read_bytes(), colorspace="RGB").nbytes  # type: ignore[no-any-return]


Shrink = Callable[[Pixels, int, int], Pixels]
"""From pixels, height and width to smaller pixels."""


def shrink_at_once(pixels: Pixels, height: int, width: int) -> Pixels:
    """Averages areas by OpenCV's own call."""
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def transcode_file(
    path: Path, side: int = 256, quality: int = 90, *, shrinking: Shrink = shrink_at_once
) -> int:
    """Reads, decodes, shrinks the shorter side to `side` and encodes again."""
    pixels = simplejpeg.decode_jpeg(path.read_bytes(), colorspace="RGB")
    height, width = pixels.shape[:2]
    scale = side / min(height, width)
    small = shrinking(pixels, round(height * scale), round(width * scale))
    return len(simplejpeg.encode_jpeg(small, quality=quality, colorspace="RGB", colorsubsampling="420"))


def transcode_file_as_fitfeed(path: Path) -> int:
    """The same, shrinking in the way that conversion does."""
    return transcode_file(path, shrinking=shrink)


class Decoding:
    """Decodes payloads and resizes each once, in threads.

    Into new memory each time: memory that is used again was measured to make no difference here.
    """

    def __init__(self, payloads: Sequence[bytes], side: int, *, threads: int) -> None:
        """Starts the threads.

        Args:
            payloads: Stored JPEG bytes, in memory.
            side: Height and width to resize to.
            threads: How many.
        """
        self._payloads, self._side = payloads, side
        self._pool = ThreadPoolExecutor(threads)

    def epoch(self) -> int:
        """Does all payloads once; returns their number."""
        count = len(self._payloads)
        list(self._pool.map(self._block, range(0, count, BLOCK)))
        return count

    def _block(self, first: int) -> None:
        for payload in self._payloads[first : first + BLOCK]:
            pixels = simplejpeg.decode_jpeg(payload, colorspace="RGB")
            cv2.resize(pixels, (self._side, self._side))


Copy = Callable[[int, npt.NDArray[np.uint8]], None]
"""Writes the stored bytes of an image, by its number, to memory of their size: uint8 (length,)."""


class Copying:
    """Copies stored pixels into batches, image by image, in random order: as fast as this machine does that.

    Batches take turns, as many as are alive in training, so that none of them stays in the processor's cache.
    """

    def __init__(self, copy: Copy, *, images: int, length: int, batch_size: int, threads: int = 1) -> None:
        """Maps memory for the batches, and starts the threads.

        Args:
            copy: What writes one image.
            images: How many there are.
            length: Bytes of each.
            batch_size: Images per batch.
            threads: How many. Each copies a share of the images to a part of each batch.
        """
        self._copy, self._images = copy, images
        self._parts = np.zeros((threads, BATCHES * math.ceil(batch_size / threads), length), np.uint8)
        self._random = np.random.default_rng(0)
        self._pool = ThreadPoolExecutor(threads)

    def epoch(self) -> int:
        """Copies all images once; returns their number."""
        shares = np.array_split(self._random.permutation(self._images), len(self._parts))
        list(self._pool.map(self._copy_share, shares, self._parts))
        return self._images

    def _copy_share(self, share: npt.NDArray[np.int64], part: npt.NDArray[np.uint8]) -> None:
        for place, number in enumerate(share.tolist()):
            self._copy(number, part[place % len(part)])


def from_memory(images: Sequence[npt.NDArray[np.uint8]]) -> Copy:
    """Copies from arrays: `memcpy`, without the interpreter lock."""

    def copy(number: int, memory: npt.NDArray[np.uint8]) -> None:
        memory[:] = images[number]

    return copy


def from_page_cache(shards: Sequence[Path], index: Index | JoinedIndex) -> Copy:
    """Copies by one `pread` for each image, as fitfeed does."""
    descriptors = [os.open(shard, os.O_RDONLY) for shard in shards]  # open until the process ends
    places = list(zip(_numbers(index.shard), _numbers(index.offset), strict=True))

    def copy(number: int, memory: npt.NDArray[np.uint8]) -> None:
        shard, offset = places[number]
        os.preadv(descriptors[shard], (memory.data,), offset)

    return copy


def mapped(shards: Sequence[Path], index: Index | JoinedIndex) -> list[npt.NDArray[np.uint8]]:
    """The stored bytes of all images of a split in the page cache: views of the mapped shards."""
    files = [np.memmap(shard, np.uint8, "r") for shard in shards]
    places = zip(_numbers(index.shard), _numbers(index.offset), _numbers(index.length), strict=True)
    return [np.asarray(files[shard][offset : offset + length]) for shard, offset, length in places]


def _numbers(column: npt.NDArray[Any] | JoinedColumn) -> list[int]:
    numbers: list[int] = np.asarray(column).tolist()
    return numbers
