"""Mirroring."""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np
import numpy.typing as npt

from pipelines.augment.base import GeometricAugmentation, Size
from pipelines.augment.geometry import Geometry
from schemas.errors import UsageError

FlipMode = Literal["horizontal", "vertical", "horizontal_and_vertical"]


@dataclass(frozen=True)
class RandomFlip(GeometricAugmentation):
    """Flips each image with probability 1/2, as `keras.layers.RandomFlip`.

    Attributes:
        mode: "horizontal" (left-right), "vertical" (top-bottom) or "horizontal_and_vertical" (each
            of the two by its own chance of 1/2). Defaults to "horizontal_and_vertical".

    Example:
        >>> make_pipeline("flowers", "train", batch_size=32, image_size=(224, 224), augment=[RandomFlip("horizontal")])
    """

    mode: FlipMode = "horizontal_and_vertical"
    draws: ClassVar[int] = 2

    def __post_init__(self) -> None:
        """Checks the mode.

        Raises:
            UsageError: If there is no such mode.
        """
        if self.mode not in get_args(FlipMode):
            modes = ", ".join(map(repr, get_args(FlipMode)))
            msg = f"RandomFlip has no such mode. Received: mode={self.mode!r}. Use one of: {modes}."
            raise UsageError(msg)

    def move(
        self, geometry: Geometry, uniforms: npt.NDArray[np.float64], *, image_size: Size | None
    ) -> Geometry:
        """Mirrors where the draw is below 1/2; see the base class."""
        vertical, horizontal = (uniforms < 0.5).T
        return geometry.mirror(vertical & (self.mode != "horizontal"), horizontal & (self.mode != "vertical"))
