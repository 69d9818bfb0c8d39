"""Batches as NumPy arrays: read, decode, augment and normalise in parallel, each image written once."""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.augment.mix import Mixture
from pipelines.augment.program import Program
from pipelines.buffers import Buffers, Scratch
from pipelines.mixing import Mixer, mix_image
from pipelines.normalize import Normalizer
from pipelines.portion import needed
from pipelines.records import Records
from pipelines.skipped import Skipped, compacted
from schemas.codec import Pixels
from schemas.cpus import available_cpus
from schemas.errors import DamagedDatasetError, DamagedExampleError, UsageError

BLOCK = 16
"""Images per task: enough to make the cost of a task vanish, few enough to balance the threads."""


class Loaded(NamedTuple):
    """A batch.

    Attributes:
        images: (n, height, width, channels) of the loader's type.
        examples: int64 (n,), which examples these are.
        mixtures: How these images were mixed with each other.
    """

    images: npt.NDArray[Any]
    examples: npt.NDArray[np.int64]
    mixtures: Sequence[Mixture] = ()


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
        skipped: Skipped | None = None,
        mixer: Mixer | None = None,
        mixes_here: bool = True,
    ) -> None:
        """Fixes the shape of batches and starts the threads.

        Args:
            records: Where images come from.
            program: What happens to each.
            normalizer: What writes each into the batch; None leaves them as they are.
            batch_size: The most images in a batch.
            dtype: Of the batch.
            threads: How many work on a batch. None: the CPUs that this process may use. The result
                does not depend on it.
            skipped: Where to note damaged examples that are left out. None: they are errors.
            mixer: What mixes the images of a batch. None: nothing does.
            mixes_here: Whether images are mixed here. False: what has been drawn is all that is added.

        Raises:
            UsageError: If the images would not all have one size.
        """
        self._records, self._program, self._normalizer = records, program, normalizer
        self.image_shape: tuple[int, int, int] = (*_image_size(records, program), records.channels)
        self._buffers = Buffers((batch_size, *self.image_shape), dtype)
        self._mixer, self._mixes_here = mixer, mixes_here
        self._unmixed = Buffers((batch_size, *self.image_shape), records.dtype)
        self._scratch = Scratch()
        self._skipped = skipped
        is_plain = records.is_raw and records.is_native
        self._copies = is_plain and program.identity and normalizer is None and mixer is None
        self._threads = threads or available_cpus()
        # Of the whole process, for want of anything narrower. OpenCV would divide images above 256 x 256
        # among as many threads again, which then wait for each other: 7 to 28% more CPU time.
        cv2.setNumThreads(1)
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="fitfeed")

    def load(
        self,
        epoch: int,
        examples: npt.NDArray[np.int64],
        payloads: Sequence[bytes] | None = None,
        *,
        draws_by: npt.NDArray[np.int64] | None = None,
    ) -> Loaded:
        """Makes a batch.

        Args:
            epoch: Number of the epoch, which augmentations depend on.
            examples: int64 (n,), example numbers, n <= batch_size.
            payloads: Their stored bytes where they have been read already; empty where that failed.
                None: they are read here.
            draws_by: int64 (n,), numbers that augmentations draw by. None: the examples' own.

        Returns:
            All n examples, or without those that are damaged, if such are skipped. The images' memory
            is used again once this array and everything made from it are gone, not before.

        Raises:
            DamagedExampleError: If an image cannot be read or decoded.
            DamagedDatasetError: If that is so for all of them, although such are skipped; or if a
                whole file is missing.
            UsageError: If a function in the program does not return an image, or one of another size.
        """
        draws_by = examples if draws_by is None else draws_by
        if self._mixer is None:
            batch = self._buffers.take(len(examples))
            return self._rendered(epoch, examples, payloads, draws_by, batch, self._normalizer)
        # An image needs its partner, which another thread may be decoding. So all are rendered first, as
        # As stored, which is a quarter or half of the memory of floats; normalising is linear and can come after.
        buffers = self._unmixed if self._mixes_here else self._buffers
        images, kept, _ = self._rendered(
            epoch, examples, payloads, draws_by, buffers.take(len(examples)), None
        )
        mixtures = self._mixer.draw(epoch, draws_by, size=self.image_shape[:2])
        if len(kept) != len(examples):
            places = np.flatnonzero(np.isin(examples, kept))
            mixtures = [mixture.keep(places) for mixture in mixtures]
        if not self._mixes_here:
            return Loaded(images, kept, mixtures)
        return self._mixed(images, kept, mixtures)

    def _rendered(
        self,
        epoch: int,
        examples: npt.NDArray[np.int64],
        payloads: Sequence[bytes] | None,
        draws_by: npt.NDArray[np.int64],
        batch: npt.NDArray[Any],
        normalizer: Normalizer | None,
    ) -> Loaded:
        """Writes every image by itself; leaves out those that are damaged, if such are skipped."""
        fill = self._filling(epoch, examples, payloads, batch, draws_by, normalizer)
        damaged = self._fill(fill, len(examples))
        if not damaged:
            return Loaded(batch, examples)
        return self._without(damaged, Loaded(batch, examples))

    def _mixed(self, images: Pixels, examples: npt.NDArray[np.int64], mixtures: Sequence[Mixture]) -> Loaded:
        """Mixes rendered images, and normalises them."""
        batch, normalizer, scratch = self._buffers.take(len(images)), self._normalizer, self._scratch

        def fill(i: int) -> None:
            if normalizer is None:
                out = batch[i]
                image = mix_image(images, mixtures, i, out=out)
                if image is not out:
                    np.copyto(out, image)
            else:
                image = scratch.take("image", self.image_shape)
                normalizer(mix_image(images, mixtures, i, out=image), batch[i])

        self._fill(fill, len(images))
        return Loaded(batch, examples, mixtures)

    def _fill(self, fill: Callable[[int], None], count: int) -> dict[int, DamagedExampleError]:
        """Writes all images of a batch; returns those that are damaged, if such are skipped."""
        if self._copies:
            # Pure copying takes 3 ms a batch: waking other threads, on both sides of a lock that
            # each needs for every image, costs as much. Two batches at once use two threads as it is.
            return self._fill_block(fill, range(count))
        size = min(BLOCK, math.ceil(count / self._threads))
        blocks = [range(first, min(first + size, count)) for first in range(0, count, size)]
        tasks = [self._pool.submit(self._fill_block, fill, block) for block in blocks]
        # All must be done before an error leaves: it would free the memory that others still write to.
        wait(tasks)
        return {i: error for task in tasks for i, error in task.result().items()}

    def _filling(
        self,
        epoch: int,
        examples: npt.NDArray[np.int64],
        payloads: Sequence[bytes] | None,
        batch: npt.NDArray[Any],
        draws_by: npt.NDArray[np.int64],
        normalizer: Normalizer | None,
    ) -> Callable[[int], None]:
        """What writes the image at one place of a batch."""
        records, program, scratch = self._records, self._program, self._scratch
        rows, size = examples.tolist(), self.image_shape[:2]
        if self._copies and payloads is None:
            memory, length = batch.reshape(-1).view(np.uint8).data, batch[0].nbytes
            # From the page cache into the batch, no copy between.
            return lambda i: records.read_into(rows[i], memory[i * length : (i + 1) * length])
        index = records.index
        draws = program.draw(epoch, draws_by, heights=index.height[examples], widths=index.width[examples])

        def fill(i: int) -> None:
            payload = payloads[i] if payloads is not None else None
            portion = needed(draws.passes[i])
            stored = records.pixels(rows[i], portion, payload=payload or None, scratch=scratch)
            if normalizer is None:
                program.render(stored, draws, i, size=size, out=batch[i])
            else:
                image = scratch.take("image", self.image_shape, records.dtype)
                normalizer(program.render(stored, draws, i, size=size, out=image), batch[i])

        return fill

    def _fill_block(self, fill: Callable[[int], None], block: range) -> dict[int, DamagedExampleError]:
        """Writes some images of a batch; returns those that are damaged, if such are skipped."""
        damaged = {}
        for i in block:
            try:
                fill(i)
            except DamagedExampleError as error:
                if self._skipped is None:
                    raise
                damaged[i] = error
        return damaged

    def _without(self, damaged: Mapping[int, DamagedExampleError], loaded: Loaded) -> Loaded:
        """Closes the gaps in a batch, and notes what is missing."""
        images, examples, _ = loaded
        if self._skipped is not None:
            for i, error in damaged.items():
                self._skipped.add(int(examples[i]), error)
        kept = ~np.isin(np.arange(len(examples)), list(damaged))
        if not kept.any():
            first = damaged[0]
            msg = f"none of the {len(examples)} examples of a batch could be read, so there is nothing to go on with. The first: {first}"
            raise DamagedDatasetError(msg) from first
        return Loaded(compacted(images, kept), examples[kept])


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
