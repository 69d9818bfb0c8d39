"""Loads the masks of a batch: reads and decodes them, and moves them as their images are moved."""

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
    """Refuses lists of augmentations that masks cannot follow.

    It is not known where a function of the user moves a pixel. On a device, an image has lost what a
    crop cut off, while its mask is moved on the CPU in one step: the mask would show what the image
    does not.

    Args:
        augment: As for `make_pipeline`.
        mask: Name of the label, for the message.
        augment_on: As for `make_pipeline`.

    Raises:
        UsageError: If masks cannot follow. It names the function, or the device.
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
                f"augment[{place}]={op!r}. Use augmentations of fitfeed, or pass labels=None."
            )
            raise UsageError(msg)


class LoadedMasks(NamedTuple):
    """Masks of a batch.

    Attributes:
        masks: uint8 (n, height, width, 1). A mask that could not be read has undefined content.
        whole: bool (n,), which masks could be read.
    """

    masks: Pixels
    whole: npt.NDArray[np.bool_]


class MaskLoader:
    """Turns example numbers into a batch of masks. Thread-safe; not picklable.

    Every random number is a function of seed, epoch and example. So they are sampled again here, and are
    the same as for the images.
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
            records: The source of the masks.
            program: What happens to each image.
            name: Name of the label.
            batch_size: The largest number of masks in a batch.
            image_size: (height, width) of the images in a batch.
            threads: How many threads work on a batch. None: the CPUs that this process may use.
            skipped: Records damaged examples that are left out. None: they are errors.
        """
        self._records, self._program, self._name = records, program, name
        self._size, self._skipped = image_size, skipped
        self._buffers = BufferPool((batch_size, *image_size, 1), np.uint8)
        self._pool = ThreadPoolExecutor(threads or available_cpus(), thread_name_prefix="fitfeed-masks")

    def load(
        self, epoch: int, examples: npt.NDArray[np.int64], *, rng_index: npt.NDArray[np.int64]
    ) -> LoadedMasks:
        """Loads the masks of a batch.

        Args:
            epoch: Number of the epoch, which augmentations depend on.
            examples: int64 (n,), example numbers, n <= batch_size.
            rng_index: int64 (n,), numbers that augmentations are sampled by.

        Returns:
            All n masks. Some of them may not be whole, if damaged ones are skipped. The memory is reused
            when the array and everything made from it are gone.

        Raises:
            DamagedExampleError: If a mask cannot be read or decoded.
            DamagedDatasetError: If all masks are damaged, although damaged ones are skipped.
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
        # All tasks must end before an error is raised: it frees the memory that they write to.
        wait(tasks)
        whole = np.array(
            [self._is_whole(task, row) for task, row in zip(tasks, examples.tolist(), strict=True)]
        )
        if not whole.any():
            msg = f"none of the {len(examples)} masks {self._name!r} of a batch could be read, so the iteration cannot continue. The first: {tasks[0].exception()}"
            raise DamagedDatasetError(msg)
        return LoadedMasks(batch, whole)

    def _is_whole(self, task: "Future[None]", row: int) -> bool:
        """Returns whether a mask could be read. If not, it is recorded as left out, or its error is raised."""
        try:
            task.result()
        except DamagedExampleError as error:
            if self._skipped is None:
                raise
            self._skipped.add(row, error)
            return False
        return True
