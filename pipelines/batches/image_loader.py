"""Loads the images of a batch: reads, decodes, augments and normalizes them, in threads or processes."""

from typing import Any

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.arrays.buffer_pool import BufferPool
from fitfeed.pipelines.augment.compiler.program import CompiledBatch, Program
from fitfeed.pipelines.batches.late_start import workers_are_due
from fitfeed.pipelines.batches.normalize import Normalizer
from fitfeed.pipelines.batches.renderer import Renderer
from fitfeed.pipelines.batches.workers.process_pool import RenderPool
from fitfeed.pipelines.batches.workers.shared_memory import BatchLayout, SharedBuffers
from fitfeed.pipelines.batches.writer_threads import Damaged, WriterThreads
from fitfeed.pipelines.order.batch_request import BatchRequest
from fitfeed.pipelines.reading.payloads import ReadPayloads
from fitfeed.pipelines.reading.records import Records
from fitfeed.pipelines.stages.stage_clock import StageClock


class ImageLoader:
    """Turns the examples of a request into a batch of images. Thread-safe; not picklable.

    Attributes:
        image_shape: (height, width, channels) of every image.
        workers: How many worker processes write batches, once they have started; 0: threads always do.
        copies: Whether stored pixels are only copied. A thread does so with a whole batch, unless workers do.
    """

    def __init__(
        self,
        records: Records,
        program: Program,
        normalizer: Normalizer | None,
        *,
        batch_size: int,
        dtype: npt.DTypeLike,
        threads: WriterThreads,
        processes: int = 0,
        late: bool = False,
        epoch_images: int = 0,
        payload_buffers: SharedBuffers | None = None,
    ) -> None:
        """Fixes the shape of batches.

        Args:
            records: The source of the images.
            program: What happens to each image.
            normalizer: Writes each image into the batch. None: images stay as they are.
            batch_size: The largest number of images in a batch.
            dtype: Type of the batch.
            threads: What writes the batches, and whether damaged examples are left out.
            processes: How many worker processes write the batches instead. 0: threads do.
            late: Whether threads begin, until workers are worth their start and have started. Workers never are where stored pixels
                are only copied.
            epoch_images: Images of an epoch. If they are many, workers start with the first batch.
            payload_buffers: Memory of payloads that are read ahead for worker processes. None: they read for
                themselves.

        Raises:
            UsageError: If the images would not all have one size.
        """
        self._renderer = Renderer(records, program, normalizer, skips=threads.skips)
        self.image_shape = self._renderer.image_shape
        shape = (batch_size, *self.image_shape)
        self._buffers, self._threads = BufferPool(shape, dtype), threads
        self._processes: RenderPool | None = None
        self._are_due = self._are_ready = False
        self._late, self._epoch_images, self._written = late, epoch_images, 0
        self.copies = self._renderer.copies
        self.workers = 0 if late and self.copies else processes
        if self.workers:
            self._processes = RenderPool(
                self._renderer,
                BatchLayout(shape, np.dtype(dtype)),
                count=self.workers,
                payload_buffers=payload_buffers,
                prepare=self._renderer.prepare,
            )

    def load(
        self, request: BatchRequest, compiled: CompiledBatch, clock: StageClock | None = None
    ) -> tuple[npt.NDArray[Any], Damaged]:
        """Loads the images of a batch.

        Args:
            request: Which examples, n <= batch_size.
            compiled: What happens to each. Worker processes compile their part themselves: all of them
                together take less time for that than this process alone, and passes cost more to send.
            clock: What times the stages, in this thread. None: threads or worker processes write the images.

        Returns:
            The images, (n, *image_shape) of the loader's type, and which of them are damaged and undefined,
            if these are skipped. The memory is reused when the array and everything made from it are gone.

        Raises:
            DamagedExampleError: If an image cannot be read or decoded.
            DamagedDatasetError: If a file is missing.
            UsageError: If a function in the program does not return an image, or one of another size.
            FeedError: If a worker process has died.
        """
        if clock is not None:
            batch = self._buffers.take(len(request.examples))
            return batch, self._renderer.write_timed(request, compiled, clock, out=batch)
        if self._processes is not None and self._workers_write(self._processes):
            payloads = request.payloads if isinstance(request.payloads, ReadPayloads) else None
            return self._processes.render(request.epoch, request.examples, request.rng_index, payloads)
        # Of two threads at once one may not count. The next batch does.
        self._written += len(request.examples)
        batch = self._buffers.take(len(request.examples))
        if self.copies and request.payloads is None:
            # Copying takes 3 ms a batch at most, and waking other threads costs as much. Two batches are
            # loaded at once, so two threads work anyway.
            return batch, self._renderer.copy(request.examples, out=batch)
        write = self._renderer.image_writer(request.examples, compiled, out=batch, payloads=request.payloads)
        return batch, self._threads.write(write, len(batch))

    def _workers_write(self, processes: RenderPool) -> bool:
        if not self._late or self._are_ready:
            return True
        if not self._are_due:
            self._are_due = workers_are_due(self._written, epoch_images=self._epoch_images)
        if not self._are_due or not processes.is_ready():
            return False
        # Threads need no batches any more. What is still in use goes when its arrays do.
        self._are_ready, self._buffers = True, BufferPool(self._buffers.shape, self._buffers.dtype)
        return True
