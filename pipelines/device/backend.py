"""The code that differs between the backends of Keras."""

from typing import Any

import keras
from keras import ops

INDEX = "int32" if keras.backend.backend() == "jax" else "int64"
"""Type of indices. JAX has no 64 bits by default; TensorFlow computes 32-bit integers on the host."""


def gather(values: Any, places: Any) -> Any:
    """Returns rows of a tensor by their numbers, which must all exist.

    Keras lets JAX check for numbers out of range, which makes it take half as long again.

    Args:
        values: Tensor (rows, ...) of any type.
        places: Tensor of row numbers, of any shape and of type `INDEX`.
    """
    if keras.backend.backend() == "jax":
        return values.at[places].get(mode="promise_in_bounds")
    return ops.take(values, places, axis=0)
