"""Batches of all kinds are counted."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fitfeed.pipelines.monitor.timed_iterator import examples_of

IMAGES, LABELS = np.zeros((4, 8, 8, 3)), np.zeros(4)


@pytest.mark.parametrize(
    "batch",
    [
        IMAGES,
        (IMAGES, LABELS),
        {"image": IMAGES, "label": LABELS},
        [(IMAGES, {"label": LABELS})],
        (7, (IMAGES, LABELS)),
        (np.int64(7), (IMAGES, LABELS)),
        (tf.constant(7), (tf.constant(IMAGES), tf.constant(LABELS))),
        {"step": 7, "none": (), "image": IMAGES},
    ],
)
def test_examples_are_counted_by_the_first_array(batch: Any) -> None:
    assert examples_of(batch) == 4


@pytest.mark.parametrize("batch", [7, (1, 2), (), {}, tf.constant(7), None])
def test_what_has_no_length_has_no_examples(batch: Any) -> None:
    assert examples_of(batch) == 0
