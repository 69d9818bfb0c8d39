"""Batches as NumPy arrays: read, decode, augment and normalise in parallel, each image written once."""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.augment.program import Draws, Program
from pipelines.buffers import Buffers, Scratch
from pipelines.normalize import Normalizer
from pipelines.records import Records
from schemas.codec import Pixels
from schemas.cpus import available_cpus
from schemas.errors import UsageError

BLOCK = 16
"""Images per task: enough to make the cost of a task vanish, few enough to balance the threads."""


class Loader:
    """Turns example numbers into a batch of images. Thread-safe; not picklable.

    Threads are enough: reading, decoding, resizing and normalising release the interpreter lock.
    """

    def __init__(
        self,
        records: Records,
        program: Program,
        normalizer: Normalizer | None,
        *,
        batch_size: int,
        dtype: npt.DTypeLike,
        threads: int | None = None,
    ) -> None:
        """Fixes the shape of batches and starts the threads.

        Args:
            records: Where images come from.
            program: What happens to each.
            normalizer: What writes each into the batch; None leaves uint8.
            batch_size: The most images in a batch.
            dtype: Of the batch.
            threads: How many work on a batch. None: the CPUs that this process may use. The result
                does not depend on it.

        Raises:
            UsageError: If the images would not all have one size.
        """
        self._records, self._program, self._normalizer = records, program, normalizer
        self.image_shape: tuple[int, int, int] = (*_image_size(records, program), records.channels)
        self._buffers = Buffers((batch_size, *self.image_shape), dtype)
        self._scratch = Scratch()
        self._threads = threads or available_cpus()
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="fitfeed")

    def load(
        self,
        epoch: int,
        examples: npt.NDArray[np.int64],
        payloads: Sequence[bytes] | None = None,
        *,
        draws_by: npt.NDArray[np.int64] | None = None,
    ) -> npt.NDArray[Any]:
        """Makes a batch.

        Args:
            epoch: Number of the epoch, which augmentations depend on.
            examples: int64 (n,), example numbers, n <= batch_size.
            payloads: Their stored bytes where they have been read already. None: they are read here.
            draws_by: int64 (n,), numbers that augmentations draw by. None: the examples' own.

        Returns:
            (n, height, width, channels) of the loader's type. Its memory is used again once this
            array and everything made from it are gone, not before.

        Raises:
            DamagedDatasetError: If an image cannot be read or decoded.
            UsageError: If a function in the program does not return an image, or one of another size.
        """
        index = self._records.index
        draws = self._program.draw(
            epoch,
            examples if draws_by is None else draws_by,
            heights=index.height[examples],
            widths=index.width[examples],
        )
        batch = self._buffers.take(len(examples))
        rows = examples.tolist()

        def fill(block: range) -> None:
            for i in block:
                self._fill(rows[i], None if payloads is None else payloads[i], draws, i, batch[i])

        block = min(BLOCK, math.ceil(len(rows) / self._threads))
        tasks = [
            self._pool.submit(fill, range(first, min(first + block, len(rows))))
            for first in range(0, len(rows), block)
        ]
        # All must be done before an error leaves: it would free the memory that others still write to.
        wait(tasks)
        for task in tasks:
            task.result()
        return batch

    def _fill(self, row: int, payload: bytes | None, draws: Draws, i: int, slot: npt.NDArray[Any]) -> None:
        """Writes one image of a batch."""
        records = self._records
        if records.is_raw and payload is None and self._program.identity and self._normalizer is None:
            records.read_into(
                row, slot.reshape(-1).data
            )  # from the page cache into the batch, no copy between
            return
        scratch = self._scratch
        if payload is None:
            pixels: Pixels = records.pixels(row, scratch=scratch)
        else:
            pixels = records.decode(row, payload, scratch=scratch)
        size = self.image_shape[:2]
        if self._normalizer is None:
            self._program.render(pixels, draws, i, size=size, out=slot)
        else:
            image = scratch.take("image", slot.shape)
            self._normalizer(self._program.render(pixels, draws, i, size=size, out=image), slot)


def _image_size(records: Records, program: Program) -> tuple[int, int]:
    """Height and width of every image in a batch."""
    common = records.common_size
    if common is not None:
        return program.output_size(common)
    if program.image_size is not None:
        return program.image_size
    heights, widths = records.index.height, records.index.width
    msg = (
        f"images are stored in different sizes ({heights.min()} to {heights.max()} pixels high, {widths.min()} to "
        f"{widths.max()} wide), so a batch needs one. Received: image_size=None. Pass image_size=(height, width)."
    )
    raise UsageError(msg)
