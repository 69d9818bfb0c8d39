"""What an augmentation is."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from pipelines.augment.geometry import Geometry

Size = tuple[int, int]
"""(height, width) in pixels."""


class Augmentation:
    """An immutable, picklable description of one augmentation. Validated when made.

    Attributes:
        draws: How many uniform numbers it needs for each example.
    """

    draws: ClassVar[int] = 0


class GeometricAugmentation(Augmentation, ABC):
    """One that moves pixels without changing them: a function from geometry to geometry."""

    @abstractmethod
    def move(
        self, geometry: Geometry, uniforms: npt.NDArray[np.float64], *, image_size: Size | None
    ) -> Geometry:
        """Adds this augmentation to the geometry of n images.

        Args:
            geometry: Of n images, so far.
            uniforms: float64 (n, draws) in [0, 1).
            image_size: The pipeline's, if given.
        """

    def output_size(self, size: Size, *, image_size: Size | None) -> Size:  # for those that do resize
        """The size of what comes out for an image of a given size: that size, unless overridden."""
        return size
