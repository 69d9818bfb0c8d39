"""Loads batches as NumPy arrays: reads, decodes, augments and normalizes images in parallel."""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.arrays.buffer_pool import BufferPool, ThreadScratch
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.augment.ops.mixup_cutmix import Mixture
from fitfeed.pipelines.batches.mix import Mixer, mix_image
from fitfeed.pipelines.batches.normalize import Normalizer
from fitfeed.pipelines.batches.renderer import Damaged, Renderer
from fitfeed.pipelines.batches.skipped_examples import Skipped, compacted
from fitfeed.pipelines.batches.workers.process_pool import RenderPool
from fitfeed.pipelines.batches.workers.shared_memory import BatchLayout
from fitfeed.pipelines.reading.records import Records
from fitfeed.schemas.cpus import available_cpus
from fitfeed.schemas.errors import DamagedDatasetError

MAX_BLOCK = 16
"""Images per task, at most: enough that the cost of a task vanishes, few enough to balance the threads."""


class Loaded(NamedTuple):
    """A batch of images.

    Attributes:
        images: (n, height, width, channels) of the loader's type.
        examples: int64 (n,), the example numbers of the images.
        mixtures: How the images were mixed with each other, one item for each operation.
    """

    images: npt.NDArray[Any]
    examples: npt.NDArray[np.int64]
    mixtures: Sequence[Mixture] = ()


class Loader:
    """Turns example numbers into a batch of images. Thread-safe; not picklable.

    Threads work in parallel: reading, decoding, resizing and normalizing release the interpreter lock.
    The Python code between does not release it, and keeps one CPU busy from some 15,000 images a second
    on. So there are worker processes too, and each has a lock of its own.
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
        processes: int = 0,
    ) -> None:
        """Fixes the shape of batches.

        Args:
            records: The source of the images.
            program: What happens to each image.
            normalizer: Writes each image into the batch. None: images stay as they are.
            batch_size: The largest number of images in a batch.
            dtype: Type of the batch.
            threads: How many threads work on a batch. None: the CPUs that this process may use. The
                result does not depend on it.
            skipped: Records damaged examples that are left out. None: they are errors.
            mixer: Mixes the images of a batch. None: they are not mixed.
            mixes_here: Whether images are mixed here. False: only the mixtures are sampled.
            processes: How many worker processes write batches. 0: threads do. Threads mix in both cases.

        Raises:
            UsageError: If the images would not all have one size.
        """
        # A mixed image needs its partner, which another thread may still decode. So all images are rendered
        # first, in the stored type, which takes a quarter or half of the memory of floats. Normalizing is
        # linear, so it can come after mixing.
        renders, rendered = (None, records.dtype) if mixer and mixes_here else (normalizer, dtype)
        self._renderer = Renderer(records, program, renders, skips=skipped is not None)
        self.image_shape = self._renderer.image_shape
        shape = (batch_size, *self.image_shape)
        self._rendered, self._mixed = BufferPool(shape, rendered), BufferPool(shape, dtype)
        self._mixer, self._mixes_here, self._normalizer = mixer, mixes_here, normalizer
        self._scratch = ThreadScratch()
        self._skipped = skipped
        self._threads = threads or available_cpus()
        # This holds for the whole process, as OpenCV has nothing narrower. It would divide images above
        # 256 x 256 among as many threads again, which wait for each other: 7 to 28% more CPU time.
        cv2.setNumThreads(1)
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="fitfeed")
        self._processes: RenderPool | None = None
        if processes:
            self._processes = RenderPool(
                self._renderer, BatchLayout(shape, np.dtype(rendered)), count=processes
            )

    def load(
        self,
        epoch: int,
        examples: npt.NDArray[np.int64],
        payloads: Sequence[bytes] | None = None,
        *,
        rng_index: npt.NDArray[np.int64] | None = None,
    ) -> Loaded:
        """Loads a batch.

        Args:
            epoch: Number of the epoch, which augmentations depend on.
            examples: int64 (n,), example numbers, n <= batch_size.
            payloads: The stored bytes, if they have been read already; empty where reading failed.
                None: they are read here.
            rng_index: int64 (n,), numbers that augmentations are sampled by. None: `examples`.

        Returns:
            All n examples; without the damaged ones, if they are skipped. The memory of the images
            is reused when this array and everything made from it are gone, and not before.

        Raises:
            DamagedExampleError: If an image cannot be read or decoded.
            DamagedDatasetError: If all images are damaged, although damaged ones are skipped; or if a file
                is missing.
            UsageError: If a function in the program does not return an image, or one of another size.
        """
        rng_index = examples if rng_index is None else rng_index
        batch, damaged = self._render(epoch, examples, payloads, rng_index)
        loaded = self._without(damaged, Loaded(batch, examples)) if damaged else Loaded(batch, examples)
        if self._mixer is None:
            return loaded
        mixtures = self._mixer.sample(epoch, rng_index, size=self.image_shape[:2])
        if damaged:
            places = np.delete(np.arange(len(examples)), list(damaged))
            mixtures = [mixture.keep(places) for mixture in mixtures]
        if not self._mixes_here:
            return loaded._replace(mixtures=mixtures)
        return self._mix(loaded, mixtures)

    def _render(
        self,
        epoch: int,
        examples: npt.NDArray[np.int64],
        payloads: Sequence[bytes] | None,
        rng_index: npt.NDArray[np.int64],
    ) -> tuple[npt.NDArray[Any], Damaged]:
        """Writes every image, unmixed; returns which are damaged, if they are skipped."""
        if self._processes is not None:
            return self._processes.render(epoch, examples, rng_index)
        renderer, batch = self._renderer, self._rendered.take(len(examples))
        if renderer.copies and payloads is None:
            # Copying takes 3 ms a batch at most, and waking other threads costs as much. Two batches are
            # loaded at once, so two threads work anyway.
            return batch, renderer.render(epoch, examples, rng_index, out=batch)
        write = renderer.image_writer(epoch, examples, rng_index, out=batch, payloads=payloads)
        return batch, self._write_images(write, len(examples))

    def _mix(self, loaded: Loaded, mixtures: Sequence[Mixture]) -> Loaded:
        """Mixes rendered images, and normalizes the result."""
        images, normalizer, scratch = loaded.images, self._normalizer, self._scratch
        batch = self._mixed.take(len(images))

        def write(i: int) -> None:
            if normalizer is None:
                out = batch[i]
                image = mix_image(images, mixtures, i, out=out)
                if image is not out:
                    np.copyto(out, image)
            else:
                image = scratch.take("image", self.image_shape, images.dtype)
                normalizer(mix_image(images, mixtures, i, out=image), batch[i])

        self._write_images(write, len(images))
        return Loaded(batch, loaded.examples, mixtures)

    def _write_images(self, write: Callable[[int], None], count: int) -> Damaged:
        """Writes all images of a batch in threads; returns which are damaged, if they are skipped."""
        size = min(MAX_BLOCK, math.ceil(count / self._threads))
        blocks = [range(first, min(first + size, count)) for first in range(0, count, size)]
        tasks = [self._pool.submit(self._renderer.write_images, write, block) for block in blocks]
        # All tasks must end before an error is raised: it frees the memory that they write to.
        wait(tasks)
        return {i: error for task in tasks for i, error in task.result().items()}

    def _without(self, damaged: Damaged, loaded: Loaded) -> Loaded:
        """Removes damaged examples from a batch, and records them."""
        images, examples, _ = loaded
        if self._skipped is not None:
            for i, error in damaged.items():
                self._skipped.add(int(examples[i]), error)
        kept = ~np.isin(np.arange(len(examples)), list(damaged))
        if not kept.any():
            first = damaged[0]
            msg = f"none of the {len(examples)} examples of a batch could be read, so the iteration cannot continue. The first: {first}"
            raise DamagedDatasetError(msg) from first
        return Loaded(compacted(images, kept), examples[kept])
