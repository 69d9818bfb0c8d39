"""Loads the masks of a batch: reads and decodes them, and moves them as their images are moved."""

from collections.abc import Sequence

import numpy as np

from fitfeed.pipelines.arrays.buffer_pool import BufferPool
from fitfeed.pipelines.augment.base import Augmentation
from fitfeed.pipelines.augment.compiler.program import CompiledBatch, Program
from fitfeed.pipelines.augment.compiler.user_functions import ImageFunction
from fitfeed.pipelines.batches.example_errors import raise_naming
from fitfeed.pipelines.batches.writer_threads import Damaged, WriterThreads
from fitfeed.pipelines.order.batch_request import BatchRequest
from fitfeed.pipelines.reading.records import Records
from fitfeed.schemas.errors import UsageError
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


class MaskLoader:
    """Turns the examples of a request into a batch of masks. Thread-safe; not picklable."""

    def __init__(
        self,
        records: Records,
        program: Program,
        name: str,
        *,
        batch_size: int,
        image_size: tuple[int, int],
        threads: WriterThreads,
    ) -> None:
        """Fixes the shape of batches.

        Args:
            records: The source of the masks.
            program: What happens to each image.
            name: Name of the label.
            batch_size: The largest number of masks in a batch.
            image_size: (height, width) of the images in a batch.
            threads: What writes the batches, and whether damaged examples are left out.
        """
        self._records, self._program, self._name = records, program, name
        self._size, self._threads = image_size, threads
        self._buffers = BufferPool((batch_size, *image_size, 1), np.uint8)

    def load(self, request: BatchRequest, compiled: CompiledBatch) -> tuple[Pixels, Damaged]:
        """Loads the masks of a batch.

        Args:
            request: Which examples, n <= batch_size.
            compiled: What happens to each image, and so to its mask.

        Returns:
            The masks, uint8 (n, height, width, 1), and which of them are damaged and undefined, if these are
            skipped. The memory is reused when the array and everything made from it are gone.

        Raises:
            DamagedExampleError: If a mask cannot be read or decoded.
        """
        rows, batch = request.examples.tolist(), self._buffers.take(len(request.examples))
        payloads = request.masks.get(self._name)
        _ = compiled.passes  # now, as the threads would compile them several times

        def write(i: int) -> None:
            try:
                payload = payloads[i] if payloads is not None else None
                mask = self._records.mask(self._name, rows[i], payload=payload or None)
                self._program.render_mask(mask, compiled, i, size=self._size, out=batch[i])
            except Exception as error:  # noqa: BLE001  it is raised again
                raise_naming(error, self._records, rows[i])

        return batch, self._threads.write(write, len(rows))
