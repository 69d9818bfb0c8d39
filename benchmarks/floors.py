"""The least work that gets from these bytes to those: loops of the same libraries around nothing.

They check nothing, keep no statistics, write no file and know no order. What they reach is what
the libraries and the machine allow, and what all else is divided by.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import simplejpeg

from fitfeed.converters.images.resize import shrink
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


class Copying:
    """Copies stored pixels into batches, image by image, in random order.

    Batches take turns, as many as are alive in training, so that none of them stays in the processor's cache.
    """

    def __init__(self, images: Sequence[npt.NDArray[np.uint8]], batch_size: int) -> None:
        """Takes the pixels and maps memory for the batches.

        Args:
            images: uint8 (length,) each, all of one length.
            batch_size: Images per batch; what does not fill one is left out.
        """
        self._images, self._batch_size = images, batch_size
        self._batches = np.zeros((BATCHES, batch_size, len(images[0])), np.uint8)
        self._random = np.random.default_rng(0)

    def epoch(self) -> int:
        """Copies all images once; returns their number."""
        order = self._random.permutation(len(self._images)).tolist()
        full = len(order) // self._batch_size * self._batch_size
        for number, first in enumerate(range(0, full, self._batch_size)):
            batch = self._batches[number % BATCHES]
            for place, image in enumerate(order[first : first + self._batch_size]):
                batch[place] = self._images[image]
        return full


def mapped(shards: Sequence[Path], index: Index) -> list[npt.NDArray[np.uint8]]:
    """The stored bytes of all images of a split in the page cache: views of the mapped shards."""
    files = [np.memmap(shard, np.uint8, "r") for shard in shards]
    places = zip(index.shard.tolist(), index.offset.tolist(), index.length.tolist(), strict=True)
    return [np.asarray(files[shard][offset : offset + length]) for shard, offset, length in places]
