"""Mixes the images of a batch, and their labels by the same shares."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import numpy as np
from typing_extensions import override

from fitfeed.pipelines.arrays.types import Floats, Integers, Size
from fitfeed.pipelines.augment.base import Augmentation, PlanBuilder
from fitfeed.pipelines.augment.ops.arguments import Factor, check, factor_range, is_number, scale_to
from fitfeed.pipelines.augment.ops.beta_quantile import beta_quantile
from fitfeed.schemas.errors import UsageError

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """How one operation mixes a batch of n images. Images and labels are mixed by the same numbers.

    Attributes:
        partner: int64 (n,), the image that each image is mixed with. It is a permutation, unless images
            were left out.
        weight: float64 (n,), 0..1: the share of the image itself; 1 if nothing is mixed.
        boxes: int64 (n, 4), top, left, bottom, right of the box that the partner replaces; `weight` is
            the exact share outside of it. None: whole images are blended.
    """

    partner: Integers
    weight: Floats
    boxes: Integers | None = None

    def keep(self, kept: Integers) -> "Mixture":
        """Returns the mixture of a part of the batch. An image whose partner was left out is not mixed.

        Args:
            kept: int64 (m,), ascending places in the batch.
        """
        places = np.full(len(self.partner), -1)
        places[kept] = np.arange(len(kept))
        partner, weight = places[self.partner[kept]], self.weight[kept]
        lost = partner < 0
        return Mixture(
            partner=np.where(lost, np.arange(len(kept)), partner),
            weight=np.where(lost, 1.0, weight),
            boxes=None if self.boxes is None else self.boxes[kept],
        )


class BatchAugmentation(Augmentation):
    """Mixes images of a batch. It is at the end of a list, where all images have one size.

    The first uniform number of each image decides its partner: sorting the images of the batch by these
    numbers gives a random permutation.
    """

    @abstractmethod
    def mix(self, parameters: Floats, partner: Integers, size: Size) -> Mixture:
        """Computes how a batch is mixed.

        Args:
            parameters: float64 (n, parameters), from `sample`.
            partner: int64 (n,), the partner of each image.
            size: (height, width) of the images.
        """

    @override
    def add_to(self, plan: PlanBuilder, rows: Integers, parameters: Floats) -> None:
        """Refuses: this operation cannot be applied to single images.

        Raises:
            UsageError: Always.
        """
        msg = f"{type(self).__name__} mixes whole batches, so it comes last in make_pipeline(augment=...)."
        raise UsageError(msg)


@dataclass(frozen=True)
class MixUp(BatchAugmentation):
    """Blends each image and its label with those of another image of the batch, as `keras.layers.MixUp`.

    Attributes:
        alpha: In (0, 1]. The weight of the image itself is drawn from Beta(alpha, alpha): with a
            small alpha one of the two is hardly seen, with 1 all weights are equally probable.
            Defaults to 0.2.

    Example:
        >>> make_pipeline("flowers", "train", batch_size=32, image_size=(224, 224), augment=[RandomFlip(), MixUp(0.2)])
    """

    alpha: float = 0.2
    draws: ClassVar[int] = 2

    def __post_init__(self) -> None:
        """Checks alpha.

        Raises:
            UsageError: If it is not a number in (0, 1].
        """
        check(
            self,
            "alpha",
            "a number above 0, of at most 1",
            valid=is_number(self.alpha) and 0 < self.alpha <= 1,
        )

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples order among the batch, weight: float64 (n, 2)."""
        weight = beta_quantile(np.full(len(uniforms), float(self.alpha)), uniforms[:, 1])
        return np.stack([uniforms[:, 0], weight], axis=1)

    @override
    def mix(self, parameters: Floats, partner: Integers, size: Size) -> Mixture:
        return Mixture(partner=partner, weight=parameters[:, 1])


@dataclass(frozen=True)
class CutMix(BatchAugmentation):
    """Replaces a box of each image by the same box of another image of the batch, as `keras.layers.CutMix`.

    The label is mixed by the exact share of the pixels.

    Attributes:
        factor: In [0, 1], a number f for (0, f) or a pair: alpha is drawn from this range, and the
            share that stays from Beta(alpha, alpha). Defaults to 1.

    Example:
        >>> make_pipeline("flowers", "train", batch_size=32, image_size=(224, 224), augment=[RandomFlip(), CutMix()])
    """

    factor: Factor = 1.0
    draws: ClassVar[int] = 5

    def __post_init__(self) -> None:
        """Checks the factor.

        Raises:
            UsageError: If it is not a number or a pair in [0, 1].
        """
        factor_range(self, "factor", low=0, high=1)

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples order among the batch, side of the box by side of the image, its place along y and x, 0..1: float64 (n, 4)."""
        alpha = np.minimum(scale_to(factor_range(self, "factor", low=0, high=1), uniforms[:, 1]) + 1e-6, 1.0)
        side = np.sqrt(1.0 - beta_quantile(alpha, uniforms[:, 2]))
        return np.stack([uniforms[:, 0], side, uniforms[:, 3], uniforms[:, 4]], axis=1)

    @override
    def mix(self, parameters: Floats, partner: Integers, size: Size) -> Mixture:
        _, share, *places = parameters.T
        height, width = size
        start = np.stack([places[0] * (height - share * height), places[1] * (width - share * width)], axis=1)
        length = np.stack([share * height, share * width], axis=1)
        # The pixels whose numbers lie within, as in Keras.
        boxes = np.minimum(np.ceil(np.concatenate([start, start + length], axis=1)), [*size, *size])
        boxes = boxes.astype(np.int64)
        area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        return Mixture(partner=partner, weight=1.0 - area / (height * width), boxes=boxes)


def split_batch(augment: Sequence[T]) -> tuple[list[T], list[tuple[int, BatchAugmentation]]]:
    """Splits a list of augmentations into operations on images and operations on batches.

    Returns:
        The operations on images, and the operations on batches with their places in the list.

    Raises:
        UsageError: If another operation comes after one that mixes, or if one of them comes twice: for
            a box within an image that has a box already, the shares are not known.
    """
    last: list[tuple[int, BatchAugmentation]] = []
    for place, op in enumerate(augment):
        if isinstance(op, BatchAugmentation):
            if type(op) in (type(other) for _, other in last):
                msg = f"{type(op).__name__} may be in augment only once. Received: augment[{place}]={op!r}. Leave one out."
                raise UsageError(msg)
            last.append((place, op))
        elif last:
            name = type(last[0][1]).__name__
            msg = (
                f"{name} mixes whole batches, after all that happens to single images, so only MixUp and CutMix may "
                f"come after it. Received: augment[{place}]={op!r}. Move {name} to the end of the list."
            )
            raise UsageError(msg)
    return list(augment[: len(augment) - len(last)]), last


def without_mixes(augment: Sequence[T], *, because: str) -> list[T]:
    """A list of augmentations for what has single images only.

    Args:
        augment: As for `make_pipeline`.
        because: Why nothing can be mixed there: the second half of a sentence.

    Returns:
        The same list.

    Raises:
        UsageError: If an operation mixes batches.
    """
    single, mixes = split_batch(augment)
    if mixes:
        name = type(mixes[0][1]).__name__
        msg = f"{name} mixes whole batches, and {because}. Received: augment=[..., {name}(...)]. Leave it out, or use make_loader."
        raise UsageError(msg)
    return single
