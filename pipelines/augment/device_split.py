"""Splits a list of augmentations into a part for the CPU and a part for the device.

Images of different sizes are not a batch, and what a crop leaves out need not be decoded. So operations
that make sizes equal stay on the CPU, with everything before them. The rest can run on the device.
"""

from collections.abc import Sequence

from fitfeed.pipelines.arrays.types import Size
from fitfeed.pipelines.augment.base import Augmentation
from fitfeed.pipelines.augment.compiler.color_matrix import ColorAugmentation, HsvAugmentation
from fitfeed.pipelines.augment.compiler.geometry import GeometricAugmentation
from fitfeed.pipelines.augment.compiler.lookup_table import TableAugmentation
from fitfeed.pipelines.augment.compiler.program import Resize, list_operations
from fitfeed.pipelines.augment.compiler.user_functions import ImageFunction
from fitfeed.pipelines.augment.ops.color import RandomColorJitter
from fitfeed.pipelines.augment.ops.filters import RandomGaussianBlur, RandomSharpness
from fitfeed.pipelines.augment.ops.rand_augment import RandAugment
from fitfeed.pipelines.augment.ops.random_erasing import RandomErasing
from fitfeed.pipelines.augment.ops.trivial_augment import SharpnessInside, TrivialAugment
from fitfeed.schemas.errors import UsageError

Items = Sequence[Augmentation | ImageFunction]

ANY_SIZE = (
    ColorAugmentation,
    GeometricAugmentation,
    HsvAugmentation,
    RandomColorJitter,
    RandomErasing,
    TableAugmentation,
)
"""Operations that give the same result before and after resizing, if geometry knows the size before."""

SUPPORTED = (*ANY_SIZE, RandAugment, RandomGaussianBlur, RandomSharpness, SharpnessInside, TrivialAugment)


def split(augment: Items, image_size: Size | None) -> tuple[Items, Items]:
    """Splits a list into the first part, for the CPU, and the second part, for the device.

    Args:
        augment: As for `make_pipeline`.
        image_size: As for `make_pipeline`. The CPU resizes at the end of its part.

    Raises:
        UsageError: If an item of the second part cannot run on a device.
    """
    first = max((n + 1 for n, op in enumerate(augment) if _stays(op)), default=0)
    if image_size is not None and not _makes(augment[:first], image_size):
        ops = [op for _, op in list_operations(augment, image_size)]
        resizing = next(n for n, op in enumerate(ops) if isinstance(op, Resize))
        first = max([first, *(n + 1 for n, op in enumerate(ops[:resizing]) if not isinstance(op, ANY_SIZE))])
    for place, op in enumerate(augment[first:], first):
        check_device(op, place)
    return augment[:first], augment[first:]


def check_device(op: object, place: int) -> None:
    """Refuses an item that cannot run on a device.

    Raises:
        UsageError: If it cannot. It names the item.
    """
    if not isinstance(op, SUPPORTED):
        msg = (
            f"this cannot run on a device. Received: augment[{place}]={op!r}. "
            f"Leave it out, or use make_pipeline(augment_on='cpu')."
        )
        raise UsageError(msg)


def sizes_before_resizing(augment: Items, image_size: Size | None, sizes: Sequence[Size]) -> list[Size]:
    """Computes the (height, width) of images after the CPU's part of a list, before it resizes."""
    for item in augment:
        if isinstance(item, Augmentation):
            sizes = [item.output_size(size, image_size=image_size) for size in sizes]
    return list(sizes)


def _stays(op: object) -> bool:
    """Returns whether this may change sizes, or is not an augmentation."""
    return not isinstance(op, Augmentation) or type(op).output_size is not Augmentation.output_size


def _makes(augment: Items, size: Size) -> bool:
    """Returns whether the list makes this size of images of any size."""
    if any(not isinstance(op, Augmentation) for op in augment):
        return False
    return set(sizes_before_resizing(augment, size, [(1, 1), (1, 2)])) == {size}
