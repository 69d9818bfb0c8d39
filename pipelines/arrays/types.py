"""Names for the array types of augmentation."""

import numpy as np
import numpy.typing as npt

Size = tuple[int, int]
"""(height, width) in pixels."""


Floats = npt.NDArray[np.float64]


Integers = npt.NDArray[np.int64]


Bools = npt.NDArray[np.bool_]
