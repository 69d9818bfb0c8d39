"""Names for the array types of augmentation."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    pass


Size = tuple[int, int]
"""(height, width) in pixels."""


Floats = npt.NDArray[np.float64]


Integers = npt.NDArray[np.int64]


Bools = npt.NDArray[np.bool_]
