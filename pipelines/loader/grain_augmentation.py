"""`GrainAugmentation`: fitfeed's augmentations as a transform of Grain."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from grain.python import RandomMapTransform
from typing_extensions import override

from fitfeed.pipelines.augment.base import Augmentation
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.augment.compiler.user_functions import CallError, ImageFunction
from fitfeed.pipelines.augment.ops.mixup_cutmix import without_mixes
from fitfeed.pipelines.batches.mask_loader import check_movable
from fitfeed.pipelines.feed.check_depth import check_augment_depth
from fitfeed.pipelines.options import check_augment, is_int_pair
from fitfeed.schemas.errors import UsageError

NUMBERS = 2**63
"""Of which Grain's generator draws one for each element."""


class GrainAugmentation(RandomMapTransform):
    """Augments elements of `Dataset.records` in a pipeline of Grain. Thread-safe, and picklable if the list is.

    Grain's generator draws one number for each element, and that decides all else. So the seed is Grain's: that of `seed`, `random_map` or the
    sampler. For the number n, the image is, bit for bit, that of `make_loader(seed=0, normalize=None, dtype="uint8")` in epoch 0 for
    example number n, if it had this image. (`make_loader` decodes a JPEG at a smaller scale, where twice the output or more is shown.)

    Example:
        >>> augment = GrainAugmentation([RandomResizedCrop(), RandomFlip("horizontal")], image_size=(224, 224))
        >>> batches = (grain.MapDataset.source(dataset.records("train")).seed(7).shuffle().random_map(augment)
        ...            .to_iter_dataset().batch(128, drop_remainder=True))
    """

    def __init__(
        self,
        augment: Sequence[Augmentation | ImageFunction],
        *,
        image_size: tuple[int, int] | None = None,
        masks: Sequence[str] = (),
    ) -> None:
        """Checks the list.

        Args:
            augment: As for `make_pipeline`, without `MixUp` and `CutMix`, which mix whole batches.
            image_size: (height, width) of the result. None: what the list makes of each image.
            masks: Names of the labels that are masks, and move with the image.

        Raises:
            UsageError: If an argument is wrong.
        """
        if isinstance(masks, str) or not all(isinstance(name, str) for name in masks):
            msg = f"masks expects a list of names. Received: masks={masks!r}"
            raise UsageError(msg)
        if image_size is not None and not (is_int_pair(image_size) and min(image_size) > 0):
            msg = f"image_size expects (height, width), both positive, or None. Received: image_size={image_size!r}"
            raise UsageError(msg)
        check_augment(augment)
        self._augment = without_mixes(augment, because="Grain augments single elements")
        for name in masks:
            check_movable(self._augment, name)
        self._masks = tuple(masks)
        size = None if image_size is None else (image_size[0], image_size[1])
        self._program = Program(self._augment, image_size=size, seed=0)

    @override
    def random_map(self, element: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        """Augments one element; Grain calls it.

        Args:
            element: A dict with "image", uint8 or uint16 (height, width, 1 or 3), and the masks, uint8 (height, width, 1).
            rng: Grain's generator for this element.

        Returns:
            A dict with the same names. Image and masks are new arrays.

        Raises:
            UsageError: If there is no such image or mask, or a function in the list does not return an image.
            Exception: The error that such a function raised.
        """
        image = _picture(element, "image")
        if image.dtype == np.uint16:
            check_augment_depth(self._augment)
        number = np.array([rng.integers(NUMBERS)], np.int64)
        height, width = image.shape[:2]
        compiled = self._program.compile(0, number, heights=np.array([height]), widths=np.array([width]))
        size = self._program.output_size((height, width))
        try:
            result = {**element, "image": self._program.render(image, compiled, 0, size=size)}
        except CallError as error:
            cause = error.__cause__ or error
            raise cause from cause.__cause__  # `CallError` says nothing that a user has to know
        for name in self._masks:
            moved = np.empty((*size, 1), np.uint8)
            mask = _mask(element, name, (height, width, 1))
            result[name] = self._program.render_mask(mask, compiled, 0, size=size, out=moved)
        return result


def _picture(element: Mapping[str, Any], name: str) -> npt.NDArray[Any]:
    found = element.get(name) if isinstance(element, Mapping) else None
    if not isinstance(found, np.ndarray) or found.ndim != 3 or found.dtype not in (np.uint8, np.uint16):
        raise _unexpected(element, name, "uint8 or uint16 (height, width, channels)")
    return found


def _mask(element: Mapping[str, Any], name: str, shape: tuple[int, int, int]) -> npt.NDArray[np.uint8]:
    found = element.get(name)
    if not isinstance(found, np.ndarray) or found.shape != shape or found.dtype != np.uint8:
        raise _unexpected(element, name, f"uint8 {shape}, of the size of its image")
    return found


def _unexpected(element: object, name: str, expected: str) -> UsageError:
    found = element.get(name) if isinstance(element, Mapping) else None
    what = type(element).__name__ if found is None else f"{name}: {type(found).__name__}"
    shape = f" {found.dtype} {found.shape}" if isinstance(found, np.ndarray) else ""
    return UsageError(
        f"GrainAugmentation expects elements of dataset.records(...), a dict with {name!r} as {expected}. Received: {what}{shape}."
    )
