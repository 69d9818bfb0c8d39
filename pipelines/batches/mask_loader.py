"""Masks of a batch: read, decoded and moved as their images are, with nearest neighbour."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.arrays.buffer_pool import BufferPool
from fitfeed.pipelines.augment.base import Augmentation
from fitfeed.pipelines.augment.compiler.program import ImageFunction, Program
from fitfeed.pipelines.batches.skipped_examples import Skipped
from fitfeed.pipelines.reading.records import Records
from fitfeed.schemas.cpus import available_cpus
from fitfeed.schemas.errors import DamagedDatasetError, DamagedExampleError, UsageError
from fitfeed.schemas.payload import Pixels


def check_movable(
    augment: Sequence[Augmentation | ImageFunction], mask: str, *, augment_on: str = "cpu"
) -> None:
    """Refuses functions of a user beside masks: nobody knows where they move a pixel.

    On a device, what a crop has cut off is gone from images, while masks are moved on the CPU at
    once: there a mask would show what its image does not.

    Raises:
        UsageError: Naming the function, or where it should run.
    """
    if augment_on != "cpu":
        msg = (
            f"masks follow their images on the CPU only. Received: augment_on={augment_on!r} for a dataset with masks "
            f"{mask!r}. Use augment_on='cpu', or pass labels=None."
        )
        raise UsageError(msg)
    for place, op in enumerate(augment):
        if not isinstance(op, Augmentation):
            msg = (
                f"a function in augment changes images only, and cannot move their masks {mask!r} along. Received: "
                f"augment[{place}]={op!r}. Use augmentations of pipelines, or pass labels=None."
            )
            raise UsageError(msg)


class LoadedMasks(NamedTuple):
    """Masks of a batch.

    Attributes:
        masks: uint8 (n, height, width, 1). What is not whole has undefined content.
        whole: bool (n,), which of them could be read.
    """

    masks: Pixels
    whole: npt.NDArray[np.bool_]


class MaskLoader:
    """Turns example numbers into a batch of masks. Thread-safe; not picklable.

    Everything random is a function of seed, epoch and example, so it is drawn anew here, the same
    as for the images.
    """

    def __init__(
        self,
        records: Records,
        program: Program,
        name: str,
        *,
        batch_size: int,
        image_size: tuple[int, int],
        threads: int | None = None,
        skipped: Skipped | None = None,
    ) -> None:
        """Fixes the shape of batches and starts the threads.

        Args:
            records: Where masks come from.
            program: What happens to each image.
            name: Of the label.
            batch_size: The most masks in a batch.
            image_size: (height, width) of the images in a batch.
            threads: How many work on a batch. None: the CPUs that this process may use.
            skipped: Where to note damaged examples that are left out. None: they are errors.
        """
        self._records, self._program, self._name = records, program, name
        self._size, self._skipped = image_size, skipped
        self._buffers = BufferPool((batch_size, *image_size, 1), np.uint8)
        self._pool = ThreadPoolExecutor(threads or available_cpus(), thread_name_prefix="fitfeed-masks")

    def load(
        self, epoch: int, examples: npt.NDArray[np.int64], *, rng_index: npt.NDArray[np.int64]
    ) -> LoadedMasks:
        """Makes a batch.

        Args:
            epoch: Number of the epoch, which augmentations depend on.
            examples: int64 (n,), example numbers, n <= batch_size.
            rng_index: int64 (n,), numbers that augmentations draw by.

        Returns:
            All n masks, of which some may not be whole if such are skipped. Their memory is used again
            once the array and all made from it are gone.

        Raises:
            DamagedExampleError: If a mask cannot be read or decoded.
            DamagedDatasetError: If that is so for all of them, although such are skipped.
        """
        index = self._records.index
        compiled = self._program.compile(
            epoch, rng_index, heights=index.height[examples], widths=index.width[examples]
        )
        batch = self._buffers.take(len(examples))

        def write(i: int, row: int) -> None:
            mask = self._records.mask(self._name, row)
            self._program.render_mask(mask, compiled, i, size=self._size, out=batch[i])

        tasks = [self._pool.submit(write, i, row) for i, row in enumerate(examples.tolist())]
        # All must be done before an error leaves: it would free the memory that others still write to.
        wait(tasks)
        whole = np.array(
            [self._is_whole(task, row) for task, row in zip(tasks, examples.tolist(), strict=True)]
        )
        if not whole.any():
            msg = f"none of the {len(examples)} masks {self._name!r} of a batch could be read, so there is nothing to go on with. The first: {tasks[0].exception()}"
            raise DamagedDatasetError(msg)
        return LoadedMasks(batch, whole)

    def _is_whole(self, task: "Future[None]", row: int) -> bool:
        """Whether a mask could be read; notes that it is left out, or raises, where not."""
        try:
            task.result()
        except DamagedExampleError as error:
            if self._skipped is None:
                raise
            self._skipped.add(row, error)
            return False
        return True
