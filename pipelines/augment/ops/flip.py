"""Flips: mirrors an image."""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np
from typing_extensions import override

from fitfeed.pipelines.arrays.types import Floats, Size
from fitfeed.pipelines.augment.compiler.geometry import GeometricAugmentation, Geometry
from fitfeed.pipelines.augment.ops.arguments import check

FlipMode = Literal["horizontal", "vertical", "horizontal_and_vertical"]


@dataclass(frozen=True)
class RandomFlip(GeometricAugmentation):
    """Flips each image with probability 1/2, as `keras.layers.RandomFlip`.

    Attributes:
        mode: "horizontal" (left-right), "vertical" (top-bottom) or "horizontal_and_vertical" (each
            of the two by its own chance of 1/2; in Keras 3.15 both or neither). Defaults to
            "horizontal_and_vertical".

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
        modes = get_args(FlipMode)
        check(self, "mode", f"one of {', '.join(map(repr, modes))}", valid=self.mode in modes)

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples the flips, 1 or 0, vertical and horizontal: float64 (n, 2)."""
        ways = np.array([self.mode != "horizontal", self.mode != "vertical"])
        flips: Floats = ((uniforms < 0.5) & ways).astype(np.float64)
        return flips

    @override
    def move(self, geometry: Geometry, parameters: Floats, *, image_size: Size | None) -> Geometry:
        """Mirrors."""
        vertical, horizontal = parameters.T > 0
        return geometry.mirror(vertical, horizontal)
