"""Moves boxes and keypoints of the user as augmentation has moved their images.

Places are relative: (0, 0) is the upper left corner of an image and (1, 1) the lower right, for any
size. So boxes of the original photographs are right for a dataset that was made with `--size`, too.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.arrays.types import Floats, Size
from fitfeed.pipelines.augment.base import Augmentation
from fitfeed.pipelines.augment.compiler.geometry import diagonal
from fitfeed.pipelines.augment.compiler.program import CompiledBatch
from fitfeed.pipelines.augment.compiler.user_functions import ImageFunction
from fitfeed.pipelines.augment.cpu.resample import CropResize
from fitfeed.pipelines.augment.ops.mixup_cutmix import BatchAugmentation
from fitfeed.schemas.errors import UsageError


class MovedBoxes(NamedTuple):
    """Boxes as an augmented image shows them.

    Attributes:
        boxes: float64 (n, 4), relative (left, top, right, bottom), clipped to the image.
        visible: float64 (n,), 0..1: the share of the area that is inside the image.
    """

    boxes: Floats
    visible: Floats


def move_points(points: npt.ArrayLike, transform: npt.ArrayLike) -> Floats:
    """Moves points as their image was moved.

    Args:
        points: Numbers (n, 2), relative (x, y) in the stored image.
        transform: Numbers (3, 3), the image's "transform" in a batch of `make_pipeline(transforms=True)`.

    Returns:
        float64 (n, 2), relative (x, y) in the augmented image. They are outside 0..1 where the image does
        not show them, and NaN where a perspective moves them behind the viewer.
    """
    places = np.asarray(points, np.float64)
    if places.ndim != 2 or places.shape[1] != 2:
        msg = f"points must have the shape (n, 2), of relative (x, y). Received: {places.shape}."
        raise UsageError(msg)
    moved = np.column_stack([places, np.ones(len(places))]) @ np.asarray(transform, np.float64).T
    depth = np.where(moved[:, 2:] > 0, moved[:, 2:], np.nan)
    result: Floats = moved[:, :2] / depth
    return result


def move_boxes(boxes: npt.ArrayLike, transform: npt.ArrayLike) -> MovedBoxes:
    """Moves boxes as their image was moved.

    A rotated or sheared box is not a box any more. So the result is the smallest box around its four
    corners, as in `keras.layers.RandomRotation`.

    Args:
        boxes: Numbers (n, 4), relative (left, top, right, bottom) in the stored image: Keras' "rel_xyxy".
        transform: Numbers (3, 3), the image's "transform" in a batch of `make_pipeline(transforms=True)`.

    Returns:
        Boxes in the augmented image, and how much of each the image shows. Drop boxes of which it shows too
        little.

    Example:
        >>> train = make_pipeline("streets", "train", batch_size=8, image_size=(224, 224), output="dict",
        ...                       augment=[RandomFlip(), RandomRotation(0.05)], transforms=True)
        >>> for batch in train:
        ...     for key, transform in zip(batch["key"].numpy(), batch["transform"].numpy()):
        ...         boxes, visible = move_boxes(boxes_of[key.decode()], transform)
    """
    corners = np.asarray(boxes, np.float64)
    if corners.ndim != 2 or corners.shape[1] != 4:
        msg = f"boxes must have the shape (n, 4), of relative (left, top, right, bottom). Received: {corners.shape}."
        raise UsageError(msg)
    count = len(corners)
    points = corners[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(count * 4, 2)
    places = move_points(points, transform).reshape(count, 4, 2)
    whole = np.concatenate([places.min(axis=1), places.max(axis=1)], axis=1)
    whole[np.isnan(whole).any(axis=1)] = 0  # a corner behind the viewer
    shown = np.clip(whole, 0, 1)
    area = _area(whole)
    return MovedBoxes(shown, np.divide(_area(shown), area, out=np.zeros(count), where=area > 0))


def relative_transforms(compiled: CompiledBatch, size: Size) -> Floats:
    """Computes the transforms from stored images to the images in a batch, both in relative places.

    Args:
        compiled: The compiled batch.
        size: (height, width) of the images in the batch.

    Returns:
        float64 (n, 3, 3), homogeneous, to be multiplied by (x, y, 1).
    """
    to_stored = np.array([_to_stored(passes) for passes in compiled.passes]).reshape(-1, 3, 3)
    heights, widths = compiled.sizes.T
    relative = diagonal(1 / widths, 1 / heights)
    result: Floats = np.linalg.inv(relative @ to_stored @ diagonal(float(size[1]), float(size[0])))
    return result / result[:, 2:, 2:]


def check_transformable(
    augment: Sequence[Augmentation | ImageFunction], *, output: str, augment_on: str
) -> None:
    """Refuses lists and options for which an image has no single transform.

    Args:
        augment: As for `make_pipeline`.
        output: As for `make_pipeline`.
        augment_on: As for `make_pipeline`.

    Raises:
        UsageError: If there is no such transform. It names the reason.
    """
    if output != "dict":
        msg = f"transforms=True adds 'transform' to a dict. Received: output={output!r}. Use output='dict'."
        raise UsageError(msg)
    if augment_on != "cpu":
        msg = (
            f"transforms are those of the CPU's augmentation. Received: transforms=True, augment_on={augment_on!r}. "
            f"Use augment_on='cpu'."
        )
        raise UsageError(msg)
    for place, op in enumerate(augment):
        if isinstance(op, BatchAugmentation):
            msg = f"an image that is mixed with another one has no transform. Received: transforms=True, augment[{place}]={op!r}."
            raise UsageError(msg)
        if not isinstance(op, Augmentation):
            msg = (
                f"it is not known where a function moves the places of an image. Received: transforms=True, "
                f"augment[{place}]={op!r}. Use augmentations of fitfeed."
            )
            raise UsageError(msg)


def _to_stored(passes: Sequence[object]) -> Floats:
    matrix = np.eye(3)
    for one in passes:
        if isinstance(one, CropResize):
            matrix = matrix @ one.full_matrix()
    return matrix


def _area(boxes: Floats) -> Floats:
    left, top, right, bottom = boxes.T
    result: Floats = (right - left) * (bottom - top)
    return result
