"""What all values of a feature hold; one that is different is enough to say nothing."""

import numpy as np
import tensorflow as tf

from fitfeed.converters.inspect.byte_content import ContentScan
from fitfeed.converters.inspect.report import Content
from tests.converters.inspect.foreign import picture


def content(*values: bytes) -> Content | None:
    scan = ContentScan()
    for value in values:
        scan.add(value)
    return scan.content


def test_nothing_and_text() -> None:
    assert content() is None
    assert content(b"abc", b"") is None


def test_images_of_one_and_of_several_sizes() -> None:
    one = content(picture("PNG"), picture("PNG"))
    assert one == Content(kind="image", dtype="uint8", shape=(8, 8, 3), formats=("png",), channels=3)
    two = content(picture("PNG"), picture("JPEG", size=9))
    assert two == Content(
        kind="image", dtype="uint8", shape=(None, None, 3), formats=("jpeg", "png"), channels=3
    )


def test_one_value_that_is_none() -> None:
    assert content(picture("PNG"), b"not an image") is None
    tensor = tf.io.serialize_tensor(np.ones((2, 3))).numpy()
    assert content(tensor, tensor) == Content(kind="tensor", dtype="float64", shape=(2, 3))
    assert content(tensor, b"") is None
    assert content(tensor, tf.io.serialize_tensor(np.ones((2, 4))).numpy()) == Content(
        kind="tensor", dtype="float64", shape=(2, None)
    )
    assert content(tensor, tf.io.serialize_tensor(np.ones((2, 4), np.int8)).numpy()) is None
