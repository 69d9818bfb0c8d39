"""Writes images into batches: reads, decodes, augments and normalizes each at its place in the batch."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.arrays.buffer_pool import ThreadScratch
from fitfeed.pipelines.augment.compiler.color_matrix import load_recolor
from fitfeed.pipelines.augment.compiler.program import CompiledBatch, Program
from fitfeed.pipelines.batches.decode_window import decode_window_of
from fitfeed.pipelines.batches.example_errors import raise_naming
from fitfeed.pipelines.batches.normalize import Normalizer
from fitfeed.pipelines.batches.writer_threads import Damaged, write_places
from fitfeed.pipelines.order.batch_request import BatchRequest
from fitfeed.pipelines.reading.payloads import Payload
from fitfeed.pipelines.reading.records import Records
from fitfeed.pipelines.stages.stage_clock import StageClock
from fitfeed.schemas.errors import UsageError

UNKNOWN = (0, 0)
"""Stands for the size of an image where images are stored in different sizes."""


class Renderer:
    """Writes images into batches. Immutable, thread-safe, and picklable if its parts are.

    Attributes:
        image_shape: (height, width, channels) of every image.
        copies: Whether stored pixels are read into the batch unchanged, as nothing is to be done to them.
        prepare: What loads all that is needed, for processes that are forked then.
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
        self.prepare: list[Callable[[], None]] = [load_renderer]
        if normalizer is not None:
            self.prepare.append(normalizer.load)
        if program.recolors and records.depth == 8 and records.channels > 1:  # OpenCV recolors all others
            self.prepare.append(load_recolor)
        self._scratch = ThreadScratch()

    def render(
        self,
        epoch: int,
        examples: npt.NDArray[np.int64],
        rng_index: npt.NDArray[np.int64],
        *,
        out: npt.NDArray[Any],
        payloads: Sequence[Payload] | None = None,
    ) -> Damaged:
        """Writes images in this thread, as a worker process does: it samples and compiles for itself.

        Args:
            epoch: Number of the epoch, which augmentations depend on.
            examples: int64 (n,), example numbers.
            rng_index: int64 (n,), numbers that augmentations are sampled by.
            out: (n, *image_shape), to be written.
            payloads: The stored bytes, if they have been read already; empty where reading failed.

        Returns:
            The damaged images, if they are skipped.

        Raises:
            DamagedExampleError: If an image is damaged and damaged images are not skipped.
        """
        if self.copies and payloads is None:
            return self.copy(examples, out=out)
        compiled = compile_batch(self._program, self._records, epoch, examples, rng_index)
        write = self.image_writer(examples, compiled, out=out, payloads=payloads)
        return write_places(write, range(len(examples)), skips=self._skips)

    def copy(self, examples: npt.NDArray[np.int64], *, out: npt.NDArray[Any]) -> Damaged:
        """Reads stored pixels into the batch, in this thread; only if the renderer `copies`.

        Args:
            examples: int64 (n,), example numbers.
            out: (n, *image_shape), to be written.

        Returns:
            The damaged images, if they are skipped.
        """
        # All at once, without the interpreter lock. What could not be read is read again by itself,
        # which tells what is wrong with it. The kernel copies from the page cache into the batch; there
        # is no other copy.
        memory = out.reshape(len(out), -1).view(np.uint8)
        unread = self._records.read_all_into(examples, memory)
        rows = examples.tolist()
        return write_places(
            lambda i: self._records.read_into(rows[i], memory[i].data), unread, skips=self._skips
        )

    def image_writer(
        self,
        examples: npt.NDArray[np.int64],
        compiled: CompiledBatch,
        *,
        out: npt.NDArray[Any],
        payloads: Sequence[Payload] | None = None,
    ) -> Callable[[int], None]:
        """Makes a function that writes the image at one place of a batch, or of a part of a batch.

        Args:
            examples: int64 (n,), example numbers.
            compiled: What happens to each.
            out: (n, *image_shape), to be written.
            payloads: The stored bytes, if they have been read already; empty where reading failed.

        Returns:
            A function of the place. It may be called from several threads, in any order.
        """
        records, program, normalizer, scratch = self._records, self._program, self._normalizer, self._scratch
        rows, size, passes = examples.tolist(), self.image_shape[:2], compiled.passes

        def write(i: int) -> None:
            payload = payloads[i] if payloads is not None else None
            try:
                stored = records.pixels(
                    rows[i], decode_window_of(passes[i]), payload=payload or None, scratch=scratch
                )
                if normalizer is None:
                    program.render(stored, compiled, i, size=size, out=out[i])
                else:
                    image = scratch.take("image", self.image_shape, records.dtype)
                    normalizer(program.render(stored, compiled, i, size=size, out=image), out[i])
            except Exception as error:  # noqa: BLE001  it is raised again
                raise_naming(error, records, rows[i])

        return write

    def write_timed(
        self, request: BatchRequest, compiled: CompiledBatch, clock: StageClock, *, out: npt.NDArray[Any]
    ) -> Damaged:
        """Writes the images of a batch in this thread, as `image_writer` and `copy` do, and times each stage.

        Args:
            request: Which examples.
            compiled: What happens to each.
            clock: What times the stages.
            out: (n, *image_shape), to be written.

        Returns:
            The damaged images, if they are skipped.

        Raises:
            DamagedExampleError: If an image is damaged and damaged images are not skipped.
        """
        records, program, normalizer, scratch = self._records, self._program, self._normalizer, self._scratch
        rows, size, payloads = request.examples.tolist(), self.image_shape[:2], request.payloads
        if self.copies and payloads is None:
            with clock.time("read"):
                return self.copy(request.examples, out=out)

        def write(i: int) -> None:
            payload = None if payloads is None else payloads[i]
            image = out[i] if normalizer is None else scratch.take("image", self.image_shape, records.dtype)
            try:
                if payload is None and not records.is_raw:  # raw pixels are read to where they are used
                    with clock.time("read"):
                        payload = scratch.take("payload", (int(records.index.length[rows[i]]),)).data
                        records.read_into(rows[i], payload)
                with clock.time("read" if payload is None else "decode"):
                    stored = records.pixels(
                        rows[i],
                        decode_window_of(compiled.passes[i]),
                        payload=payload or None,
                        scratch=scratch,
                    )
                with clock.time("augment"):
                    rendered = program.render(stored, compiled, i, size=size, out=image)
                if normalizer is not None:
                    with clock.time("normalize"):
                        normalizer(rendered, out[i])
            except Exception as error:  # noqa: BLE001  it is raised again
                raise_naming(error, records, rows[i])

        with clock.time("augment"):
            _ = compiled.passes  # which are compiled when they are first asked for, all of them
        return write_places(write, range(len(rows)), skips=self._skips)


def load_renderer() -> None:
    """Does nothing: who calls it has imported this module, and that is most of what takes time."""


def compile_batch(
    program: Program,
    records: Records,
    epoch: int,
    examples: npt.NDArray[np.int64],
    rng_index: npt.NDArray[np.int64],
) -> CompiledBatch:
    """Makes what compiles the passes of a batch, for the stored sizes of its images.

    Args:
        program: What happens to each image.
        records: The source of the images.
        epoch: Number of the epoch.
        examples: int64 (n,), example numbers.
        rng_index: int64 (n,), numbers to sample by.
    """
    index = records.index
    return program.compile(epoch, rng_index, heights=index.height[examples], widths=index.width[examples])


def _image_size(records: Records, program: Program) -> tuple[int, int]:
    """Finds height and width of every image in a batch."""
    common = records.common_size
    if common is not None:
        return program.output_size(common)
    if program.image_size is not None:
        return program.image_size
    made = program.output_size(UNKNOWN)
    if made != UNKNOWN:  # by a crop of fixed size
        return made
    heights, widths = np.asarray(records.index.height), np.asarray(records.index.width)
    msg = (
        f"images are stored in different sizes ({heights.min()} to {heights.max()} pixels high, {widths.min()} to "
        f"{widths.max()} wide), so a batch needs one. Received: image_size=None. Pass image_size=(height, width), or crop: augment=[RandomCrop(height, width)]."
    )
    raise UsageError(msg)
