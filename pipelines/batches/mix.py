"""Mixes the images of a batch, before they are normalized, and their labels."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.arrays.buffer_pool import BufferPool, ThreadScratch
from fitfeed.pipelines.arrays.types import Floats, Size
from fitfeed.pipelines.augment.ops.mixup_cutmix import BatchAugmentation, Mixture
from fitfeed.pipelines.batches.normalize import Normalizer
from fitfeed.pipelines.batches.writer_threads import WriterThreads
from fitfeed.pipelines.order.counter_rng import fold_in, uniform
from fitfeed.schemas.payload import Pixels

Box = tuple[int, int, int, int]
"""Top, left, bottom, right."""


class Mixer:
    """Samples the operations on batches at the end of a list. Immutable, thread-safe."""

    def __init__(self, ops: Sequence[tuple[int, BatchAugmentation]], *, seed: int) -> None:
        """Stores the operations that `split_batch` has found.

        Args:
            ops: Operations, each with its place in the list.
            seed: The run's seed.
        """
        self._ops, self._seed = list(ops), seed

    def sample(self, epoch: int, examples: npt.NDArray[np.int64], *, size: Size) -> list[Mixture]:
        """Samples what is mixed: a pure function of (seed, epoch, the examples of the batch).

        Args:
            epoch: Number of the epoch.
            examples: int64 (n,), numbers to sample by.
            size: (height, width) of the images.

        Returns:
            The mixture of each operation, in order.
        """
        mixtures = []
        for place, op in self._ops:
            key = fold_in("augment", self._seed, epoch, place)
            parameters = op.sample(uniform(key, examples, draws=op.draws))
            partner = np.argsort(parameters[:, 0], kind="stable")
            mixtures.append(op.mix(parameters, partner, size))
        return mixtures


class ImageMixer:
    """Mixes the rendered images of a batch, and normalizes the result. Thread-safe; not picklable.

    A mixed image needs its partner, which another thread may still decode. So all images are rendered
    first, in the stored type, which takes a quarter or half of the memory of floats. Normalizing is
    linear, so it can come after mixing.
    """

    def __init__(
        self,
        normalizer: Normalizer | None,
        *,
        shape: tuple[int, int, int, int],
        dtype: npt.DTypeLike,
        threads: WriterThreads,
    ) -> None:
        """Fixes the shape of batches.

        Args:
            normalizer: Writes each mixed image into the batch. None: images stay as they are.
            shape: (batch, height, width, channels) of a full batch.
            dtype: Type of the batch.
            threads: What writes the batches.
        """
        self._normalizer, self._threads = normalizer, threads
        self._buffers, self._scratch = BufferPool(shape, dtype), ThreadScratch()

    def mix(self, images: Pixels, mixtures: Sequence[Mixture]) -> npt.NDArray[Any]:
        """Mixes a batch.

        Args:
            images: uint8 or uint16 (n, H, W, C), rendered, not normalized.
            mixtures: From `Mixer.sample`.

        Returns:
            (n, H, W, C) of the mixer's type. Its memory is reused as that of an `ImageLoader`.
        """
        batch, normalizer = self._buffers.take(len(images)), self._normalizer

        def write(i: int) -> None:
            if normalizer is None:
                out = batch[i]
                image = mix_image(images, mixtures, i, out=out)
                if image is not out:
                    np.copyto(out, image)
            else:
                image = self._scratch.take("image", images.shape[1:], images.dtype)
                normalizer(mix_image(images, mixtures, i, out=image), batch[i])

        self._threads.write(write, len(images))
        return batch


def mix_image(
    images: Pixels, mixtures: Sequence[Mixture], i: int, *, out: Pixels | None = None, box: Box | None = None
) -> Pixels:
    """Mixes one image of a batch by all operations, as layers one after the other would.

    An operation mixes an image with its partner, and the operations before it have changed both. Both
    are computed here from the unmixed images, for the pixels that are needed. So all images of a batch
    can be mixed at the same time.

    Args:
        images: uint8 or uint16 (n, H, W, C), unmixed. They are not changed.
        mixtures: From `Mixer.sample`.
        i: Place of the image in the batch.
        out: (H, W, C) of the same type, to be written. None: a new array.
        box: The pixels to compute; `out` has this size. None: all pixels.

    Returns:
        The mixed image: `out`, or a view of `images` if nothing is mixed. Every operation rounds to nearest.
    """
    top, left, bottom, right = box or (0, 0, *images.shape[1:3])
    if not mixtures:
        return images[i, top:bottom, left:right]
    *before, last = mixtures
    own = mix_image(images, before, i, out=out, box=box)
    weight, partner = float(last.weight[i]), int(last.partner[i])
    if weight == 1 or partner == i:
        return own
    out = np.empty_like(own) if out is None else out
    if last.boxes is None:
        other = mix_image(images, before, partner, box=box)
        cv2.addWeighted(own, weight, other, 1 - weight, 0, dst=out)
        return out
    if own is not out:
        np.copyto(out, own)
    y0, x0, y1, x1 = last.boxes[i].tolist()
    y0, x0, y1, x1 = max(y0, top), max(x0, left), min(y1, bottom), min(x1, right)
    if y0 < y1 and x0 < x1:
        target = out[y0 - top : y1 - top, x0 - left : x1 - left]
        np.copyto(target, mix_image(images, before, partner, box=(y0, x0, y1, x1)))
    return out


def mix_labels(labels: npt.NDArray[np.float32], mixtures: Sequence[Mixture]) -> npt.NDArray[np.float32]:
    """Mixes labels by the shares of their images.

    Args:
        labels: float32 (n,) or (n, classes).
        mixtures: From `Mixer.sample`.

    Returns:
        float32 of the same shape.
    """
    mixed: Floats = labels.astype(np.float64)
    for mixture in mixtures:
        weight = mixture.weight.reshape(-1, *[1] * (labels.ndim - 1))
        mixed = weight * mixed + (1 - weight) * mixed[mixture.partner]
    result: npt.NDArray[Any] = mixed.astype(np.float32)
    return result
