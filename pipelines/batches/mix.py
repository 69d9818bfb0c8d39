"""Mixing a batch: images as uint8, before they are normalised, and labels."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.arrays.types import Floats, Size
from fitfeed.pipelines.augment.ops.mixup_cutmix import BatchAugmentation, Mixture
from fitfeed.pipelines.order.counter_rng import fold_in, uniform
from fitfeed.schemas.payload import Pixels

Box = tuple[int, int, int, int]
"""Top, left, bottom, right."""


class Mixer:
    """The operations on batches at the end of a list. Immutable, thread-safe."""

    def __init__(self, ops: Sequence[tuple[int, BatchAugmentation]], *, seed: int) -> None:
        """Takes what `split_batch` has found.

        Args:
            ops: Places in the list, and operations.
            seed: The run's seed.
        """
        self._ops, self._seed = list(ops), seed

    def sample(self, epoch: int, examples: npt.NDArray[np.int64], *, size: Size) -> list[Mixture]:
        """Draws what is mixed: a pure function of (seed, epoch, the examples of the batch).

        Args:
            epoch: Number of the epoch.
            examples: int64 (n,), example numbers.
            size: (height, width) of the images.

        Returns:
            One for each operation, in order.
        """
        mixtures = []
        for place, op in self._ops:
            key = fold_in("augment", self._seed, epoch, place)
            parameters = op.sample(uniform(key, examples, draws=op.draws))
            partner = np.argsort(parameters[:, 0], kind="stable")
            mixtures.append(op.mix(parameters, partner, size))
        return mixtures


def mix_image(
    images: Pixels, mixtures: Sequence[Mixture], i: int, *, out: Pixels | None = None, box: Box | None = None
) -> Pixels:
    """One image of a batch, after all operations, as layers in a row would leave it.

    An operation looks at what those before it have made of the image and of its partner. Both are
    made here of the unmixed images, for the pixels that are needed: so every image of a batch can be
    made at the same time as the others.

    Args:
        images: uint8 or uint16 (n, H, W, C), unmixed. They are not changed.
        mixtures: From `Mixer.sample`.
        i: Its place in the batch.
        out: (H, W, C), of the same type, where to write. None: a new array.
        box: Which pixels to make; `out` is of that size. None: all.

    Returns:
        `out`, or a part of `images` where nothing is mixed. Rounded to nearest by every operation.
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
