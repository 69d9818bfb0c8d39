"""What an augmentation is."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar, Protocol, Self

from fitfeed.pipelines.arrays.types import Floats, Integers, Size
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.payload import Pixels

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


class PixelPass(Protocol):
    """One walk over the pixels of one image."""

    def size_of(self, pixels: Pixels) -> Size:
        """(height, width) of what comes out."""

    def apply(self, pixels: Pixels, out: Pixels) -> Pixels:
        """Writes what comes out, uint8 (*size, C), to `out`, which may be `pixels` if the size is the same."""


class PlanBuilder(Protocol):
    """What augmentations add themselves to, one after the other: the plan of a batch.

    There are two: `compiler.plan.Plan` for NumPy arrays, each image with passes of its own, and
    `device.plan.DevicePlan` for tensors, all images in the same passes. `rows` says which images an
    operation is for (int64 (m,), ascending; on a device a mask), `parameters` with which figures,
    float64 (m, parameters).
    """

    @property
    def size(self) -> Any:
        """int64 (n, 2): height and width of the images as they are so far."""

    def move(self, op: Any, rows: Any, parameters: Any) -> None:
        """Adds a `GeometricAugmentation`."""

    def recolor(self, op: Any, rows: Any, parameters: Any) -> None:
        """Adds a `ColorAugmentation`, linear in the colors."""

    def tabulate(self, op: Any, rows: Any, parameters: Any) -> None:
        """Adds a `TableAugmentation`, a function of single values."""

    def rotate_hue(self, op: Any, rows: Any, hue_shift: Any, saturation_scale: Any) -> None:
        """Adds to the hue, in turns (m,), and multiplies the saturation by a factor (m,)."""

    def append(self, op: "Augmentation", rows: Any, passes: "Iterable[PixelPass]") -> None:
        """Adds an operation that fuses with no other: one pass for each row."""

    def branch(self, rows: Any) -> "PlanBuilder":
        """Starts a plan for copies of these images, as they are so far."""

    def finish(self) -> "list[list[PixelPass]]":
        """Completes the passes of every image, and returns them."""


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
    def add_to(self, plan: PlanBuilder, rows: Integers, parameters: Floats) -> None:
        """Adds this operation to what happens to some images of a batch.

        Args:
            plan: Of the batch.
            rows: int64 (m,), ascending: which images.
            parameters: float64 (m, parameters), from `sample`.
        """

    def output_size(self, size: Size, *, image_size: Size | None) -> Size:
        """The size of what comes out for an image of a given size: that size, unless overridden."""
        return size
