"""Names for types of arrays, and what is known of an array before it is made."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Size = tuple[int, int]
"""(height, width) in pixels."""


Floats = npt.NDArray[np.float64]


Integers = npt.NDArray[np.int64]


Bools = npt.NDArray[np.bool_]


class ArraySpec(NamedTuple):
    """What is known of an array before it is made.

    Attributes:
        shape: Its shape; None for a length that differs from array to array.
        dtype: Its type; `object` for str.
    """

    shape: tuple[int | None, ...]
    dtype: np.dtype[Any]
