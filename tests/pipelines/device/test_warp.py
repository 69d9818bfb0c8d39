"""Resampling on the device, compiled."""

import numpy as np
import pytest
import tensorflow as tf

from fitfeed.pipelines.device import warp

SIDES = [*range(1, 62, 2), 2, 44, 97, 224, 599]
"""All odd ones up to 61: twice a side has the same digits in floating point. Each is compiled by itself."""


@pytest.mark.slow
@pytest.mark.parametrize("fill_mode", ["wrap", "reflect"])
def test_compiled_borders_are_where_they_should_be(fill_mode: str) -> None:
    """Compilers divide by multiplying by 1 / side, which is not exact."""
    places = [np.arange(-5 * side, 5 * side, dtype=np.float32) for side in SIDES]

    @tf.function(jit_compile=True)  # all at once: compiling takes longer than anything else here
    def continued() -> list[tf.Tensor]:
        return [warp._continued(x, side, fill_mode) for x, side in zip(arrays, SIDES, strict=True)]

    arrays = [tf.Variable(x) for x in places]  # constants would be computed when it is compiled
    for side, shown in zip(SIDES, continued(), strict=True):
        mirrored = np.r_[np.arange(side), np.arange(side)[::-1]]
        expected = np.arange(side) if fill_mode == "wrap" else mirrored
        np.testing.assert_array_equal(
            shown, np.resize(np.roll(expected, 5 * side % len(expected)), 10 * side)
        )
