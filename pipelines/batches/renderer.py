"""Writes images into batches: reads, decodes, augments and normalizes each at its place in the batch."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.arrays.buffer_pool import ThreadScratch
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.batches.decode_window import decode_window_of
from fitfeed.pipelines.batches.normalize import Normalizer
from fitfeed.pipelines.reading.records import Records
from fitfeed.schemas.errors import DamagedExampleError, UsageError

Damaged = dict[int, DamagedExampleError]
"""Place in a batch to the error of the damaged image there. Empty unless damaged images are skipped."""


class Renderer:
    """Writes images into batches. Immutable, thread-safe, and picklable if its parts are.

    Attributes:
        image_shape: (height, width, channels) of every image.
        copies: Whether stored pixels are read into the batch unchanged, as nothing is to be done to them.
    """

    def __init__(
        self, records: Records, program: Program, normalizer: Normalizer | None, *, skips: bool
    ) -> None:
        """Fixes the shape of images.

        Args:
            records: The source of the images.
            program: What happens to each image.
            normalizer: Writes each image into the batch. None: images stay as they are.
            skips: Whether damaged images are returned and left out. If not, they are errors.

        Raises:
            UsageError: If the images would not all have one size.
        """
        self._records, self._program, self._normalizer, self._skips = records, program, normalizer, skips
        self.image_shape: tuple[int, int, int] = (*_image_size(records, program), records.channels)
        is_plain = records.is_raw and records.is_native
        self.copies = is_plain and program.identity and normalizer is None
        self._scratch = ThreadScratch()

    def render(
        self,
        epoch: int,
        examples: npt.NDArray[np.int64],
        rng_index: npt.NDArray[np.int64],
        *,
        out: npt.NDArray[Any],
    ) -> Damaged:
        """Writes images in this thread; the arguments are those of `image_writer`.

        Returns:
            The damaged images, if they are skipped.
        """
        places: Iterable[int] = range(len(examples))
        if self.copies:
            # All at once, without the interpreter lock. What could not be read is read again by itself,
            # which tells what is wrong with it.
            places = self._records.read_all_into(examples, out.reshape(len(out), -1).view(np.uint8))
        return self.write_images(self.image_writer(epoch, examples, rng_index, out=out), places)

    def image_writer(
        self,
        epoch: int,
        examples: npt.NDArray[np.int64],
        rng_index: npt.NDArray[np.int64],
        *,
        out: npt.NDArray[Any],
        payloads: Sequence[bytes] | None = None,
    ) -> Callable[[int], None]:
        """Makes a function that writes the image at one place of a batch, or of a part of a batch.

        Args:
            epoch: Number of the epoch, which augmentations depend on.
            examples: int64 (n,), example numbers.
            rng_index: int64 (n,), numbers that augmentations are sampled by.
            out: (n, *image_shape), to be written.
            payloads: The stored bytes, if they have been read already; empty where reading failed.

        Returns:
            A function of the place. It may be called from several threads, in any order.
        """
        records, program, normalizer, scratch = self._records, self._program, self._normalizer, self._scratch
        rows, size = examples.tolist(), self.image_shape[:2]
        if self.copies and payloads is None:
            memory, length = out.reshape(-1).view(np.uint8).data, out[0].nbytes
            # The kernel copies from the page cache into the batch; there is no other copy.
            return lambda i: records.read_into(rows[i], memory[i * length : (i + 1) * length])
        index = records.index
        compiled = program.compile(
            epoch, rng_index, heights=index.height[examples], widths=index.width[examples]
        )

        def write(i: int) -> None:
            payload = payloads[i] if payloads is not None else None
            window = decode_window_of(compiled.passes[i])
            stored = records.pixels(rows[i], window, payload=payload or None, scratch=scratch)
            if normalizer is None:
                program.render(stored, compiled, i, size=size, out=out[i])
            else:
                image = scratch.take("image", self.image_shape, records.dtype)
                normalizer(program.render(stored, compiled, i, size=size, out=image), out[i])

        return write

    def write_images(self, write: Callable[[int], None], places: Iterable[int]) -> Damaged:
        """Writes some images; returns those that are damaged, if they are skipped.

        Args:
            write: From `image_writer`, or another function of a place.
            places: Places in the batch.

        Raises:
            DamagedExampleError: If an image is damaged and damaged images are not skipped.
        """
        damaged: Damaged = {}
        for i in places:
            try:
                write(i)
            except DamagedExampleError as error:
                if not self._skips:
                    raise
                damaged[i] = error
        return damaged


def _image_size(records: Records, program: Program) -> tuple[int, int]:
    """Finds height and width of every image in a batch."""
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
