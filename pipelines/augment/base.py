"""Defines what an augmentation is, and what it is added to."""

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
    "dtype": "images stay uint8 or uint16 until make_pipeline(dtype=...) converts the batch",
    "name": "augmentations are not layers",
    "trainable": "augmentations are not layers",
}
"""Arguments of the Keras layers that mean nothing here, and why."""


class PixelPass(Protocol):
    """One pass over the pixels of one image."""

    def size_of(self, pixels: Pixels) -> Size:
        """Returns (height, width) of the output. `pixels`: uint8 or uint16 (H, W, C)."""

    def apply(self, pixels: Pixels, out: Pixels) -> Pixels:
        """Writes the output.

        Args:
            pixels: uint8 or uint16 (H, W, C).
            out: (*size_of(pixels), C) of the same type. It may be `pixels` if the size is the same.

        Returns:
            `out`, or another array of its shape and type.
        """


class PlanBuilder(Protocol):
    """The plan of a batch, to which augmentations add themselves, one after the other.

    There are two plans: `compiler.plan.Plan` for NumPy arrays, each image with passes of its own, and
    `device.plan.DevicePlan` for tensors, all images in the same passes. `rows` are the images that
    an operation is for: int64 (m,), ascending, or on a device a mask. `parameters` are its numbers for
    these images: float64 (m, parameters).
    """

    @property
    def size(self) -> Any:
        """int64 (n, 2): height and width of the images after the operations so far."""

    def move(self, op: Any, rows: Any, parameters: Any) -> None:
        """Adds a `GeometricAugmentation`, which moves pixels."""

    def recolor(self, op: Any, rows: Any, parameters: Any) -> None:
        """Adds a `ColorAugmentation`, which is linear in the colors."""

    def tabulate(self, op: Any, rows: Any, parameters: Any) -> None:
        """Adds a `TableAugmentation`, which is a function of single values."""

    def rotate_hue(self, op: Any, rows: Any, hue_shift: Any, saturation_scale: Any) -> None:
        """Adds an `HsvAugmentation`, which shifts the hue by turns (m,) and multiplies the saturation by (m,)."""

    def append(self, op: "Augmentation", rows: Any, passes: "Iterable[PixelPass]") -> None:
        """Adds an operation that does not fuse with others: one pass for each row."""

    def branch(self, rows: Any) -> "PlanBuilder":
        """Starts a plan for copies of these images, after the operations so far."""

    def finish(self) -> "list[list[PixelPass]]":
        """Completes the passes of every image, and returns them."""


class Augmentation(ABC):
    """An immutable, picklable description of one augmentation. Its arguments are checked when it is made.

    Sampling is separate from applying. `sample` turns uniform numbers into parameters, for a whole
    batch at once; `add_to` says what an operation with these parameters does to the images.

    Attributes:
        draws: How many uniform numbers it needs for each example.
        only_8_bit: Whether it is defined for values of 8 bits only.
        recolors: Whether it may become a `ColorPass`.
    """

    draws: ClassVar[int] = 0
    only_8_bit: ClassVar[bool] = False
    recolors: ClassVar[bool] = False

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
        """Samples the parameters of n images.

        Args:
            uniforms: float64 (n, draws) in [0, 1).

        Returns:
            float64 (n, parameters). Each augmentation defines what the columns mean.
        """
        return uniforms

    @abstractmethod
    def add_to(self, plan: PlanBuilder, rows: Integers, parameters: Floats) -> None:
        """Adds this operation to the plan of some images of a batch.

        Args:
            plan: Plan of the batch.
            rows: int64 (m,), ascending: the images.
            parameters: float64 (m, parameters), from `sample`.
        """

    def output_size(self, size: Size, *, image_size: Size | None) -> Size:
        """Returns the (height, width) of the output for an image of a size. By default it is the same."""
        return size
