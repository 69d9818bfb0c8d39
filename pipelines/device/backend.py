"""What has to be said to each backend of Keras in its own words."""

from typing import Any

import keras
from keras import ops

INDEX = "int32" if keras.backend.backend() == "jax" else "int64"
"""Type of indices: JAX has no 64 bits; TensorFlow computes with 32-bit integers on the host."""


def gather(values: Any, places: Any) -> Any:
    """Rows of a tensor by their numbers, all of which must be there.

    Keras lets JAX look for numbers that are not there, which takes half as long again as fetching.
    """
    if keras.backend.backend() == "jax":
        return values.at[places].get(mode="promise_in_bounds")
    return ops.take(values, places, axis=0)
