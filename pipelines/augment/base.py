"""What an augmentation is."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import numpy.typing as npt

from fitfeed.schemas.errors import UsageError

if TYPE_CHECKING:
    from fitfeed.pipelines.augment.plan import Plan

Size = tuple[int, int]
"""(height, width) in pixels."""

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

REFUSED = {
    "seed": "make_pipeline(seed=...) decides about everything random",
    "data_format": "images are (height, width, channels)",
    "value_range": "values are 0..255 (figures in that range also go for 16 bits)",
    "bounding_box_format": "boxes are not augmented",
    "dtype": "images are uint8 until make_pipeline(dtype=...) converts the batch",
    "name": "augmentations are not layers",
    "trainable": "augmentations are not layers",
}
"""Arguments of the Keras layers that mean nothing here, and why."""


class Augmentation(ABC):
    """An immutable, picklable description of one augmentation. Validated when made.

    Sampling is apart from applying. `sample` turns uniform numbers into parameters, for a whole
    batch at once; `add_to` says what an operation with these parameters does to the images.

    Attributes:
        draws: How many uniform numbers it needs for each example.
        only_8_bit: Whether it is made for 256 values, and has no meaning for 65,536.
    """

    draws: ClassVar[int] = 0
    only_8_bit: ClassVar[bool] = False

    def __new__(cls, *_: object, **arguments: object) -> Self:
        """Refuses, by name, arguments that there are not.

        Raises:
            UsageError: Naming the argument.
        """
        known: list[str] = list(getattr(cls, "__dataclass_fields__", ()))
        for name, value in arguments.items():
            if name not in known:
                why = REFUSED.get(name, f"its arguments are: {', '.join(known) or 'none'}")
                msg = f"{cls.__name__} has no argument {name}: {why}. Received: {name}={value!r}."
                raise UsageError(msg)
        return super().__new__(cls)

    def sample(self, uniforms: Floats) -> Floats:
        """Draws the parameters of n images.

        Args:
            uniforms: float64 (n, draws) in [0, 1).

        Returns:
            float64 (n, parameters): what the columns mean is the augmentation's own.
        """
        return uniforms

    @abstractmethod
    def add_to(self, plan: "Plan", rows: Integers, parameters: Floats) -> None:
        """Adds this operation to what happens to some images of a batch.

        Args:
            plan: Of the batch.
            rows: int64 (m,), ascending: which images.
            parameters: float64 (m, parameters), from `sample`.
        """

    def output_size(self, size: Size, *, image_size: Size | None) -> Size:
        """The size of what comes out for an image of a given size: that size, unless overridden."""
        return size
