"""Resampling on the device, compiled."""

import numpy as np
import pytest
import tensorflow as tf

from fitfeed.pipelines.device import warp


@pytest.mark.parametrize("fill_mode", ["wrap", "reflect"])
@pytest.mark.parametrize("side", [*range(1, 60), 61, 97, 224, 599])
def test_compiled_borders_are_where_they_should_be(side: int, fill_mode: str) -> None:
    """Compilers divide by multiplying by 1 / side, which is not exact."""
    places = np.arange(-5 * side, 5 * side, dtype=np.float32)
    shown = tf.function(lambda x: warp._continued(x, side, fill_mode), jit_compile=True)(places)
    mirrored = np.r_[np.arange(side), np.arange(side)[::-1]]
    expected = np.arange(side) if fill_mode == "wrap" else mirrored
    np.testing.assert_array_equal(shown, np.resize(np.roll(expected, 5 * side % len(expected)), 10 * side))
